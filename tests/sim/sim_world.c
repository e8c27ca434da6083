/* SPDX-License-Identifier: MIT */
#include "sim_world.h"

#include "base/hash.h"
#include "base/heap.h"
#include "base/mem.h"
#include "core/delivery.h"
#include "core/engine.h"
#include "sim_ledger.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    START_WALL_MS = 1000000,
    TIMEOUT_US = 30000000,
    SENDERS = 2,
    STEPS_PER_MESSAGE = 400, /* a run that needs more is not getting anywhere */
};

/* One sender's arrivals: a ring of the times of the last `limit`. */
struct wire {
    int64_t *times;
    uint64_t count;
};

enum event_kind { EVENT_COMMITTED, EVENT_WIRED, EVENT_ANSWER, EVENT_HOLD, EVENT_RELEASE };

struct event {
    struct heap_node at; /* key: microseconds */
    enum event_kind kind;
    struct flight *flight;
};

/* A request that the engine started. */
struct flight {
    struct list node;
    struct graph_request *request;
    struct event event;
    unsigned index; /* the message */
    enum fate fate;
    bool wired;
    bool accepted;
    int64_t wired_us;
};

struct world {
    const struct sim_options *options;
    struct sim_result *result;
    struct sim_random random;
    struct sim_faults faults;
    struct sim_ledger ledger;
    struct engine *engine;
    struct engine_options engine_options;
    struct heap events;
    struct event commit_event;
    struct event operator_event;
    struct list flights;
    unsigned in_flight;
    unsigned next_message; /* the source's place */
    unsigned *accepted;    /* by message: how often Graph accepted it */
    int64_t now_us;
    struct wire wires[SENDERS];
    unsigned limit; /* messages in a sliding second of a sender; 0: unlimited */
    uint64_t wired;
    unsigned crash_chance; /* of 1,000,000 steps */
};

static struct moment now_of(const struct world *w)
{
    return (struct moment){.mono_us = w->now_us, .wall_ms = START_WALL_MS + w->now_us / 1000};
}

static void fail(struct world *w, const char *format, ...) PRINTF_LIKE(2, 3);

static void fail(struct world *w, const char *format, ...)
{
    va_list args;

    if (w->result->failure[0])
        return;
    va_start(args, format);
    (void)vsnprintf(w->result->failure, sizeof(w->result->failure), format, args);
    va_end(args);
}

static void trace(struct world *w, uint64_t what, uint64_t which)
{
    uint64_t parts[] = {w->result->trace, (uint64_t)w->now_us, what, which};

    w->result->trace = hash64(parts, sizeof(parts));
}

static void schedule(struct world *w, struct event *event, enum event_kind kind, int64_t in_us)
{
    event->kind = kind;
    event->at.key = w->now_us + in_us;
    heap_push(&w->events, &event->at);
}

/* ---- The source: message i, to a recipient that now and then gets many. */

static unsigned sender_of(unsigned index)
{
    return index % 7 == 6;
}

static struct message *make_message(unsigned index)
{
    char id[16], to[24];
    struct message values = {
        .id = id,
        .to = to,
        .template_name = "results_update",
        .lang = "en_US",
        .content = "[\"Asha\"]",
        .sender = sender_of(index) ? "200" : "100",
    };
    unsigned recipient = index % 100 == 99 ? 1 : index + 10;

    (void)snprintf(id, sizeof(id), "%u", index);
    (void)snprintf(to, sizeof(to), "+9198%08u", recipient);
    return message_restore(&values);
}

static void on_pull(void *world, unsigned want)
{
    struct world *w = world;

    while (want-- > 0) {
        if (w->next_message == w->options->messages) {
            engine_source_ended(w->engine);
            return;
        }
        engine_offer(w->engine, make_message(w->next_message++), NULL);
    }
}

/* ---- The ledger's port. */

static int64_t commit_us(struct world *w)
{
    return sim_random_chance(&w->random, 50) ? 80000
                                             : 500 + (int64_t)sim_random_below(&w->random, 8000);
}

static void begin_commit(struct world *w)
{
    if (sim_ledger_begin(&w->ledger))
        schedule(w, &w->commit_event, EVENT_COMMITTED, commit_us(w));
}

static void on_record(void *world, struct record *record)
{
    struct world *w = world;

    list_append(&w->ledger.queued, &record->node);
}

/* ---- The client's port. */

static bool on_has_room(void *world)
{
    struct world *w = world;

    return w->in_flight < w->engine_options.max_in_flight;
}

static int64_t wire_delay_us(struct world *w)
{
    return sim_random_chance(&w->random, 200) ? (int64_t)sim_random_below(&w->random, 150000)
                                              : (int64_t)sim_random_below(&w->random, 900);
}

static void on_request(void *world, struct graph_request *request)
{
    struct world *w = world;
    struct flight *f = MEM_NEW(struct flight);

    f->request = request;
    f->index = sim_ledger_index(((const struct delivery *)request->owner)->message);
    f->fate = sim_faults_next(&w->faults, &w->random);
    f->event.flight = f;
    list_append(&w->flights, &f->node);
    w->in_flight++;
    w->result->requests++;
    w->result->fates[f->fate]++;
    if (f->fate == FATE_NOT_SENT)
        schedule(w, &f->event, EVENT_ANSWER, (int64_t)sim_random_below(&w->random, 5000));
    else
        schedule(w, &f->event, EVENT_WIRED, wire_delay_us(w));
}

static uint64_t on_random(void *world)
{
    struct world *w = world;

    return sim_random_next(&w->random);
}

/* ---- Facts that the engine tells. */

static void on_started(void *world, const struct engine_view *view)
{
    struct world *w = world;
    const struct sim_row *row = &w->ledger.rows[sim_ledger_index(view->message)];

    if (row->state != STATE_SENDING || row->attempt != view->attempt)
        fail(w, "message %s attempt %u started without its intent on disk (state %d, attempt %u)",
             view->message->id, view->attempt, (int)row->state, row->attempt);
}

static void on_answer(void *world, const struct engine_view *view, const struct exchange *x,
                      const struct judgement *j)
{
    (void)x;
    trace(world, 100 + (uint64_t)j->verdict, view->number);
}

static void on_settled(void *world, const struct engine_view *view)
{
    struct world *w = world;
    const struct sim_row *row = &w->ledger.rows[sim_ledger_index(view->message)];
    enum state told = view->outcome->state == STATE_UNKNOWN && view->outcome->next_ms
                          ? STATE_WAITING
                          : view->outcome->state;

    if (row->state != told)
        fail(w, "the source heard %s of message %s; on disk it is %s", state_name(told),
             view->message->id, state_name(row->state));
    trace(w, 200 + (uint64_t)told, view->number);
}

static void on_known(void *world, const struct engine_view *view, const struct record *record)
{
    trace(world, 300 + (uint64_t)record->known, sim_ledger_index(view->message));
}

static void on_halt(void *world, const struct halt *halt, bool raised)
{
    trace(world, 400 + (uint64_t)halt->kind, raised);
}

/* ---- Graph. */

static void check_rate(struct world *w, struct wire *wire)
{
    int64_t *oldest = &wire->times[w->limit ? wire->count % w->limit : 0];

    if (w->limit && wire->count >= w->limit && w->now_us - *oldest < 1000000)
        fail(w, "more than %u reached the wire within a second", w->limit);
    *oldest = w->now_us;
    wire->count++;
    w->wired++;
}

static bool graph_accepts(struct world *w, const struct flight *f)
{
    switch (f->fate) {
    case FATE_ACCEPT:
    case FATE_LOST_ANSWER:
    case FATE_CUT_ANSWER:
    case FATE_ACCEPT_AND_FAIL:
        return true;
    case FATE_HTML:
    case FATE_UNSURE:
        return sim_random_chance(&w->random, 5000);
    case FATE_NOT_SENT:
    case FATE_LOST_REQUEST:
    case FATE_REFUSE:
    case FATE_COUNT:
        break;
    }
    return false;
}

static void on_wired(struct world *w, struct flight *f)
{
    bool is_silent = f->fate == FATE_LOST_REQUEST || f->fate == FATE_LOST_ANSWER;
    int64_t answer_us = sim_latency_us(&w->faults, &w->random);

    f->wired = true;
    f->wired_us = w->now_us;
    f->accepted = graph_accepts(w, f);
    w->accepted[f->index] += f->accepted;
    check_rate(w, &w->wires[sender_of(f->index)]);
    engine_on_wired(w->engine, f->request, now_of(w));
    if (is_silent)
        answer_us = sim_random_chance(&w->random, 5000) ? TIMEOUT_US : answer_us;
    schedule(w, &f->event, EVENT_ANSWER, answer_us);
}

static size_t write_answer(struct world *w, const struct flight *f, struct exchange *x, char *body,
                           size_t size)
{
    switch (f->fate) {
    case FATE_ACCEPT:
    case FATE_ACCEPT_AND_FAIL:
    case FATE_CUT_ANSWER:
        x->http_status = 200;
        return (size_t)snprintf(body, size,
                                "{\"messaging_product\":\"whatsapp\",\"messages\":[{\"id\":"
                                "\"wamid.%llu\"}]}",
                                (unsigned long long)w->wired);
    case FATE_HTML:
        x->http_status = 502;
        return (size_t)snprintf(body, size, "<html>Sorry, something went wrong</html>");
    case FATE_REFUSE:
        x->http_status = 400;
        return (size_t)snprintf(body, size, "{\"error\":{\"message\":\"no\",\"code\":%d}}",
                                sim_refusal_code(&w->random));
    case FATE_UNSURE:
        x->http_status = 500;
        return (size_t)snprintf(body, size, "{\"error\":{\"message\":\"?\",\"code\":131000}}");
    case FATE_NOT_SENT:
    case FATE_LOST_REQUEST:
    case FATE_LOST_ANSWER:
    case FATE_COUNT:
        break;
    }
    return 0;
}

static void on_answer_event(struct world *w, struct flight *f)
{
    char body[256];
    struct exchange x = {
        .wired = f->wired,
        .complete = f->fate != FATE_NOT_SENT && f->fate != FATE_LOST_REQUEST &&
                    f->fate != FATE_LOST_ANSWER && f->fate != FATE_CUT_ANSWER &&
                    f->fate != FATE_ACCEPT_AND_FAIL,
        .body = body,
        .retry_after_ms = -1,
        .latency_us = w->now_us - f->wired_us,
        .error = "",
    };

    x.body_len = write_answer(w, f, &x, body, sizeof(body));
    if (f->fate == FATE_CUT_ANSWER)
        x.body_len /= 2;
    if (!x.complete)
        x.error = "connection lost";
    list_remove(&f->node);
    w->in_flight--;
    engine_on_answer(w->engine, f->request, &x, now_of(w));
    mem_free(f);
}

/* ---- Life and death of the process. */

static void open_engine(struct world *w)
{
    struct engine_ports ports = {w,          on_pull,   on_record,  on_has_room,
                                 on_request, on_random, on_started, on_answer,
                                 on_settled, on_known,  on_halt};
    struct moment now = now_of(w);

    w->engine_options.last_attempt_ms = w->ledger.last_attempt_ms;
    w->engine = engine_new(&w->engine_options, &ports, now);
    w->next_message = 0;
}

/* What waits on disk is given back to the engine, as much as it takes. */
static void resume_waiting(struct world *w)
{
    for (unsigned i = 0; i < w->ledger.count; i++) {
        const struct sim_row *row = &w->ledger.rows[i];
        struct engine_waiting waiting = {
            .number = i + 1,
            .attempt = row->attempt,
            .tries = row->tries,
            .due_ms = row->due_ms,
        };

        if (row->state != STATE_WAITING || !engine_waiting_room(w->engine))
            continue;
        waiting.message = make_message(i);
        engine_resume(w->engine, &waiting, now_of(w));
    }
}

static void forget_events(struct world *w)
{
    struct heap_node *first;
    struct list *node;

    while ((first = heap_first(&w->events)))
        heap_remove(&w->events, first);
    while ((node = list_pop(&w->flights)))
        mem_free(LIST_ITEM(node, struct flight, node));
    w->in_flight = 0;
}

static void crash(struct world *w)
{
    unsigned ambiguous;

    w->result->crashes++;
    trace(w, 500, w->in_flight);
    forget_events(w);
    ambiguous = sim_ledger_crash(&w->ledger, sim_random_chance(&w->random, 5000));
    if (ambiguous > w->result->worst_ambiguity)
        w->result->worst_ambiguity = ambiguous;
    engine_free(w->engine);
    w->now_us += (int64_t)sim_random_below(&w->random,
                                           sim_random_chance(&w->random, 5000) ? 50000 : 3000000);
    open_engine(w);
    resume_waiting(w);
    engine_turn(w->engine, now_of(w));
    begin_commit(w);
}

/* ---- The run. */

static void handle(struct world *w, struct event *event)
{
    struct list records;

    switch (event->kind) {
    case EVENT_COMMITTED:
        sim_ledger_finish(&w->ledger, &records);
        engine_on_recorded(w->engine, &records, now_of(w));
        break;
    case EVENT_WIRED:
        on_wired(w, event->flight);
        break;
    case EVENT_ANSWER:
        on_answer_event(w, event->flight);
        break;
    case EVENT_HOLD:
        engine_hold(w->engine, "the operator said so", now_of(w));
        schedule(w, event, EVENT_RELEASE, 2000000);
        break;
    case EVENT_RELEASE:
        engine_release(w->engine, now_of(w));
        break;
    }
}

/* Time goes on to whatever is next: an event of the world, or the engine's deadline. */
static bool step(struct world *w)
{
    int64_t engine_us = engine_next_us(w->engine, now_of(w));
    struct heap_node *first = heap_first(&w->events);

    if (!first && engine_us == INT64_MAX)
        return false;
    if (first && first->key <= engine_us) {
        heap_remove(&w->events, first);
        if (first->key > w->now_us)
            w->now_us = first->key;
        handle(w, CONTAINER_OF(first, struct event, at));
    } else if (engine_us > w->now_us) {
        w->now_us = engine_us + (int64_t)sim_random_below(&w->random, 2000);
    }
    engine_turn(w->engine, now_of(w));
    begin_commit(w);
    return true;
}

static void draw_configuration(struct world *w)
{
    static const double rates[] = {RATE_UNLIMITED, 20, 80, 1000, 1000, 5000};
    double rate = rates[sim_random_below(&w->random, ARRAY_SIZE(rates))];

    w->engine_options = (struct engine_options){
        .rate = {rate, 1, 10000, 1000000},
        .retry = {1 + (unsigned)sim_random_below(&w->random, 6), 100, 20000},
        .resend_unknown = sim_random_chance(&w->random, 3000),
        .intent_ahead_us = sim_random_chance(&w->random, 1000) ? 0 : 50000,
        .max_in_flight = 1 + (unsigned)sim_random_below(&w->random, 1000),
        .ledger_id = 1,
    };
    sim_faults_draw(&w->faults, &w->random);
    w->limit = (unsigned)rate;
    for (int i = 0; i < SENDERS; i++)
        w->wires[i].times = mem_alloc((w->limit ? w->limit : 1) * sizeof(int64_t));
    w->crash_chance = sim_random_chance(&w->random, 5000) ? 500 : 0;
}

static void judge_message(struct world *w, unsigned i)
{
    const struct sim_row *row = &w->ledger.rows[i];
    unsigned accepted = w->accepted[i];

    w->result->unknown += row->state == STATE_UNKNOWN;
    if (!row->known || row->state == STATE_WAITING || row->state == STATE_SENDING ||
        (accepted && row->state != STATE_ACCEPTED && row->unknowns == 0) ||
        (!accepted && row->state == STATE_ACCEPTED)) {
        w->result->lost++;
        fail(w, "message %u: on disk %s, Graph accepted it %u times", i,
             row->known ? state_name(row->state) : "nothing", accepted);
    }
    if (accepted <= 1)
        return;
    if (w->engine_options.resend_unknown && accepted - 1 <= row->unknowns) {
        w->result->twice_declared++;
        return;
    }
    w->result->twice_undeclared++;
    fail(w, "message %u: Graph accepted it %u times, %u attempts are on record as unknown", i,
         accepted, row->unknowns);
}

static void run_to_end(struct world *w)
{
    uint64_t steps = 0;
    uint64_t most = (uint64_t)STEPS_PER_MESSAGE * w->options->messages + 1000000;

    while (!engine_is_finished(w->engine) && !w->result->failure[0]) {
        if (!step(w))
            fail(w, "nothing is due and the engine is not finished");
        if (sim_random_below(&w->random, 1000000) < w->crash_chance)
            crash(w);
        if (++steps > most)
            fail(w, "no end after %llu steps", (unsigned long long)steps);
    }
}

void sim_run(const struct sim_options *options, struct sim_result *result)
{
    struct world w = {
        .options = options,
        .result = result,
        .random = {options->seed},
    };

    *result = (struct sim_result){.messages = options->messages};
    list_init(&w.flights);
    sim_ledger_init(&w.ledger, options->messages);
    w.accepted = mem_alloc(options->messages * sizeof(unsigned));
    draw_configuration(&w);
    open_engine(&w);
    schedule(&w, &w.operator_event, EVENT_HOLD, (int64_t)sim_random_below(&w.random, 100000000));
    engine_turn(w.engine, now_of(&w));
    begin_commit(&w);
    run_to_end(&w);
    for (unsigned i = 0; i < options->messages && !result->failure[0]; i++)
        judge_message(&w, i);
    forget_events(&w);
    engine_free(w.engine);
    heap_free(&w.events);
    sim_ledger_free(&w.ledger);
    for (int i = 0; i < SENDERS; i++)
        mem_free(w.wires[i].times);
    mem_free(w.accepted);
}
