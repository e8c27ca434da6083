/* SPDX-License-Identifier: MIT
 *
 * test_graph_client_fixture.h: a client on a loop of its own, talking to a scripted server.
 */
#ifndef TEST_GRAPH_CLIENT_FIXTURE_H
#define TEST_GRAPH_CLIENT_FIXTURE_H

#include "io/graph_client.h"

#include "base/mem.h"
#include "test_graph_client_server.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>

#include <cmocka.h>

#define OK_ANSWER                                                                          \
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nfacebook-api-version: v22.0\r\n" \
    "Content-Length: 34\r\n\r\n{\"messages\":[{\"id\":\"wamid.HBgM\"}]}"

static const char token[] = "EAATESTTOKENTESTTOKEN";
static const char body[] = "{\"to\":\"+919800000001\"}";

/* What came of one request. */
struct result {
    struct graph_request request;
    unsigned wired;
    unsigned done;
    struct exchange x;
    char answer[128];
    char error[512];
};

struct fixture {
    struct server server;
    uv_loop_t loop;
    struct graph_client *client;
    struct graph_client_options options;
    struct result result; /* for tests of one request */
    bool closed;
};

/* ---- A client with its loop. */

static inline void on_wired(void *context, struct graph_request *request)
{
    struct result *r = request->owner;

    (void)context;
    assert_int_equal(r->done, 0);
    r->wired++;
}

static inline void on_done(void *context, struct graph_request *request, const struct exchange *x)
{
    struct result *r = request->owner;

    (void)context;
    r->done++;
    r->x = *x;
    snprintf(r->answer, sizeof(r->answer), "%s", x->body);
    snprintf(r->error, sizeof(r->error), "%s", x->error);
    assert_int_equal(x->wired, r->wired == 1);
}

static inline void on_closed(void *context)
{
    *(bool *)context = true;
}

static inline void client_open(struct fixture *f)
{
    struct graph_client_events events = {f, on_wired, on_done};
    struct err e;

    assert_int_equal(uv_loop_init(&f->loop), 0);
    f->options.token = token;
    f->options.token_len = strlen(token);
    assert_true(graph_client_open(&f->loop, &f->options, &events, &f->client, &e));
}

static inline void client_close(struct fixture *f)
{
    graph_client_close(f->client, on_closed, &f->closed);
    assert_false(f->closed);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(f->closed);
    assert_int_equal(uv_loop_close(&f->loop), 0);
}

static inline void start(struct fixture *f, struct result *r)
{
    memset(r, 0, sizeof(*r));
    r->request = (struct graph_request){
        .phone_id = "106540352242922", .body = body, .body_len = sizeof(body) - 1, .owner = r};
    assert_true(graph_client_has_room(f->client));
    graph_client_start(f->client, &r->request);
    assert_int_equal(r->wired + r->done, 0);
}

static inline void wait_all(struct fixture *f)
{
    while (graph_client_in_flight(f->client))
        uv_run(&f->loop, UV_RUN_ONCE);
}

static inline void exchange_one(struct fixture *f)
{
    start(f, &f->result);
    wait_all(f);
    assert_int_equal(f->result.done, 1);
}

static inline void open_with(struct fixture *f, const struct step *steps, size_t count, bool tls)
{
    server_start(&f->server, steps, count, tls);
    f->closed = false;
    f->options = (struct graph_client_options){.api_base = f->server.url,
                                               .api_version = "v22.0",
                                               .ca_file = f->server.ca_path,
                                               .timeout_ms = 5000,
                                               .connect_timeout_ms = 5000,
                                               .max_in_flight = 8,
                                               .max_connecting = 8};
    client_open(f);
}

static inline void close_all(struct fixture *f)
{
    client_close(f);
    server_stop(&f->server);
}

/* A client of the fixture's server with these limits. */
static inline void set_limits(struct fixture *f, int64_t timeout_ms, unsigned max_in_flight,
                              unsigned max_connecting)
{
    f->options = (struct graph_client_options){
        .api_base = f->server.url,
        .api_version = "v22.0",
        .timeout_ms = timeout_ms,
        .connect_timeout_ms = timeout_ms,
        .max_in_flight = max_in_flight,
        .max_connecting = max_connecting,
    };
}

#endif
