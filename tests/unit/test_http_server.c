/* SPDX-License-Identifier: MIT
 *
 * test_http_server.c: the server on a loop, raw clients in a thread.
 */
#include "test_http_server.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_a_get_is_answered),
        WORLD_TEST(test_head_is_get_without_the_body),
        WORLD_TEST(test_a_body_comes_whole_and_raw),
        WORLD_TEST(test_answers_may_come_later),
        WORLD_TEST(test_a_peer_may_go_before_its_answer),
        WORLD_TEST(test_closing_answers_what_is_open),
        WORLD_TEST(test_a_connection_carries_many_requests),
        WORLD_TEST(test_broken_http_is_survived),
        WORLD_TEST(test_addresses),
        WORLD_TEST(test_ipv6),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as main.c does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
