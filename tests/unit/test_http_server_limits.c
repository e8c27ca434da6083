/* SPDX-License-Identifier: MIT
 *
 * test_http_server_limits.c: peers that want more than they may have: of room, of time.
 */
#include "test_http_server.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_a_large_body_is_refused_at_its_head),
        WORLD_TEST(test_a_large_body_without_a_length_is_refused),
        WORLD_TEST(test_all_bodies_together_have_a_limit),
        WORLD_TEST(test_a_refused_body_makes_room),
        WORLD_TEST(test_slow_peers_are_cut_off),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as main.c does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
