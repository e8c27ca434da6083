/* SPDX-License-Identifier: MIT
 *
 * pair_limit.h: how often one recipient may be sent to. Meta: one message every 6 s; up to 45 in
 * one period of 6 s, borrowed from the future: after n of them the next must wait as long as n
 * would have taken (20 at once: two minutes). Read strictly, as "windowed debt": the first message
 * opens a window of 6 s in which up to 45 pass; when it closes, the pair is shut until window start
 * + 6 s x n. Then the next message opens a new window.
 *
 * Model: pairs are named by a 64-bit hash of sender and recipient. Time is monotonic microseconds,
 * and may be negative (before the start of the clock). A refusal (131056) shuts the pair for 4^n
 * seconds, as Meta advises, n counting earlier refusals in a row, at most PAIR_REFUSALS_MAX;
 * refusals that come while the pair is already shut by one are the same wave. A row ends when no
 * refusal has come for PAIR_ROW_MS of the pair being open. Refused messages stay in the debt: Meta
 * does not say whether they count.
 *
 * What is known after a restart: of each attempt when it was intended, and when its outcome was on
 * record. It got on the wire between the two. So a restored window counts as begun at the latest of
 * these times, which says when the debt is paid, but closes 6 s after the earliest: nothing goes
 * too early, wherever between the two it was.
 *
 * Memory is bounded. A pair with one message in the last 6 s takes a slot of 8 bytes
 * (pair_recent.h); one that has more to tell (several messages, a refusal, a debt from before a
 * restart) about 60. When either kind has grown by half, pairs whose debt is paid are swept out, so
 * that a call costs constant time, amortised. With more than PAIR_MAX of one kind in debt those
 * that will be paid soonest are forgotten until half of them are left; what that lets through too
 * early Graph refuses, and nothing is lost.
 */
#ifndef CORE_PAIR_LIMIT_H
#define CORE_PAIR_LIMIT_H

#include "base/attr.h"
#include "core/pair_recent.h"

#include <stdint.h>

struct pair_limit;

enum {
    PAIR_BURST = 45,            /* messages in one window */
    PAIR_REFUSALS_MAX = 6,      /* 4^6 s: more than an hour */
    PAIR_ROW_MS = 60000,        /* a retry and its answer take less */
    PAIR_MAX = PAIR_RECENT_MAX, /* pairs in debt */
};

/* Returned: free with pair_limit_free. */
struct pair_limit *pair_limit_new(void);
void pair_limit_free(struct pair_limit *p);

/* When may the pair be sent to? `now_us` or earlier: now. */
int64_t pair_limit_next_us(struct pair_limit *p, uint64_t pair, int64_t now_us);
/* A message to the pair goes out now. (Also when it may not: then the debt grows.) */
void pair_limit_take(struct pair_limit *p, uint64_t pair, int64_t now_us);
/* It did not go out after all: the debt is less by one. Its window stays begun: were it the first,
 * the others would be paid that much too early. Nothing is known of it when its debt was paid and
 * the pair forgotten meanwhile; nothing happens then. */
void pair_limit_returned(struct pair_limit *p, uint64_t pair, int64_t now_us);
/* Graph answered 131056. Returns when to try again. */
int64_t pair_limit_refused(struct pair_limit *p, uint64_t pair, int64_t now_us);
/* From before a restart: a message went to the pair, at some time between these two (they may lie
 * before the start of the clock: negative). For start-up, before other calls; told by rising
 * `latest_us`. */
void pair_limit_restore(struct pair_limit *p, uint64_t pair, int64_t earliest_us,
                        int64_t latest_us);
/* Pairs remembered now, paid ones that are not swept yet among them. */
unsigned pair_limit_count(const struct pair_limit *p);

#endif
