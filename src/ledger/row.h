/* SPDX-License-Identifier: MIT
 *
 * row.h: a row of `message` as a message again.
 */
#ifndef LEDGER_ROW_H
#define LEDGER_ROW_H

#include "core/message.h"
#include "ledger/words.h"

/* What row_message reads, in this order; qualified, for joins. */
#define ROW_COLUMNS                                                                              \
    "message.number, message.id, recipient, template, lang, sender, message.broadcast, content," \
    " class_id, test_num, ref, not_before_ms, expires_at_ms, created_ms"
enum { ROW_NUMBER = 0, ROW_BROADCAST = 6, ROW_CREATED = 13, ROW_COLUMN_COUNT = 14 };

/* The message of the row that `query` is at; its first columns are ROW_COLUMNS. Returned: free with
 * message_free. */
bool row_message(sqlite3_stmt *query, struct words *words, struct message **out,
                 struct err *e) MUST_CHECK;

#endif
