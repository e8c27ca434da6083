/* SPDX-License-Identifier: MIT
 *
 * ledger_alone.h: the ledger, opened by a command that only changes something in it, on a loop of
 * its own.
 *
 * Lifetime: open, hand errands over (ledger_errand.h), finish, close. The struct is the caller's;
 * after a failed open there is nothing to close.
 * Failure: another process holds the ledger: EXIT_TRY_LATER, it is named; else EXIT_LEDGER_IO.
 */
#ifndef COMMANDS_LEDGER_ALONE_H
#define COMMANDS_LEDGER_ALONE_H

#include "ledger/ledger_errand.h"

struct ledger_alone {
    uv_loop_t loop;
    struct ledger *ledger;
    struct err failure; /* code 0: none */
};

/* `holder`: who we are, for those who find the ledger held. */
bool ledger_alone_open(struct ledger_alone *a, const char *path, const char *holder,
                       struct err *e) MUST_CHECK;
/* Runs the loop until every errand came back. */
bool ledger_alone_finish(struct ledger_alone *a, struct err *e) MUST_CHECK;
void ledger_alone_close(struct ledger_alone *a);

#endif
