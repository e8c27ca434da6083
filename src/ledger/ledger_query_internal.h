/* SPDX-License-Identifier: MIT
 *
 * ledger_query_internal.h: what the files of ledger_query.h share.
 */
#ifndef LEDGER_LEDGER_QUERY_INTERNAL_H
#define LEDGER_LEDGER_QUERY_INTERNAL_H

#include "ledger/ledger_query.h"
#include "ledger/scan.h"

struct ledger_reader {
    struct db *db;
    struct words *words;
    struct scan scan;
    sqlite3_stmt *delivery; /* DELIVERY_COLUMNS of one; NULL: of version 1 */
};

/* One transaction a call: all of it is seen as of one moment. */
bool reader_begin(struct ledger_reader *r, struct err *e) MUST_CHECK;
bool reader_end(struct ledger_reader *r, bool sound) MUST_CHECK;

/* The number of a broadcast's name to bind; -1 where nothing has it. */
bool reader_word(struct ledger_reader *r, const char *broadcast, int64_t *word,
                 struct err *e) MUST_CHECK;

/* Prepares what reads deliveries, where the ledger has them. */
bool reader_open_deliveries(struct ledger_reader *r, struct err *e) MUST_CHECK;
bool reader_delivery(struct ledger_reader *r, uint64_t number, struct ledger_delivery *out,
                     struct err *e) MUST_CHECK;

#endif
