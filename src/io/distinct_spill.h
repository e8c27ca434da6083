/* SPDX-License-Identifier: MIT
 *
 * distinct_spill.h: many small records of one size, in SPILL_PARTS parts, on disk where they are
 * many.
 *
 * Model: each part gathers a chunk in memory; a full one goes into a temporary file that has no
 * name. Chunks of a part are chained, so memory is one chunk a part however many records there are.
 * A few records never touch the disk.
 * Failure: EXIT_CANT_CREATE when the file cannot be made or written (a full disk).
 */
#ifndef IO_DISTINCT_SPILL_H
#define IO_DISTINCT_SPILL_H

#include "base/err.h"

#include <stdint.h>

enum { SPILL_PARTS = 256, SPILL_CHUNK = 4096 }; /* 1 MiB of chunks in all */

struct spill;

/* `dir` is borrowed until spill_free. Returned: free with spill_free. */
struct spill *spill_new(const char *dir, size_t record_size);
void spill_free(struct spill *s);
bool spill_add(struct spill *s, size_t part, const void *record, struct err *e) MUST_CHECK;
/* Records of a part. */
size_t spill_count(const struct spill *s, size_t part);
/* Where records go whose key is a hash. */
static inline size_t spill_part_of(uint64_t hash)
{
    return (size_t)(hash >> 56);
}

/* Calls `on_record` for each record of a part, in the order in which they were added, until it
 * returns false; returns the last result. `record` is aligned for 64-bit numbers. */
typedef bool (*spill_record_fn)(void *context, const void *record, struct err *e);
bool spill_each(const struct spill *s, size_t part, spill_record_fn on_record, void *context,
                struct err *e) MUST_CHECK;

#endif
