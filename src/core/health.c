/* SPDX-License-Identifier: MIT */
#include "core/health.h"

#include <limits.h>
#include <string.h>

/* How soon the next probe goes: the network comes back without being asked for, so a probe a second
 * at first, one in 15 s in a long outage. */
static const struct retry_options probe_pace = {
    .max_attempts = 100,
    .base_ms = 1000,
    .max_ms = 15000,
};

static void roll_window(struct health *h, int64_t now_us)
{
    int64_t second = now_us / 1000000;
    int64_t passed = second - h->second;

    if (passed >= HEALTH_WINDOW_S) {
        memset(h->ended, 0, sizeof(h->ended));
        memset(h->silent, 0, sizeof(h->silent));
    } else {
        for (int64_t s = h->second + 1; s <= second; s++)
            h->ended[s % HEALTH_WINDOW_S] = h->silent[s % HEALTH_WINDOW_S] = 0;
    }
    if (passed > 0)
        h->second = second;
}

static void count_ending(struct health *h, bool is_silent, int64_t now_us)
{
    roll_window(h, now_us);
    h->ended[h->second % HEALTH_WINDOW_S]++;
    if (is_silent)
        h->silent[h->second % HEALTH_WINDOW_S]++;
}

static bool window_is_silent(const struct health *h)
{
    unsigned ended = 0, silent = 0;

    for (int i = 0; i < HEALTH_WINDOW_S; i++) {
        ended += h->ended[i];
        silent += h->silent[i];
    }
    return ended > HEALTH_SILENT_MIN && silent * 2 >= ended;
}

static enum health_change lost(struct health *h, int64_t since_us)
{
    if (h->since_us)
        return HEALTH_SAME;
    h->since_us = since_us;
    return HEALTH_LOST;
}

static enum health_change back(struct health *h)
{
    bool was_lost = h->since_us != 0;

    h->since_us = 0;
    h->probes = 0;
    return was_lost ? HEALTH_BACK : HEALTH_SAME;
}

enum health_change health_answered(struct health *h, int64_t latency_us, int64_t now_us)
{
    count_ending(h, false, now_us);
    h->heard_us = now_us;
    h->latency_us = h->latency_us ? (h->latency_us * 7 + latency_us) / 8 : latency_us;
    h->misses = 0;
    h->unreachable = false;
    if (h->brown_out) {
        h->brown_out = false;
        memset(h->ended, 0, sizeof(h->ended));
        memset(h->silent, 0, sizeof(h->silent));
    }
    return back(h);
}

enum health_change health_silent(struct health *h, int64_t now_us)
{
    count_ending(h, true, now_us);
    if (h->brown_out || !window_is_silent(h))
        return HEALTH_SAME;
    h->brown_out = true;
    return lost(h, now_us);
}

enum health_change health_missed(struct health *h, int64_t now_us, uint64_t random)
{
    if (!h->misses)
        h->first_miss_us = now_us;
    h->last_miss_us = now_us;
    h->misses++;
    if (h->misses < HEALTH_MISSES_MAX || (h->unreachable && now_us < h->probe_at_us))
        return HEALTH_SAME;
    h->unreachable = true;
    h->probes++;
    h->probe_at_us = now_us + retry_delay_ms(&probe_pace, h->probes, -1, random) * 1000;
    return lost(h, h->first_miss_us);
}

enum health_change health_wired(struct health *h, unsigned on_wire, int64_t now_us)
{
    h->misses = 0;
    if (on_wire <= 1)
        h->heard_us = now_us;
    if (!h->unreachable)
        return HEALTH_SAME;
    h->unreachable = false;
    return h->brown_out ? HEALTH_SAME : back(h);
}

static bool is_stalled(const struct health *h, unsigned on_wire, int64_t now_us)
{
    int64_t patience = h->latency_us * HEALTH_STALL_FACTOR;

    if (patience < HEALTH_STALL_MIN_US)
        patience = HEALTH_STALL_MIN_US;
    return on_wire > HEALTH_STALL_ON_WIRE && now_us - h->heard_us > patience;
}

unsigned health_allows(const struct health *h, unsigned on_wire, int64_t now_us)
{
    if (h->unreachable)
        return now_us >= h->probe_at_us ? 1 : 0;
    if (h->brown_out)
        return 1;
    return is_stalled(h, on_wire, now_us) ? 0 : UINT_MAX;
}

int64_t health_gone_for_us(const struct health *h, int64_t now_us)
{
    if (h->since_us)
        return now_us - h->since_us;
    return h->misses ? h->last_miss_us - h->first_miss_us : 0;
}

int64_t health_next_us(const struct health *h, int64_t now_us)
{
    if (h->unreachable && h->probe_at_us > now_us)
        return h->probe_at_us;
    return INT64_MAX;
}
