/* SPDX-License-Identifier: MIT
 *
 * retry.h: messages that are sent again: `retry`, and `reconcile --resend`.
 */
#ifndef COMMANDS_RETRY_H
#define COMMANDS_RETRY_H

#include "commands/run.h"

struct retry_order {
    struct ledger_filter filter; /* what it points to is borrowed during the call */
    enum state from;             /* STATE_FAILED or STATE_UNKNOWN */
    bool yes;                    /* do not ask */
    const char *report;          /* NULL: no file */
};

/* Shows the plan, asks, opens the messages again and sends them, with those of the filter that wait
 * already. Returns the exit code. `run` has begun its call; the caller closes it. */
int retry_send(struct run *run, const struct retry_order *order);

int command_retry(int argc, char **argv);

#endif
