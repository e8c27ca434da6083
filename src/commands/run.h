/* SPDX-License-Identifier: MIT
 *
 * run.h: one run of `send`, `broadcast` or `retry`, from the token to the account: progress while
 * it goes on, the report at its end, and the exit code.
 */
#ifndef COMMANDS_RUN_H
#define COMMANDS_RUN_H

#include "commands/command.h"
#include "commands/dispatch.h"
#include "commands/report.h"

enum { RUN_COMMAND_MAX = 512 };

struct run {
    struct call call;
    const char *name;      /* what progress and report call it */
    const char *broadcast; /* its messages only; NULL: all */
    double rate;
    struct secret *token;
    struct dispatch *dispatch;
    char command[RUN_COMMAND_MAX]; /* the command line, to go on with */
};

/* Remembers the command line. */
void run_begin(struct run *r, int argc, char **argv);
/* Opens token and ledger. `filter` as in dispatch_options; may be NULL. */
bool run_open(struct run *r, struct err *e) MUST_CHECK;
/* Runs `source` to its end with progress shown. */
bool run_source(struct run *r, const struct dispatch_source *source, struct err *e) MUST_CHECK;
/* Fills what the run itself knows into `report`; the caller adds rows and rejects before. */
void run_fill_report(struct run *r, struct report *report);
/* Prints the report (JSON with --json) to standard output, saves it to `path` unless NULL. Returns
 * the exit code. */
int run_give_account(const struct run *r, const struct report *report, const char *path);
/* Says that sending is switched off; EXIT_WORK_LEFT. */
int run_refuse_disabled(void);
void run_close(struct run *r);

#endif
