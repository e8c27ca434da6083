/* SPDX-License-Identifier: MIT
 *
 * http_server.c: libmicrohttpd on libuv.
 *
 * Happy path:
 *   - the library's epoll descriptor is readable (on_poll): MHD_run, which calls us back;
 *   - a request's head is here (on_access, first call): it gets a struct http_request;
 *   - its body comes in pieces (further calls) and is gathered;
 *   - everything is here (the call without a piece): the owner gets it (hand_over). When it answers
 *     at once, the answer is queued; otherwise the connection is suspended;
 *   - http_respond, later: the connection is resumed, of which the library's descriptor shows
 *     nothing: it is run in the loop's next turn and calls on_access once more, which queues the
 *     answer;
 *   - the answer is out (on_completed): the request is freed.
 * After each run the library is asked when it wants the next (plan): at once becomes an idle handle
 * (a timer of 0 ms would starve I/O), later a timer.
 * Failure modes:
 *   - a body too long, or too much in memory: refused at the head when its length is told there;
 *     otherwise what comes too much is thrown away, and refused at its end; a peer that goes on and
 *     on is cut off;
 *   - a peer that is slow, be it on purpose: after request_s without a whole request its connection
 *     is shut down (cut_off), which the library finds as an end;
 *   - the peer goes while the owner has the request: a suspended connection is not looked at, so
 *     this is found when the answer is written;
 *   - the server is closed while the owner has it: the connection is answered with 503 and ends;
 *     the request stays for http_respond, which frees it.
 */
#include "io/http_server.h"

#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/listener.h"

#include <assert.h>
#include <microhttpd.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { METHOD_SIZE = 16, REFUSED_LARGE = 413, REFUSED_BUSY = 503, HANDLES = 3 };

struct header {
    const char *name;
    const char *value;
};

/* A connection of the library's. */
struct connection {
    struct list node;  /* on the server's list of those whose peer has the word */
    int fd;            /* the library's */
    uint64_t since_ms; /* of the loop's clock: since then */
};

struct http_request {
    struct list node;                  /* on the server's list while it is open */
    struct http_server *server;        /* NULL once it was closed */
    struct MHD_Connection *connection; /* NULL the same */
    struct MHD_Response *response;     /* to be queued */
    unsigned status;                   /* of the response */
    unsigned refused;                  /* we answer ourselves with this status; 0: we do not */
    bool is_open;                      /* with the owner, not answered */
    bool is_suspended;
    char method[METHOD_SIZE];
    char *path;
    struct buf body;
    size_t excess; /* bytes thrown away */
    struct header headers[HTTP_HEADERS_MAX];
    unsigned header_count;
};

struct http_server {
    struct http_options options;
    char address[LISTENER_TEXT_SIZE];
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_timer_t timer;
    uv_idle_t kick;     /* run in the next turn */
    unsigned handles;   /* of libuv, not closed yet */
    size_t bodies;      /* bytes of bodies in memory */
    struct list open;   /* requests with the owner */
    struct list slow;   /* struct connection, the longest wait first */
    bool is_in_handler; /* of the owner */
    bool is_closing;
    bool has_resumed; /* a connection since the last run */
    void (*on_closed)(void *context);
    void *closed_context;
};

/* ---- Whose peer has the word: it has not asked yet, or has not read its answer. Silence alone the
 * library would notice, but not one that says a little now and then. */

static void wait_for(struct http_server *s, struct connection *c)
{
    list_remove(&c->node);
    c->since_ms = uv_now(s->kick.loop);
    list_append(&s->slow, &c->node);
}

static struct connection *connection_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **own,
                          enum MHD_ConnectionNotificationCode what)
{
    struct connection *c = *own;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        c = MEM_NEW(struct connection);
        c->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        *own = c;
        wait_for(context, c);
        return;
    }
    list_remove(&c->node);
    mem_free(c);
}

/* How long the one that has waited the longest may still take; false: none waits. */
static bool patience(const struct http_server *s, uint64_t *ms)
{
    uint64_t limit_ms = (uint64_t)s->options.limits.request_s * 1000;
    uint64_t waited_ms;

    if (list_is_empty(&s->slow))
        return false;
    waited_ms = uv_now(s->kick.loop) - LIST_ITEM(s->slow.next, struct connection, node)->since_ms;
    *ms = waited_ms < limit_ms ? limit_ms - waited_ms : 0;
    return true;
}

static void cut_off(struct http_server *s)
{
    uint64_t ms;

    while (patience(s, &ms) && !ms) {
        struct connection *c = LIST_ITEM(list_pop(&s->slow), struct connection, node);

        (void)shutdown(c->fd, SHUT_RDWR); /* fails where the peer was faster */
    }
}

/* ---- Answering. */

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    /* It refuses only what is no header: our mistake, and the answer is right without it. */
    (void)MHD_add_response_header(response, name, value);
}

static struct MHD_Response *new_response(const char *content_type, const void *body, size_t len)
{
    char *copy = mem_alloc(len + 1);
    struct MHD_Response *response;

    if (len)
        memcpy(copy, body, len);
    response = mem_check(MHD_create_response_from_buffer_with_free_callback(len, copy, mem_free));
    add_header(response, "Cache-Control", "no-store");
    add_header(response, "X-Content-Type-Options", "nosniff");
    if (content_type)
        add_header(response, "Content-Type", content_type);
    return response;
}

static void free_request(struct http_request *r)
{
    if (r->response)
        MHD_destroy_response(r->response);
    buf_free(&r->body);
    mem_free(r->path);
    mem_free(r);
}

void http_add_header(struct http_request *request, const char *name, const char *value)
{
    assert(request->header_count < HTTP_HEADERS_MAX);
    request->headers[request->header_count++] = (struct header){name, value};
}

static void set_response(struct http_request *r, unsigned status, struct MHD_Response *response)
{
    r->status = status;
    r->response = response;
    for (unsigned i = 0; i < r->header_count; i++)
        add_header(response, r->headers[i].name, r->headers[i].value);
}

static void on_kick(uv_idle_t *kick);

static void resume(struct http_request *r)
{
    r->is_suspended = false;
    r->server->has_resumed = true;
    MHD_resume_connection(r->connection);
    if (!r->server->is_closing)
        (void)uv_idle_start(&r->server->kick, on_kick); /* cannot fail */
}

void http_respond(struct http_request *request, unsigned status, const char *content_type,
                  const void *body, size_t len)
{
    assert(request->is_open);
    request->is_open = false;
    if (!request->server) {
        free_request(request);
        return;
    }
    list_remove(&request->node);
    set_response(request, status, new_response(content_type, body, len));
    if (!request->is_suspended)
        return; /* from inside on_request: hand_over queues it */
    resume(request);
}

static enum MHD_Result queue(struct http_request *r)
{
    wait_for(r->server, connection_of(r->connection));
    return MHD_queue_response(r->connection, r->status, r->response);
}

static enum MHD_Result refuse(struct http_request *r)
{
    static const char large[] = "the body is too large\n";
    static const char busy[] = "too much at once\n";
    const char *text = r->refused == REFUSED_LARGE ? large : busy;

    if (r->refused == REFUSED_BUSY)
        http_add_header(r, "Retry-After", "1");
    set_response(r, r->refused, new_response("text/plain", text, strlen(text)));
    return queue(r);
}

/* ---- A request comes in. */

static size_t announced_length(struct MHD_Connection *connection)
{
    const char *text = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
    int64_t len;

    return text && text_to_int(text, 0, INT64_MAX, &len) ? (size_t)len : 0;
}

/* 0, or the status to refuse `more` bytes of a body with. */
static unsigned refusal(const struct http_request *r, size_t more)
{
    const struct http_limits *limits = &r->server->options.limits;

    if (more > limits->body_max - r->body.len)
        return REFUSED_LARGE;
    if (limits->bodies_max && r->server->bodies + more > limits->bodies_max)
        return REFUSED_BUSY;
    return 0;
}

static enum MHD_Result begin(struct http_request *r, const char *path, const char *method)
{
    wait_for(r->server, connection_of(r->connection)); /* for its body */
    text_copy(r->method, sizeof(r->method), method, strlen(method));
    if (strcmp(method, "HEAD") == 0)
        memcpy(r->method, "GET", sizeof("GET"));
    r->path = mem_strdup(path);
    r->body = buf_new(r->server->options.limits.body_max);
    r->refused = refusal(r, announced_length(r->connection));
    return r->refused ? refuse(r) : MHD_YES;
}

/* A refused one makes room at once, or many at a time would all be refused half-way. */
static void forget_body(struct http_request *r)
{
    r->server->bodies -= r->body.len;
    buf_free(&r->body);
}

static enum MHD_Result gather(struct http_request *r, const char *piece, size_t len)
{
    if (!r->refused)
        r->refused = refusal(r, len);
    if (r->refused) {
        forget_body(r);
        r->excess += len;
        return r->excess <= r->server->options.limits.body_max ? MHD_YES : MHD_NO;
    }
    buf_add(&r->body, piece, len);
    r->server->bodies += len;
    return MHD_YES;
}

static enum MHD_Result hand_over(struct http_request *r)
{
    struct http_server *s = r->server;

    r->is_open = true;
    list_append(&s->open, &r->node);
    s->is_in_handler = true;
    s->options.on_request(s->options.context, r);
    s->is_in_handler = false;
    if (r->response)
        return queue(r);
    r->is_suspended = true;
    list_remove(&connection_of(r->connection)->node);
    MHD_suspend_connection(r->connection);
    return MHD_YES;
}

static enum MHD_Result on_access(void *context, struct MHD_Connection *connection, const char *path,
                                 const char *method, const char *version, const char *piece,
                                 size_t *piece_len, void **request)
{
    struct http_request *r = *request;
    size_t len = *piece_len;

    (void)version;
    if (!r) {
        r = MEM_NEW(struct http_request);
        r->server = context;
        r->connection = connection;
        *request = r;
        return begin(r, path, method);
    }
    *piece_len = 0;
    if (len > 0)
        return gather(r, piece, len);
    if (r->response)
        return queue(r);
    if (r->server->is_closing)
        r->refused = REFUSED_BUSY;
    return r->refused ? refuse(r) : hand_over(r);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **request,
                         enum MHD_RequestTerminationCode how)
{
    struct http_server *s = context;
    struct http_request *r = *request;

    wait_for(s, connection_of(connection));
    (void)how; /* whatever became of the connection, this request is over */
    *request = NULL;
    if (!r)
        return;
    s->bodies -= r->body.len;
    r->server = NULL;
    r->connection = NULL;
    if (r->is_open)
        list_remove(&r->node);
    else
        free_request(r);
}

/* ---- What the owner asks. */

const char *http_request_method(const struct http_request *request)
{
    return request->method;
}

const char *http_request_path(const struct http_request *request)
{
    return request->path;
}

static const char *look_up(const struct http_request *r, enum MHD_ValueKind kind, const char *name)
{
    return r->connection ? MHD_lookup_connection_value(r->connection, kind, name) : NULL;
}

const char *http_request_query(const struct http_request *request, const char *name)
{
    return look_up(request, MHD_GET_ARGUMENT_KIND, name);
}

const char *http_request_header(const struct http_request *request, const char *name)
{
    return look_up(request, MHD_HEADER_KIND, name);
}

const char *http_request_body(const struct http_request *request, size_t *len)
{
    *len = request->body.len;
    return buf_text(&request->body);
}

/* ---- The library on our loop. */

static void on_timer(uv_timer_t *timer);

/* When does the library want to run again? */
static void plan(struct http_server *s)
{
    MHD_UNSIGNED_LONG_LONG ms = 0;
    bool wants = MHD_get_timeout(s->daemon, &ms) == MHD_YES;
    uint64_t left_ms;

    if (patience(s, &left_ms) && (!wants || left_ms < ms)) {
        wants = true;
        ms = left_ms;
    }

    if (s->has_resumed || (wants && ms == 0)) {
        (void)uv_idle_start(&s->kick, on_kick); /* cannot fail */
        return;
    }
    (void)uv_idle_stop(&s->kick); /* cannot fail */
    if (wants && (!uv_is_active((uv_handle_t *)&s->timer) || uv_timer_get_due_in(&s->timer) > ms))
        (void)uv_timer_start(&s->timer, on_timer, ms, 0); /* cannot fail */
}

static void run(struct http_server *s)
{
    s->has_resumed = false;
    cut_off(s);
    (void)MHD_run(s->daemon); /* fails only for a daemon of another mode */
    plan(s);
}

static void on_kick(uv_idle_t *kick)
{
    run(kick->data);
}

static void on_timer(uv_timer_t *timer)
{
    run(timer->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status; /* an epoll descriptor has no errors of its own */
    (void)events;
    run(poll->data);
}

/* The library owns `fd` from here on. */
static struct MHD_Daemon *start_library(struct http_server *s, int fd)
{
    return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_access, s,
                            MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_CONNECTION,
                            on_connection, s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
                            MHD_OPTION_CONNECTION_LIMIT, s->options.limits.connections_max,
                            MHD_OPTION_CONNECTION_TIMEOUT, s->options.limits.request_s,
                            MHD_OPTION_END);
}

static bool watch_library(struct http_server *s, uv_loop_t *loop)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);

    if (!info || uv_poll_init(loop, &s->poll, info->epoll_fd) != 0)
        return false;
    (void)uv_timer_init(loop, &s->timer); /* cannot fail */
    (void)uv_idle_init(loop, &s->kick);   /* cannot fail */
    s->handles = HANDLES;
    s->poll.data = s;
    s->timer.data = s;
    s->kick.data = s;
    (void)uv_poll_start(&s->poll, UV_READABLE, on_poll); /* the descriptor was looked at above */
    plan(s);
    return true;
}

bool http_server_open(uv_loop_t *loop, const struct http_options *options, struct http_server **out,
                      struct err *e)
{
    struct http_server *s = MEM_NEW(struct http_server);
    int fd;

    s->options = *options;
    list_init(&s->open);
    list_init(&s->slow);
    if (!listener_open(options->listen, &fd, s->address, e)) {
        mem_free(s);
        return false;
    }
    s->daemon = start_library(s, fd);
    if (s->daemon && watch_library(s, loop)) {
        *out = s;
        return true;
    }
    if (s->daemon)
        MHD_stop_daemon(s->daemon);
    else
        (void)close(fd); /* nobody else has it */
    mem_free(s);
    return err_set(e, EXIT_CANT_CREATE, "cannot serve HTTP on %s: no descriptors or memory left",
                   options->listen);
}

const char *http_server_address(const struct http_server *server)
{
    return server->address;
}

/* ---- Closing. */

static void on_handle_closed(uv_handle_t *handle)
{
    struct http_server *s = handle->data;

    if (--s->handles)
        return;
    if (s->on_closed)
        s->on_closed(s->closed_context);
    mem_free(s);
}

/* What the owner still has is answered here; the library wants none suspended when it stops. */
static void answer_open(struct http_server *s)
{
    static const char text[] = "going down\n";
    struct http_request *r;

    for (struct list *node = s->open.next; node != &s->open; node = node->next) {
        r = LIST_ITEM(node, struct http_request, node);
        set_response(r, REFUSED_BUSY, new_response("text/plain", text, strlen(text)));
        resume(r);
    }
    (void)MHD_run(s->daemon); /* fails only for a daemon of another mode */
}

void http_server_close(struct http_server *server, void (*on_closed)(void *context), void *context)
{
    assert(!server->is_in_handler);
    server->is_closing = true;
    server->on_closed = on_closed;
    server->closed_context = context;
    uv_close((uv_handle_t *)&server->poll, on_handle_closed);
    uv_close((uv_handle_t *)&server->timer, on_handle_closed);
    uv_close((uv_handle_t *)&server->kick, on_handle_closed);
    answer_open(server);
    MHD_stop_daemon(server->daemon);
}
