/* SPDX-License-Identifier: MIT
 *
 * pair_limit.h: how often one recipient may be sent to (graph-api 4.2, the "windowed debt" reading,
 * the stricter of the two that fit Meta's text): the first message opens a window of 6 s in which
 * up to 45 pass; when it closes, the pair is shut until window start + 6 s x n.
 *
 * Model: pairs are named by a 64-bit hash of sender and recipient. Time is monotonic microseconds.
 * Memory is bounded: pairs whose debt is paid are forgotten; above the cap the oldest are looked at
 * first. A refusal (131056) shuts the pair for 4^n seconds, n counting refusals in a row.
 */
#ifndef CORE_PAIR_LIMIT_H
#define CORE_PAIR_LIMIT_H

#include "base/attr.h"

#include <stdint.h>

struct pair_limit;

enum {
    PAIR_INTERVAL_MS = 6000, /* one message every 6 s */
    PAIR_BURST = 45,         /* messages in one window */
};

/* Returned: free with pair_limit_free. */
struct pair_limit *pair_limit_new(void);
void pair_limit_free(struct pair_limit *p);

/* When may the pair be sent to? `now_us` or earlier: now. */
int64_t pair_limit_next_us(struct pair_limit *p, uint64_t pair, int64_t now_us);
/* A message to the pair goes out now. */
void pair_limit_take(struct pair_limit *p, uint64_t pair, int64_t now_us);
/* It did not go out after all. */
void pair_limit_returned(struct pair_limit *p, uint64_t pair, int64_t now_us);
/* Graph answered 131056. Returns when to try again. */
int64_t pair_limit_refused(struct pair_limit *p, uint64_t pair, int64_t now_us);
/* Debt from before a restart: `count` messages went to the pair, the first of the window at
 * `first_us` (may lie before the start of the clock: negative). */
void pair_limit_restore(struct pair_limit *p, uint64_t pair, int64_t first_us, unsigned count);
/* Pairs remembered now. */
unsigned pair_limit_count(const struct pair_limit *p);

#endif
