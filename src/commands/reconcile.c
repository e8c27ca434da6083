/* SPDX-License-Identifier: MIT
 *
 * reconcile.c: what is still unknown, with age and evidence, and settling it by hand.
 *
 * Happy path of settling: the filter's unknown messages are counted and shown; the operator agrees;
 * their numbers go to the daemon that holds the ledger, or into the ledger itself; what a webhook
 * settled meanwhile is left alone. `--resend` is retry.h's, from unknown.
 * After a crash, with nobody at work: what is `sending` on record may have been sent, and is
 * unknown here, too; before it is settled, the ledger is opened, which puts that on record.
 * Failure modes: the ledger is held by a process that is no daemon: 75, it is named; the daemon
 * ends in the middle: what it confirmed is on record, and the same command goes on.
 */
#include "commands/reconcile.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/terminal.h"
#include "base/text.h"
#include "commands/filter_flags.h"
#include "commands/ledger_alone.h"
#include "commands/retry.h"
#include "core/phone.h"

#include <stdio.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 65536, SETTLE_BATCH = 4096 };

struct reconcile_flags {
    struct filter_flags filter;
    bool sent;
    bool give_up;
    bool resend;
    bool count;
    bool yes;
    const char *report;
};

#define SWITCH(flag_name, member, text)                                    \
    {                                                                      \
        .name = (flag_name), .kind = FLAG_SWITCH,                          \
        .offset = offsetof(struct reconcile_flags, member), .help = (text) \
    }

static const struct flag flags[] = {
    FILTER_FLAGS(struct reconcile_flags, filter),
    SWITCH("sent", sent, "settle them: they were sent (state accepted)"),
    SWITCH("give-up", give_up, "settle them: they were not (state failed; retry may send them)"),
    SWITCH("resend", resend, "send them again: possible duplicates, counted"),
    SWITCH("count", count, "the number alone"),
    SWITCH("yes", yes, "do not ask"),
    {.name = "report",
     .kind = FLAG_TEXT,
     .offset = offsetof(struct reconcile_flags, report),
     .value = "FILE",
     .help = "of --resend: write the report as JSON"},
};

static const struct flag_table table =
    FLAG_TABLE("reconcile", "", "what is still unknown, and settling it by hand", flags);

struct reconcile {
    struct run run;
    struct reconcile_flags flags;
    struct ledger_filter filter;
    char number[PHONE_SIZE];
    int64_t now_ms;
    uint64_t found;
    int64_t oldest_ms;
    uint64_t *numbers; /* of all that were found, where they are wanted */
    size_t room;
    bool has_interrupted; /* some of them are `sending` on record */
    struct buf line;
};

/* ---- What is unknown. */

static void write_age(int64_t ms, char out[32])
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}};
    size_t i = 0;

    while (i < ARRAY_SIZE(units) - 1 && ms < 2 * units[i].ms)
        i++;
    (void)snprintf(out, 32, "%lld %s", (long long)(ms > 0 ? ms / units[i].ms : 0), units[i].unit);
}

static void add_evidence(struct buf *out, const struct outcome *o)
{
    buf_adds(out, unknown_evidence(o->reason));
    if (o->code)
        buf_addf(out, " (code %d)", o->code);
    else if (o->http_status)
        buf_addf(out, " (HTTP %d)", o->http_status);
    if (*o->title)
        buf_addf(out, ": %s", o->title);
}

static void add_row(const struct reconcile *r, struct buf *out, const struct ledger_row *row)
{
    char to[PHONE_MASKED_SIZE], age[32];

    phone_mask(row->message->to, to);
    write_age(r->now_ms - row->at_ms, age);
    buf_addf(out, "%8s  %-18s %8u  %-34s ", age, to, row->attempts, row->message->id);
    add_evidence(out, &row->outcome);
    buf_addc(out, '\n');
}

static void put_evidence(struct json_writer *w, const struct outcome *o)
{
    struct buf text = buf_new(LINE_MAX_BYTES);

    add_evidence(&text, o);
    json_put_string(w, "evidence", buf_text(&text));
    buf_free(&text);
}

static void add_json(const struct reconcile *r, struct buf *out, const struct ledger_row *row)
{
    const struct message *m = row->message;
    struct json_writer w = {.out = out};
    char at[CLOCK_TEXT_SIZE];

    clock_text(row->at_ms, at);
    json_begin(&w, NULL, '{');
    json_put_int(&w, "v", 1);
    json_put_string(&w, "id", m->id);
    json_put_string(&w, "to", m->to);
    json_put_string(&w, "state", state_name(row->outcome.state));
    json_put_string(&w, "reason", reason_name(row->outcome.reason));
    put_evidence(&w, &row->outcome);
    json_put_int(&w, "code", row->outcome.code);
    json_put_int(&w, "attempts", row->attempts);
    json_put_int(&w, "age_s", (r->now_ms - row->at_ms) / 1000);
    json_put_string(&w, "class_id", m->class_id);
    json_put_string(&w, "test_num", m->test_num);
    json_put_string(&w, "broadcast", m->broadcast);
    json_put_string(&w, "sender", m->sender);
    json_put_string(&w, "ref", m->ref);
    json_put_string(&w, "at", at);
    json_end(&w, '}');
    buf_addc(out, '\n');
}

static void note(struct reconcile *r, const struct ledger_row *row)
{
    r->found++;
    if (!r->oldest_ms || row->at_ms < r->oldest_ms)
        r->oldest_ms = row->at_ms;
}

/* As the next start makes it, where a crash left it; false: a webhook said that it was accepted. */
static bool look_at(const struct ledger_row *row, struct ledger_row *out)
{
    *out = *row;
    if (row->outcome.state != STATE_SENDING)
        return true;
    out->outcome = (struct outcome){.state = STATE_UNKNOWN, .reason = REASON_INTERRUPTED};
    return !*row->delivery.wamid;
}

static bool show_row(void *context, const struct ledger_row *as_it_is)
{
    struct reconcile *r = context;
    bool is_first = r->found == 0;
    struct ledger_row now;
    const struct ledger_row *row = &now;

    if (!look_at(as_it_is, &now))
        return true;
    note(r, row);
    if (r->flags.count)
        return true;
    buf_clear(&r->line);
    if (r->run.call.common.json) {
        add_json(r, &r->line, row);
    } else {
        if (is_first)
            buf_addf(&r->line, "%8s  %-18s %8s  %-34s %s\n", "AGE", "TO", "ATTEMPTS", "ID",
                     "WHAT IS KNOWN");
        add_row(r, &r->line, row);
    }
    return fwrite(r->line.data, 1, r->line.len, stdout) == r->line.len; /* else nobody reads */
}

static bool keep_number(void *context, const struct ledger_row *row)
{
    struct reconcile *r = context;

    r->has_interrupted |= row->outcome.state == STATE_SENDING;
    if (r->found == r->room) {
        r->room = r->room ? 2 * r->room : 1024;
        r->numbers = mem_realloc(r->numbers, r->room * sizeof(uint64_t));
    }
    r->numbers[r->found] = row->number;
    note(r, row);
    return true;
}

static bool read_unknown(struct reconcile *r, ledger_row_fn on_row, struct err *e)
{
    bool is_held = ledger_is_held(r->run.call.settings.ledger_path);
    struct ledger_reader *reader;
    bool ok;

    r->now_ms = clock_wall_ms();
    r->filter.states = 1U << STATE_UNKNOWN | (is_held ? 0 : 1U << STATE_SENDING);
    if (!ledger_reader_open(r->run.call.settings.ledger_path, &reader, e))
        return false;
    ok = ledger_read(reader, &r->filter, on_row, r, e);
    ledger_reader_close(reader);
    return ok;
}

static void print_end(const struct reconcile *r)
{
    char count[32], age[32];

    text_grouped(r->found, count);
    if (!r->found) {
        printf("0 unknown\n");
        return;
    }
    write_age(r->now_ms - r->oldest_ms, age);
    printf("%s unknown, the oldest %s old: Graph may have sent them, or not.\n"
           "  A status webhook settles each at once; silence settles nothing.\n"
           "  You know that they were sent:        tidings reconcile --sent ...\n"
           "  Nobody is to get them any more:      tidings reconcile --give-up ...\n"
           "  A second copy is better than none:   tidings reconcile --resend ...\n",
           count, age);
}

static void say_if_nobody(const struct reconcile *r)
{
    if (!r->found)
        filter_say_if_nobody(&r->filter, r->run.call.settings.ledger_path);
}

static int list(struct reconcile *r)
{
    struct err e;

    if (!read_unknown(r, show_row, &e))
        return call_fail(&e);
    if (r->flags.count)
        printf("%llu\n", (unsigned long long)r->found);
    else if (!r->run.call.common.json)
        print_end(r);
    say_if_nobody(r);
    return EXIT_DONE;
}

/* ---- Settling. */

static bool confirm(const struct reconcile *r, struct err *e)
{
    char count[32];

    text_grouped(r->found, count);
    fprintf(stderr, "Reconcile: %s unknown messages are %s\n", count,
            r->flags.sent ? "accepted from now on: you say that they were sent"
                          : "failed from now on: you give them up (`retry` can send them again)");
    if (r->flags.yes)
        return true;
    if (!terminal_is(STDIN_FILENO) || !terminal_is(STDERR_FILENO))
        return err_set(e, EXIT_USAGE,
                       "no terminal to ask on: --yes says that this is meant; nothing was changed");
    return terminal_confirm("Settle them?") ||
           err_set(e, EXIT_USAGE, "not confirmed; nothing was changed");
}

static enum state target(const struct reconcile *r)
{
    return r->flags.sent ? STATE_ACCEPTED : STATE_FAILED;
}

/* Batches of one ledger that is ours alone. */
struct batches {
    struct reconcile *reconcile;
    struct ledger *ledger;
    struct ledger_settling settling;
    size_t at;
    uint64_t settled;
};

static void settle_next(struct batches *b);

static void on_settled(struct ledger_errand *errand)
{
    struct batches *b = CONTAINER_OF(errand, struct batches, settling.errand);

    b->settled += b->settling.settled;
    settle_next(b);
}

static void settle_next(struct batches *b)
{
    size_t left = b->reconcile->found - b->at;

    if (!left)
        return;
    b->settling = (struct ledger_settling){
        .errand.on_done = on_settled,
        .numbers = b->reconcile->numbers + b->at,
        .count = left < SETTLE_BATCH ? left : SETTLE_BATCH,
        .to = target(b->reconcile),
        .at_ms = clock_wall_ms(),
    };
    b->at += b->settling.count;
    ledger_settle_by_hand(b->ledger, &b->settling);
}

static bool settle_alone(struct reconcile *r, uint64_t *settled, struct err *e)
{
    struct batches b = {.reconcile = r};
    struct ledger_alone alone;
    bool ok;

    if (!ledger_alone_open(&alone, r->run.call.settings.ledger_path, r->run.command, e))
        return false;
    b.ledger = alone.ledger;
    settle_next(&b);
    ok = ledger_alone_finish(&alone, e);
    ledger_alone_close(&alone);
    *settled = b.settled;
    return ok;
}

static bool settle_by_daemon(struct reconcile *r, struct handover *h, uint64_t *settled,
                             struct err *e)
{
    const struct handover_numbers numbers = {.items = r->numbers, .count = r->found};

    return handover_settle(h, &numbers, target(r), settled, e);
}

static bool settle_numbers(struct reconcile *r, uint64_t *settled, struct err *e)
{
    struct handover *h = handover_find(&r->run.call.settings);
    bool ok;

    *settled = 0;
    if (!h)
        return settle_alone(r, settled, e);
    ok = settle_by_daemon(r, h, settled, e);
    handover_close(h);
    return ok;
}

static void print_settled(const struct reconcile *r, uint64_t settled)
{
    uint64_t others = r->found - settled;

    if (r->run.call.common.json) {
        printf("{\"v\":1,\"settled\":%llu,\"others\":%llu}\n", (unsigned long long)settled,
               (unsigned long long)others);
        return;
    }
    printf("Settled: %llu are %s\n", (unsigned long long)settled, state_name(target(r)));
    if (others)
        printf("  %llu more were settled meanwhile by somebody else\n", (unsigned long long)others);
}

/* Opening the ledger makes what a crash left `sending` unknown, on record. */
static bool recover(const struct reconcile *r, struct err *e)
{
    struct ledger_alone alone;

    if (!ledger_alone_open(&alone, r->run.call.settings.ledger_path, r->run.command, e))
        return false;
    ledger_alone_close(&alone);
    return true;
}

static bool find(struct reconcile *r, struct err *e)
{
    if (!read_unknown(r, keep_number, e))
        return false;
    if (!r->has_interrupted)
        return true;
    r->found = 0;
    r->oldest_ms = 0;
    return recover(r, e) && read_unknown(r, keep_number, e);
}

static int settle(struct reconcile *r)
{
    uint64_t settled;
    struct err e;

    if (!find(r, &e))
        return call_fail(&e);
    if (!r->found) {
        fprintf(stderr, "0 unknown%s: nothing to settle\n",
                filter_flags_given(&r->flags.filter) ? " that the filter lets through" : "");
        if (r->run.call.common.json)
            print_settled(r, 0);
        say_if_nobody(r);
        return EXIT_DONE;
    }
    if (!confirm(r, &e) || !settle_numbers(r, &settled, &e))
        return call_fail(&e);
    print_settled(r, settled);
    return EXIT_DONE;
}

static int resend(struct reconcile *r)
{
    const struct retry_order order = {
        .filter = r->filter,
        .from = STATE_UNKNOWN,
        .yes = r->flags.yes,
        .report = r->flags.report,
    };

    return retry_send(&r->run, &order);
}

/* ---- The command. */

static bool read_flags(struct reconcile *r, struct err *e)
{
    const struct reconcile_flags *f = &r->flags;

    if (r->run.call.arguments.count)
        return err_set(e, EXIT_USAGE, "reconcile takes flags only: %.60s is not one",
                       r->run.call.arguments.items[0]);
    if (f->sent + f->give_up + f->resend + f->count > 1)
        return err_set(e, EXIT_USAGE,
                       "reconcile takes one of --sent, --give-up, --resend and --count");
    if (f->report && !f->resend)
        return err_set(e, EXIT_USAGE, "--report is for reconcile --resend alone");
    if (!filter_flags_read(&f->filter, r->number, &r->filter, e))
        return false;
    if (!f->resend && r->filter.states & ~(1U << STATE_UNKNOWN))
        return err_set(e, EXIT_USAGE, "--state: reconcile is about unknown messages only");
    return true;
}

static int reconcile(struct reconcile *r)
{
    struct err e;

    if (!read_flags(r, &e))
        return call_fail(&e);
    if (r->flags.resend)
        return resend(r);
    return r->flags.sent || r->flags.give_up ? settle(r) : list(r);
}

int command_reconcile(int argc, char **argv)
{
    struct reconcile *r = MEM_NEW(struct reconcile);
    int code;

    r->line = buf_new(LINE_MAX_BYTES);
    run_begin(&r->run, argc, argv);
    if (call_begin(&r->run.call, &table, argc, argv, &r->flags)) {
        r->run.call.exit_code = reconcile(r);
        run_close(&r->run);
        call_end(&r->run.call);
    }
    code = r->run.call.exit_code;
    buf_free(&r->line);
    mem_free(r->numbers);
    mem_free(r);
    return code;
}
