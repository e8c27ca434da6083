/* SPDX-License-Identifier: MIT
 *
 * pair.h: the limit on messages from one number to one user: one every 6 s, 45 at once on credit.
 *
 * Model: Meta's two statements leave two readings, and nobody outside knows which one is run.
 *   PAIR_DEBT (default): the first message opens a window of 6 s in which up to 45 pass; when it
 *     closes the pair is shut until 6 s times the messages sent have passed since its opening
 *     (Meta's example: 20 at once, then about two minutes of nothing).
 *   PAIR_GCRA: a leaky bucket of one in 6 s with a tolerance of 44 * 6 s.
 * Refused attempts add nothing, in both.
 */
#ifndef GRAPHMOCK_PAIR_H
#define GRAPHMOCK_PAIR_H

#include "base/map.h"

enum pair_model { PAIR_OFF, PAIR_DEBT, PAIR_GCRA };

struct pair_limit {
    enum pair_model model;
    struct map *pairs; /* hash of the pair -> its state */
};

/* True when the message may pass; it is then counted. `pair` is a hash of sender and recipient. */
bool pair_pass(struct pair_limit *limit, uint64_t pair, int64_t now_us);

#endif
