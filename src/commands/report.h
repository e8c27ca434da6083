/* SPDX-License-Identifier: MIT
 *
 * report.h: the account at the end of a run: as text for people, as JSON for scripts.
 */
#ifndef COMMANDS_REPORT_H
#define COMMANDS_REPORT_H

#include "base/buf.h"
#include "commands/dispatch.h"
#include "commands/known_rows.h"
#include "commands/report_truth.h"

enum { REPORT_MAX = 262144 };

struct report {
    const char *name;      /* of the broadcast, or "send", "retry" */
    const char *broadcast; /* NULL: not about one broadcast */
    const char *ledger_path;
    enum dispatch_end end;
    enum exit_code failure; /* DISPATCH_BROKEN: of the ledger (EXIT_LEDGER_IO), or the source */
    enum exit_code exit_code;
    const struct tally *tally;
    struct engine_counts counts;
    const struct halts *halts;
    uint64_t rows, duplicates, rejected;
    uint64_t id_reused;       /* of those rejected: the ledger has the id with other content */
    bool has_refused;         /* they are in the rejects file */
    const char *rejects_path; /* NULL: none */
    const struct known_rows *known; /* NULL: not asked for */
    const struct rows_apart *apart; /* NULL: none; `left` has them */
    const char *command;            /* to go on: the same command line */
    uint64_t left;                  /* messages without a final state that are not unknown */
    bool is_cancelled;              /* by the operator: it does not go on */
    bool by_daemon;                 /* it was handed over: what only the sender knows is left out */
    int64_t took_us;
    struct report_truth truth;
};

/* Which exit code the run's end and the counts mean (the contract's order: broken, token, work
 * left, unknown, failed); what was skipped counts as failed, what was cancelled as work left. The
 * truth must be there. */
enum exit_code report_exit_code(const struct report *r);
void report_text(const struct report *r, struct buf *out);
void report_json(const struct report *r, struct buf *out);
/* Could a report be written there? In the plan, before anything is sent. EXIT_CANT_CREATE,
 * EXIT_USAGE. */
bool report_check_path(const char *path, struct err *e) MUST_CHECK;
/* Writes the JSON to `path`, whole or not at all. EXIT_CANT_CREATE. */
bool report_save(const struct report *r, const char *path, struct err *e) MUST_CHECK;

#endif
