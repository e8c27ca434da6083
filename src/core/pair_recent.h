/* SPDX-License-Identifier: MIT
 *
 * pair_recent.h: pairs that got their first message less than 6 s ago, and no other since. On
 * result day these are nearly all: so many recipients get one message each. They are kept small
 * here; what there is more to tell of a pair is pair_limit.h's.
 *
 * Model: one table of 8 bytes a slot, open addressing: 32 bits of the pair's hash, and when its
 * message went, in microseconds since `base_us`. When three quarters are taken, what is older than
 * 6 s is swept out in place; the table grows when more than five eighths are left, and shrinks when
 * it is nearly empty. So a call costs constant time, amortised.
 *
 * Two pairs may share their 32 bits (among 100,000 pairs: 1 message in 40,000). Then the second one
 * is taken for the first one's next message: the pair has a debt of two, and a third message to it
 * may wait 6 s longer than it need. Nothing goes too early.
 *
 * At 1,000 a second 6,000 pairs are here (64 to 128 KB), at 20,000 a second 120,000 (2 MB). With
 * more than PAIR_RECENT_MAX the older half is forgotten.
 */
#ifndef CORE_PAIR_RECENT_H
#define CORE_PAIR_RECENT_H

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    PAIR_INTERVAL_MS = 6000,  /* Meta: one message to a pair every 6 s */
    PAIR_RECENT_MAX = 262144, /* 44,000 a second */
};

struct recent;

/* Its members are pair_recent.c's. */
struct pair_recent {
    struct recent *slots;
    unsigned mask; /* number of slots, a power of two, less one */
    unsigned used;
    int64_t base_us;
};

void pair_recent_init(struct pair_recent *r);
void pair_recent_clear(struct pair_recent *r); /* frees what it holds */

/* The pair gets its first message now; it is not in there. */
void pair_recent_add(struct pair_recent *r, uint64_t pair, int64_t now_us);
/* Takes the pair out. True, and since when it was there, when that is less than 6 s ago. */
bool pair_recent_remove(struct pair_recent *r, uint64_t pair, int64_t now_us, int64_t *since_us);

#endif
