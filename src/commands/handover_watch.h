/* SPDX-License-Identifier: MIT
 *
 * handover_watch.h: watching what a daemon does with work that was handed over: progress from the
 * ledger's counts and the daemon's status, and the account at the end.
 *
 * Model: a source says how many messages are in which state now; the watch ends when none of them
 * waits or is being sent any more. What the daemon holds back (a pause, a halt) is shown in words.
 * Between begin and end SIGINT and SIGTERM are kept: they end the watch, not the work.
 * Lifetime: handover_watch_begin to handover_watch_end, within a run whose `handover` is set.
 * Failure: a ledger that cannot be read.
 */
#ifndef COMMANDS_HANDOVER_WATCH_H
#define COMMANDS_HANDOVER_WATCH_H

#include "commands/run.h"

struct handover_watch;

struct watch_source {
    void *context;
    /* The messages that are watched, by state, now. */
    bool (*count)(void *context, struct ledger_reader *reader, uint64_t counts[STATE_COUNT],
                  struct err *e);
    /* Why nothing of these goes, beside what the daemon says; NULL where nothing is known. May be
     * left out. */
    const char *(*note)(void *context);
    /* One message: the watch ends when the daemon holds it back. NULL: it waits for its turn. */
    const struct message *only;
};

enum watch_end {
    WATCH_DONE,
    WATCH_INTERRUPTED, /* by a signal */
    WATCH_DAEMON_GONE, /* it has ended, or does not answer */
    WATCH_HELD,        /* the only message is; handover_watch_note says why */
};

/* Counts what is there before; the ledger must be there. `source` is copied. */
bool handover_watch_begin(struct run *r, const struct watch_source *source,
                          struct handover_watch **out, struct err *e) MUST_CHECK;
/* How many messages there are in all. */
void handover_watch_expect(struct handover_watch *w, uint64_t expected);
/* While the work is still being handed over: shows progress when it is time to. */
bool handover_watch_glance(struct handover_watch *w, struct err *e) MUST_CHECK;
/* Has a signal come? The watch ends as interrupted, and it stays so. */
bool handover_watch_interrupted(struct handover_watch *w);
/* Watches until the end. */
bool handover_watch_run(struct handover_watch *w, enum watch_end *end, struct err *e) MUST_CHECK;
/* What the daemon holds back and why, in words; NULL: nothing. Borrowed until the next look. */
const char *handover_watch_note(const struct handover_watch *w);
/* Says how it ended, unless it is done: what becomes of the rest, and how to look. */
void handover_watch_say_end(struct handover_watch *w);
/* The same, and gives the account (run.h). Returns the exit code. */
int handover_watch_account(struct handover_watch *w, struct report *report, const char *path);
void handover_watch_end(struct handover_watch *w);

#endif
