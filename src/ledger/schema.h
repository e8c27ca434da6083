/* SPDX-License-Identifier: MIT
 *
 * schema.h: the tables of a ledger, and how the keys in them are made.
 *
 * Model: messages are numbered from 1 in the order in which they were admitted. Rows are only ever
 * added to `message`, `attempt` and `outcome`, at their ends or close to them: that is what makes a
 * commit cheap.
 *     meta       one number a name: the ledger's id, and the marks below
 *     word       texts that many messages share (template, lang, sender, broadcast), by number
 *     broadcast  one row a broadcast, by the number of its name in `word`
 *     message    one row a message; `intended`: admitted with the intent of attempt 1
 *     attempt    the other intents: attempts after the first, or the first of a message that waited
 *     outcome    what became of each attempt, and decisions that no attempt made (skipped by rule)
 *     open       messages that their first attempt did not finish: waiting, unknown, or tried again
 *                (with an index of the waiting ones by broadcast and due time)
 *     outbox     results, and webhooks' statuses, that the streams have not been told yet
 *     delivery   what webhooks said of a message: the status that holds (webhook_status.h), and
 *                when each first came; `wamid` only where the message's outcome does not have it
 *     twin       attempts that Graph accepted though another attempt of their message was, too
 *     consumer   the names under which this ledger has read a stream
 *     tally      messages by broadcast and state; exact, changed with every commit
 *     key_index  hash of the id -> number (key_index.h)
 *
 * The state of a message: that of its row in `open`; else of its newest outcome; else sending.
 *
 * `low`, a mark in meta, bounds what an open must look at: a message below it has an outcome or a
 * row in `open`.
 */
#ifndef LEDGER_SCHEMA_H
#define LEDGER_SCHEMA_H

#include "ledger/db.h"

/* Key of an attempt, of its outcome, and of the decision that may follow it. They sort by message,
 * then attempt; a message's newest outcome has its highest key. */
enum { KEY_SHIFT = 17 };

static inline int64_t key_of(uint64_t number, unsigned attempt, bool decision)
{
    return (int64_t)(number << KEY_SHIFT | (uint64_t)attempt << 1 | (decision ? 1 : 0));
}

static inline unsigned key_attempt(int64_t key)
{
    return (unsigned)(key >> 1 & 0xffff);
}

/* For SQL: the key is one of message ?1. (Elsewhere, too, 17 is KEY_SHIFT, and 131071 all bits of a
 * key that are not the message's.) */
#define KEY_OF_MESSAGE_1 "key BETWEEN ?1<<17 AND ?1<<17|131071"

enum meta {
    META_LEDGER_ID = 1,  /* random, made with the ledger */
    META_CREATED_MS = 2, /* wall clock */
    META_LOW = 3,        /* see above */
    META_INDEXED = 4,    /* messages up to this number are in key_index */
    META_PUBLISHES = 5,  /* 1: a daemon with a stream has used it: results go through the outbox */
    META_PAUSED_MS = 6,  /* since when the operator holds everything (wall clock); 0: not held */
    META_GIVEN_UP = 7,   /* and 8 to 10: stream entries up to these are cancelled: milliseconds and
                          * sequence of the id, by lane */
};

/* Makes the tables in a new file; checks that an old one is a ledger that this program can read. */
bool schema_open(struct db *db, enum db_mode mode, struct err *e) MUST_CHECK;

/* 0 when it was never set. */
bool meta_get(struct db *db, enum meta name, int64_t *value, struct err *e) MUST_CHECK;
bool meta_set(struct db *db, enum meta name, int64_t value, struct err *e) MUST_CHECK;

#endif
