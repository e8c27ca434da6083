/* SPDX-License-Identifier: MIT
 *
 * broadcast_row.h: a broadcast as it is on record, with its messages by state: over the writer's
 * connection or a reader's.
 */
#ifndef LEDGER_BROADCAST_ROW_H
#define LEDGER_BROADCAST_ROW_H

#include "ledger/db.h"
#include "ledger/ledger.h"
#include "ledger/words.h"

/* `out->number` is 0 when it is not on record. */
bool broadcast_row_find(struct db *db, struct words *words, const char *name,
                        struct ledger_broadcast *out, struct err *e) MUST_CHECK;

#endif
