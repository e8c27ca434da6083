/* SPDX-License-Identifier: MIT
 *
 * retry.c: failed messages, opened again and sent from the ledger.
 *
 * Happy path: the filter's failed messages are counted and shown; the operator agrees; they become
 * waiting, on record; they, and those that an earlier run left waiting, are sent.
 * Failure modes: as a broadcast's; what was opened stays waiting, and the same command goes on.
 */
#include "commands/retry.h"

#include "base/mem.h"
#include "base/terminal.h"
#include "base/text.h"
#include "commands/filter_flags.h"
#include "commands/run.h"
#include "core/phone.h"

#include <stdio.h>
#include <unistd.h>

struct retry_flags {
    struct filter_flags filter;
    bool yes;
    const char *report;
};

static const struct flag flags[] = {
    FILTER_FLAGS(struct retry_flags, filter),
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

struct retry {
    struct run run;
    struct retry_flags flags;
    struct ledger_filter filter;
    char number[PHONE_SIZE];
    uint64_t failed;  /* to be opened again */
    uint64_t waiting; /* left waiting by an earlier run */
};

static bool read_flags(struct retry *r, struct err *e)
{
    if (r->run.call.arguments.count)
        return err_set(e, EXIT_USAGE, "retry takes flags only: %.60s is not one",
                       r->run.call.arguments.items[0]);
    return filter_flags_read(&r->flags.filter, r->number, &r->filter, e);
}

/* Everything that retry sends waits in the ledger. */
static bool no_more(void *context, struct message **out, struct err *e)
{
    (void)context;
    (void)e;
    *out = NULL;
    return true;
}

static bool count_states(struct retry *r, struct err *e)
{
    struct ledger_reader *reader;
    uint64_t counts[STATE_COUNT] = {0};
    bool ok;

    if (!ledger_reader_open(r->run.call.settings.ledger_path, &reader, e))
        return false;
    ok = ledger_count(reader, &r->filter, counts, e);
    ledger_reader_close(reader);
    r->failed = counts[STATE_FAILED];
    r->waiting = counts[STATE_WAITING];
    return ok;
}

static bool confirm(const struct retry *r, struct err *e)
{
    char failed[32], waiting[32];

    text_grouped(r->failed, failed);
    text_grouped(r->waiting, waiting);
    fprintf(stderr, "Retry: %s failed messages are sent again, %s that wait go on\n", failed,
            waiting);
    if (r->flags.yes)
        return true;
    if (!terminal_is(STDIN_FILENO) || !terminal_is(STDERR_FILENO))
        return err_set(e, EXIT_USAGE,
                       "no terminal to ask on: --yes says that this is meant; nothing was sent");
    return terminal_confirm("Send?") || err_set(e, EXIT_USAGE, "not confirmed; nothing was sent");
}

static int send_again(struct retry *r)
{
    struct dispatch_source source = {r, no_more};
    struct report report = {0};
    struct tally *tally;
    struct err e;
    uint64_t opened;

    if (!run_open(&r->run, &e) ||
        !ledger_reopen(dispatch_ledger(r->run.dispatch), &r->filter, &opened, &e))
        return call_fail(&e);
    tally = dispatch_tally(r->run.dispatch);
    tally->expected = opened + r->waiting;
    dispatch_take_up(r->run.dispatch, &r->filter, tally->expected);
    if (!run_source(&r->run, &source, &e))
        return call_fail(&e);
    run_fill_report(&r->run, &report);
    return run_give_account(&r->run, &report, r->flags.report);
}

static int retry(struct retry *r)
{
    struct err e;

    if (!read_flags(r, &e) || !count_states(r, &e))
        return call_fail(&e);
    if (r->failed + r->waiting == 0) {
        fprintf(stderr, "Nothing failed, nothing waits: nothing to send\n");
        return EXIT_DONE;
    }
    if (!r->run.call.settings.enabled)
        return run_refuse_disabled();
    if (!confirm(r, &e))
        return call_fail(&e);
    r->run.name = "retry";
    r->run.broadcast = r->flags.filter.broadcast;
    r->run.rate = r->run.call.settings.rate;
    return send_again(r);
}

int command_retry(int argc, char **argv)
{
    struct retry *r = MEM_NEW(struct retry);
    int code;

    run_begin(&r->run, argc, argv);
    if (call_begin(&r->run.call, &table, argc, argv, &r->flags)) {
        r->run.call.exit_code = retry(r);
        run_close(&r->run);
        call_end(&r->run.call);
    }
    code = r->run.call.exit_code;
    mem_free(r);
    return code;
}
