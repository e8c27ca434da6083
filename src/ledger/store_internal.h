/* SPDX-License-Identifier: MIT
 *
 * store_internal.h: what the files of the store (store*.c) share.
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
    sqlite3_stmt *put_decision;
    sqlite3_stmt *put_open;
    sqlite3_stmt *drop_open;
    sqlite3_stmt *identity;
    sqlite3_stmt *add_tally;
    sqlite3_stmt *add_outbox;
    sqlite3_stmt *message; /* ROW_COLUMNS of one */
    sqlite3_stmt *get_delivery;
    sqlite3_stmt *put_delivery;
    sqlite3_stmt *put_twin;
    sqlite3_stmt *add_status; /* to the outbox */
    int64_t last_group;       /* the broadcast of which due messages were read last */
    struct map *under_way;    /* messages whose first attempt has no outcome yet -> nothing */
    uint64_t next_number;
    uint64_t low;       /* schema.h; all of `under_way` is at or above it */
    uint64_t low_saved; /* the mark on disk */
    bool wrote;         /* this batch did */
    int checkpointed;   /* pages in the WAL at the last checkpoint; 0: it has begun anew since */
    struct tally_delta deltas[STORE_DELTAS];
    size_t delta_count;
    struct ledger_facts facts;
    bool publishes;              /* results go through the outbox */
    bool has_stream;             /* but not those that a source still holds */
    int64_t totals[STATE_COUNT]; /* messages by state; [0] is nobody's */
};

/* Whose row in `open` it is. */
struct seat {
    uint64_t number;
    int64_t broadcast; /* its word */
};

/* A message goes from where it stands to what `outcome` says. */
struct settlement {
    uint64_t number;
    int64_t broadcast; /* its word */
    struct standing from;
    const struct outcome *outcome;
    int64_t at_ms;
    unsigned tries;
    bool *overtaken; /* result (record.h); NULL: nobody would send it again */
};
bool store_settle(struct store *s, const struct settlement *m, struct err *e) MUST_CHECK;

/* The message's row in `open`; replaces the one it has. */
bool store_put_open(struct store *s, struct seat of, const struct standing *now,
                    struct err *e) MUST_CHECK;
/* What RECORD_ADMIT does. */
bool store_admit(struct store *s, struct record *r, struct err *e) MUST_CHECK;
/* May failed messages of this broadcast (its word) be opened again? Not of a cancelled one. */
bool store_may_open(struct store *s, int64_t broadcast, bool *may, struct err *e) MUST_CHECK;
/* A message that stands at `from` waits again, due at `now_ms`, with its tries at 0. */
bool store_open_again(struct store *s, struct seat of, const struct standing *from, int64_t now_ms,
                      struct err *e) MUST_CHECK;
/* Where a message stands, and its seat. */
bool store_seat(struct store *s, uint64_t number, struct seat *seat, struct standing *standing,
                struct err *e) MUST_CHECK;
/* A message as it was given. Returned: free with message_free. */
bool store_read_message(struct store *s, uint64_t number, struct message **out,
                        struct err *e) MUST_CHECK;
/* A message has just got an outcome: it is accepted, if a webhook had said so before; if it is
 * accepted already, the two may tell of a twin. */
bool store_settle_told(struct store *s, const struct settlement *m, struct err *e) MUST_CHECK;
/* One message of the broadcast has gone from one state to another; `from` 0: it is new. */
bool store_count(struct store *s, int64_t broadcast, int from, int to, struct err *e) MUST_CHECK;
/* What the batch has changed so far of the tallies, into their table. */
bool store_write_tally(struct store *s, struct err *e) MUST_CHECK;
/* The number of the message with this id, 0 when there is none; its content and broadcast. */
struct identity {
    const char *id;        /* NULL: only the hash is known */
    uint64_t key;          /* hash64 of `id` */
    uint64_t content_hash; /* result */
    int64_t broadcast;     /* result: its word */
};
bool store_identify(struct store *s, struct identity *wanted, uint64_t *number,
                    struct err *e) MUST_CHECK;

/* The broadcast's row; replaces the one it has, unless that is cancelled: this is final. */
bool store_write_broadcast(struct store *s, int64_t word, const struct ledger_broadcast *b,
                           struct err *e) MUST_CHECK;

/* Brings the memory up to the file, and settles what was interrupted. */
bool store_recover(struct store *s, struct err *e) MUST_CHECK;

#endif
