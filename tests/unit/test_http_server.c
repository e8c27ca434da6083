/* SPDX-License-Identifier: MIT
 *
 * test_http_server.c: the server on a loop, raw clients in a thread.
 */
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

static void on_server_closed(void *context)
{
    ((struct world *)context)->has_closed = true;
}

static void close_now(struct world *w)
{
    if (w->server)
        http_server_close(w->server, on_server_closed, w);
    w->server = NULL;
}

static void respond(struct http_request *r, unsigned status, const char *text)
{
    http_respond(r, status, "text/plain; charset=utf-8", text, strlen(text));
}

static void let_go(struct world *w)
{
    for (unsigned i = 0; i < w->held_count; i++)
        respond(w->held[i], 200, "let go");
    w->held_count = 0;
}

static void describe(struct world *w, struct http_request *r)
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

static void on_request(void *context, struct http_request *r)
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

static void on_done(void *context)
{
    close_now(context);
}

static int make_world(void **state)
{
    struct world *w = MEM_NEW(struct world);

    w->answer = buf_new(ANSWER_MAX);
    w->request_s = 60;
    *state = w;
    return uv_loop_init(&w->loop);
}

static int end_world(void **state)
{
    struct world *w = *state;
    int result = uv_loop_close(&w->loop);

    buf_free(&w->answer);
    mem_free(w);
    return result;
}

static void open_server(struct world *w, const char *listen, const char *begins)
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

static void run_with(struct world *w, void (*client)(void *))
{
    struct played p = {.play = client, .on_done = on_done, .context = w};

    open_server(w, "127.0.0.1:0", "127.0.0.1:");
    play(&w->loop, &p);
    assert_true(w->has_closed);
}

/* ---- The clients. */

static int connect_to(const struct world *w)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)w->port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        abort();
    return fd;
}

static void say(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);

        if (sent <= 0)
            return; /* the server has had enough */
        bytes += sent;
        len -= (size_t)sent;
    }
}

static void say_text(int fd, const char *text)
{
    say(fd, text, strlen(text));
}

/* Everything until the server closes. */
static void read_all(struct world *w, int fd)
{
    char piece[4096];
    ssize_t got;

    while ((got = recv(fd, piece, sizeof(piece), 0)) > 0)
        buf_add(&w->answer, piece, (size_t)got);
    (void)close(fd);
}

static void ask(struct world *w, const char *text)
{
    int fd = connect_to(w);

    say_text(fd, text);
    read_all(w, fd);
}

static bool has(const struct world *w, const char *text)
{
    return strstr(buf_text(&w->answer), text);
}

static void getting_client(void *context)
{
    ask(context, "GET /a%20b?hub.mode=sub%26x&y HTTP/1.1\r\nHost: x\r\nX-SEEN: me\r\n"
                 "Connection: close\r\n\r\n");
}

static void test_a_get_is_answered(void **state)
{
    struct world *w = *state;

    run_with(w, getting_client);
    assert_true(has(w, "HTTP/1.1 201 Created\r\n"));
    assert_true(has(w, "<GET|/a b|sub&x|me|0>"));
    assert_true(has(w, "X-Own: yes\r\n"));
    assert_true(has(w, "Content-Type: text/plain; charset=utf-8\r\n"));
    assert_true(has(w, "Cache-Control: no-store\r\n"));
}

static void heading_client(void *context)
{
    ask(context, "HEAD /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
}

static void test_head_is_get_without_the_body(void **state)
{
    struct world *w = *state;

    run_with(w, heading_client);
    assert_true(has(w, "HTTP/1.1 201"));
    assert_true(has(w, "Content-Length: 14\r\n"));
    assert_false(has(w, "<GET"));
}

static uint64_t sum_of(size_t len)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < len; i++)
        sum = sum * 31 + (unsigned char)(i * 7);
    return sum;
}

static void say_body(int fd, size_t len)
{
    char *body = mem_alloc(len);

    for (size_t i = 0; i < len; i++)
        body[i] = (char)(i * 7);
    say(fd, body, len);
    mem_free(body);
}

static void posting_client(void *context)
{
    struct world *w = context;
    int fd = connect_to(w);

    say_text(fd,
             "POST /p HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n");
    say_body(fd, BODY_MAX);
    read_all(w, fd);
}

static void test_a_body_comes_whole_and_raw(void **state)
{
    struct world *w = *state;

    run_with(w, posting_client);
    assert_true(has(w, "<POST|/p|-|-|100000>"));
    assert_true(w->body_sum == sum_of(BODY_MAX));
}

static void large_client(void *context)
{
    struct world *w = context;

    ask(w, "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\nxyz");
    ask(w, "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\nxyz");
}

static void test_a_large_body_is_refused_at_its_head(void **state)
{
    struct world *w = *state;

    run_with(w, large_client);
    assert_int_equal(w->asked, 0);
    assert_true(has(w, "HTTP/1.1 413 "));
    assert_true(has(w, "the body is too large"));
}

static void chunked(struct world *w, size_t len)
{
    int fd = connect_to(w);
    char head[32];

    say_text(fd, "POST /p HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n");
    assert(snprintf(head, sizeof(head), "%zx\r\n", len) > 0);
    say_text(fd, head);
    say_body(fd, len);
    say_text(fd, "\r\n0\r\n\r\n");
    read_all(w, fd);
}

static void chunking_client(void *context)
{
    chunked(context, BODY_MAX);
    chunked(context, BODY_MAX + 1);
    chunked(context, (size_t)16 << 20); /* cut off */
}

static void test_a_large_body_without_a_length_is_refused(void **state)
{
    struct world *w = *state;

    run_with(w, chunking_client);
    assert_int_equal(w->asked, 1);
    assert_true(has(w, "<POST|/p|-|-|100000>"));
    assert_true(has(w, "HTTP/1.1 413 "));
}

static void wait_for_held(struct world *w, unsigned count)
{
    while (w->held_count < count)
        ask(w, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    buf_clear(&w->answer);
}

static const char hold[] = "GET /hold HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
static const char go[] = "GET /let-go HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

static void patient_client(void *context)
{
    struct world *w = context;
    int fds[2] = {connect_to(w), connect_to(w)};

    say_text(fds[0], hold);
    say_text(fds[1], hold);
    wait_for_held(w, 2);
    ask(w, go);
    buf_clear(&w->answer);
    read_all(w, fds[0]);
    read_all(w, fds[1]);
}

static void test_answers_may_come_later(void **state)
{
    struct world *w = *state;
    const char *first;

    run_with(w, patient_client);
    first = strstr(buf_text(&w->answer), "let go");
    assert_non_null(first);
    assert_non_null(strstr(first + 1, "let go"));
}

static void fleeing_client(void *context)
{
    struct world *w = context;
    int fd = connect_to(w);

    say_text(fd, hold);
    wait_for_held(w, 1);
    (void)close(fd);
    ask(w, go);
    buf_clear(&w->answer);
    ask(w, "GET /after HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
}

static void test_a_peer_may_go_before_its_answer(void **state)
{
    struct world *w = *state;

    run_with(w, fleeing_client);
    assert_true(has(w, "<GET|/after|"));
}

static void deserted_client(void *context)
{
    struct world *w = context;
    int fd = connect_to(w);

    say_text(fd, "POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    wait_for_held(w, 1);
    /* on_done closes the server; what it says last is read by the test. */
    w->port = fd;
}

static void test_closing_answers_what_is_open(void **state)
{
    struct world *w = *state;
    size_t len;

    run_with(w, deserted_client);
    read_all(w, w->port);
    assert_true(has(w, "HTTP/1.1 503 "));
    assert_int_equal(w->held_count, 1);
    assert_string_equal(http_request_path(w->held[0]), "/hold");
    assert_string_equal(http_request_body(w->held[0], &len), "hello");
    assert_null(http_request_header(w->held[0], "Host"));
    let_go(w); /* after everything is closed */
}

/* Two bodies in memory: the third has no room. */
static void heavy_client(void *context)
{
    struct world *w = context;
    static const char post[] = "POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";
    int first = connect_to(w);

    say_text(first, post);
    say_body(first, BODY_MAX);
    wait_for_held(w, 1);
    ask(w, post);
    (void)close(first);
}

static void meet_continue(int fd)
{
    char answer[256] = "";

    if (recv(fd, answer, sizeof(answer) - 1, 0) <= 0 || !strstr(answer, " 100 "))
        abort();
}

/* The second is refused half-way; then the third has room, though the second is still there. */
static void crowding_client(void *context)
{
    struct world *w = context;
    int first = connect_to(w), second = connect_to(w);

    say_text(second, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n"
                     "Expect: 100-continue\r\n\r\n");
    meet_continue(second);
    say_text(first, "POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 80000\r\n\r\n");
    say_body(first, 80000);
    wait_for_held(w, 1);
    say_body(second, 80000);
    for (int i = 0; i < 1000 && !has(w, "HTTP/1.1 201 "); i++) {
        int third = connect_to(w);

        buf_clear(&w->answer);
        say_text(third, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n"
                        "Connection: close\r\n\r\n");
        say_body(third, 60000);
        read_all(w, third);
    }
    (void)close(first);
    (void)close(second);
}

static void test_a_refused_body_makes_room(void **state)
{
    struct world *w = *state;

    run_with(w, crowding_client);
    assert_true(has(w, "HTTP/1.1 201 "));
    let_go(w);
}

static void test_all_bodies_together_have_a_limit(void **state)
{
    struct world *w = *state;

    run_with(w, heavy_client);
    assert_true(has(w, "HTTP/1.1 503 "));
    assert_true(has(w, "Retry-After: 1\r\n"));
    let_go(w);
}

/* Many requests on one connection, sent before any is answered. */
static void piping_client(void *context)
{
    struct world *w = context;
    int fd = connect_to(w);

    for (unsigned i = 0; i < 500; i++)
        say_text(fd, "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    say_text(fd, "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    read_all(w, fd);
}

static void test_a_connection_carries_many_requests(void **state)
{
    struct world *w = *state;

    run_with(w, piping_client);
    assert_int_equal(w->asked, 501);
    assert_true(has(w, "<GET|/last|-|-|0>"));
}

static void broken_client(void *context)
{
    ask(context, "nonsense\r\n\r\n");
    ask(context, "GET /after HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
}

/* A byte now and then, for as long as the server listens to it; false: for ever. */
static bool dribbles_in_vain(const struct world *w, const char *head)
{
    int fd = connect_to(w);
    bool is_cut = false;

    say_text(fd, head);
    for (int i = 0; i < 600 && !is_cut; i++) {
        struct pollfd look = {.fd = fd, .events = POLLIN};

        is_cut = poll(&look, 1, 50) == 1; /* nothing else comes than its end */
        say_text(fd, "x");
    }
    (void)close(fd);
    return is_cut;
}

static void slow_client(void *context)
{
    struct world *w = context;

    if (!dribbles_in_vain(w, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ") ||
        !dribbles_in_vain(w, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n"))
        buf_adds(&w->answer, "for ever");
}

static void test_slow_peers_are_cut_off(void **state)
{
    struct world *w = *state;

    w->request_s = 1;
    run_with(w, slow_client);
    assert_false(has(w, "for ever"));
    assert_int_equal(w->asked, 0);
}

static void test_broken_http_is_survived(void **state)
{
    struct world *w = *state;

    run_with(w, broken_client);
    assert_int_equal(w->asked, 1);
    assert_true(has(w, "<GET|/after|"));
}

static void test_addresses(void **state)
{
    static const char *const wrong[] = {
        "",         "9464",          "localhost:9464", "1.2.3:80",     "1.2.3.4:x",
        "1.2.3.4:", "1.2.3.4:65536", "::1:80",         "[1.2.3.4]:80", "[::1]",
        "[::1:80"};
    struct world *w = *state;
    struct http_options options = {.limits = {1, 0, 1, 1}, .on_request = on_request};
    struct http_server *second;
    struct err e;

    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        options.listen = wrong[i];
        assert_false(http_server_open(&w->loop, &options, &second, &e));
        assert_int_equal(e.code, EXIT_CONFIG);
    }
    open_server(w, "127.0.0.1:0", "127.0.0.1:");
    options.listen = http_server_address(w->server);
    assert_false(http_server_open(&w->loop, &options, &second, &e));
    assert_int_equal(e.code, EXIT_CANT_CREATE);
    assert_non_null(strstr(e.text, "in use"));
    close_now(w);
    assert_int_equal(uv_run(&w->loop, UV_RUN_DEFAULT), 0);
}

static bool has_ipv6(void)
{
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool has_it = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

    if (fd >= 0)
        (void)close(fd);
    return has_it;
}

static void test_ipv6(void **state)
{
    struct world *w = *state;

    if (!has_ipv6())
        skip();
    open_server(w, "[::1]:0", "[::1]:");
    close_now(w);
    assert_int_equal(uv_run(&w->loop, UV_RUN_DEFAULT), 0);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, make_world, end_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_a_get_is_answered),
        WORLD_TEST(test_head_is_get_without_the_body),
        WORLD_TEST(test_a_body_comes_whole_and_raw),
        WORLD_TEST(test_a_large_body_is_refused_at_its_head),
        WORLD_TEST(test_a_large_body_without_a_length_is_refused),
        WORLD_TEST(test_answers_may_come_later),
        WORLD_TEST(test_a_peer_may_go_before_its_answer),
        WORLD_TEST(test_closing_answers_what_is_open),
        WORLD_TEST(test_all_bodies_together_have_a_limit),
        WORLD_TEST(test_a_refused_body_makes_room),
        WORLD_TEST(test_a_connection_carries_many_requests),
        WORLD_TEST(test_slow_peers_are_cut_off),
        WORLD_TEST(test_broken_http_is_survived),
        WORLD_TEST(test_addresses),
        WORLD_TEST(test_ipv6),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as main.c does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
