/* SPDX-License-Identifier: MIT */
#include "base/map.h"

#include "base/mem.h"
#include "base/mix.h"

#include <string.h>

enum { FIRST_SLOTS = 64 };

struct slot {
    uint64_t key; /* 0: free (the pair whose key is 0 lives apart) */
    uint64_t value;
};

struct map {
    struct slot *slots;
    size_t mask;         /* number of slots, a power of two, less one */
    size_t used;         /* taken slots */
    uint64_t zero_value; /* of key 0 */
    bool has_zero;
};

static bool is_too_full(size_t used, size_t slots)
{
    return used * 4 > slots * 3;
}

struct map *map_new(void)
{
    return map_new_for(0);
}

struct map *map_new_for(size_t count)
{
    struct map *m = MEM_NEW(struct map);
    size_t slots = FIRST_SLOTS;

    while (is_too_full(count, slots))
        slots *= 2;
    m->slots = mem_alloc(slots * sizeof(struct slot));
    m->mask = slots - 1;
    return m;
}

void map_free(struct map *m)
{
    if (!m)
        return;
    mem_free(m->slots);
    mem_free(m);
}

/* The slot that holds `key`, or the free one where it would go. */
static size_t place_of(const struct map *m, uint64_t key)
{
    size_t place = mix64(key) & m->mask;

    while (m->slots[place].key != 0 && m->slots[place].key != key)
        place = (place + 1) & m->mask;
    return place;
}

bool map_get(const struct map *m, uint64_t key, uint64_t *value)
{
    const struct slot *slot;

    if (key == 0) {
        *value = m->has_zero ? m->zero_value : *value;
        return m->has_zero;
    }
    slot = &m->slots[place_of(m, key)];
    if (slot->key == 0)
        return false;
    *value = slot->value;
    return true;
}

static void grow(struct map *m)
{
    struct slot *old = m->slots;
    size_t count = m->mask + 1;

    m->slots = mem_alloc(2 * count * sizeof(struct slot));
    m->mask = 2 * count - 1;
    for (size_t i = 0; i < count; i++)
        if (old[i].key != 0)
            m->slots[place_of(m, old[i].key)] = old[i];
    mem_free(old);
}

void map_put(struct map *m, uint64_t key, uint64_t value)
{
    struct slot *slot;

    if (key == 0) {
        m->has_zero = true;
        m->zero_value = value;
        return;
    }
    slot = &m->slots[place_of(m, key)];
    if (slot->key == 0) {
        if (is_too_full(++m->used, m->mask + 1)) {
            grow(m);
            slot = &m->slots[place_of(m, key)];
        }
        slot->key = key;
    }
    slot->value = value;
}

/* Pulls back those behind a freed slot whose search would otherwise stop at it, so that no
 * tombstones are needed. */
static void close_gap(struct map *m, size_t gap)
{
    for (size_t at = (gap + 1) & m->mask; m->slots[at].key != 0; at = (at + 1) & m->mask) {
        size_t home = mix64(m->slots[at].key) & m->mask;

        if (((at - home) & m->mask) >= ((at - gap) & m->mask)) {
            m->slots[gap] = m->slots[at];
            gap = at;
        }
    }
    m->slots[gap].key = 0;
}

bool map_remove(struct map *m, uint64_t key)
{
    size_t place;

    if (key == 0) {
        bool had = m->has_zero;

        m->has_zero = false;
        return had;
    }
    place = place_of(m, key);
    if (m->slots[place].key == 0)
        return false;
    m->used--;
    close_gap(m, place);
    return true;
}

size_t map_count(const struct map *m)
{
    return m->used + (m->has_zero ? 1 : 0);
}

void map_clear(struct map *m)
{
    memset(m->slots, 0, (m->mask + 1) * sizeof(struct slot));
    m->used = 0;
    m->has_zero = false;
}

void map_each(const struct map *m, map_pair_fn on_pair, void *context)
{
    if (m->has_zero && !on_pair(context, 0, m->zero_value))
        return;
    for (size_t i = 0; i <= m->mask; i++)
        if (m->slots[i].key != 0 && !on_pair(context, m->slots[i].key, m->slots[i].value))
            return;
}
