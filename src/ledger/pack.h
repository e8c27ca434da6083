/* SPDX-License-Identifier: MIT
 *
 * pack.h: the short forms in which the ledger keeps values that have a known shape: half of a row.
 *
 * Model: a value that has the shape is stored packed, any other as the text it is; the column's
 * type tells which. Unpacking gives back exactly the text that went in.
 *     id      32 lower-case hex digits             16-byte blob
 *     phone   '+' and 1 to 15 digits, first not 0  integer
 *     wamid   "wamid." and canonical base64        blob
 */
#ifndef LEDGER_PACK_H
#define LEDGER_PACK_H

#include "core/message.h"
#include "core/outcome.h"
#include "core/phone.h"

#include <sqlite3.h>

struct pack {
    unsigned char bytes[OUTCOME_WAMID_MAX]; /* must live until the statement is reset */
};

void pack_bind_id(sqlite3_stmt *statement, int at, const char *id, struct pack *scratch);
void pack_bind_phone(sqlite3_stmt *statement, int at, const char *phone);
void pack_bind_wamid(sqlite3_stmt *statement, int at, const char *wamid, struct pack *scratch);

/* Texts are cut at what the contract allows; the ledger writes no longer ones. */
void pack_column_id(sqlite3_stmt *statement, int at, char out[MESSAGE_ID_MAX + 1]);
void pack_column_phone(sqlite3_stmt *statement, int at, char out[PHONE_SIZE]);
void pack_column_wamid(sqlite3_stmt *statement, int at, char out[OUTCOME_WAMID_MAX]);

#endif
