/* SPDX-License-Identifier: MIT
 *
 * live_block.h: a few lines on a terminal that are drawn again in place.
 *
 * Model: the block is what stands on the screen; drawing moves up by as many rows as it has there
 * and writes over it. A line that is wider than the screen has several; colours have no width. The
 * width is asked for at each drawing: after the screen was made narrower its rows are those of a
 * terminal that wraps again (most do; on one that cuts, the rows above the block are lost). Of a
 * block that is higher than the screen the first lines are drawn, and "...". Nothing else may write
 * to the terminal meanwhile, except through live_block_above.
 */
#ifndef COMMANDS_LIVE_BLOCK_H
#define COMMANDS_LIVE_BLOCK_H

#include "base/buf.h"

struct live_block {
    int fd;          /* of the terminal */
    struct buf text; /* what stands there; whole lines */
};

enum { LIVE_BLOCK_MAX = 1 << 16 };

struct live_block live_block_new(int fd);
void live_block_free(struct live_block *b);
/* `text` (whole lines, copied) takes the block's place. */
void live_block_draw(struct live_block *b, const char *text, size_t len);
/* `lines` (whole ones) stand above the block from now on. */
void live_block_above(struct live_block *b, const char *lines, size_t len);

/* A bar of `cells` characters, filled up to `part` of `whole`. */
struct bar {
    uint64_t part;
    uint64_t whole;
    unsigned cells;
};
void bar_add(struct buf *out, const struct bar *bar, bool colour);

#endif
