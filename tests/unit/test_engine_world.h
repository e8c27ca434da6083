/* SPDX-License-Identifier: MIT
 *
 * test_engine_world.h: the engine with the smallest possible world: records come back when the test
 * says so, requests stand in a row until the test answers them. What the simulator draws by chance
 * is shown here one case at a time.
 */
#ifndef TEST_ENGINE_WORLD_H
#define TEST_ENGINE_WORLD_H

#include "base/mem.h"
#include "core/delivery.h"
#include "core/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { REQUESTS_MAX = 512, PULLED_MAX = 4096 };

struct world {
    struct engine *engine;
    struct list records;
    struct graph_request *requests[REQUESTS_MAX];
    unsigned request_count;
    unsigned source_left;
    unsigned source_next;
    const char *template_of_odd;  /* odd messages have another template */
    const char *broadcast_of_odd; /* and belong to this broadcast */
    int64_t expires_at_ms;        /* of all messages */
    unsigned settled[STATE_COUNT];
    unsigned known;
    enum admission admission; /* what the ledger says of every id */
    struct outcome found;     /* and of known ones, where it is asked */
    uint64_t overtaken;       /* a message that waits no more, whatever comes of it */
    unsigned asked[4];        /* records so far, by kind */
    uint64_t next_number;
    enum halt_kind raised;
    unsigned clears;
    struct outcome last;
    int64_t now_us;
    int64_t retry_after_ms; /* of all answers; -1: none */
    uint64_t random;        /* all chance there is */
    bool has_room;
};

static inline struct moment now(const struct world *w)
{
    return (struct moment){.mono_us = w->now_us, .wall_ms = 1000000 + w->now_us / 1000};
}

static inline struct message *make(struct world *w)
{
    char id[16], to[20];
    unsigned n = w->source_next++;
    struct message values = {
        .id = id,
        .to = to,
        .template_name = n % 2 && w->template_of_odd ? w->template_of_odd : "results_update",
        .lang = "en_US",
        .content = "",
        .broadcast = n % 2 && w->broadcast_of_odd ? w->broadcast_of_odd : "",
        .sender = "100",
        .expires_at_ms = w->expires_at_ms,
    };

    (void)snprintf(id, sizeof(id), "%u", n);
    (void)snprintf(to, sizeof(to), "+9198%08u", n);
    return message_restore(&values);
}

static inline void on_pull(void *world, unsigned want)
{
    struct world *w = world;

    while (want-- > 0) {
        if (!w->source_left) {
            engine_source_ended(w->engine);
            return;
        }
        w->source_left--;
        engine_offer(w->engine, make(w), NULL);
    }
}

static inline void on_record(void *world, struct record *record)
{
    struct world *w = world;

    list_append(&w->records, &record->node);
}

static inline bool on_has_room(void *world)
{
    return ((struct world *)world)->has_room;
}

static inline void on_request(void *world, struct graph_request *request)
{
    struct world *w = world;

    assert_true(w->request_count < REQUESTS_MAX);
    w->requests[w->request_count++] = request;
}

static inline uint64_t on_random(void *world)
{
    return ((const struct world *)world)->random;
}

static inline void on_started(void *world, const struct engine_view *view)
{
    (void)world;
    (void)view;
}

static inline void on_answer(void *world, const struct engine_view *view, const struct exchange *x,
                             const struct judgement *j)
{
    (void)world;
    (void)view;
    (void)x;
    (void)j;
}

static inline void on_settled(void *world, const struct engine_view *view)
{
    struct world *w = world;

    w->settled[view->outcome->state]++;
    w->last = *view->outcome;
}

static inline void on_known(void *world, const struct engine_view *view,
                            const struct record *record)
{
    struct world *w = world;

    (void)record;
    w->known++;
    if (view->outcome)
        w->last = *view->outcome;
}

static inline void on_halt(void *world, const struct halt *halt, bool raised)
{
    struct world *w = world;

    if (raised)
        w->raised = halt->kind;
    else
        w->clears++;
}

static inline struct world *open_world(unsigned messages, struct engine_options *options)
{
    struct world *w = MEM_NEW(struct world);
    struct engine_ports ports = {w,          on_pull,   on_record,  on_has_room,
                                 on_request, on_random, on_started, on_answer,
                                 on_settled, on_known,  on_halt};

    w->source_left = messages;
    w->has_room = true;
    w->random = 1;
    w->retry_after_ms = -1;
    w->now_us = 10000000;
    list_init(&w->records);
    w->engine = engine_new(options, &ports, now(w));
    return w;
}

static inline struct engine_options usual(void)
{
    return (struct engine_options){
        .rate = {RATE_UNLIMITED, 0, 10000, 0},
        .retry = {3, 100, 1000},
        .intent_ahead_us = 50000,
        .max_in_flight = 8,
        .ledger_id = 1,
    };
}

static inline void close_world(struct world *w)
{
    engine_free(w->engine);
    mem_free(w);
}

/* What was handed to the ledger is on disk. */
static inline void commit(struct world *w)
{
    struct list done;

    list_init(&done);
    list_splice(&done, &w->records);
    for (struct list *node = done.next; node != &done; node = node->next) {
        struct record *r = LIST_ITEM(node, struct record, node);

        w->asked[r->kind]++;
        if (r->kind == RECORD_ADMIT || r->kind == RECORD_PROBE)
            r->admission = w->admission;
        if (r->kind == RECORD_ADMIT)
            r->number = ++w->next_number;
        if (r->found && r->admission == ADMISSION_KNOWN)
            *r->found = w->found;
        if (r->kind == RECORD_INTENT || r->kind == RECORD_OUTCOME)
            r->overtaken = r->number == w->overtaken;
    }
    engine_on_recorded(w->engine, &done, now(w));
}

/* Turns and commits until both have nothing more to do at this moment. */
static inline void turn(struct world *w)
{
    for (int i = 0; i < 4; i++) {
        engine_turn(w->engine, now(w));
        commit(w);
    }
    engine_turn(w->engine, now(w));
}

static inline void answer(struct world *w, struct exchange *x, const char *body)
{
    struct graph_request *request = w->requests[--w->request_count];

    x->body = body;
    x->body_len = strlen(body);
    x->retry_after_ms = w->retry_after_ms;
    x->error = x->error ? x->error : "";
    if (x->wired)
        engine_on_wired(w->engine, request, now(w));
    engine_on_answer(w->engine, request, x, now(w));
}

static inline void answer_error(struct world *w, int http_status, int code, int subcode)
{
    struct exchange x = {.wired = true, .complete = true, .http_status = http_status};
    char body[160];

    (void)snprintf(body, sizeof(body),
                   "{\"error\":{\"message\":\"no\",\"code\":%d,\"error_subcode\":%d}}", code,
                   subcode);
    answer(w, &x, body);
}

static inline void accept(struct world *w)
{
    struct exchange x = {.wired = true, .complete = true, .http_status = 200};

    answer(w, &x, "{\"messages\":[{\"id\":\"wamid.A\"}]}");
}

static inline void miss(struct world *w)
{
    struct exchange x = {.error = "connection refused"};

    answer(w, &x, "");
}

static inline void stay_silent(struct world *w)
{
    struct exchange x = {.wired = true, .error = "timeout", .is_timeout = true};

    answer(w, &x, "");
}

#endif
