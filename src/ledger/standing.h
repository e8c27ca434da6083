/* SPDX-License-Identifier: MIT
 *
 * standing.h: where a message stands now: its row in `open`, else its newest outcome, else the
 * first attempt is under way.
 */
#ifndef LEDGER_STANDING_H
#define LEDGER_STANDING_H

#include "core/outcome.h"
#include "ledger/db.h"

struct standing {
    enum state state;
    bool open;        /* it has a row in `open`: the members below come from there */
    unsigned attempt; /* the newest that was begun; 0: none */
    unsigned tries;   /* open: attempts that counted */
    int64_t due_ms;   /* open and waiting: when */
    enum reason reason;
    int64_t at_ms; /* of the last change; 0: that of the message's admission */
    int code;      /* of the newest outcome; not read for those that are open */
};

/* The queries. A plain value; the statements are the connection's. */
struct standings {
    struct db *db;
    sqlite3_stmt *open;
    sqlite3_stmt *newest;
    sqlite3_stmt *outcome;
};

bool standings_open(struct db *db, struct standings *out, struct err *e) MUST_CHECK;
bool standing_get(struct standings *s, uint64_t number, struct standing *out,
                  struct err *e) MUST_CHECK;
/* The newest outcome; all zero when there is none. */
bool standing_outcome(struct standings *s, uint64_t number, struct outcome *out,
                      struct err *e) MUST_CHECK;

/* Reading OUTCOME_COLUMNS, which begin at column `at`. */
#define OUTCOME_COLUMNS \
    "state, reason, code, http, next_ms, latency_us, counts, wamid, title, details, trace"
enum { OUTCOME_COLUMN_COUNT = 11 };
void outcome_columns(sqlite3_stmt *query, int at, struct outcome *out);

#endif
