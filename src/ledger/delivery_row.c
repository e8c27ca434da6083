/* SPDX-License-Identifier: MIT */
#include "ledger/delivery_row.h"

#include "base/text.h"
#include "ledger/pack.h"

#include <string.h>

const enum webhook_status delivery_times[DELIVERY_TIMES] = {WEBHOOK_SENT, WEBHOOK_DELIVERED,
                                                            WEBHOOK_READ, WEBHOOK_UNDELIVERED};

void delivery_columns(sqlite3_stmt *row, struct ledger_delivery *out)
{
    const char *title = db_text(row, 6);

    out->status = (enum webhook_status)sqlite3_column_int(row, 0);
    for (size_t i = 0; i < DELIVERY_TIMES; i++)
        out->at_ms[delivery_times[i]] = sqlite3_column_int64(row, 1 + (int)i);
    out->code = sqlite3_column_int(row, 5);
    text_copy(out->title, sizeof(out->title), title, strlen(title));
    pack_column_wamid(row, 7, out->wamid);
}
