/* SPDX-License-Identifier: MIT */
#include "io/graph_client.h"

#include "test_graph_client_server.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <signal.h>

static void get(const char *answer, size_t body_max, struct buf *body, struct graph_get *got)
{
    const struct step steps[] = {{answer, 0, CLOSE}};
    struct server server;
    struct graph_client_options options = {.token = "EAATEST",
                                           .token_len = 7,
                                           .api_version = "v22.0",
                                           .timeout_ms = 5000,
                                           .connect_timeout_ms = 5000};

    server_start(&server, steps, 1, false);
    options.api_base = server.url;
    *body = buf_new(body_max);
    graph_client_get(&options, "debug_token?fields=a,b", body, got);
    server_stop(&server);
}

static void test_an_answer_and_its_headers(void **state)
{
    struct graph_get got;
    struct buf body;

    (void)state;
    get("HTTP/1.1 400 Bad\r\nDate: Thu, 02 Apr 2026 09:30:00 GMT\r\nFacebook-API-Version: v23.0\r\n"
        "Content-Length: 2\r\n\r\n{}",
        1000, &body, &got);
    assert_int_equal(got.http_status, 400);
    assert_string_equal(buf_text(&body), "{}");
    assert_string_equal(got.api_version, "v23.0");
    assert_int_equal(got.date_ms, INT64_C(1775122200000));
    assert_string_equal(got.error, "");
    buf_free(&body);
}

static void test_no_answer_has_a_sentence(void **state)
{
    struct graph_get got;
    struct buf body;

    (void)state;
    get(NULL, 1000, &body, &got);
    assert_int_equal(got.http_status, 0);
    assert_int_equal(got.date_ms, 0);
    assert_non_null(strstr(got.error, "no answer from 127.0.0.1:"));
    buf_free(&body);
}

/* The connection was there: nobody should look for a firewall. */
static void test_an_answer_that_does_not_come_in_time(void **state)
{
    static const struct step steps[] = {{NULL, 0, KEEP}};
    struct server server;
    struct graph_client_options options = {.token = "EAATEST",
                                           .token_len = 7,
                                           .api_version = "v22.0",
                                           .timeout_ms = 200,
                                           .connect_timeout_ms = 5000};
    struct buf body = buf_new(1000);
    struct graph_get got;

    (void)state;
    server_start(&server, steps, 1, false);
    options.api_base = server.url;
    graph_client_get(&options, "debug_token", &body, &got);
    server_stop(&server);
    assert_int_equal(got.http_status, 0);
    assert_non_null(strstr(got.error, "no answer in time from 127.0.0.1:"));
    buf_free(&body);
}

static void test_a_long_answer_is_refused(void **state)
{
    struct graph_get got;
    struct buf body;

    (void)state;
    get("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n01234567890123456789", 10, &body, &got);
    assert_int_equal(got.http_status, 0);
    assert_non_null(strstr(got.error, "too long"));
    buf_free(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_and_its_headers),
        cmocka_unit_test(test_no_answer_has_a_sentence),
        cmocka_unit_test(test_an_answer_that_does_not_come_in_time),
        cmocka_unit_test(test_a_long_answer_is_refused),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
