/* SPDX-License-Identifier: MIT
 *
 * run_control.c: what is asked of a run over its control socket.
 *
 * Happy path: a request becomes a hold (holds.h) and is answered when that is on disk. Of a
 * cancellation of the run itself: it is answered, the run drains, and when nothing is in flight any
 * more what waits is skipped (run_control_is_done), so that nothing is left behind.
 * Failure modes: a ledger that breaks answers nothing more: the client sees the connection close.
 */
#include "commands/run_control.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "commands/answer.h"
#include "commands/control_question.h"
#include "commands/status_look.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A request until it is answered. */
struct order {
    struct run_control *control;
    struct control_request *request;
    struct ledger_broadcast_change change;
    char text[MESSAGE_LABEL_MAX + 160];
};

static struct order *order_new(struct run_control *rc, struct control_request *request,
                               const char *verb, const char *broadcast)
{
    struct order *o = MEM_NEW(struct order);

    o->control = rc;
    o->request = request;
    (void)snprintf(o->text, sizeof(o->text), "%s: %s%s", verb, /* it fits */
                   broadcast ? "broadcast " : "everything", broadcast ? broadcast : "");
    rc->orders++;
    return o;
}

static void order_end(struct order *o)
{
    log_line(LOG_WARN, "The operator's word", LOG_STR("done", o->text));
    answer_text(o->request, o->text);
    o->control->orders--;
    mem_free(o);
}

static void on_held(void *context, const struct holds_result *result)
{
    struct order *o = context;
    size_t used = strlen(o->text);

    if (!result->is_known)
        (void)snprintf(o->text + used, sizeof(o->text) - used, " " HOLDS_UNKNOWN); /* it fits */
    order_end(o);
}

static void on_changed(struct ledger_errand *errand)
{
    order_end(CONTAINER_OF(errand, struct order, change.errand));
}

/* ---- The run's own broadcast, by name. */

static bool is_own(const struct run_control *rc, const char *name)
{
    return rc->broadcast && strcmp(rc->broadcast, name) == 0;
}

/* Over what holds.h holds; to be said again after each of its changes. */
static void apply_own(struct run_control *rc)
{
    struct engine *engine = dispatch_engine(rc->dispatch);

    if (rc->is_paused)
        engine_hold(engine, HALT_OPERATOR, "This broadcast is paused: `tidings resume` goes on",
                    dispatch_now());
    else if (!rc->holds.is_held)
        engine_release(engine, dispatch_now());
}

static void hold_own(struct run_control *rc, struct order *o, bool pause)
{
    rc->is_paused = pause;
    apply_own(rc);
    o->change = (struct ledger_broadcast_change){
        .errand.on_done = on_changed,
        .name = rc->broadcast,
        .state = pause ? BROADCAST_PAUSED : BROADCAST_OPEN,
    };
    ledger_change_broadcast(dispatch_ledger(rc->dispatch), &o->change);
}

/* ---- What is asked. */

/* By name, now or before; of the run itself also while it still drains. */
static bool is_cancelled(const struct run_control *rc, const char *name)
{
    return name && (holds_is_cancelled(&rc->holds, name) || (rc->is_cancelled && is_own(rc, name)));
}

static void on_pause(struct run_control *rc, struct control_request *request, const char *name)
{
    struct order *o;

    if (is_cancelled(rc, name)) {
        answer_cancelled(request);
        return;
    }
    o = order_new(rc, request, "Paused", name);
    if (name && is_own(rc, name)) {
        hold_own(rc, o, true);
        return;
    }
    rc->has_stopped |= name != NULL;
    holds_pause(&rc->holds, name, (struct holds_done){on_held, o});
}

static void on_resume(struct run_control *rc, struct control_request *request, const char *name)
{
    struct order *o;

    if (is_cancelled(rc, name)) {
        answer_cancelled(request);
        return;
    }
    o = order_new(rc, request, "Resumed", name);
    if (name && is_own(rc, name)) {
        hold_own(rc, o, false);
        return;
    }
    holds_resume(&rc->holds, name, (struct holds_done){on_held, o});
    apply_own(rc);
}

static void on_cancel(struct run_control *rc, struct control_request *request, const char *name)
{
    if (name && !is_own(rc, name)) {
        rc->has_stopped = true;
        holds_cancel(&rc->holds, name,
                     (struct holds_done){on_held, order_new(rc, request, "Cancelled", name)});
        return;
    }
    rc->is_cancelled = true;
    rc->cancels_all |= name == NULL;
    dispatch_stop(rc->dispatch);
    log_line(LOG_WARN, "Cancelled: what is in flight is finished, what waits is skipped");
    answer_text(request, "Cancelled: what is in flight is finished, what waits is skipped, and the "
                         "run ends");
}

static void on_drain(struct run_control *rc, struct control_request *request, const char *name)
{
    (void)name;
    log_line(LOG_WARN, "Draining: asked to over the control socket");
    dispatch_stop(rc->dispatch);
    answer_text(request, "Draining: nothing new is sent, what is in flight is finished");
}

/* ---- status. */

static enum daemon_state state_now(const struct run_control *rc)
{
    if (dispatch_is_draining(rc->dispatch))
        return DAEMON_DRAINING;
    if (rc->holds.paused_ms || rc->is_paused)
        return DAEMON_PAUSED;
    if (halt_of_all(dispatch_halts_now(rc->dispatch)))
        return DAEMON_HALTED;
    return dispatch_is_unreachable(rc->dispatch) ? DAEMON_NETWORK_DOWN : DAEMON_RUNNING;
}

static void look_at_broadcast(struct run_control *rc)
{
    const struct tally *t = dispatch_tally(rc->dispatch);
    struct status_broadcast *b = &rc->status.broadcasts[0];

    if (!rc->broadcast)
        return;
    rc->status.broadcast_count = 1;
    text_copy(b->name, sizeof(b->name), rc->broadcast, strlen(rc->broadcast));
    b->state = rc->is_paused ? "paused" : "open";
    b->total = tally_expected(t);
    for (enum state s = STATE_ACCEPTED; s <= STATE_SKIPPED; s++)
        b->counts[s] = tally_total(t, s);
    b->counts[STATE_WAITING] = tally_expected(t) ? tally_expected(t) - tally_done(t) : 0;
}

static void on_status(struct run_control *rc, struct control_request *request, const char *name)
{
    enum daemon_state state = state_now(rc);

    (void)name;
    if (state != rc->state)
        rc->since_ms = clock_wall_ms();
    rc->state = state;
    rc->status = (struct daemon_status){
        .kind = rc->kind,
        .state = state,
        .version = TIDINGS_VERSION,
        .pid = getpid(),
        .now_ms = clock_wall_ms(),
        .started_ms = rc->started_ms,
        .since_ms = rc->since_ms,
        .log_dropped = log_dropped(),
    };
    status_look(&rc->status, rc->dispatch, rc->settings);
    look_at_broadcast(rc);
    answer_status(request, &rc->status);
}

static const struct {
    const char *op;
    void (*fn)(struct run_control *rc, struct control_request *request, const char *name);
} ops[] = {
    {"status", on_status}, {"pause", on_pause}, {"resume", on_resume},
    {"cancel", on_cancel}, {"drain", on_drain},
};

static void on_request(void *context, struct control_request *request, const struct json *body)
{
    struct run_control *rc = context;
    const char *op = json_string(json_get(body, "op"), NULL);
    const char *name = json_string(json_get(body, "broadcast"), NULL);
    struct err why;

    if (!control_question_check(body, &why)) {
        control_refuse(request, &why);
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
        if (strcmp(ops[i].op, op) == 0) {
            ops[i].fn(rc, request, name);
            return;
        }
    }
    answer_refusal(request, EXIT_TRY_LATER,
                   "no daemon is running here but a single run, which takes nothing from others: "
                   "wait for its end");
}

/* ---- The run. */

static void on_some_stopped(void *context, const char *name)
{
    struct run_control *rc = context;

    (void)name;
    rc->has_stopped = true;
}

bool run_control_begin(struct run_control *rc, struct err *e)
{
    const struct control_handler handler = {rc, on_request};
    struct ledger *l = dispatch_ledger(rc->dispatch);
    struct err why;

    rc->started_ms = rc->since_ms = clock_wall_ms();
    if (!holds_begin(&rc->holds, rc->dispatch, rc->settings->enabled, e) ||
        !ledger_broadcasts(l, BROADCAST_PAUSED, on_some_stopped, rc, e) ||
        !ledger_broadcasts(l, BROADCAST_CANCELLED, on_some_stopped, rc, e))
        return false;
    if (!control_open(dispatch_loop(rc->dispatch), rc->settings->control_socket, &handler,
                      &rc->control, &why)) {
        rc->control = NULL;
        log_line(LOG_WARN, "No control socket: `tidings status` and `pause` do not reach this run",
                 LOG_STR("why", why.text));
    }
    return true;
}

static void on_rest_cancelled(void *context, const struct holds_result *result)
{
    const struct run_control *rc = context;
    struct tally *t = dispatch_tally(rc->dispatch);
    uint64_t done = tally_done(t), expected = tally_expected(t);
    uint64_t left = expected > done ? expected - done : 0;

    if (rc->is_corrected)
        return;
    /* Without a name others' are among them. */
    t->states[STATE_SKIPPED] += result->count < left ? result->count : left;
}

bool run_control_is_done(struct run_control *rc)
{
    const struct holds_done nobody = {NULL, NULL}, ours = {on_rest_cancelled, rc};

    if (rc->is_cancelled && !rc->is_cancelling) {
        rc->is_cancelling = true;
        if (rc->broadcast)
            holds_cancel(&rc->holds, rc->broadcast, ours);
        if (rc->cancels_all || !rc->broadcast)
            holds_cancel(&rc->holds, NULL, rc->broadcast ? nobody : ours);
    }
    return holds_is_idle(&rc->holds) && !rc->orders;
}

static void on_control_closed(void *context)
{
    (void)context; /* the loop ends when all have */
}

void run_control_end(struct run_control *rc)
{
    if (rc->control)
        control_close(rc->control, on_control_closed, NULL);
    rc->control = NULL;
}

void run_control_free(struct run_control *rc)
{
    holds_end(&rc->holds);
}

const char *run_control_note(const struct run_control *rc)
{
    if (rc->is_cancelled)
        return "cancelled: waiting for what is in flight";
    if (rc->holds.paused_ms)
        return "paused: `tidings resume` goes on";
    if (rc->is_paused)
        return "this broadcast is paused: `tidings resume` with its name goes on";
    return NULL;
}
