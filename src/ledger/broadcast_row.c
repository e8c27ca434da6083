/* SPDX-License-Identifier: MIT */
#include "ledger/broadcast_row.h"

#include "base/hash.h"

#include <string.h>

static bool read_counts(struct db *db, int64_t word, struct ledger_broadcast *out, struct err *e)
{
    sqlite3_stmt *counts;
    bool row = true, sound;

    if (!db_prepare(db, "SELECT state, count FROM tally WHERE broadcast=?1", &counts, e))
        return false;
    (void)sqlite3_bind_int64(counts, 1, word); /* the index is right */
    while ((sound = db_next(db, counts, &row, e)) && row) {
        int state = sqlite3_column_int(counts, 0);

        if (state > 0 && state < STATE_COUNT)
            out->counts[state] = (uint64_t)sqlite3_column_int64(counts, 1);
    }
    db_finish(counts);
    return sound;
}

static void read_hash(sqlite3_stmt *row, int at, unsigned char out[SHA256_SIZE])
{
    if (sqlite3_column_bytes(row, at) == SHA256_SIZE)
        memcpy(out, sqlite3_column_blob(row, at), SHA256_SIZE);
}

/* States are places in tables: a number from a file must be one. */
static bool check_state(const struct db *db, const char *name, enum broadcast_state state,
                        struct err *e)
{
    if (state >= BROADCAST_OPEN && state <= BROADCAST_PAUSED)
        return true;
    return err_set(e, EXIT_LEDGER_IO,
                   "ledger %s is damaged: broadcast %s is in state %d; restore a copy", db->path,
                   name, (int)state);
}

bool broadcast_row_find(struct db *db, struct words *words, const char *name,
                        struct ledger_broadcast *out, struct err *e)
{
    sqlite3_stmt *find;
    bool row, sound;
    int64_t word;

    *out = (struct ledger_broadcast){0};
    if (!words_find(words, name, &word, e))
        return false;
    if (!word) /* a row of this number belongs to no broadcast */
        return true;
    if (!db_prepare(db,
                    "SELECT state, file_hash, plan_hash, created_ms FROM broadcast WHERE word=?1",
                    &find, e))
        return false;
    (void)sqlite3_bind_int64(find, 1, word); /* the index is right */
    sound = db_next(db, find, &row, e);
    if (sound && row) {
        out->number = (uint64_t)word;
        out->state = (enum broadcast_state)sqlite3_column_int(find, 0);
        read_hash(find, 1, out->file_hash);
        read_hash(find, 2, out->plan_hash);
        out->created_ms = sqlite3_column_int64(find, 3);
    }
    db_finish(find);
    return sound &&
           (!row || (check_state(db, name, out->state, e) && read_counts(db, word, out, e)));
}
