/* SPDX-License-Identifier: MIT */
#include "pair.h"

enum { INTERVAL_MS = 6000, BURST = 45, COUNT_BITS = 8 };

/* State: when the window opened (ms, of 56 bits) and how many passed since (8 bits). */
static bool pass_debt(struct pair_limit *limit, uint64_t pair, uint64_t now_ms)
{
    uint64_t state = 0, count, start;
    bool known = map_get(limit->pairs, pair, &state);

    count = state & ((1u << COUNT_BITS) - 1);
    start = state >> COUNT_BITS;
    if (!known || now_ms >= start + count * INTERVAL_MS) {
        map_put(limit->pairs, pair, now_ms << COUNT_BITS | 1);
        return true;
    }
    if (now_ms >= start + INTERVAL_MS || count >= BURST)
        return false;
    map_put(limit->pairs, pair, start << COUNT_BITS | (count + 1));
    return true;
}

/* State: the time (ms) at which the bucket is empty again. */
static bool pass_gcra(struct pair_limit *limit, uint64_t pair, uint64_t now_ms)
{
    uint64_t empty_at = now_ms;

    if (map_get(limit->pairs, pair, &empty_at) && empty_at < now_ms)
        empty_at = now_ms;
    if (empty_at > now_ms + (BURST - 1) * INTERVAL_MS)
        return false;
    map_put(limit->pairs, pair, empty_at + INTERVAL_MS);
    return true;
}

bool pair_pass(struct pair_limit *limit, uint64_t pair, int64_t now_us)
{
    uint64_t now_ms = (uint64_t)now_us / 1000;

    switch (limit->model) {
    case PAIR_OFF:
        return true;
    case PAIR_DEBT:
        return pass_debt(limit, pair, now_ms);
    case PAIR_GCRA:
        return pass_gcra(limit, pair, now_ms);
    }
    return true;
}
