/* SPDX-License-Identifier: MIT
 *
 * key_index.h: from the 64-bit hash of a message's id to the message's number, written lazily.
 *
 * Model: an index over random keys, kept up to date with every commit, would change one page a
 * message, and a page costs far more than the message. So the newest keys stay in memory and go to
 * the table in sorted runs, where neighbours share a page:
 *     filling   hash map of the newest keys
 *     run       sorted array; made of `filling` when that has `run_size` keys, and written a slice
 *               at a time with the commits that follow, so that no commit is long
 *     table     one integer a message: 31 bits of the key, then the number; all up to the mark
 * The mark (META_INDEXED) moves when a run is written whole. What lies above it is not lost with
 * the memory: on open the owner adds those messages' keys again; keys that the table has already
 * are no harm. Memory: about 40 bytes times `run_size`, whatever the size of the ledger. Two
 * messages may have one key: the owner tells which of the candidates it is. A key that was looked
 * for in vain is remembered for a while (`absent`), so that asking first and adding later costs one
 * descent of the table.
 *
 * Against an index that each message writes at once (600,000 messages, batches of 250, ledger_bench
 * on a busy 2-core VM): 8.6 us of CPU a message instead of 19.5.
 */
#ifndef LEDGER_KEY_INDEX_H
#define LEDGER_KEY_INDEX_H

#include "ledger/db.h"

struct key_index;

enum { KEY_INDEX_RUN = 32768, KEY_NUMBER_BITS = 32 };

static inline int64_t pair_of(uint64_t key, uint64_t number)
{
    return (int64_t)(key >> (64 - KEY_NUMBER_BITS + 1) << KEY_NUMBER_BITS | number);
}

static inline uint64_t pair_number(int64_t pair)
{
    return (uint64_t)pair & ((UINT64_C(1) << KEY_NUMBER_BITS) - 1);
}

/* Is message `number` the one that is looked for? False on error. */
struct key_match {
    bool (*is_it)(void *context, uint64_t number, bool *same, struct err *e);
    void *context;
};

/* Returned: free with key_index_free, before the connection is closed. The owner adds the keys of
 * all messages above key_index_mark next. */
bool key_index_open(struct db *db, size_t run_size, struct key_index **out,
                    struct err *e) MUST_CHECK;
void key_index_free(struct key_index *k);
uint64_t key_index_mark(const struct key_index *k);

/* Numbers are added in ascending order, inside the transaction that stores the message. */
bool key_index_add(struct key_index *k, uint64_t key, uint64_t number, struct err *e) MUST_CHECK;
/* Once a transaction that added keys, before its commit: writes the next slice of a run. */
bool key_index_step(struct key_index *k, struct err *e) MUST_CHECK;
/* `*number` is 0 when no candidate is it. */
bool key_index_find(struct key_index *k, uint64_t key, const struct key_match *match,
                    uint64_t *number, struct err *e) MUST_CHECK;

#endif
