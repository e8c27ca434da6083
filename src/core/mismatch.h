/* SPDX-License-Identifier: MIT
 *
 * mismatch.h: a template that refuses every message, because it was edited or is filled wrongly.
 *
 * One refusal for parameters that do not match is one bad row. Several in a row without a message
 * accepted between them are the template (or the whole file), and all that follow would fail alike.
 * Meta does not say how many are too many; MISMATCH_IN_ROW is ours: a file's first rows are enough
 * to tell, and as many are soon sent again.
 * Memory is bounded: beyond MISMATCH_TEMPLATES_MAX the template counted longest ago is forgotten.
 */
#ifndef CORE_MISMATCH_H
#define CORE_MISMATCH_H

#include <stdbool.h>
#include <stdint.h>

enum { MISMATCH_IN_ROW = 10, MISMATCH_TEMPLATES_MAX = 16 };

struct mismatches {
    struct mismatch {
        uint64_t subject; /* as halt_subject says for the template; 0: free */
        unsigned in_row;
    } items[MISMATCH_TEMPLATES_MAX];
    unsigned next; /* to be forgotten */
};

/* True with the last of MISMATCH_IN_ROW; then it counts anew. */
bool mismatch_refused(struct mismatches *m, uint64_t subject);
void mismatch_accepted(struct mismatches *m, uint64_t subject);

#endif
