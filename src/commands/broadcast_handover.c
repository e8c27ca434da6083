/* SPDX-License-Identifier: MIT
 *
 * broadcast_handover.c: a broadcast while a daemon holds the ledger.
 *
 * Happy path: what the ledger knows is read beside the daemon; the operator agrees; the daemon puts
 * the broadcast on record as open; the file is read again and goes to it in batches, each on disk
 * as waiting before the next; then the daemon's sending is watched; when nothing waits any more the
 * daemon puts the broadcast on record as complete.
 * Failure modes:
 *   - Ctrl-C while the file is being handed over: what the daemon has it sends, the same command
 *     hands over the rest; later: the daemon goes on with all of it;
 *   - the daemon ends, or is killed: the same command goes on, with a daemon or without;
 *   - it is cancelled meanwhile: nothing more is handed over; what waited is skipped.
 */
#include "commands/broadcast_internal.h"
#include "base/text.h"
#include "commands/handover_watch.h"
#include "core/rate_limit.h"

#include <stdio.h>
#include <string.h>

/* ---- What is watched. */

static bool count(void *context, struct ledger_reader *reader, uint64_t counts[STATE_COUNT],
                  struct err *e)
{
    struct broadcast *b = context;

    if (!ledger_reader_broadcast(reader, b->plan.name, &b->record, e))
        return false;
    memcpy(counts, b->record.counts, sizeof(b->record.counts));
    return true;
}

static const char *note(void *context)
{
    const struct broadcast *b = context;

    if (b->record.state == BROADCAST_PAUSED)
        return "this broadcast is paused: `tidings resume` with its name goes on";
    return NULL;
}

static bool is_cancelled(const struct broadcast *b)
{
    return b->record.number && b->record.state == BROADCAST_CANCELLED;
}

/* ---- Handing over. */

/* One row; `more` is false at the file's end. */
static bool give_row(struct broadcast *b, bool *more, struct err *e)
{
    struct message *m;

    if (!broadcast_next(b, &m, e))
        return false;
    *more = m != NULL;
    if (!m)
        return true;
    b->elsewhere += strcmp(m->broadcast, b->plan.name) != 0;
    return handover_give(b->run.handover, m, e);
}

/* The whole file, unless a signal or a cancellation comes; `whole` says. */
static bool give_file(struct broadcast *b, struct handover_watch *w, bool *whole, struct err *e)
{
    bool more = true;

    while (more && !is_cancelled(b) && !handover_watch_interrupted(w)) {
        if (!give_row(b, &more, e) || !handover_watch_glance(w, e))
            return false;
    }
    *whole = !more;
    return handover_flush(b->run.handover, e);
}

static int tell_part(const struct broadcast *b)
{
    struct handover_counts c = handover_counts(b->run.handover);
    struct buf name = buf_new(1024);

    text_quote(&name, b->plan.name);
    fprintf(
        stderr,
        "tidings: stopped after %llu of %llu rows were handed over: the daemon sends those; "
        "the same command hands over the rest, tidings pause %s holds it, tidings cancel %s gives "
        "it up\n",
        (unsigned long long)(c.taken + c.known + c.reused), (unsigned long long)b->plan.file.valid,
        buf_text(&name), buf_text(&name));
    buf_free(&name);
    return EXIT_WORK_LEFT;
}

/* Where the daemon ends just now, the next run finds it complete: the account stands. */
static void complete(struct broadcast *b, enum watch_end end)
{
    struct err e;

    if (end != WATCH_DONE || b->flags.limit || is_cancelled(b) || broadcast_refused(b))
        return;
    if (!handover_complete_broadcast(b->run.handover, b->plan.name, &e))
        fprintf(stderr, "tidings: that it is complete is not on record yet: %s\n", e.text);
}

/* Rows that the daemon never got, since the broadcast was cancelled. */
static uint64_t never_given(const struct broadcast *b)
{
    struct handover_counts c = handover_counts(b->run.handover);
    uint64_t given = c.taken + c.known + c.reused, valid = b->plan.file.valid;

    return valid > given ? valid - given : 0;
}

static int account(struct broadcast *b, struct handover_watch *w, bool over)
{
    struct report report = broadcast_report(b, over);

    report.is_cancelled = is_cancelled(b);
    if (b->elsewhere)
        fprintf(stderr,
                "tidings: %llu rows name another broadcast: the daemon has them, they are not "
                "counted here\n",
                (unsigned long long)b->elsewhere);
    return handover_watch_account(w, &report, b->flags.report);
}

/* All rows are with the daemon: what it took is new. Of the rows of other broadcasts, which are not
 * counted here, it may have known some: progress never expects less than is done. */
static uint64_t expected_in_all(const struct broadcast *b, uint64_t recorded_before)
{
    uint64_t taken = handover_counts(b->run.handover).taken;

    if (!b->flags.accept_changes)
        return broadcast_expected(b) - b->elsewhere;
    return recorded_before + (taken > b->elsewhere ? taken - b->elsewhere : 0);
}

static int give_and_watch(struct broadcast *b, struct handover_watch *w)
{
    uint64_t before = broadcast_recorded(b);
    enum watch_end end;
    struct err e;
    bool whole;

    handover_tell_known(b->run.handover, &b->known);
    if (!give_file(b, w, &whole, &e))
        return call_fail(&e);
    if (!whole && !is_cancelled(b))
        return tell_part(b);
    b->run.later = whole ? 0 : never_given(b);
    handover_watch_expect(w, expected_in_all(b, before));
    if (!handover_watch_run(w, &end, &e))
        return call_fail(&e);
    complete(b, end);
    return account(b, w, end == WATCH_DONE);
}

/* ---- Before. */

static bool find_record(struct broadcast *b, struct err *e)
{
    struct ledger_reader *reader;
    bool ok;

    if (!ledger_reader_open(b->run.call.settings.ledger_path, &reader, e))
        return false;
    ok = ledger_reader_broadcast(reader, b->plan.name, &b->record, e);
    ledger_reader_close(reader);
    return ok;
}

/* One rate for all: the daemon's. */
static bool learn_rate(struct broadcast *b, struct err *e)
{
    struct json *status;
    const struct json *allowed;

    if (b->flags.rate)
        return err_set(e, EXIT_USAGE,
                       "--rate: a daemon is running, and its rate holds for all it sends; leave "
                       "--rate out, or change rate.messages_per_second and reload the daemon");
    status = handover_status(b->run.handover, e);
    if (!status)
        return false;
    allowed = json_get(json_get(status, "rate"), "allowed");
    if (!json_double(allowed, &b->plan.rate))
        b->plan.rate = RATE_UNLIMITED;
    json_free(status);
    return true;
}

static int watch_it(struct broadcast *b, bool is_complete)
{
    const struct watch_source source = {.context = b, .count = count, .note = note};
    struct handover_watch *w;
    struct err e;
    int code;

    if (!handover_watch_begin(&b->run, &source, &w, &e))
        return call_fail(&e);
    handover_watch_expect(w, is_complete ? broadcast_recorded(b) : broadcast_expected(b));
    code = is_complete ? account(b, w, true) : give_and_watch(b, w);
    handover_watch_end(w);
    return code;
}

int broadcast_hand_over(struct broadcast *b)
{
    struct broadcast_extent extent;
    struct err e;

    if (!learn_rate(b, &e) || !find_record(b, &e) || !broadcast_check_record(b, &e))
        return call_fail(&e);
    if (broadcast_is_complete(b)) {
        fprintf(stderr, "Broadcast %s is complete: nothing to send\n", b->plan.name);
        return watch_it(b, true);
    }
    extent = broadcast_extent(b);
    broadcast_plan_print(&b->plan, &b->run.call.settings, &extent);
    fprintf(stderr, "  by         the daemon that holds the ledger, at its rate\n");
    if (!b->run.call.settings.enabled)
        return run_refuse_disabled();
    if (!broadcast_plan_confirm(&b->plan, &b->flags, &e))
        return call_fail(&e);
    broadcast_plan_save_rows(&b->plan);
    if (!handover_put_broadcast(b->run.handover, b->plan.name, b->plan.file.file_hash, b->plan.hash,
                                &e) ||
        !file_source_rewind(b->plan.source, &e))
        return call_fail(&e);
    return watch_it(b, false);
}
