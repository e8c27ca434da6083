/* SPDX-License-Identifier: MIT */
#include "core/pair_limit.h"

#include "base/map.h"
#include "base/mem.h"

enum {
    SWEPT_MIN = 192, /* pairs that come between two sweeps, at least */
    INTERVAL_US = PAIR_INTERVAL_MS * 1000,
    ROW_US = PAIR_ROW_MS * 1000,
    COUNT_MAX = UINT16_MAX, /* debt saturates: more than four days */
};

struct pair {
    int64_t start_us;   /* of the window, at the latest */
    uint32_t unsure_us; /* it may have begun this much earlier */
    uint32_t shut_ms;   /* shut by a refusal until start + this; 0: not */
    uint16_t count;     /* messages since the start */
    uint8_t refusals;   /* in a row */
};

struct pair_limit {
    struct pair_recent recent; /* one message, less than 6 s ago */
    struct map *others;        /* to their struct pair; paid ones leave in a sweep */
    size_t sweep_at;           /* that many of them */
};

/* ---- One pair. */

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t paid_us(const struct pair *p)
{
    return p->start_us + (int64_t)p->count * INTERVAL_US;
}

static int64_t shut_until_us(const struct pair *p)
{
    return p->start_us + (int64_t)p->shut_ms * 1000;
}

static int64_t earliest_start_us(const struct pair *p)
{
    return p->start_us - p->unsure_us;
}

static uint32_t unsure_since(const struct pair *p, int64_t begin_us)
{
    int64_t unsure_us = later(p->start_us - begin_us, 0);

    return unsure_us < UINT32_MAX ? (uint32_t)unsure_us : UINT32_MAX;
}

static bool is_window_open(const struct pair *p, int64_t now_us)
{
    return now_us < earliest_start_us(p) + INTERVAL_US && p->count < PAIR_BURST;
}

static int64_t next_us(const struct pair *p, int64_t now_us)
{
    int64_t debt_us = is_window_open(p, now_us) ? now_us : paid_us(p);

    return later(debt_us, shut_until_us(p));
}

/* When there will be nothing left to know of it. */
static int64_t forget_us(const struct pair *p)
{
    int64_t row_us = p->refusals ? ROW_US : 0;

    return later(paid_us(p), shut_until_us(p)) + row_us;
}

static void open_window(struct pair *p, int64_t now_us)
{
    if (now_us >= forget_us(p))
        p->refusals = 0;
    p->start_us = now_us;
    p->unsure_us = 0;
    p->shut_ms = 0;
    p->count = 0;
}

/* 4^refusals seconds from now, as milliseconds from the window's start. */
static void shut(struct pair *p, int64_t now_us)
{
    int64_t pause_us = INT64_C(1000000) << (2 * p->refusals);
    int64_t shut_ms = (now_us + pause_us - p->start_us + 999) / 1000;

    p->shut_ms = shut_ms < UINT32_MAX ? (uint32_t)shut_ms : UINT32_MAX;
}

/* ---- The pairs that have more to tell. */

static struct pair *find(const struct pair_limit *p, uint64_t key)
{
    uint64_t value;

    return map_get(p->others, key, &value) ? (struct pair *)(uintptr_t)value : NULL;
}

struct sweep {
    int64_t until_us; /* what is forgotten by then */
    size_t left;
    struct map *kept; /* NULL: only counted */
};

static bool sweep_pair(void *context, uint64_t key, uint64_t value)
{
    struct sweep *s = context;
    struct pair *pair = (struct pair *)(uintptr_t)value;
    bool stays = forget_us(pair) > s->until_us;

    s->left += stays;
    if (s->kept && stays)
        map_put(s->kept, key, value);
    else if (s->kept)
        mem_free(pair);
    return true;
}

static size_t count_beyond(const struct pair_limit *p, int64_t until_us)
{
    struct sweep s = {.until_us = until_us};

    map_each(p->others, sweep_pair, &s);
    return s.left;
}

/* From when on a debt must last to be kept: now, or later when there are too many. */
static int64_t keep_from_us(const struct pair_limit *p, int64_t now_us)
{
    int64_t from_us = now_us;

    if (count_beyond(p, now_us) <= PAIR_MAX)
        return now_us;
    for (int64_t ahead_us = 1000000; count_beyond(p, from_us) > PAIR_MAX / 2; ahead_us *= 2)
        from_us = now_us + ahead_us;
    return from_us;
}

static void sweep(struct pair_limit *p, int64_t now_us)
{
    struct sweep s = {.until_us = keep_from_us(p, now_us), .kept = map_new()};

    map_each(p->others, sweep_pair, &s);
    map_free(p->others);
    p->others = s.kept;
    p->sweep_at = s.left + (s.left / 2 > SWEPT_MIN ? s.left / 2 : SWEPT_MIN);
}

static struct pair *add(struct pair_limit *p, uint64_t key, int64_t start_us, uint16_t count)
{
    struct pair *pair = MEM_NEW(struct pair);

    if (map_count(p->others) >= p->sweep_at)
        sweep(p, start_us);
    *pair = (struct pair){.start_us = start_us, .count = count};
    map_put(p->others, key, (uintptr_t)pair);
    return pair;
}

/* The pair with what is known of it, among them: made, or moved here, when it is not. */
static struct pair *find_or_add(struct pair_limit *p, uint64_t key, int64_t now_us)
{
    struct pair *pair = find(p, key);
    int64_t since_us;

    if (pair)
        return pair;
    if (pair_recent_remove(&p->recent, key, now_us, &since_us))
        return add(p, key, since_us, 1);
    return add(p, key, now_us, 0);
}

static void count_one(struct pair *p)
{
    if (p->count < COUNT_MAX)
        p->count++;
}

/* ---- What the caller sees. */

struct pair_limit *pair_limit_new(void)
{
    struct pair_limit *p = MEM_NEW(struct pair_limit);

    pair_recent_init(&p->recent);
    p->others = map_new();
    p->sweep_at = SWEPT_MIN;
    return p;
}

void pair_limit_free(struct pair_limit *p)
{
    struct sweep all = {.until_us = INT64_MAX};

    if (!p)
        return;
    all.kept = map_new();
    map_each(p->others, sweep_pair, &all);
    map_free(all.kept);
    map_free(p->others);
    pair_recent_clear(&p->recent);
    mem_free(p);
}

/* One message less than 6 s ago: the window is open. */
int64_t pair_limit_next_us(struct pair_limit *p, uint64_t pair, int64_t now_us)
{
    const struct pair *known = find(p, pair);

    return known ? next_us(known, now_us) : now_us;
}

void pair_limit_take(struct pair_limit *p, uint64_t pair, int64_t now_us)
{
    struct pair *known = find(p, pair);
    int64_t since_us;

    if (!known) {
        if (!pair_recent_remove(&p->recent, pair, now_us, &since_us)) {
            pair_recent_add(&p->recent, pair, now_us);
            return;
        }
        known = add(p, pair, since_us, 1);
    }
    if (!is_window_open(known, now_us) && now_us >= next_us(known, now_us))
        open_window(known, now_us);
    count_one(known);
}

void pair_limit_returned(struct pair_limit *p, uint64_t pair, int64_t now_us)
{
    struct pair *known = find(p, pair);
    int64_t since_us;

    if (!known)
        (void)pair_recent_remove(&p->recent, pair, now_us, &since_us); /* or it is paid */
    else if (known->count > 0 && now_us < paid_us(known))
        known->count--;
}

int64_t pair_limit_refused(struct pair_limit *p, uint64_t pair, int64_t now_us)
{
    struct pair *known = find_or_add(p, pair, now_us);

    if (now_us >= shut_until_us(known)) {
        shut(known, now_us);
        if (known->refusals < PAIR_REFUSALS_MAX)
            known->refusals++;
    }
    return next_us(known, now_us);
}

/* One that may have been the last of the window before, or the first of the next, closes like the
 * former and is paid like the latter. */
void pair_limit_restore(struct pair_limit *p, uint64_t pair, int64_t earliest_us, int64_t latest_us)
{
    struct pair *known = find_or_add(p, pair, earliest_us);
    int64_t begin_us = earliest_start_us(known);

    if (earliest_us < begin_us || earliest_us >= paid_us(known))
        begin_us = earliest_us;
    if (latest_us >= paid_us(known))
        open_window(known, latest_us);
    known->unsure_us = unsure_since(known, begin_us);
    count_one(known);
}

unsigned pair_limit_count(const struct pair_limit *p)
{
    return (unsigned)map_count(p->others) + p->recent.used;
}
