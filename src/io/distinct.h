/* SPDX-License-Identifier: MIT
 *
 * distinct.h: which of very many rows bring a new id, which repeat one, and which use one again
 * with other content.
 *
 * Model: of each row the hashes of its id and content, its recipient's number and its line are
 * kept, out of core (distinct_spill.h), in parts by the id's hash. distinct_settle looks at one
 * part after the other: the first row with an id holds, later ones are duplicates or reused ids.
 * Numbers are counted exactly, the same way. Ids are told apart by 64 bits: among 100 million rows
 * the chance that any two ids meet is below 3 in 10,000; such a row would be shown as reused, never
 * be dropped in silence, because its content differs. Memory: 1 MiB, and while settling the
 * distinct ids of one part (12 MiB at 100 million rows).
 */
#ifndef IO_DISTINCT_H
#define IO_DISTINCT_H

#include "io/manifest.h"

/* Lines that can be told apart; 256 parts of 2^19. */
enum { DISTINCT_LINE_MAX = 134217727 };

struct distinct;

struct distinct_row {
    uint64_t id; /* hashes */
    uint64_t content;
    uint64_t recipient;
    uint64_t line;
};

struct distinct_counts {
    uint64_t ids;
    uint64_t duplicates;
    uint64_t reused;
    uint64_t recipients; /* of the rows that hold */
};

/* A row that uses an id again with other content. */
struct distinct_reused {
    uint64_t line;
    uint64_t first_line; /* where the id was first used */
};

/* `temp_dir` is borrowed until distinct_free. Returned: free with distinct_free. */
struct distinct *distinct_new(const char *temp_dir);
void distinct_free(struct distinct *d);
/* While settling, the rows that hold go to `m` too; borrowed until then. */
void distinct_keep(struct distinct *d, struct manifest *m);
/* Lines must rise from call to call. EXIT_BAD_DATA past DISTINCT_LINE_MAX. */
bool distinct_add(struct distinct *d, const struct distinct_row *row, struct err *e) MUST_CHECK;
/* After the last row, once. */
bool distinct_settle(struct distinct *d, struct distinct_counts *out, struct err *e) MUST_CHECK;
/* After that: the reused rows by rising line; line 0 after the last one. */
bool distinct_next_reused(struct distinct *d, struct distinct_reused *out,
                          struct err *e) MUST_CHECK;
/* The next one is the first again. */
void distinct_rewind_reused(struct distinct *d);

#endif
