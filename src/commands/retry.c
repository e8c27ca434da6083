/* SPDX-License-Identifier: MIT
 *
 * retry.c: failed (or unknown) messages, opened again and sent from the ledger.
 *
 * Happy path: the filter's failed messages are counted and shown; the operator agrees; they become
 * waiting, on record; they, and those that an earlier run left waiting, are sent. What waits and is
 * not due soon is not its work: it says until when; where it was tried before, it is left (5).
 * Where a daemon holds the ledger, it opens and sends them, and they are watched by their numbers.
 * Those of a cancelled broadcast stay as they are, and are in the account so.
 * Failure modes: as a broadcast's; what was opened stays waiting, and the same command goes on.
 * Killed: what was under way is unknown, and counts in the account of the next one (4).
 */
#include "commands/retry.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/terminal.h"
#include "base/text.h"
#include "commands/filter_flags.h"
#include "commands/handover_watch.h"
#include "core/phone.h"

#include <stdio.h>
#include <unistd.h>

struct retry_flags {
    struct filter_flags filter;
    bool unknown;
    bool yes;
    const char *report;
};

static const struct flag flags[] = {
    FILTER_FLAGS(struct retry_flags, filter),
    {.name = "unknown",
     .kind = FLAG_SWITCH,
     .offset = offsetof(struct retry_flags, unknown),
     .help = "unknown ones instead: possible duplicates (reconcile --resend)"},
    {.name = "yes",
     .kind = FLAG_SWITCH,
     .offset = offsetof(struct retry_flags, yes),
     .help = "do not ask"},
    {.name = "report",
     .kind = FLAG_TEXT,
     .offset = offsetof(struct retry_flags, report),
     .value = "FILE",
     .help = "write the report as JSON"},
};

static const struct flag_table table = FLAG_TABLE("retry", "", "send failed messages again", flags);

/* What is due within it is waited for; anything later is left to wait. */
enum { SOON_MS = 60 * 1000 };

struct retry {
    struct run *run;
    struct retry_order order;
    struct ledger_filter waits; /* the filter for what waits: who and which, not what was known */
    int64_t due_by_ms;
    uint64_t again;                /* to be opened again */
    uint64_t waiting;              /* left waiting by an earlier run, and due */
    uint64_t under_way;            /* sent at this moment, or when a process was killed */
    uint64_t unknown;              /* whoever they are */
    uint64_t interrupted;          /* unknown since we opened the ledger, and left so */
    uint64_t later;                /* waiting, and not due */
    uint64_t later_tried;          /* of those: tried already */
    int64_t later_ms;              /* when the first of them is due; 0: none */
    struct report_truth met;       /* what became of them */
    struct ledger_watched watched; /* by the daemon: all of these, by number */
    size_t room;                   /* of watched.items */
};

/* ---- What there is to do. */

/* A filter by state may leave nothing to be opened. */
static unsigned states_again(const struct retry *r)
{
    unsigned state = 1U << r->order.from;

    return !r->order.filter.states || r->order.filter.states & state ? state : 0;
}

static bool is_due(const struct retry *r, const struct ledger_row *row)
{
    return row->outcome.state != STATE_WAITING || row->outcome.next_ms <= r->due_by_ms;
}

static bool count_waiting(void *context, const struct ledger_row *row)
{
    struct retry *r = context;

    if (is_due(r, row)) {
        r->waiting++;
        return true;
    }
    r->later++;
    r->later_tried += row->attempts > 0;
    if (!r->later_ms || row->outcome.next_ms < r->later_ms)
        r->later_ms = row->outcome.next_ms;
    return true;
}

static bool count_state(struct ledger_reader *reader, const struct ledger_filter *filter,
                        enum state state, uint64_t *out, struct err *e)
{
    struct ledger_filter of = *filter;
    uint64_t counts[STATE_COUNT] = {0};

    of.states = 1U << state;
    if (!ledger_count(reader, &of, counts, e))
        return false;
    *out = counts[state];
    return true;
}

static bool count_all(struct retry *r, struct ledger_reader *reader, struct err *e)
{
    struct ledger_filter waiting = r->waits;

    waiting.states = 1U << STATE_WAITING;
    r->due_by_ms = clock_wall_ms() + SOON_MS;
    r->again = r->waiting = r->later = r->later_tried = 0;
    r->later_ms = 0;
    return ledger_read(reader, &waiting, count_waiting, r, e) &&
           count_state(reader, &r->waits, STATE_SENDING, &r->under_way, e) &&
           count_state(reader, &r->waits, STATE_UNKNOWN, &r->unknown, e) &&
           (!states_again(r) || count_state(reader, &r->order.filter, r->order.from, &r->again, e));
}

static bool look(struct retry *r, struct err *e)
{
    struct ledger_reader *reader;
    bool ok;

    if (!ledger_reader_open(r->run->call.settings.ledger_path, &reader, e))
        return false;
    ok = count_all(r, reader, e);
    ledger_reader_close(reader);
    return ok;
}

static uint64_t grown(uint64_t from, uint64_t to)
{
    return to > from ? to - from : 0;
}

/* Opening the ledger made what was under way when a process was killed unknown, or accepted where a
 * webhook had said so. */
static bool look_at_interrupted(struct retry *r, struct err *e)
{
    uint64_t again = r->again, unknown = r->unknown;

    if (r->run->handover || !r->under_way)
        return true;
    if (!look(r, e))
        return false;
    r->interrupted = grown(grown(again, r->again), grown(unknown, r->unknown));
    return true;
}

static void say_later(const struct retry *r)
{
    char count[32], first[CLOCK_TEXT_SIZE];

    if (!r->later)
        return;
    text_grouped(r->later, count);
    clock_local(r->later_ms, first);
    fprintf(stderr, "Not due yet: %s that wait are left to wait, the first until %s\n", count,
            first);
}

static void say_plan(const struct retry *r)
{
    char again[32], waiting[32], interrupted[32];

    text_grouped(r->again, again);
    text_grouped(r->waiting + r->under_way, waiting);
    text_grouped(r->interrupted, interrupted);
    fprintf(stderr, "Retry: %s %s messages are sent again, %s that wait go on\n", again,
            state_name(r->order.from), waiting);
    say_later(r);
    if (r->interrupted)
        fprintf(stderr,
                "%s were being sent when a run was killed: they are unknown, and not sent again\n",
                interrupted);
    if (r->order.from == STATE_UNKNOWN && r->again)
        fprintf(stderr, "Graph may have sent the first copies: these people may get it twice; each "
                        "is counted as a possible duplicate\n");
}

/* For machines as any other account; people are told in words. */
static int account_for_nothing(const struct retry *r)
{
    static const struct halts no_halts;
    const struct tally tally = {.before[STATE_UNKNOWN] = r->interrupted};
    struct report report = {
        .name = "retry",
        .ledger_path = r->run->call.settings.ledger_path,
        .end = DISPATCH_FINISHED,
        .left = r->later_tried,
        .tally = &tally,
        .halts = &no_halts,
        .command = r->run->command,
    };
    struct err e;

    report.exit_code = report_exit_code(&report);
    if (r->run->call.common.json)
        return run_give_account(r->run, &report, r->order.report);
    if (r->order.report && !report_save(&report, r->order.report, &e))
        return call_fail(&e);
    return (int)report.exit_code;
}

static int say_nothing_to_send(const struct retry *r)
{
    const char *which = filter_is_empty(&r->order.filter) ? "" : " that the filter lets through";

    fprintf(stderr, "Nothing%s is %s, nothing%s waits%s: nothing to send\n", which,
            state_name(r->order.from), which, r->later ? " and is due" : "");
    filter_say_if_nobody(&r->order.filter, r->run->call.settings.ledger_path);
    say_later(r);
    if (r->interrupted)
        fprintf(stderr, "%llu were being sent when a run was killed: they are unknown\n",
                (unsigned long long)r->interrupted);
    return account_for_nothing(r);
}

static bool confirm(const struct retry *r, struct err *e)
{
    if (r->order.yes)
        return true;
    if (!terminal_is(STDIN_FILENO) || !terminal_is(STDERR_FILENO))
        return err_set(e, EXIT_USAGE,
                       "no terminal to ask on: --yes says that this is meant; nothing was sent");
    return terminal_confirm("Send?") || err_set(e, EXIT_USAGE, "not confirmed; nothing was sent");
}

/* ---- By ourselves. */

static void say_left(uint64_t count)
{
    char text[32];

    text_grouped(count, text);
    if (count)
        fprintf(stderr,
                "%s of them are left as they are: their broadcast is cancelled, which is final, or "
                "a webhook settled them meanwhile\n",
                text);
}

/* Then all that is to be sent waits; `again` has those that may not be opened. */
static bool open_and_look(struct retry *r, struct err *e)
{
    struct ledger_filter again = r->order.filter;
    uint64_t opened;

    again.states = states_again(r);
    return run_may_send(r->run, e) &&
           (!again.states ||
            ledger_reopen(dispatch_ledger(r->run->dispatch), &again, &opened, e)) &&
           look(r, e);
}

/* They are in the account as they stand. */
static void add_known(struct retry *r, uint64_t count, enum state state, enum reason reason)
{
    const struct outcome known = {.state = state, .reason = reason};
    struct tally *tally = dispatch_tally(r->run->dispatch);

    tally->expected += count;
    tally->before[state] += count;
    for (uint64_t i = 0; i < count; i++)
        report_truth_add(&r->met, &known, NULL);
}

static int send_again(struct retry *r)
{
    struct dispatch_source source = {r, dispatch_no_message}; /* all of it waits */
    struct report report = {0};
    struct err e;

    if (!open_and_look(r, &e))
        return call_fail(&e);
    say_left(r->again);
    dispatch_tally(r->run->dispatch)->expected = r->waiting;
    add_known(r, r->interrupted, STATE_UNKNOWN, REASON_INTERRUPTED);
    add_known(r, r->again, r->order.from, REASON_CANCELLED);
    dispatch_take_up(r->run->dispatch, &r->waits, r->waiting, r->due_by_ms);
    if (!run_source(r->run, &source, &e))
        return call_fail(&e);
    run_fill_report(r->run, &report);
    return run_give_account(r->run, &report, r->order.report);
}

/* ---- By the daemon. */

static bool keep_number(void *context, const struct ledger_row *row)
{
    struct retry *r = context;

    if (!is_due(r, row))
        return true;
    if (r->watched.count == r->room) {
        r->room = r->room ? 2 * r->room : 1024;
        r->watched.items = mem_realloc(r->watched.items, r->room * sizeof(uint64_t));
    }
    r->watched.items[r->watched.count++] = row->number;
    return true;
}

static bool find_numbers(struct retry *r, struct ledger_filter filter, unsigned states,
                         struct err *e)
{
    struct ledger_reader *reader;
    bool ok;

    filter.states = states;
    if (!ledger_reader_open(r->run->call.settings.ledger_path, &reader, e))
        return false;
    ok = ledger_read(reader, &filter, keep_number, r, e);
    ledger_reader_close(reader);
    return ok;
}

/* Those that wait, and those that the daemon opens again. */
static bool open_again(struct retry *r, struct err *e)
{
    struct handover_numbers again = {.states = 1U << r->order.from};
    uint64_t opened = 0;
    size_t waiting;

    if (!find_numbers(r, r->waits, 1U << STATE_WAITING | 1U << STATE_SENDING, e))
        return false;
    waiting = r->watched.count;
    if (states_again(r) && !find_numbers(r, r->order.filter, again.states, e))
        return false;
    again.items = r->watched.items + waiting;
    again.count = r->watched.count - waiting;
    if (!handover_open_again(r->run->handover, &again, &opened, e))
        return false;
    say_left(again.count - opened);
    return true;
}

static bool count(void *context, struct ledger_reader *reader, uint64_t counts[STATE_COUNT],
                  struct err *e)
{
    struct retry *r = context;

    if (!ledger_drop_settled(reader, &r->watched, e))
        return false;
    for (enum state s = STATE_ACCEPTED; s <= STATE_SKIPPED; s++)
        counts[s] = r->watched.settled[s];
    counts[STATE_WAITING] = r->watched.count;
    return true;
}

static void on_settled(void *context, const struct outcome *outcome)
{
    struct retry *r = context;

    report_truth_add(&r->met, outcome, NULL);
}

static int watch_them(struct retry *r)
{
    const struct watch_source source = {.context = r, .count = count};
    uint64_t expected = r->watched.count;
    struct report report = {0};
    struct handover_watch *w;
    enum watch_end end;
    struct err e;
    int code;

    r->watched.on_settled = on_settled;
    r->watched.context = r;
    if (!handover_watch_begin(r->run, &source, &w, &e))
        return call_fail(&e);
    handover_watch_expect(w, expected);
    code = handover_watch_run(w, &end, &e) ? handover_watch_account(w, &report, r->order.report)
                                           : call_fail(&e);
    handover_watch_end(w);
    return code;
}

static int hand_over(struct retry *r)
{
    struct err e;
    int code = open_again(r, &e) ? watch_them(r) : call_fail(&e);

    mem_free(r->watched.items);
    return code;
}

/* ---- In order. */

static bool check_states(const struct retry *r, struct err *e)
{
    unsigned taken = 1U << r->order.from | 1U << STATE_WAITING;

    return !(r->order.filter.states & ~taken) ||
           err_set(e, EXIT_USAGE,
                   "--state: what is sent again is %s, and what waits goes on; "
                   "nothing was sent",
                   state_name(r->order.from));
}

static bool begin_run(struct retry *r, struct err *e)
{
    r->run->kind = r->run->name = "retry";
    r->run->broadcast = r->order.filter.broadcast;
    r->run->rate = r->run->call.settings.rate;
    return run_open(r->run, e) && look_at_interrupted(r, e);
}

/* The report tells of this run, not of all that became of a broadcast. */
static bool begin_count(struct retry *r, struct err *e)
{
    r->run->met = &r->met;
    return report_truth_read_resent(r->run->call.settings.ledger_path, r->run->broadcast,
                                    &r->run->resent_before, e);
}

static int retry(struct retry *r)
{
    struct err e;

    if (!check_states(r, &e) || !look(r, &e) ||
        (r->order.report && !report_check_path(r->order.report, &e)))
        return call_fail(&e);
    if (r->again + r->waiting + r->under_way == 0)
        return say_nothing_to_send(r);
    if (!begin_run(r, &e))
        return call_fail(&e);
    if (r->again + r->waiting + r->under_way == 0)
        return say_nothing_to_send(r);
    say_plan(r);
    if (!r->run->call.settings.enabled)
        return run_refuse_disabled();
    if (!confirm(r, &e) || !begin_count(r, &e))
        return call_fail(&e);
    r->run->later = r->later_tried;
    return r->run->handover ? hand_over(r) : send_again(r);
}

int retry_send(struct run *run, const struct retry_order *order)
{
    struct retry *r = MEM_NEW(struct retry);
    int code;

    r->run = run;
    r->order = *order;
    r->waits = (struct ledger_filter){
        .class_id = order->filter.class_id,
        .test_num = order->filter.test_num,
        .broadcast = order->filter.broadcast,
        .to = order->filter.to,
        .id = order->filter.id,
    };
    code = retry(r);
    mem_free(r);
    return code;
}

/* ---- The command. */

struct retry_call {
    struct run run;
    struct retry_flags flags;
    char number[PHONE_SIZE];
};

static int begin(struct retry_call *c)
{
    struct retry_order order = {
        .from = c->flags.unknown ? STATE_UNKNOWN : STATE_FAILED,
        .yes = c->flags.yes,
        .report = c->flags.report,
    };
    struct err e;

    if (c->run.call.arguments.count) {
        (void)err_set(&e, EXIT_USAGE, "retry takes flags only: %.60s is not one",
                      c->run.call.arguments.items[0]);
        return call_fail(&e);
    }
    if (!filter_flags_read(&c->flags.filter, c->number, &order.filter, &e))
        return call_fail(&e);
    return retry_send(&c->run, &order);
}

int command_retry(int argc, char **argv)
{
    struct retry_call *c = MEM_NEW(struct retry_call);
    int code;

    run_begin(&c->run, argc, argv);
    if (call_begin(&c->run.call, &table, argc, argv, &c->flags)) {
        c->run.call.exit_code = begin(c);
        run_close(&c->run);
        call_end(&c->run.call);
    }
    code = c->run.call.exit_code;
    mem_free(c);
    return code;
}
