/* SPDX-License-Identifier: MIT
 *
 * store_internal.h: what store.c, store_recover.c and store_custody.c share.
 */
#ifndef LEDGER_STORE_INTERNAL_H
#define LEDGER_STORE_INTERNAL_H

#include "base/map.h"
#include "ledger/key_index.h"
#include "ledger/scan.h"
#include "ledger/store.h"

enum { STORE_DELTAS = 8 }; /* broadcasts whose tallies one batch keeps in memory */

/* What a batch has changed of one broadcast's tally. */
struct tally_delta {
    int64_t broadcast; /* its word */
    int64_t change[STATE_COUNT];
};

struct store {
    struct db *db;
    struct words *words;
    struct key_index *keys;
    struct scan scan; /* its standings are used for everything */
    sqlite3_stmt *begin;
    sqlite3_stmt *commit;
    sqlite3_stmt *add_message;
    sqlite3_stmt *add_attempt;
    sqlite3_stmt *add_outcome;
    sqlite3_stmt *put_open;
    sqlite3_stmt *drop_open;
    sqlite3_stmt *identity;
    sqlite3_stmt *add_tally;
    struct map *under_way; /* messages whose first attempt has no outcome yet -> nothing */
    uint64_t next_number;
    uint64_t low;       /* schema.h; all of `under_way` is at or above it */
    uint64_t low_saved; /* the mark on disk */
    bool wrote;         /* this batch did */
    int checkpointed;   /* pages in the WAL at the last checkpoint; 0: it has begun anew since */
    struct tally_delta deltas[STORE_DELTAS];
    size_t delta_count;
    struct ledger_facts facts;
};

/* A message goes from where it stands to what `outcome` says. */
struct settlement {
    uint64_t number;
    int64_t broadcast; /* its word */
    struct standing from;
    const struct outcome *outcome;
    int64_t at_ms;
    unsigned tries;
};
bool store_settle(struct store *s, const struct settlement *m, struct err *e) MUST_CHECK;

/* The message's row in `open`; replaces the one it has. */
bool store_put_open(struct store *s, uint64_t number, const struct standing *now,
                    struct err *e) MUST_CHECK;
/* One message of the broadcast has gone from one state to another; `from` 0: it is new. */
bool store_count(struct store *s, int64_t broadcast, int from, int to, struct err *e) MUST_CHECK;
/* The number of the message with this id, 0 when there is none; its content_hash. */
struct identity {
    const char *id;
    uint64_t key;          /* hash64 of `id` */
    uint64_t content_hash; /* result */
};
bool store_identify(struct store *s, struct identity *wanted, uint64_t *number,
                    struct err *e) MUST_CHECK;

/* Brings the memory up to the file, and settles what was interrupted. */
bool store_recover(struct store *s, struct err *e) MUST_CHECK;

#endif
