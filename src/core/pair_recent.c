/* SPDX-License-Identifier: MIT */
#include "core/pair_recent.h"

#include "base/mem.h"

enum {
    FIRST_SLOTS = 256,
    INTERVAL_US = PAIR_INTERVAL_MS * 1000,
};

struct recent {
    uint32_t tag;      /* of the pair's hash; 0: the slot is free */
    uint32_t since_us; /* after the table's base */
};

/* Keys are hashes; a multiplication spreads also those of tests. */
static uint32_t tag_of(uint64_t pair)
{
    uint32_t tag = (uint32_t)((pair * UINT64_C(0x9e3779b97f4a7c15)) >> 32);

    return tag ? tag : 1;
}

static struct recent *slot_of(const struct pair_recent *r, uint32_t tag)
{
    unsigned place = tag & r->mask;

    while (r->slots[place].tag && r->slots[place].tag != tag)
        place = (place + 1) & r->mask;
    return &r->slots[place];
}

static int64_t since_us_of(const struct pair_recent *r, const struct recent *slot)
{
    return r->base_us + slot->since_us;
}

/* Pulls back those behind a freed slot whose search would otherwise stop at it. */
static void free_slot(struct pair_recent *r, unsigned gap)
{
    for (unsigned at = (gap + 1) & r->mask; r->slots[at].tag; at = (at + 1) & r->mask) {
        unsigned home = r->slots[at].tag & r->mask;

        if (((at - home) & r->mask) >= ((at - gap) & r->mask)) {
            r->slots[gap] = r->slots[at];
            gap = at;
        }
    }
    r->slots[gap].tag = 0;
    r->used--;
}

static void forget_until(struct pair_recent *r, int64_t since_us)
{
    for (unsigned i = 0; i <= r->mask; i++) {
        while (r->slots[i].tag && since_us_of(r, &r->slots[i]) <= since_us)
            free_slot(r, i);
    }
}

/* Needs all to be younger than `base_us`. */
static void rebase(struct pair_recent *r, int64_t base_us)
{
    for (unsigned i = 0; i <= r->mask; i++) {
        if (r->slots[i].tag)
            r->slots[i].since_us = (uint32_t)(since_us_of(r, &r->slots[i]) - base_us);
    }
    r->base_us = base_us;
}

static void allocate(struct pair_recent *r, unsigned slots)
{
    r->slots = mem_array(slots, sizeof(struct recent));
    r->mask = slots - 1;
}

static void resize(struct pair_recent *r, unsigned slots)
{
    struct pair_recent old = *r;

    allocate(r, slots);
    for (unsigned i = 0; i <= old.mask; i++) {
        if (old.slots[i].tag)
            *slot_of(r, old.slots[i].tag) = old.slots[i];
    }
    mem_free(old.slots);
}

/* Returns since when those are here that are left: after that. */
static int64_t forget_older_half(struct pair_recent *r, int64_t now_us)
{
    int64_t age_us = INTERVAL_US;

    while (r->used > PAIR_RECENT_MAX / 2) {
        age_us /= 2;
        forget_until(r, now_us - age_us);
    }
    return now_us - age_us;
}

static void sweep(struct pair_recent *r, int64_t now_us)
{
    int64_t from_us = now_us - INTERVAL_US;
    unsigned slots = r->mask + 1;

    forget_until(r, from_us);
    if (r->used > PAIR_RECENT_MAX)
        from_us = forget_older_half(r, now_us);
    rebase(r, from_us);
    if (slots / 8 * 5 < r->used)
        slots *= 2;
    while (slots / 16 > r->used && slots > FIRST_SLOTS)
        slots /= 2;
    if (slots != r->mask + 1)
        resize(r, slots);
}

/* ---- What the caller sees. */

void pair_recent_init(struct pair_recent *r)
{
    *r = (struct pair_recent){0};
    allocate(r, FIRST_SLOTS);
}

void pair_recent_clear(struct pair_recent *r)
{
    mem_free(r->slots);
}

void pair_recent_add(struct pair_recent *r, uint64_t pair, int64_t now_us)
{
    uint32_t tag = tag_of(pair);

    if (r->used >= (r->mask + 1) / 4 * 3 || now_us - r->base_us > UINT32_MAX)
        sweep(r, now_us);
    if (!r->used)
        r->base_us = now_us;
    if (now_us < r->base_us) /* time stands still at least */
        now_us = r->base_us;
    *slot_of(r, tag) = (struct recent){tag, (uint32_t)(now_us - r->base_us)};
    r->used++;
}

bool pair_recent_remove(struct pair_recent *r, uint64_t pair, int64_t now_us, int64_t *since_us)
{
    struct recent *slot = slot_of(r, tag_of(pair));

    if (!slot->tag)
        return false;
    *since_us = since_us_of(r, slot);
    free_slot(r, (unsigned)(slot - r->slots));
    return now_us - *since_us < INTERVAL_US;
}
