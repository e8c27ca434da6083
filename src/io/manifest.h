/* SPDX-License-Identifier: MIT
 *
 * manifest.h: which rows a broadcast was put on record with, so that another file of the same name
 * can be compared with it row by row. The ledger cannot tell: what was not sent yet is not in it.
 *
 * Model: of each valid, distinct row the hashes of its id and of its content, 16 bytes, gathered
 * out of core (distinct_spill.h) and saved beside the ledger as one file of SPILL_PARTS parts by
 * the id's hash. Two manifests are compared part by part. Memory: 1 MiB while rows are gathered,
 * and one part while a manifest is saved or compared (12 MiB at 100 million rows).
 * A row whose id the other does not have is new or gone; one with the same id and other content is
 * changed. Where ids come from the content, a row that was edited is one gone and one new.
 * A saved manifest says of which file and plan it is, and carries checksums: of another one, cut
 * off, damaged or missing, it counts as none. It is a comfort, never a condition of sending.
 *
 * A plan that --limit ended does not know the rows behind: nothing is called gone by a comparison
 * with it then, and nothing new by one with a saved manifest of such a plan. It never takes the
 * place of a saved manifest of the same file and plan that knows as many rows.
 */
#ifndef IO_MANIFEST_H
#define IO_MANIFEST_H

#include "base/err.h"

#include <stdint.h>

struct manifest;

/* What a manifest is of; borrowed. */
struct manifest_key {
    const unsigned char *file_hash; /* 32 bytes each */
    const unsigned char *plan_hash;
};

struct manifest_changes {
    uint64_t added;
    uint64_t gone;
    uint64_t changed;
    bool at_least; /* a limit ended one of the two: there may be more */
};

/* `temp_dir` is borrowed until manifest_free. Returned: free with manifest_free. */
struct manifest *manifest_new(const char *temp_dir);
void manifest_free(struct manifest *m);
/* Each id once. EXIT_CANT_CREATE when it cannot be kept. */
bool manifest_add(struct manifest *m, uint64_t id, uint64_t content, struct err *e) MUST_CHECK;
/* A limit ended the reading: rows behind it are not known. */
void manifest_end_early(struct manifest *m);

/* To `path`, mode 0600, whole or not at all. EXIT_CANT_CREATE. */
bool manifest_save(const struct manifest *m, const char *path, const struct manifest_key *key,
                   struct err *e) MUST_CHECK;
/* How `m` differs from what was saved at `path` for `key`; false when there is nothing sound. */
bool manifest_compare(const struct manifest *m, const char *path, const struct manifest_key *key,
                      struct manifest_changes *out) MUST_CHECK;

#endif
