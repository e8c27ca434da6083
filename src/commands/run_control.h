/* SPDX-License-Identifier: MIT
 *
 * run_control.h: the control socket of a run that ends by itself (`broadcast`, `retry`, `send`
 * without a daemon): `tidings status`, `pause`, `resume`, `cancel` and `drain` reach it.
 *
 * Model: what is asked without a name, or with the run's own broadcast, is about the run: paused it
 * stays and holds, cancelled it ends, and what waits is skipped. Another broadcast's name is about
 * that one's messages only. All of it is on record (holds.h).
 * A socket that cannot be opened is a warning: the run goes on without.
 * Lifetime: run_control_begin from the loop's beginning, run_control_end as the loop ends (a
 * dispatch_watch's on_begin, is_done, on_end), run_control_free after the loop.
 */
#ifndef COMMANDS_RUN_CONTROL_H
#define COMMANDS_RUN_CONTROL_H

#include "commands/holds.h"
#include "commands/status.h"
#include "io/control.h"

struct run_control {
    struct dispatch *dispatch;
    const struct settings *settings;
    const char *kind;      /* "broadcast", "retry", "send" */
    const char *broadcast; /* the run's own; NULL: none */
    struct holds holds;
    struct control *control; /* NULL: there is none */
    bool is_paused;          /* the run's own broadcast is, by name */
    bool has_stopped;        /* some broadcast's messages may have been left waiting */
    bool is_cancelled;       /* it ends for good */
    bool is_cancelling;      /* what waits is being skipped */
    bool cancels_all;        /* not only the run's own */
    bool is_corrected; /* the tally, by the ledger's own counts: nothing is added to it here */
    unsigned orders;   /* requests that wait for the ledger */
    int64_t started_ms;
    enum daemon_state state;
    int64_t since_ms;
    struct daemon_status status; /* made anew for each look: too large for the stack */
};

/* `dispatch`, `settings`, `kind` and `broadcast` are set. */
bool run_control_begin(struct run_control *rc, struct err *e) MUST_CHECK;
/* The engine has drained: is everything else done, too? */
bool run_control_is_done(struct run_control *rc);
void run_control_end(struct run_control *rc);
void run_control_free(struct run_control *rc);
/* Why nothing goes out, for progress; NULL: nothing of the operator's. */
const char *run_control_note(const struct run_control *rc);

#endif
