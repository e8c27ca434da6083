/* SPDX-License-Identifier: MIT
 *
 * The client against a server that misbehaves: what was wired, what the server saw, what is
 * reported.
 */
#include "test_graph_client_fixture.h"

#include <poll.h>

/* One request with one kind of answer. */
static void exchange_with(struct fixture *f, struct step step)
{
    const struct step steps[] = {step};

    open_with(f, steps, 1, false);
    exchange_one(f);
    close_all(f);
}

#define assert_has(text, part) assert_non_null(strstr(text, part))

/* ---- What is sent. */

static void test_a_request_is_what_graph_wants(void **state)
{
    struct fixture f;

    (void)state;
    exchange_with(&f, (struct step){OK_ANSWER, 0, KEEP});
    assert_has(f.server.last, "POST /v22.0/106540352242922/messages HTTP/1.1\r\n");
    assert_has(f.server.last, "\r\nAuthorization: Bearer EAATESTTOKENTESTTOKEN\r\n");
    assert_has(f.server.last, "\r\nContent-Type: application/json\r\n");
    assert_has(f.server.last, body);
    assert_null(strstr(f.server.last, "Expect"));
}

static void test_an_answer_is_reported_whole(void **state)
{
    struct fixture f;

    (void)state;
    exchange_with(&f, (struct step){OK_ANSWER, 0, KEEP});
    assert_int_equal(f.result.wired, 1);
    assert_true(f.result.x.complete);
    assert_int_equal(f.result.x.http_status, 200);
    assert_string_equal(f.result.answer, "{\"messages\":[{\"id\":\"wamid.HBgM\"}]}");
    assert_string_equal(f.result.error, "");
    assert_string_equal(f.result.x.api_version, "v22.0");
    assert_int_equal(f.result.x.retry_after_ms, -1);
    assert_false(f.result.x.is_timeout);
}

static void test_many_requests_share_few_connections(void **state)
{
    static struct result results[1000];
    const struct step steps[] = {{OK_ANSWER, 0, KEEP}};
    struct fixture f;
    size_t started = 0;

    (void)state;
    open_with(&f, steps, 1, false);
    while (started < ARRAY_SIZE(results) || graph_client_in_flight(f.client)) {
        while (started < ARRAY_SIZE(results) && graph_client_has_room(f.client))
            start(&f, &results[started++]);
        uv_run(&f.loop, UV_RUN_ONCE);
    }
    for (size_t i = 0; i < ARRAY_SIZE(results); i++)
        assert_true(results[i].done == 1 && results[i].x.complete);
    assert_int_equal(f.server.requests, 1000);
    assert_int_equal(f.server.bytes, 1000 * (sizeof(body) - 1));
    assert_in_range(f.server.connections, 1, 8);
    close_all(&f);
}

static void test_requests_for_two_senders_go_to_both(void **state)
{
    const struct step steps[] = {{OK_ANSWER, 0, KEEP}};
    struct fixture f;

    (void)state;
    open_with(&f, steps, 1, false);
    exchange_one(&f);
    start(&f, &f.result);
    wait_all(&f);
    f.result.done = f.result.wired = 0;
    f.result.request.phone_id = "222";
    graph_client_start(f.client, &f.result.request);
    wait_all(&f);
    assert_has(f.server.last, "POST /v22.0/222/messages");
    close_all(&f);
}

/* ---- Room. */

static void test_few_connections_are_made_at_a_time(void **state)
{
    const struct step steps[] = {{OK_ANSWER, 0, KEEP}};
    struct result results[3];
    struct fixture f;

    (void)state;
    server_start(&f.server, steps, 1, false);
    f.closed = false;
    set_limits(&f, 5000, 8, 2);
    client_open(&f);
    start(&f, &results[0]);
    start(&f, &results[1]);
    assert_false(graph_client_has_room(f.client));
    wait_all(&f);
    assert_int_equal(graph_client_connections(f.client), 2);
    start(&f, &results[0]); /* two find a connection, two more may make one */
    start(&f, &results[1]);
    start(&f, &results[2]);
    assert_true(graph_client_has_room(f.client));
    wait_all(&f);
    close_all(&f);
}

static void test_in_flight_is_bounded(void **state)
{
    const struct step steps[] = {{OK_ANSWER, 0, KEEP}};
    struct result results[8];
    struct fixture f;

    (void)state;
    open_with(&f, steps, 1, false);
    for (size_t i = 0; i < ARRAY_SIZE(results); i++)
        start(&f, &results[i]);
    assert_int_equal(graph_client_in_flight(f.client), 8);
    assert_false(graph_client_has_room(f.client));
    wait_all(&f);
    assert_true(graph_client_has_room(f.client));
    close_all(&f);
}

/* ---- Surely not sent. */

static void test_a_refused_connection_is_not_wired(void **state)
{
    const struct step steps[] = {{OK_ANSWER, 0, KEEP}};
    struct fixture f;

    (void)state;
    open_with(&f, steps, 1, false);
    server_stop(&f.server); /* nobody listens there now */
    exchange_one(&f);
    assert_false(f.result.x.wired);
    assert_false(f.result.x.complete);
    assert_int_equal(f.result.x.http_status, 0);
    assert_has(f.result.error, "connect to 127.0.0.1:");
    assert_has(f.result.error, "Connection refused");
    client_close(&f);
}

static void test_an_untrusted_certificate_is_not_wired(void **state)
{
    const struct step steps[] = {{OK_ANSWER, 0, KEEP}};
    struct fixture f;

    (void)state;
    server_start(&f.server, steps, 1, true);
    f.closed = false;
    set_limits(&f, 5000, 8, 8);
    client_open(&f);
    exchange_one(&f);
    assert_false(f.result.x.wired);
    assert_int_equal(f.server.requests, 0);
    assert_has(f.result.error, "TLS with 127.0.0.1:");
    assert_has(f.result.error, "certificate");
    close_all(&f);
}

static void test_a_trusted_certificate_is_fine(void **state)
{
    const struct step steps[] = {{OK_ANSWER, 0, KEEP}};
    struct fixture f;

    (void)state;
    open_with(&f, steps, 1, true);
    exchange_one(&f);
    exchange_one(&f);
    assert_true(f.result.x.complete);
    assert_int_equal(f.server.connections, 1);
    close_all(&f);
}

/* ---- May have been sent. */

/* libcurl by itself would send the second request again, and report one success. */
static void test_a_request_is_never_repeated(void **state)
{
    const struct step closes[] = {{OK_ANSWER, 0, KEEP}, {NULL, 0, CLOSE}, {OK_ANSWER, 0, KEEP}};
    const struct step resets[] = {{OK_ANSWER, 0, KEEP}, {NULL, 0, RESET}, {OK_ANSWER, 0, KEEP}};
    struct fixture f;

    (void)state;
    for (int i = 0; i < 4; i++) {
        open_with(&f, i & 1 ? closes : resets, 3, i & 2);
        exchange_one(&f);
        exchange_one(&f);
        assert_int_equal(f.server.requests, 2);
        assert_int_equal(f.result.wired, 1);
        assert_false(f.result.x.complete);
        assert_int_equal(f.result.x.http_status, 0);
        assert_int_not_equal(f.result.error[0], '\0');
        exchange_one(&f);
        assert_true(f.result.x.complete);
        close_all(&f);
    }
}

static void test_a_timeout_says_so(void **state)
{
    const struct step steps[] = {{NULL, 0, KEEP}, {OK_ANSWER, 0, KEEP}};
    struct fixture f;

    (void)state;
    server_start(&f.server, steps, 2, false);
    f.closed = false;
    set_limits(&f, 300, 8, 8);
    client_open(&f);
    exchange_one(&f);
    assert_true(f.result.x.wired);
    assert_true(f.result.x.is_timeout);
    assert_false(f.result.x.complete);
    assert_has(f.result.error, "no answer in time from 127.0.0.1:");
    exchange_one(&f);
    assert_true(f.result.x.complete);
    assert_int_equal(f.server.connections, 2); /* the silent one was not used again */
    close_all(&f);
}

static void test_an_answer_cut_off_is_not_complete(void **state)
{
    struct fixture f;

    (void)state;
    exchange_with(&f,
                  (struct step){"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"mess", 0, CLOSE});
    assert_true(f.result.x.wired);
    assert_false(f.result.x.complete);
    assert_int_equal(f.result.x.http_status, 200);
    assert_string_equal(f.result.answer, "{\"mess");
    assert_has(f.result.error, "no whole answer from 127.0.0.1:");
}

static void test_what_came_before_a_reset_is_kept(void **state)
{
    struct fixture f;

    (void)state;
    exchange_with(&f, (struct step){"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"
                                    "{\"messages\":[{\"id\":\"wamid.HBgM\"}]}",
                                    0, RESET});
    assert_false(f.result.x.complete);
    assert_string_equal(f.result.answer, "{\"messages\":[{\"id\":\"wamid.HBgM\"}]}");
}

static void test_a_huge_answer_is_cut(void **state)
{
    struct fixture f;

    (void)state;
    exchange_with(
        &f, (struct step){"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", 999936, CLOSE});
    assert_false(f.result.x.complete);
    assert_int_equal(f.result.x.body_len, GRAPH_REPLY_MAX);
    assert_has(f.result.error, "too long");
}

static void test_huge_headers_end_the_request(void **state)
{
    struct fixture f;

    (void)state;
    exchange_with(&f, (struct step){"HTTP/1.1 200 OK\r\nX-A: b\r\nX-Long: ", 299968, CLOSE});
    assert_true(f.result.x.wired);
    assert_false(f.result.x.complete);
    assert_int_not_equal(f.result.error[0], '\0');
}

static void test_many_headers_end_the_request(void **state)
{
    struct fixture f;
    char *many = mem_alloc(150000);
    size_t used = (size_t)snprintf(many, 150000, "HTTP/1.1 200 OK\r\n");

    (void)state;
    for (int i = 0; i < 3000; i++)
        used += (size_t)snprintf(many + used, 150000 - used,
                                 "X-%04d: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n", i);
    exchange_with(&f, (struct step){many, 0, CLOSE});
    mem_free(many);
    assert_true(f.result.x.wired);
    assert_false(f.result.x.complete);
    assert_has(f.result.error, "headers are too long");
}

/* ---- Odd answers. */

static void test_100_continue_is_no_answer(void **state)
{
    struct fixture f;

    (void)state;
    exchange_with(&f, (struct step){"HTTP/1.1 100 Continue\r\n\r\n" OK_ANSWER, 0, KEEP});
    assert_true(f.result.x.complete);
    assert_int_equal(f.result.x.http_status, 200);
    exchange_with(&f, (struct step){"HTTP/1.1 100 Continue\r\n\r\n", 0, CLOSE});
    assert_false(f.result.x.complete);
    assert_int_equal(f.result.x.http_status, 0);
}

static void test_a_redirect_is_not_followed(void **state)
{
    struct fixture f;

    (void)state;
    exchange_with(&f, (struct step){"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n"
                                    "Content-Length: 0\r\n\r\n",
                                    0, KEEP});
    assert_int_equal(f.server.requests, 1);
    assert_int_equal(f.result.x.http_status, 302);
    assert_true(f.result.x.complete);
}

static void test_garbage_is_no_answer(void **state)
{
    struct fixture f;

    (void)state;
    exchange_with(&f, (struct step){"SSH-2.0-OpenSSH_9.2\r\n", 0, CLOSE});
    assert_true(f.result.x.wired);
    assert_false(f.result.x.complete);
    assert_int_equal(f.result.x.http_status, 0);
}

static void test_retry_after_is_read(void **state)
{
    struct fixture f;

    (void)state;
    exchange_with(&f, (struct step){"HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\n"
                                    "Content-Length: 0\r\n\r\n",
                                    0, KEEP});
    assert_int_equal(f.result.x.retry_after_ms, 7000);
    exchange_with(&f, (struct step){"HTTP/1.1 503 No\r\nRetry-After: Fri, 31 Dec 2100 23:59:59 GMT"
                                    "\r\nContent-Length: 0\r\n\r\n",
                                    0, KEEP});
    assert_in_range(f.result.x.retry_after_ms, 1000, 86400000);
    exchange_with(&f, (struct step){"HTTP/1.1 503 No\r\nRetry-After: soon\r\n"
                                    "Content-Length: 0\r\n\r\n",
                                    0, KEEP});
    assert_int_equal(f.result.x.retry_after_ms, -1);
}

/* ---- Kept connections. */

static void test_a_kept_connection_that_the_server_closed_is_replaced(void **state)
{
    const struct step steps[] = {{OK_ANSWER, 0, CLOSE}, {OK_ANSWER, 0, KEEP}};
    struct pollfd kernel = {.events = POLLIN};
    struct fixture f;

    (void)state;
    open_with(&f, steps, 2, false);
    kernel.fd = uv_backend_fd(&f.loop);
    exchange_one(&f);
    pthread_join(f.server.threads[0], NULL); /* its end of the connection is closed */
    uv_run(&f.loop, UV_RUN_NOWAIT);          /* the loop sees it */
    uv_run(&f.loop, UV_RUN_NOWAIT);
    assert_int_equal(poll(&kernel, 1, 0), 0); /* and is not woken by it again */
    exchange_one(&f);
    assert_true(f.result.x.complete);
    assert_int_equal(f.server.requests, 2);
    client_close(&f);
    shutdown(f.server.fd, SHUT_RDWR);
    pthread_join(f.server.acceptor, NULL);
    close(f.server.fd);
    shutdown(f.server.fds[1], SHUT_RDWR);
    pthread_join(f.server.threads[1], NULL);
}

static void test_distrusted_connections_are_not_used(void **state)
{
    const struct step steps[] = {{NULL, 0, CLOSE}, {OK_ANSWER, 0, GATED}};
    struct fixture f;
    struct result first;

    (void)state;
    open_with(&f, steps, 2, false);
    exchange_one(&f); /* unanswered: no sign that the network is well */
    pthread_mutex_lock(&f.server.gate);
    start(&f, &first);
    while (!first.wired)
        uv_run(&f.loop, UV_RUN_ONCE);
    graph_client_distrust(f.client);
    start(&f, &f.result);
    pthread_mutex_unlock(&f.server.gate);
    wait_all(&f);
    assert_true(first.x.complete && f.result.x.complete);
    assert_int_equal(f.server.connections, 3);
    graph_client_distrust(f.client); /* answers have come: nothing is thrown away */
    exchange_one(&f);
    assert_int_equal(f.server.connections, 3);
    close_all(&f);
}

/* ---- Ending. */

static void test_abort_ends_everything(void **state)
{
    const struct step steps[] = {{NULL, 0, KEEP}};
    struct result results[8];
    struct fixture f;

    (void)state;
    open_with(&f, steps, 1, false);
    for (size_t i = 0; i < ARRAY_SIZE(results); i++)
        start(&f, &results[i]);
    while (!results[0].wired)
        uv_run(&f.loop, UV_RUN_ONCE);
    graph_client_abort(f.client);
    assert_int_equal(results[0].done, 0);
    graph_client_close(f.client, on_closed, &f.closed);
    uv_run(&f.loop, UV_RUN_DEFAULT);
    assert_true(f.closed);
    for (size_t i = 0; i < ARRAY_SIZE(results); i++)
        assert_true(results[i].done == 1 && !results[i].x.complete);
    assert_true(results[0].x.wired);
    assert_has(results[0].error, "given up");
    assert_int_equal(uv_loop_close(&f.loop), 0);
    server_stop(&f.server);
}

static void test_close_waits_for_what_is_in_flight(void **state)
{
    const struct step steps[] = {{OK_ANSWER, 0, KEEP}};
    struct fixture f;

    (void)state;
    open_with(&f, steps, 1, false);
    start(&f, &f.result);
    close_all(&f);
    assert_int_equal(f.result.done, 1);
    assert_true(f.result.x.complete);
}

static void test_a_client_that_did_nothing_closes(void **state)
{
    const struct step steps[] = {{OK_ANSWER, 0, KEEP}};
    struct fixture f;

    (void)state;
    open_with(&f, steps, 1, false);
    graph_client_abort(f.client);
    close_all(&f);
    assert_int_equal(f.server.connections, 0);
}

static void test_bad_options_are_named(void **state)
{
    struct graph_client_options options = {
        .token = token,
        .token_len = 5,
        .api_base = "https://",
        .api_version = "v22.0",
        .timeout_ms = 1000,
        .connect_timeout_ms = 1000,
        .max_in_flight = 1,
        .max_connecting = 1,
    };
    struct graph_client_events events = {0};
    struct graph_client *client;
    uv_loop_t loop;
    struct err e;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_false(graph_client_open(&loop, &options, &events, &client, &e));
    assert_int_equal(e.code, EXIT_CONFIG);
    assert_has(e.text, "whatsapp.api_base");
    options.api_base = "https://127.0.0.1";
    options.ca_file = "/nowhere/ca.pem";
    assert_false(graph_client_open(&loop, &options, &events, &client, &e));
    assert_has(e.text, "whatsapp.ca_file: /nowhere/ca.pem: No such file");
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_is_what_graph_wants),
        cmocka_unit_test(test_an_answer_is_reported_whole),
        cmocka_unit_test(test_many_requests_share_few_connections),
        cmocka_unit_test(test_requests_for_two_senders_go_to_both),
        cmocka_unit_test(test_few_connections_are_made_at_a_time),
        cmocka_unit_test(test_in_flight_is_bounded),
        cmocka_unit_test(test_a_refused_connection_is_not_wired),
        cmocka_unit_test(test_an_untrusted_certificate_is_not_wired),
        cmocka_unit_test(test_a_trusted_certificate_is_fine),
        cmocka_unit_test(test_a_request_is_never_repeated),
        cmocka_unit_test(test_a_timeout_says_so),
        cmocka_unit_test(test_an_answer_cut_off_is_not_complete),
        cmocka_unit_test(test_what_came_before_a_reset_is_kept),
        cmocka_unit_test(test_a_huge_answer_is_cut),
        cmocka_unit_test(test_huge_headers_end_the_request),
        cmocka_unit_test(test_many_headers_end_the_request),
        cmocka_unit_test(test_100_continue_is_no_answer),
        cmocka_unit_test(test_a_redirect_is_not_followed),
        cmocka_unit_test(test_garbage_is_no_answer),
        cmocka_unit_test(test_retry_after_is_read),
        cmocka_unit_test(test_a_kept_connection_that_the_server_closed_is_replaced),
        cmocka_unit_test(test_distrusted_connections_are_not_used),
        cmocka_unit_test(test_abort_ends_everything),
        cmocka_unit_test(test_close_waits_for_what_is_in_flight),
        cmocka_unit_test(test_a_client_that_did_nothing_closes),
        cmocka_unit_test(test_bad_options_are_named),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
