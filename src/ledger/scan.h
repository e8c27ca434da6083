/* SPDX-License-Identifier: MIT
 *
 * scan.h: the messages that a filter lets through, for `log` (over a reader's connection) and for
 * `retry` (over the writer's).
 *
 * Model: by id it goes through the key index, by states that are never final through the table of
 * open ones; anything else reads every message, about 2 us each, with memory that does not depend
 * on how many there are.
 */
#ifndef LEDGER_SCAN_H
#define LEDGER_SCAN_H

#include "ledger/ledger_query.h"
#include "ledger/pack.h"
#include "ledger/standing.h"
#include "ledger/words.h"

/* A plain value; the statements are the connection's. */
struct scan {
    struct db *db;
    struct words *words;
    struct standings standings;
    sqlite3_stmt *oldest_first;
    sqlite3_stmt *newest_first;
    sqlite3_stmt *open_ones; /* oldest first */
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

/* What a query over `message` says for a filter, and the binding of it. Parameters ?3 to ?7; those
 * that are NULL let everything through. */
#define SCAN_MATCHES                                                             \
    "(?3 IS NULL OR class_id=?3) AND (?4 IS NULL OR test_num=?4)"                \
    " AND (?5 IS NULL OR message.broadcast=?5) AND (?6 IS NULL OR recipient=?6)" \
    " AND (?7 IS NULL OR message.id=?7)"
struct scan_binding {
    sqlite3_stmt *query;
    struct pack scratch; /* must live until the query is reset */
    bool none;           /* result: no message can match */
};
bool scan_bind(struct scan *s, const struct ledger_filter *filter, struct scan_binding *b,
               struct err *e) MUST_CHECK;

/* `words` is borrowed. */
bool scan_open(struct db *db, struct words *words, struct scan *out, struct err *e) MUST_CHECK;
bool scan_each(struct scan *s, const struct ledger_filter *filter,
               const struct scan_visitor *visitor, struct err *e) MUST_CHECK;

#endif
