/* SPDX-License-Identifier: MIT
 *
 * run.h: one run of `send`, `broadcast` or `retry`, from the token to the account: progress while
 * it goes on, the report at its end, and the exit code.
 *
 * Model: a run sends by itself (`dispatch`), or, where a daemon holds the ledger, hands its work
 * over to it and watches (`handover`; handover_watch.h). run_open finds out which.
 */
#ifndef COMMANDS_RUN_H
#define COMMANDS_RUN_H

#include "commands/command.h"
#include "commands/dispatch.h"
#include "commands/handover_client.h"
#include "commands/known_rows.h"
#include "commands/progress.h"
#include "commands/report.h"
#include "commands/run_control.h"
#include "commands/webhook_wait.h"

enum { RUN_COMMAND_MAX = 4096 };

struct run {
    struct call call;
    const char *kind;      /* "broadcast", "retry", "send" */
    const char *name;      /* what progress and report call it */
    const char *broadcast; /* its messages only; NULL: all */
    /* NULL: the report tells of the broadcast as a whole. Else of what this run met, gathered here
     * (borrowed), and of the possible duplicates that came since `resent_before`. */
    struct report_truth *met;
    uint64_t resent_before;
    double rate;
    uint64_t later;       /* tried before, not due: left waiting from the beginning */
    uint64_t known_apart; /* rows on record that are not among the broadcast's states */
    struct rows_apart apart;
    struct handover *handover; /* NULL: this process sends */
    struct secret *token;
    struct dispatch *dispatch;
    struct progress progress;
    struct run_control control;
    struct known_rows *known;      /* borrowed; gets rows whose id is on record; NULL: not wanted */
    bool has_begun;                /* run_source came so far that messages could go */
    struct webhook_wait webhook;   /* seconds 0: none */
    char command[RUN_COMMAND_MAX]; /* the command line, to go on with, as a shell takes it */
};

/* Remembers the command line. */
void run_begin(struct run *r, int argc, char **argv);
/* A daemon is there: `handover` is set, the daemon has the token and the ledger. Else opens both.
 */
bool run_open(struct run *r, struct err *e) MUST_CHECK;
/* Is nothing held that a new run would have to wait for? EXIT_WORK_LEFT. */
bool run_may_send(struct run *r, struct err *e) MUST_CHECK;
/* Runs `source` to its end with progress shown. */
bool run_source(struct run *r, const struct dispatch_source *source, struct err *e) MUST_CHECK;
/* Messages that it leaves without a final state. */
uint64_t run_left(const struct run *r);
/* Fills what the run itself knows into `report`; the caller adds rows and rejects before. */
void run_fill_report(struct run *r, struct report *report);
/* Prints the report (JSON with --json) to standard output, saves it to `path` unless NULL. Returns
 * the exit code. */
int run_give_account(const struct run *r, const struct report *report, const char *path);
/* Beside the live block only warnings are logged, unless -v or --log-level say else. */
void run_quieten_log(const struct run *r);
/* What the ledger tells of the broadcast, into `report`. */
void run_read_truth(const struct run *r, struct report *report);
/* Says that sending is switched off; EXIT_WORK_LEFT. */
int run_refuse_disabled(void);
void run_close(struct run *r);

#endif
