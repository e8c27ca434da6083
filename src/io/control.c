/* SPDX-License-Identifier: MIT
 *
 * control.c: the daemon's side of the control socket.
 *
 * Happy path:
 *   - a client connects (on_connection) and is let in (accept_client);
 *   - its bytes arrive (on_read) and gather in `in`; a whole line is parsed and handed to the owner
 *     (serve); the client is busy;
 *   - the owner answers, now or later (control_reply): the answer is written; on_written makes the
 *     client free for its next line;
 *   - the client closes its half (on_read with an error): what it has asked is still answered, then
 *     it is closed.
 * Failure modes:
 *   - a client that may not ask, or is one too many: told, and closed;
 *   - a line that is no question: answered with the reason, here; one without end: and closed;
 *   - a client that asks faster than it is answered: not read from once it has a line's length
 *     waiting;
 *   - a client that goes while its request is with the owner: closed, and freed by control_reply;
 *   - control_close while requests are with the owner: the same.
 */
#include "io/control.h"

#include "base/list.h"
#include "base/mem.h"
#include "io/control_socket.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

enum {
    READ_SIZE = 65536,
    BACKLOG = 128,
    /* What is read on until a line's length waits (pause_or_read), behind what is served and not
     * dropped yet (drop_line). */
    IN_MAX = CONTROL_LINE_MAX + 2 * READ_SIZE,
};

struct control_request {
    bool is_open; /* with the owner */
};

struct client {
    struct list node; /* on the control's list; on none once it is closed */
    struct control_request request;
    struct control *control; /* NULL once its handle is closed */
    uv_pipe_t pipe;
    uv_write_t write;
    struct buf in;   /* what came and is not served: from `at` on */
    size_t at;       /* where the next line begins */
    size_t searched; /* bytes from `at` on that hold no newline */
    struct buf out;  /* the answer being written */
    bool is_writing;
    bool is_paused;  /* not read from: enough waits */
    bool has_ended;  /* will ask no more */
    bool is_dropped; /* closed when its answer is written */
};

struct control {
    uv_pipe_t listener;
    struct control_handler handler;
    char *path;
    struct control_file file;
    struct list clients;
    unsigned client_count;
    unsigned handles; /* of libuv, not closed yet */
    void (*on_closed)(void *context);
    void *closed_context;
    char scratch[READ_SIZE]; /* what libuv reads into */
};

static void serve(struct client *c);

/* ---- Closing. */

static void free_client(struct client *c)
{
    buf_free(&c->in);
    buf_free(&c->out);
    mem_free(c);
}

static void handle_closed(struct control *control)
{
    if (--control->handles)
        return;
    if (control->on_closed)
        control->on_closed(control->closed_context);
    mem_free(control->path);
    mem_free(control);
}

static void on_client_closed(uv_handle_t *handle)
{
    struct client *c = handle->data;
    struct control *control = c->control;

    c->control = NULL;
    if (!c->request.is_open)
        free_client(c);
    handle_closed(control);
}

static void on_listener_closed(uv_handle_t *handle)
{
    handle_closed(handle->data);
}

static void close_client(struct client *c)
{
    if (uv_is_closing((uv_handle_t *)&c->pipe))
        return;
    list_remove(&c->node);
    c->control->client_count--;
    uv_close((uv_handle_t *)&c->pipe, on_client_closed);
}

/* ---- Answering. */

static void on_written(uv_write_t *write, int status)
{
    struct client *c = write->data;

    c->is_writing = false;
    if (status < 0 || c->is_dropped)
        close_client(c);
    else
        serve(c);
}

static void write_answer(struct client *c)
{
    uv_buf_t bytes;

    buf_addc(&c->out, '\n');
    bytes = uv_buf_init(c->out.data, (unsigned)c->out.len);
    c->write.data = c;
    c->is_writing = true;
    if (uv_write(&c->write, (uv_stream_t *)&c->pipe, &bytes, 1, on_written) != 0) {
        c->is_writing = false;
        close_client(c);
    }
}

static void write_error(struct buf *out, enum exit_code code, const char *text)
{
    struct json_writer w = {.out = out};

    json_begin(&w, NULL, '{');
    json_put_int(&w, "v", 1);
    json_put_bool(&w, "ok", false);
    json_put_int(&w, "code", code);
    json_put_string(&w, "error", text);
    json_end(&w, '}');
}

static void answer_error(struct client *c, enum exit_code code, const char *text)
{
    buf_clear(&c->out);
    write_error(&c->out, code, text);
    write_answer(c);
}

void control_reply(struct control_request *request, const char *text)
{
    struct client *c = CONTAINER_OF(request, struct client, request);

    assert(request->is_open);
    request->is_open = false;
    if (!c->control) {
        free_client(c);
        return;
    }
    if (uv_is_closing((uv_handle_t *)&c->pipe))
        return; /* on_client_closed frees it */
    buf_clear(&c->out);
    buf_adds(&c->out, text);
    if (buf_ok(&c->out) && c->out.len <= CONTROL_ANSWER_MAX)
        write_answer(c);
    else
        answer_error(c, EXIT_BUG, "the answer is longer than the control socket carries");
}

void control_refuse(struct control_request *request, const struct err *why)
{
    struct buf text = buf_new(CONTROL_ANSWER_MAX);

    write_error(&text, why->code, why->text);
    control_reply(request, buf_text(&text));
    buf_free(&text);
}

/* ---- Asking. */

static size_t unserved(const struct client *c)
{
    return c->in.len - c->at;
}

/* The next whole line: where it begins, and its length without the newline. */
static const char *next_line(struct client *c, size_t *len)
{
    const char *line = buf_text(&c->in) + c->at;
    const char *end = unserved(c) > c->searched
                          ? memchr(line + c->searched, '\n', unserved(c) - c->searched)
                          : NULL;

    if (!end) {
        c->searched = unserved(c);
        return NULL;
    }
    *len = (size_t)(end - line);
    return line;
}

/* The line is done with; its memory goes once there is enough of it. */
static void drop_line(struct client *c, size_t len)
{
    c->at += len + 1;
    c->searched = 0;
    if (c->at < c->in.len && c->at < READ_SIZE)
        return;
    buf_consume(&c->in, c->at);
    c->at = 0;
}

static void serve_line(struct client *c, const char *line, size_t len)
{
    struct err e = {.code = EXIT_USAGE, .text = "a question is one JSON object a line"};
    struct json *body = json_parse(line, len, CONTROL_LINE_MAX, &e);

    drop_line(c, len);
    if (json_type(body) == JSON_OBJECT) {
        c->request.is_open = true;
        c->control->handler.on_request(c->control->handler.context, &c->request, body);
    } else {
        answer_error(c, EXIT_USAGE, e.text);
    }
    json_free(body);
}

static void drop_for_length(struct client *c)
{
    c->is_dropped = true;
    (void)uv_read_stop((uv_stream_t *)&c->pipe); /* cannot fail */
    answer_error(c, EXIT_BAD_DATA, "the line is longer than 1 MiB");
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct client *c = handle->data;

    (void)suggested;
    *out = uv_buf_init(c->control->scratch, READ_SIZE);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *bytes)
{
    struct client *c = stream->data;

    if (got == 0)
        return;
    if (got > 0)
        buf_add(&c->in, bytes->base, (size_t)got);
    else
        c->has_ended = true;
    serve(c);
}

/* Reads from those who have room for more. */
static void pause_or_read(struct client *c)
{
    bool is_full = unserved(c) > CONTROL_LINE_MAX;

    if (is_full == c->is_paused || c->has_ended)
        return;
    c->is_paused = is_full;
    if (is_full)
        (void)uv_read_stop((uv_stream_t *)&c->pipe); /* cannot fail */
    else if (uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read) != 0)
        close_client(c);
}

/* Whatever can be done for the client now. */
static void serve(struct client *c)
{
    const char *line = NULL;
    size_t len;

    while (!c->request.is_open && !c->is_writing && !c->is_dropped &&
           !uv_is_closing((uv_handle_t *)&c->pipe)) {
        line = next_line(c, &len);
        if (line && len <= CONTROL_LINE_MAX)
            serve_line(c, line, len);
        else if (line || unserved(c) > CONTROL_LINE_MAX)
            drop_for_length(c);
        else if (c->has_ended)
            close_client(c);
        else
            break;
    }
    if (!c->is_dropped && !uv_is_closing((uv_handle_t *)&c->pipe))
        pause_or_read(c);
}

/* ---- Coming in. */

static void refuse_client(struct client *c, enum exit_code code, const char *text)
{
    c->is_dropped = true;
    answer_error(c, code, text);
}

static void let_in(struct client *c)
{
    int fd = -1;

    if (uv_fileno((uv_handle_t *)&c->pipe, &fd) != 0 || !control_peer_is_allowed(fd))
        refuse_client(c, EXIT_NO_PERMISSION, "only the daemon's own user and root may ask it");
    else if (c->control->client_count > CONTROL_CLIENTS_MAX)
        refuse_client(c, EXIT_TRY_LATER, "too many ask the daemon at once; try again later");
    else if (uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read) != 0)
        close_client(c);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct control *control = listener->data;
    struct client *c;

    if (status < 0)
        return; /* gone before it was here, or no descriptor left: it may try again */
    c = MEM_NEW(struct client);
    c->control = control;
    c->in = buf_new(IN_MAX);
    c->out = buf_new(CONTROL_ANSWER_MAX + 1);
    (void)uv_pipe_init(listener->loop, &c->pipe, 0); /* cannot fail */
    c->pipe.data = c;
    list_append(&control->clients, &c->node);
    control->client_count++;
    control->handles++;
    if (uv_accept(listener, (uv_stream_t *)&c->pipe) == 0)
        let_in(c);
    else
        close_client(c);
}

static bool listen_on(struct control *control, const char *path, int fd, struct err *e)
{
    int result = uv_pipe_open(&control->listener, fd);

    if (result != 0)
        (void)close(fd); /* the handle did not take it */
    else
        result = uv_listen((uv_stream_t *)&control->listener, BACKLOG, on_connection);
    return result == 0 || err_set(e, EXIT_CANT_CREATE, "control.socket: cannot listen on %s: %s",
                                  path, uv_strerror(result));
}

bool control_open(uv_loop_t *loop, const char *path, const struct control_handler *handler,
                  struct control **out, struct err *e)
{
    struct control *control;
    struct control_file file;
    int fd;

    if (!control_bind(path, &fd, &file, e))
        return false;
    control = MEM_NEW(struct control);
    control->handler = *handler;
    control->path = mem_strdup(path);
    control->file = file;
    control->handles = 1;
    list_init(&control->clients);
    (void)uv_pipe_init(loop, &control->listener, 0); /* cannot fail */
    control->listener.data = control;
    *out = control;
    if (listen_on(control, path, fd, e))
        return true;
    control_close(control, NULL, NULL);
    return false;
}

void control_close(struct control *control, void (*on_closed)(void *context), void *context)
{
    control->on_closed = on_closed;
    control->closed_context = context;
    control_unlink(control->path, &control->file);
    while (!list_is_empty(&control->clients))
        close_client(LIST_ITEM(control->clients.next, struct client, node));
    uv_close((uv_handle_t *)&control->listener, on_listener_closed);
}
