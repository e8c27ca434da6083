/* SPDX-License-Identifier: MIT
 *
 * daemon_control.c: what is asked over the control socket, and how it is answered.
 *
 *   {"op":"status"}                                   the daemon's status
 *   {"op":"pause"|"resume"|"cancel","broadcast":N}    N left out: everything
 *   {"op":"drain"}                                    as SIGTERM
 *   {"op":"take_in","messages":[...]}                 new messages (handover.h): on disk as waiting
 *                                                     before the answer, whose "admissions" has a
 *                                                     letter for each: n new, k known, o known and
 *                                                     of another broadcast, r reused
 *   {"op":"open_again","states":[...],"numbers":[...]} failed or unknown ones, by the ledger's
 *                                                     numbers; "opened": how many were
 *   {"op":"settle","to":"accepted"|"failed","numbers":[...]}  unknown ones, by hand; "settled"
 *   {"op":"broadcast","broadcast":N,"file_hash":HEX,"plan_hash":HEX}
 *                                                     a broadcast is put on record as open
 *   {"op":"broadcast","broadcast":N,"state":"complete"}  and, when all of it is done, as complete
 *
 * Happy path: the request becomes an order, the order an errand of the ledger; when that is on disk
 * the request is answered.
 * Failure modes: a request that cannot be read is answered with what is wrong with it; while the
 * daemon drains, one that brings work is refused, and once nothing is in flight any more each that
 * the end would have to wait for; a ledger that breaks answers nothing more: the client sees the
 * connection close.
 */
#include "commands/daemon_internal.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "commands/answer.h"
#include "commands/control_question.h"
#include "commands/handover.h"

#include <stdio.h>
#include <string.h>

enum { HASH_SIZE = 32, TEXT_MAX = 1024 };

/* A request until it is answered. */
struct order {
    struct daemon *daemon;
    struct control_request *request;
    const char *verb; /* "Paused" */
    char *broadcast;  /* NULL: none was named */
    union {
        struct ledger_intake intake;
        struct ledger_reopening reopening;
        struct ledger_settling settling;
        struct ledger_broadcast_change change;
    };
    struct ledger_intake_item *items;
    uint64_t *numbers;
    unsigned char file_hash[HASH_SIZE];
    unsigned char plan_hash[HASH_SIZE];
};

static struct order *order_new(struct daemon *d, struct control_request *request,
                               const char *broadcast)
{
    struct order *o = MEM_NEW(struct order);

    o->daemon = d;
    o->request = request;
    o->broadcast = broadcast ? mem_strdup(broadcast) : NULL;
    d->orders++;
    return o;
}

static void order_free(struct order *o)
{
    o->daemon->orders--;
    mem_free(o->broadcast);
    mem_free(o->items);
    mem_free(o->numbers);
    mem_free(o);
}

static void reply_number(struct control_request *request, const char *name, uint64_t value)
{
    char text[96];

    (void)snprintf(text, sizeof(text), "{\"v\":1,\"ok\":true,\"%s\":%llu}", name,
                   (unsigned long long)value); /* it fits */
    control_reply(request, text);
}

/* ---- Holds. */

static void add_count(const struct order *o, uint64_t count, struct buf *text)
{
    char grouped[32];

    text_grouped(count, grouped);
    if (strcmp(o->verb, "Cancelled") == 0)
        buf_addf(text, ": %s messages that waited are skipped", grouped);
}

static void add_streams(const struct order *o, struct buf *text)
{
    const struct daemon *d = o->daemon;
    char lag[32];

    if (o->broadcast || strcmp(o->verb, "Cancelled") != 0 || !d->stream)
        return;
    text_grouped((uint64_t)(d->facts.stream.lag > 0 ? d->facts.stream.lag : 0), lag);
    if (d->cancelling.is_marked && d->facts.stream.lag < 0)
        buf_adds(text,
                 "; what waits in the streams is skipped as it is read (Redis does not say how "
                 "many)");
    else if (d->cancelling.is_marked)
        buf_addf(text, "; %s entries that wait in the streams are skipped as they are read", lag);
    else
        buf_adds(text, "; but Redis does not answer: what waits in the streams is not cancelled; "
                       "say it again when it does");
}

/* What else keeps it from going on. */
static void add_holds(const struct order *o, struct buf *text)
{
    const struct holds *h = &o->daemon->holds;

    if (strcmp(o->verb, "Resumed") != 0)
        return;
    if (!h->enabled)
        buf_adds(text, "; but sending is switched off (whatsapp.enabled, WHATSAPP_ENABLED): "
                       "nothing goes out until it is switched on and reloaded");
    else if (h->paused_ms)
        buf_adds(text, "; but everything is paused: `tidings resume` without a name goes on");
}

static void on_held(void *context, const struct holds_result *result)
{
    struct order *o = context;
    struct buf text = buf_new(TEXT_MAX);

    buf_addf(&text, "%s%s %s%s", o->verb, strcmp(o->verb, "Cancelled") == 0 ? "" : ":",
             o->broadcast ? "broadcast " : "everything", o->broadcast ? o->broadcast : "");
    add_count(o, result->count, &text);
    if (!result->is_known)
        buf_adds(&text, " " HOLDS_UNKNOWN);
    add_streams(o, &text);
    add_holds(o, &text);
    log_line(LOG_WARN, "The operator's word", LOG_STR("done", buf_text(&text)));
    answer_text(o->request, buf_text(&text));
    buf_free(&text);
    order_free(o);
}

typedef void (*hold_fn)(struct holds *h, const char *broadcast, struct holds_done done);

static void hold(struct daemon *d, struct control_request *request, const struct json *body,
                 const char *verb, hold_fn fn)
{
    const char *broadcast = json_string(json_get(body, "broadcast"), NULL);
    struct order *o;

    if (broadcast && strcmp(verb, "Cancelled") != 0 && holds_is_cancelled(&d->holds, broadcast)) {
        answer_cancelled(request);
        return;
    }
    o = order_new(d, request, broadcast);
    o->verb = verb;
    fn(&d->holds, broadcast, (struct holds_done){on_held, o});
    d->feed.again = true;
}

static void on_pause(struct daemon *d, struct control_request *request, const struct json *body)
{
    hold(d, request, body, "Paused", holds_pause);
}

static void on_resume(struct daemon *d, struct control_request *request, const struct json *body)
{
    hold(d, request, body, "Resumed", holds_resume);
}

static void cancel_everything(struct daemon *d, struct control_request *request)
{
    struct order *o = order_new(d, request, NULL);

    o->verb = "Cancelled";
    if (daemon_cancel_all(d, (struct holds_done){on_held, o}))
        return;
    answer_refusal(request, EXIT_TRY_LATER, "everything is being cancelled already");
    order_free(o);
}

static void on_cancel(struct daemon *d, struct control_request *request, const struct json *body)
{
    if (json_string(json_get(body, "broadcast"), NULL))
        hold(d, request, body, "Cancelled", holds_cancel);
    else
        cancel_everything(d, request);
}

static void on_drain(struct daemon *d, struct control_request *request, const struct json *body)
{
    (void)body;
    log_line(LOG_WARN, "Draining: asked to over the control socket");
    dispatch_stop(d->dispatch);
    answer_text(request, "Draining: nothing new is taken, what is in flight is finished");
}

static void on_status(struct daemon *d, struct control_request *request, const struct json *body)
{
    (void)body;
    daemon_look(d);
    answer_status(request, &d->status);
}

/* ---- New messages. */

/* Those of a broadcast that was cancelled meanwhile do not wait for ever. */
static void cancel_late(struct order *o)
{
    const char *last = "";

    for (size_t i = 0; i < o->intake.count; i++) {
        const struct message *m = o->items[i].message;

        if (o->items[i].admission != ADMISSION_NEW || strcmp(m->broadcast, last) == 0)
            continue;
        holds_on_waiting(&o->daemon->holds, m);
        last = m->broadcast;
    }
}

static char letter_of(const struct ledger_intake_item *item)
{
    static const char of[] = {
        [ADMISSION_NEW] = 'n', [ADMISSION_KNOWN] = 'k', [ADMISSION_REUSED] = 'r'};

    return item->admission == ADMISSION_KNOWN && item->elsewhere ? 'o' : of[item->admission];
}

static void on_taken_in(struct ledger_errand *errand)
{
    struct order *o = CONTAINER_OF(errand, struct order, intake.errand);
    char letters[HANDOVER_MESSAGES_MAX + 1];
    char text[HANDOVER_MESSAGES_MAX + 64];

    cancel_late(o);
    for (size_t i = 0; i < o->intake.count; i++) {
        letters[i] = letter_of(&o->items[i]);
        o->daemon->handed_over[o->items[i].admission]++;
        message_free(o->items[i].message);
    }
    letters[o->intake.count] = '\0';
    (void)snprintf(text, sizeof(text), "{\"v\":1,\"ok\":true,\"admissions\":\"%s\"}", letters);
    control_reply(o->request, text);
    o->daemon->feed.again = true;
    order_free(o);
}

static bool read_messages(struct order *o, const struct json *messages, struct err *e)
{
    size_t count = json_count(messages);

    if (count == 0 || count > HANDOVER_MESSAGES_MAX)
        return err_set(e, EXIT_USAGE, "take_in: 1 to %d messages", HANDOVER_MESSAGES_MAX);
    o->items = mem_alloc(count * sizeof(struct ledger_intake_item));
    o->intake = (struct ledger_intake){
        .errand.on_done = on_taken_in,
        .items = o->items,
        .at_ms = dispatch_now().wall_ms,
    };
    for (size_t i = 0; i < count; i++) {
        struct message *m = handover_read_message(json_at(messages, i), e);

        if (!m)
            return false;
        o->items[o->intake.count++] = (struct ledger_intake_item){.message = m};
    }
    return true;
}

static void on_take_in(struct daemon *d, struct control_request *request, const struct json *body)
{
    struct order *o = order_new(d, request, NULL);
    struct err why;

    if (read_messages(o, json_get(body, "messages"), &why)) {
        ledger_take_in(dispatch_ledger(d->dispatch), &o->intake);
        return;
    }
    for (size_t i = 0; i < o->intake.count; i++)
        message_free(o->items[i].message);
    control_refuse(request, &why);
    order_free(o);
}

/* ---- Opening again. */

static void on_opened(struct ledger_errand *errand)
{
    struct order *o = CONTAINER_OF(errand, struct order, reopening.errand);

    o->daemon->feed.again = true;
    reply_number(o->request, "opened", o->reopening.opened);
    order_free(o);
}

/* 0 where one of them is not right. */
static unsigned read_states(const struct json *states)
{
    unsigned mask = 0;
    enum state s;

    for (size_t i = 0; i < json_count(states); i++) {
        const char *word = json_string(json_at(states, i), NULL);

        if (!word || !state_parse(word, &s) || (s != STATE_FAILED && s != STATE_UNKNOWN))
            return 0;
        mask |= 1U << s;
    }
    return mask;
}

/* Into o->numbers; how many, 0 where they are not right. */
static size_t read_numbers(struct order *o, const struct json *body)
{
    const struct json *numbers = json_get(body, "numbers");
    size_t count = json_count(numbers);

    if (count == 0 || count > HANDOVER_NUMBERS_MAX)
        return 0;
    o->numbers = mem_alloc(count * sizeof(uint64_t));
    for (size_t i = 0; i < count; i++) {
        int64_t number;

        if (!json_int(json_at(numbers, i), &number) || number <= 0)
            return 0;
        o->numbers[i] = (uint64_t)number;
    }
    return count;
}

static void refuse_numbers(struct control_request *request, const char *op, const char *words)
{
    struct err why;

    (void)err_set(&why, EXIT_USAGE, "%s: 1 to %d numbers, %s", op, HANDOVER_NUMBERS_MAX, words);
    control_refuse(request, &why);
}

static void on_open_again(struct daemon *d, struct control_request *request,
                          const struct json *body)
{
    struct order *o = order_new(d, request, NULL);
    size_t count = read_numbers(o, body);

    o->reopening = (struct ledger_reopening){
        .errand.on_done = on_opened,
        .numbers = o->numbers,
        .count = count,
        .states = read_states(json_get(body, "states")),
        .at_ms = dispatch_now().wall_ms,
    };
    if (count && o->reopening.states) {
        ledger_open_again(dispatch_ledger(d->dispatch), &o->reopening);
        return;
    }
    refuse_numbers(request, "open_again", "states failed or unknown");
    order_free(o);
}

/* ---- Settling by hand. */

static void on_settled(struct ledger_errand *errand)
{
    struct order *o = CONTAINER_OF(errand, struct order, settling.errand);

    o->daemon->outbox.again = true;
    reply_number(o->request, "settled", o->settling.settled);
    order_free(o);
}

static void on_settle(struct daemon *d, struct control_request *request, const struct json *body)
{
    const char *to = json_string(json_get(body, "to"), NULL);
    struct order *o = order_new(d, request, NULL);
    size_t count = read_numbers(o, body);
    enum state state = STATE_UNKNOWN;
    bool ok = to && state_parse(to, &state);

    if (!ok || !count || (state != STATE_ACCEPTED && state != STATE_FAILED)) {
        refuse_numbers(request, "settle", "to accepted or failed");
        order_free(o);
        return;
    }
    o->settling = (struct ledger_settling){
        .errand.on_done = on_settled,
        .numbers = o->numbers,
        .count = count,
        .to = state,
        .at_ms = dispatch_now().wall_ms,
    };
    ledger_settle_by_hand(dispatch_ledger(d->dispatch), &o->settling);
}

/* ---- A broadcast on record. */

static void on_put(struct ledger_errand *errand)
{
    struct order *o = CONTAINER_OF(errand, struct order, change.errand);
    enum broadcast_state before = o->change.before;

    if (before == BROADCAST_CANCELLED)
        answer_refusal(o->request, EXIT_BAD_DATA,
                       "this broadcast is cancelled: that is final; another --name starts another");
    else if (before == BROADCAST_PAUSED)
        answer_refusal(o->request, EXIT_WORK_LEFT,
                       "this broadcast is paused: `tidings resume` with its name goes on");
    else
        reply_number(o->request, "before", before);
    order_free(o);
}

static bool read_hash(const struct json *body, const char *key, unsigned char out[HASH_SIZE])
{
    size_t len = 0;
    const char *hex = json_string(json_get(body, key), &len);

    return hex && len == 2 * (size_t)HASH_SIZE && hex_decode(hex, out, HASH_SIZE);
}

/* "complete" is said when all of it was handed over and is settled; else it is open. */
static bool read_change(struct order *o, const struct json *body)
{
    const char *state = json_string(json_get(body, "state"), NULL);
    bool is_complete = state && strcmp(state, "complete") == 0;

    if (state && !is_complete)
        return false;
    o->change = (struct ledger_broadcast_change){
        .errand.on_done = on_put,
        .name = o->broadcast,
        .from = 1U << BROADCAST_OPEN | 1U << BROADCAST_COMPLETE,
        .state = is_complete ? BROADCAST_COMPLETE : BROADCAST_OPEN,
    };
    if (is_complete)
        return true;
    o->change.file_hash = o->file_hash;
    o->change.plan_hash = o->plan_hash;
    return read_hash(body, "file_hash", o->file_hash) && read_hash(body, "plan_hash", o->plan_hash);
}

static void on_broadcast(struct daemon *d, struct control_request *request, const struct json *body)
{
    const char *name = json_string(json_get(body, "broadcast"), NULL);
    struct order *o = order_new(d, request, name);

    if (!name || !read_change(o, body)) {
        answer_refusal(request, EXIT_USAGE,
                       "broadcast: a name is wanted, and two hashes or the state complete");
        order_free(o);
        return;
    }
    ledger_change_broadcast(dispatch_ledger(d->dispatch), &o->change);
}

/* ---- The table. */

static const struct {
    const char *op;
    void (*fn)(struct daemon *d, struct control_request *request, const struct json *body);
} ops[] = {
    {"status", on_status},         {"pause", on_pause},   {"resume", on_resume},
    {"cancel", on_cancel},         {"drain", on_drain},   {"take_in", on_take_in},
    {"open_again", on_open_again}, {"settle", on_settle}, {"broadcast", on_broadcast},
};

/* Would it have to be sent by a daemon that ends? */
static bool brings_work(const char *op, const struct json *body)
{
    return strcmp(op, "take_in") == 0 || strcmp(op, "open_again") == 0 ||
           (strcmp(op, "broadcast") == 0 && !json_get(body, "state"));
}

static bool is_too_late(const struct daemon *d, const char *op, const struct json *body)
{
    if (strcmp(op, "status") == 0 || strcmp(op, "drain") == 0)
        return false;
    return d->draining || (dispatch_is_draining(d->dispatch) && brings_work(op, body));
}

static void serve(struct daemon *d, struct control_request *request, const struct json *body)
{
    const char *op = json_string(json_get(body, "op"), NULL);

    for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
        if (strcmp(ops[i].op, op) != 0)
            continue;
        if (is_too_late(d, op, body))
            answer_refusal(request, EXIT_TRY_LATER, "the daemon is draining: it takes nothing new");
        else
            ops[i].fn(d, request, body);
    }
}

void daemon_on_request(void *context, struct control_request *request, const struct json *body)
{
    struct err why;

    if (control_question_check(body, &why))
        serve(context, request, body);
    else
        control_refuse(request, &why);
}
