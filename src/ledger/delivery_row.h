/* SPDX-License-Identifier: MIT
 *
 * delivery_row.h: a row of `delivery`, over the writer's connection or a reader's.
 */
#ifndef LEDGER_DELIVERY_ROW_H
#define LEDGER_DELIVERY_ROW_H

#include "ledger/db.h"
#include "ledger/ledger_query.h"

/* What delivery_columns reads, in this order. */
#define DELIVERY_COLUMNS \
    "status, sent_ms, delivered_ms, read_ms, undelivered_ms, code, title, wamid"

/* The columns with times, in their order. */
enum { DELIVERY_TIMES = 4 };
extern const enum webhook_status delivery_times[DELIVERY_TIMES];

void delivery_columns(sqlite3_stmt *row, struct ledger_delivery *out);

#endif
