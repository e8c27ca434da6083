/* SPDX-License-Identifier: MIT
 *
 * scan.h: the messages that a filter lets through, for `log` (over a reader's connection) and for
 * `retry` (over the writer's).
 *
 * Model: by id it goes through the key index; anything else reads every message, about 2 us each,
 * with memory that does not depend on how many there are.
 */
#ifndef LEDGER_SCAN_H
#define LEDGER_SCAN_H

#include "ledger/ledger_query.h"
#include "ledger/standing.h"
#include "ledger/words.h"

/* A plain value; the statements are the connection's. */
struct scan {
    struct db *db;
    struct words *words;
    struct standings standings;
    sqlite3_stmt *oldest_first;
    sqlite3_stmt *newest_first;
    sqlite3_stmt *by_key;
};

struct scan_hit {
    sqlite3_stmt *row; /* at ROW_COLUMNS of the message */
    uint64_t number;
    struct standing standing; /* at_ms is never 0 */
};

typedef bool (*scan_fn)(void *context, const struct scan_hit *hit, bool *go_on, struct err *e);

struct scan_visitor {
    scan_fn on_hit; /* returns false on error */
    void *context;
};

/* `words` is borrowed. */
bool scan_open(struct db *db, struct words *words, struct scan *out, struct err *e) MUST_CHECK;
bool scan_each(struct scan *s, const struct ledger_filter *filter,
               const struct scan_visitor *visitor, struct err *e) MUST_CHECK;

#endif
