/* SPDX-License-Identifier: MIT */
#include "core/pair_limit.h"

#include "base/mem.h"

#include <stdbool.h>

enum {
    FIRST_SLOTS = 256,
    SLOTS_MAX = 2 * PAIR_MAX, /* 16 MB */
    INTERVAL_US = PAIR_INTERVAL_MS * 1000,
    ROW_US = PAIR_ROW_MS * 1000,
    COUNT_MAX = UINT16_MAX, /* debt saturates: more than four days */
};

struct pair {
    uint64_t key;
    int64_t start_us;   /* of the window, at the latest */
    uint32_t unsure_us; /* it may have begun this much earlier */
    uint32_t shut_ms;   /* shut by a refusal until start + this; 0: not */
    uint16_t count;     /* messages since the start */
    uint8_t refusals;   /* in a row */
    bool is_used;       /* the slot is taken */
};

/* Open addressing; pairs leave only in a sweep. */
struct pair_limit {
    struct pair_recent recent; /* the others: one message, less than 6 s ago */
    struct pair *slots;
    unsigned mask; /* number of slots, a power of two, less one */
    unsigned used;
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

/* ---- The table. */

/* Keys are hashes; a multiplication spreads also those of tests. */
static unsigned home_of(const struct pair_limit *p, uint64_t key)
{
    return (unsigned)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & p->mask;
}

static struct pair *slot_of(const struct pair_limit *p, uint64_t key)
{
    unsigned place = home_of(p, key);

    while (p->slots[place].is_used && p->slots[place].key != key)
        place = (place + 1) & p->mask;
    return &p->slots[place];
}

static unsigned count_beyond(const struct pair_limit *p, int64_t at_us)
{
    unsigned count = 0;

    for (unsigned i = 0; i <= p->mask; i++) {
        if (p->slots[i].is_used && forget_us(&p->slots[i]) > at_us)
            count++;
    }
    return count;
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

static void allocate(struct pair_limit *p, unsigned slots)
{
    p->slots = mem_alloc(slots * sizeof(struct pair));
    p->mask = slots - 1;
    p->used = 0;
}

/* Pulls back those behind a freed slot whose search would otherwise stop at it. */
static void close_gap(struct pair_limit *p, unsigned gap)
{
    for (unsigned at = (gap + 1) & p->mask; p->slots[at].is_used; at = (at + 1) & p->mask) {
        unsigned home = home_of(p, p->slots[at].key);

        if (((at - home) & p->mask) >= ((at - gap) & p->mask)) {
            p->slots[gap] = p->slots[at];
            gap = at;
        }
    }
    p->slots[gap].is_used = false;
    p->used--;
}

static void forget_paid(struct pair_limit *p, int64_t from_us)
{
    for (unsigned i = 0; i <= p->mask; i++) {
        while (p->slots[i].is_used && forget_us(&p->slots[i]) <= from_us)
            close_gap(p, i);
    }
}

static void resize(struct pair_limit *p, unsigned slots)
{
    struct pair_limit old = *p;

    allocate(p, slots);
    for (unsigned i = 0; i <= old.mask; i++) {
        if (old.slots[i].is_used) {
            *slot_of(p, old.slots[i].key) = old.slots[i];
            p->used++;
        }
    }
    mem_free(old.slots);
}

/* Takes out what is paid, in place: a second table beside it would double the memory. Afterwards
 * the table is at most half full, where it may grow, and not nearly empty. */
static void sweep(struct pair_limit *p, int64_t now_us)
{
    unsigned slots = p->mask + 1;

    forget_paid(p, keep_from_us(p, now_us));
    while (slots / 2 < p->used && slots < SLOTS_MAX)
        slots *= 2;
    while (slots / 16 > p->used && slots > FIRST_SLOTS)
        slots /= 2;
    if (slots != p->mask + 1)
        resize(p, slots);
}

static struct pair *add(struct pair_limit *p, uint64_t key, int64_t start_us, uint16_t count)
{
    struct pair *pair;

    if (p->used >= (p->mask + 1) / 4 * 3)
        sweep(p, start_us);
    p->used++;
    pair = slot_of(p, key);
    *pair = (struct pair){.key = key, .start_us = start_us, .count = count, .is_used = true};
    return pair;
}

/* The pair with what is known of it, in this table: made, or moved here, when it is not. */
static struct pair *find_or_add(struct pair_limit *p, uint64_t key, int64_t now_us)
{
    struct pair *pair = slot_of(p, key);
    int64_t since_us;

    if (pair->is_used)
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

    allocate(p, FIRST_SLOTS);
    pair_recent_init(&p->recent);
    return p;
}

void pair_limit_free(struct pair_limit *p)
{
    if (!p)
        return;
    pair_recent_clear(&p->recent);
    mem_free(p->slots);
    mem_free(p);
}

/* One message less than 6 s ago: the window is open. */
int64_t pair_limit_next_us(struct pair_limit *p, uint64_t pair, int64_t now_us)
{
    const struct pair *known = slot_of(p, pair);

    return known->is_used ? next_us(known, now_us) : now_us;
}

void pair_limit_take(struct pair_limit *p, uint64_t pair, int64_t now_us)
{
    struct pair *known = slot_of(p, pair);
    int64_t since_us;

    if (!known->is_used) {
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
    struct pair *known = slot_of(p, pair);
    int64_t since_us;

    if (!known->is_used)
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
    return p->used + p->recent.used;
}
