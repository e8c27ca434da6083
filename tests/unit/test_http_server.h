/* SPDX-License-Identifier: MIT
 *
 * test_http_server.h: a server on a loop, raw clients in a thread.
 */
#ifndef TEST_HTTP_SERVER_H
#define TEST_HTTP_SERVER_H

#include "io/http_server.h"

#include "base/buf.h"
#include "base/mem.h"

#include "test_loop_util.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
/* After what it needs. */
#include <cmocka.h>

enum { BODY_MAX = 100000, BODIES_MAX = 150000, HELD_MAX = 8, ANSWER_MAX = 1 << 20 };

struct world {
    uv_loop_t loop;
    struct http_server *server;
    struct http_request *held[HELD_MAX]; /* those to /hold */
    atomic_uint held_count;
    bool has_closed;
    int port;
    unsigned request_s;
    unsigned asked;
    size_t body_len;
    uint64_t body_sum;
    struct buf answer; /* what the client read */
};

/* ---- The owner. */

static inline void on_server_closed(void *context)
{
    ((struct world *)context)->has_closed = true;
}

static inline void close_now(struct world *w)
{
    if (w->server)
        http_server_close(w->server, on_server_closed, w);
    w->server = NULL;
}

static inline void respond(struct http_request *r, unsigned status, const char *text)
{
    http_respond(r, status, "text/plain; charset=utf-8", text, strlen(text));
}

static inline void let_go(struct world *w)
{
    for (unsigned i = 0; i < w->held_count; i++)
        respond(w->held[i], 200, "let go");
    w->held_count = 0;
}

static inline void describe(struct world *w, struct http_request *r)
{
    size_t len;
    const char *body = http_request_body(r, &len);
    const char *query = http_request_query(r, "hub.mode");
    const char *header = http_request_header(r, "x-seen");
    char text[512];

    w->body_len = len;
    w->body_sum = 0;
    for (size_t i = 0; i < len; i++)
        w->body_sum = w->body_sum * 31 + (unsigned char)body[i];
    assert_true(snprintf(text, sizeof(text), "<%s|%s|%s|%s|%zu>", http_request_method(r),
                         http_request_path(r), query ? query : "-", header ? header : "-",
                         len) > 0);
    http_add_header(r, "X-Own", "yes");
    respond(r, 201, text);
}

static inline void on_request(void *context, struct http_request *r)
{
    struct world *w = context;

    w->asked++;
    if (strcmp(http_request_path(r), "/hold") == 0) {
        assert_true(w->held_count < HELD_MAX);
        w->held[w->held_count++] = r;
        return;
    }
    if (strcmp(http_request_path(r), "/let-go") == 0)
        let_go(w);
    describe(w, r);
}

static inline void on_done(void *context)
{
    close_now(context);
}

static inline int make_world(void **state)
{
    struct world *w = MEM_NEW(struct world);

    w->answer = buf_new(ANSWER_MAX);
    w->request_s = 60;
    *state = w;
    return uv_loop_init(&w->loop);
}

static inline int end_world(void **state)
{
    struct world *w = *state;
    int result = uv_loop_close(&w->loop);

    buf_free(&w->answer);
    mem_free(w);
    return result;
}

static inline void open_server(struct world *w, const char *listen, const char *begins)
{
    struct http_options options = {
        .listen = listen,
        .limits = {BODY_MAX, BODIES_MAX, 32, w->request_s},
        .context = w,
        .on_request = on_request,
    };
    struct err e;

    if (!http_server_open(&w->loop, &options, &w->server, &e))
        fail_msg("%s", e.text);
    assert_int_equal(strncmp(http_server_address(w->server), begins, strlen(begins)), 0);
    w->port = (int)strtol(strrchr(http_server_address(w->server), ':') + 1, NULL, 10);
}

static inline void run_with(struct world *w, void (*client)(void *))
{
    struct played p = {.play = client, .on_done = on_done, .context = w};

    open_server(w, "127.0.0.1:0", "127.0.0.1:");
    play(&w->loop, &p);
    assert_true(w->has_closed);
}

/* ---- The clients. */

static inline int connect_to(const struct world *w)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)w->port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        abort();
    return fd;
}

static inline void say(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);

        if (sent <= 0)
            return; /* the server has had enough */
        bytes += sent;
        len -= (size_t)sent;
    }
}

static inline void say_text(int fd, const char *text)
{
    say(fd, text, strlen(text));
}

/* Everything until the server closes. */
static inline void read_all(struct world *w, int fd)
{
    char piece[4096];
    ssize_t got;

    while ((got = recv(fd, piece, sizeof(piece), 0)) > 0)
        buf_add(&w->answer, piece, (size_t)got);
    (void)close(fd);
}

static inline void ask(struct world *w, const char *text)
{
    int fd = connect_to(w);

    say_text(fd, text);
    read_all(w, fd);
}

static inline bool has(const struct world *w, const char *text)
{
    return strstr(buf_text(&w->answer), text);
}

static inline void say_body(int fd, size_t len)
{
    char *body = mem_alloc(len);

    for (size_t i = 0; i < len; i++)
        body[i] = (char)(i * 7);
    say(fd, body, len);
    mem_free(body);
}

static inline void wait_for_held(struct world *w, unsigned count)
{
    while (w->held_count < count)
        ask(w, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    buf_clear(&w->answer);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, make_world, end_world)

#endif
