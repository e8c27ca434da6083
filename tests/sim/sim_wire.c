/* SPDX-License-Identifier: MIT
 *
 * sim_wire.c: the client as io/graph_client.h describes it, the network, and Graph.
 *
 * Happy path: a request starts; after a while the client may write (wired: the point of no return),
 * Graph sees the body, and its answer comes back.
 * Failure modes: those of enum fate, and of the weather. Statuses by webhook: sim_hooks.c.
 */
#include "sim_world_internal.h"

#include "base/mem.h"
#include "core/opaque_id.h"

#include <string.h>

enum { TIMEOUT_US = 30000000 };

/* ---- What the client does. */

static enum fate draw_fate(struct world *w)
{
    if (w->weather == WEATHER_OUTAGE)
        return FATE_NOT_SENT;
    if (w->weather == WEATHER_BROWN_OUT)
        return world_chance(w, 5000) ? FATE_LOST_ANSWER : FATE_LOST_REQUEST;
    if (w->weather == WEATHER_MAINTENANCE)
        return FATE_HTML;
    return sim_fate(&w->config.faults, &w->random);
}

static int64_t wire_delay_us(struct world *w)
{
    return world_chance(w, 200) ? (int64_t)sim_random_below(&w->random, 150000)
                                : (int64_t)sim_random_below(&w->random, 900);
}

void wire_start(struct world *w, struct graph_request *request)
{
    const struct delivery *d = request->owner;
    struct flight *f = MEM_NEW(struct flight);

    f->request = request;
    f->index = sim_source_index(d->message);
    f->attempt = d->attempt;
    f->fate = draw_fate(w);
    f->event.flight = f;
    f->started_us = w->now_us;
    list_append(&w->flights, &f->node);
    w->in_flight++;
    w->result->requests++;
    if (f->fate == FATE_NOT_SENT)
        world_schedule(w, &f->event, EVENT_ANSWER, (int64_t)sim_random_below(&w->random, 5000));
    else
        world_schedule(w, &f->event, EVENT_WIRED, wire_delay_us(w));
}

/* CURLOPT_PREREQFUNCTION: may it write? Once. */
static bool prereq(struct flight *f)
{
    return f->prereqs++ == 0;
}

/* ---- Graph. */

/* False when more than its limit came within a second. */
static bool is_let_in(struct world *w, struct second *door)
{
    int64_t *oldest = &door->times[door->limit ? door->count % door->limit : 0];

    if (w->config.graph_limit == 0)
        return true;
    if (door->count >= door->limit && w->now_us - *oldest < 1000000) {
        world_count(w, FAULT_THROTTLE);
        return false;
    }
    *oldest = w->now_us;
    door->count++;
    return true;
}

static void refuse(struct flight *f, enum fate fate, int code)
{
    f->fate = fate;
    f->code = code;
}

/* What Graph makes of a request that nothing else befell. */
static void judge(struct world *w, struct flight *f)
{
    if (f->fate == FATE_HALT)
        f->code = sim_halt_code(&w->random);
    else if (f->fate == FATE_REFUSE)
        f->code = sim_refusal_code(&w->random);
    else if (f->fate != FATE_ACCEPT)
        return;
    else if (!is_let_in(w, &w->doors[sim_source_sender(f->index)]))
        refuse(f, FATE_REFUSE, 130429);
    else if (world_chance(w, w->config.faults.pair_refusals)) {
        world_count(w, FAULT_PAIR);
        refuse(f, FATE_REFUSE, 131056);
    }
}

static bool is_accepted(struct world *w, const struct flight *f)
{
    switch (f->fate) {
    case FATE_ACCEPT:
    case FATE_LOST_ANSWER:
    case FATE_CUT_ANSWER:
    case FATE_ACCEPT_AND_FAIL:
        return true;
    case FATE_HTML:
    case FATE_UNSURE:
    case FATE_DEAD_CONNECTION:
        return world_chance(w, 5000);
    case FATE_NOT_SENT:
    case FATE_LOST_REQUEST:
    case FATE_REFUSE:
    case FATE_HALT:
    case FATE_COUNT:
        break;
    }
    return false;
}

/* A body arrives. */
static void see_body(struct world *w, struct flight *f)
{
    bool accepted;

    if (f->fate == FATE_LOST_REQUEST)
        return;
    rules_on_body(w, f);
    judge(w, f);
    accepted = is_accepted(w, f);
    w->accepted[f->index] += accepted;
    hooks_on_body(w, f, accepted);
}

/* ---- The wire. */

static int64_t answer_delay_us(struct world *w, const struct flight *f)
{
    int64_t delay_us = sim_latency_us(&w->config, &w->random);
    bool is_silent = f->fate == FATE_LOST_REQUEST || f->fate == FATE_LOST_ANSWER;

    return is_silent && world_chance(w, 5000) ? TIMEOUT_US : delay_us;
}

void wire_on_wired(struct world *w, struct flight *f)
{
    if (!prereq(f))
        return;
    f->wired = true;
    f->wired_us = w->now_us;
    rules_on_wired(w, f);
    see_body(w, f);
    w->result->fates[f->fate]++;
    world_trace(w, 800 + (uint64_t)f->fate, f->index);
    engine_on_wired(w->engine, f->request, world_now(w));
    world_schedule(w, &f->event, EVENT_ANSWER, answer_delay_us(w, f));
}

static const char *error_text(const struct flight *f)
{
    switch (f->fate) {
    case FATE_NOT_SENT:
        return "connection refused";
    case FATE_LOST_REQUEST:
    case FATE_LOST_ANSWER:
        return "timeout";
    case FATE_CUT_ANSWER:
    case FATE_ACCEPT_AND_FAIL:
    case FATE_DEAD_CONNECTION:
        return "send failure: broken pipe (55)";
    case FATE_ACCEPT:
    case FATE_HTML:
    case FATE_REFUSE:
    case FATE_UNSURE:
    case FATE_HALT:
    case FATE_COUNT:
        break;
    }
    return "";
}

static size_t write_body(const struct flight *f, struct exchange *x, char *body, size_t size)
{
    switch (f->fate) {
    case FATE_ACCEPT:
    case FATE_ACCEPT_AND_FAIL:
    case FATE_CUT_ANSWER:
        x->http_status = 200;
        return (size_t)snprintf(body, size,
                                "{\"messaging_product\":\"whatsapp\",\"messages\":[{\"id\":"
                                "\"wamid.m%u.%u\"}]}",
                                f->index, f->attempt);
    case FATE_HTML:
        x->http_status = 502;
        return (size_t)snprintf(body, size, "<html>Sorry, something went wrong</html>");
    case FATE_REFUSE:
    case FATE_HALT:
        x->http_status = f->code == 2 ? 500 : 400; /* Graph's statuses mislead */
        return (size_t)snprintf(body, size, "{\"error\":{\"message\":\"no\",\"code\":%d}}",
                                f->code);
    case FATE_UNSURE:
        x->http_status = 500;
        return (size_t)snprintf(body, size, "{\"error\":{\"message\":\"?\",\"code\":131000}}");
    case FATE_NOT_SENT:
    case FATE_LOST_REQUEST:
    case FATE_LOST_ANSWER:
    case FATE_DEAD_CONNECTION:
    case FATE_COUNT:
        break;
    }
    return 0;
}

/* A kept connection died before an answer: libcurl would write the request again. */
static void repeat_request(struct world *w, struct flight *f)
{
    if (f->fate != FATE_DEAD_CONNECTION || !prereq(f))
        return;
    f->fate = FATE_ACCEPT;
    see_body(w, f);
}

void wire_on_answer(struct world *w, struct flight *f)
{
    char body[256];
    struct exchange x = {.wired = f->wired, .body = body, .retry_after_ms = -1};

    if (!f->wired) {
        w->result->fates[f->fate]++;
        rules_on_unsent(w, f);
    }
    repeat_request(w, f);
    x.error = error_text(f);
    x.complete = !x.error[0];
    x.latency_us = f->wired ? w->now_us - f->wired_us : 0;
    x.body_len = write_body(f, &x, body, sizeof(body));
    if (f->fate == FATE_CUT_ANSWER)
        x.body_len = sim_random_below(&w->random, x.body_len);
    if (f->fate == FATE_REFUSE && world_chance(w, 500))
        x.retry_after_ms = 1500;
    list_remove(&f->node);
    w->in_flight--;
    hooks_on_answer(w, f);
    engine_on_answer(w->engine, f->request, &x, world_now(w));
    mem_free(f);
}

void wire_lose_connections(struct world *w)
{
    struct list *next;

    for (struct list *node = w->flights.next; node != &w->flights; node = next) {
        struct flight *f = LIST_ITEM(node, struct flight, node);

        next = node->next;
        if (!f->wired || world_chance(w, 3000))
            continue;
        f->fate = world_chance(w, 5000) ? FATE_LOST_ANSWER : FATE_CUT_ANSWER;
        world_unschedule(w, &f->event);
        wire_on_answer(w, f);
    }
}

void wire_forget(struct world *w)
{
    struct list *node;

    while ((node = list_pop(&w->flights)))
        mem_free(LIST_ITEM(node, struct flight, node));
    w->in_flight = 0;
}
