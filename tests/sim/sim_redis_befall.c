/* SPDX-License-Identifier: MIT
 *
 * sim_redis_befall.c: what befalls the modelled Redis: crashes, deletions, others.
 */
#include "sim_redis.h"

#include "base/mem.h"

#include <string.h>

static void lose_entry(struct sim_redis *r, struct sim_entry *entry)
{
    if (!entry->is_gone && entry->state != ENTRY_ACKED && entry->row >= 0)
        r->lost_entry[r->source->rows[entry->row].index] = true;
    entry->is_gone = true;
}

/* That the other consumer had them is lost: what it sent may be sent again. */
static void forget_other(struct sim_redis *r)
{
    memset(r->sent_by_other, 0, r->messages * sizeof(bool));
}

static void copy(struct sim_data *to, const struct sim_data *from, unsigned messages)
{
    sim_data_free(to);
    *to = *from;
    for (size_t lane = 0; lane < LANE_COUNT; lane++) {
        struct sim_lane *l = &to->lanes[lane];
        size_t size = l->cap * sizeof(struct sim_entry);

        l->entries = size ? memcpy(mem_alloc(size), l->entries, size) : NULL;
    }
    to->told = memcpy(mem_alloc(messages * sizeof(struct sim_told)), from->told,
                      messages * sizeof(struct sim_told));
}

void sim_redis_save(struct sim_redis *r)
{
    copy(&r->saved, &r->now, r->messages);
    r->has_saved = true;
}

/* The group knows of nobody who has it. */
static void forget_reader(struct sim_entry *entry, enum entry_state was)
{
    entry->was_read |= was != ENTRY_UNREAD;
}

/* What was put on PREFIX:dead, and confirmed before it was lost, is not put there again; and who
 * had what is forgotten. */
static void keep_past(struct sim_lane *saved, const struct sim_lane *now)
{
    for (unsigned i = 0; i < saved->count && i < now->count; i++) {
        saved->entries[i].is_dead |= now->entries[i].is_dead;
        saved->entries[i].was_read |= now->entries[i].was_read;
        forget_reader(&saved->entries[i], now->entries[i].state);
    }
}

/* A result that was confirmed before it was lost is not told again. */
void sim_redis_crash(struct sim_redis *r)
{
    for (size_t lane = 0; lane < LANE_COUNT; lane++)
        keep_past(&r->saved.lanes[lane], &r->now.lanes[lane]);
    for (unsigned i = 0; i < r->messages; i++)
        r->lost_result[i] |= r->now.told[i].count != r->saved.told[i].count ||
                             r->now.told[i].statuses != r->saved.told[i].statuses;
    for (unsigned row = r->saved.next_row; row < r->now.next_row; row++)
        r->twice_added[r->source->rows[row].index] = true;
    sim_data_free(&r->now);
    r->now = r->saved;
    r->saved = (struct sim_data){0};
    r->has_saved = false;
    r->lock_lost = true;
    forget_other(r);
}

void sim_redis_delete(struct sim_redis *r, enum stream_lane lane)
{
    struct sim_lane *l = &r->now.lanes[lane];

    for (unsigned i = l->base; i < l->count; i++)
        lose_entry(r, &l->entries[i]);
    l->base = l->next = l->count;
    l->pending = 0;
    l->has_group = l->has_stream = false;
    forget_other(r);
}

void sim_redis_flush(struct sim_redis *r)
{
    for (unsigned lane = 0; lane < LANE_COUNT; lane++)
        sim_redis_delete(r, lane);
    for (unsigned i = 0; i < r->messages; i++) {
        r->lost_result[i] |= r->now.told[i].count || r->now.told[i].statuses;
        r->now.told[i] = (struct sim_told){0};
    }
    r->now.lock = (struct sim_lock){0};
    r->lock_lost = true;
}

void sim_redis_drop_group(struct sim_redis *r, enum stream_lane lane)
{
    struct sim_lane *l = &r->now.lanes[lane];

    for (unsigned i = l->base; i < l->count; i++) {
        forget_reader(&l->entries[i], l->entries[i].state);
        l->entries[i].state = ENTRY_UNREAD;
    }
    l->next = l->base;
    l->pending = 0;
    l->has_group = false;
    forget_other(r);
}

void sim_redis_cut(struct sim_redis *r, enum stream_lane lane, unsigned count)
{
    struct sim_lane *l = &r->now.lanes[lane];

    for (unsigned i = l->base; i < l->count && count; i++) {
        if (l->entries[i].is_gone)
            continue;
        lose_entry(r, &l->entries[i]);
        count--;
    }
}

/* ---- Others. */

void sim_redis_rival(struct sim_redis *r, int64_t now_ms, int64_t stay_ms)
{
    struct sim_lock *k = &r->now.lock;

    if (k->holder == LOCK_OURS && k->until_ms > now_ms && !r->lock_lost)
        return;
    *k = (struct sim_lock){LOCK_RIVAL, 0, now_ms + stay_ms, !r->lock_lost};
    r->stays_until = k->until_ms;
}

unsigned sim_redis_read_by_other(struct sim_redis *r, enum stream_lane lane, unsigned count,
                                 int64_t now_ms)
{
    struct sim_lane *l = &r->now.lanes[lane];
    unsigned read = 0;

    for (; l->has_group && l->next < l->count && read < count; l->next++) {
        struct sim_entry *entry = &l->entries[l->next];

        if (entry->is_gone)
            continue;
        entry->state = ENTRY_PENDING;
        entry->owner = SIM_STRANGER;
        entry->idle_at_ms = now_ms;
        l->pending++;
        read++;
        if (entry->row < 0)
            continue;
        r->was_others[r->source->rows[entry->row].index] = true;
        if (read % 2 && !entry->was_read && !r->twice_added[r->source->rows[entry->row].index])
            r->sent_by_other[r->source->rows[entry->row].index] = true;
    }
    return read;
}

/* Our ledger never hears of them. */
unsigned sim_redis_done_by_other(struct sim_redis *r, enum stream_lane lane, unsigned count)
{
    struct sim_lane *l = &r->now.lanes[lane];
    unsigned done = 0;

    for (unsigned i = l->base; i < l->next && done < count; i++) {
        struct sim_entry *entry = &l->entries[i];

        if (entry->state != ENTRY_PENDING || entry->owner != SIM_STRANGER)
            continue;
        if (entry->row >= 0)
            r->lost_entry[r->source->rows[entry->row].index] = true;
        entry->is_dead |= entry->row < 0;
        entry->state = ENTRY_ACKED;
        entry->was_acked = true;
        l->pending--;
        done++;
    }
    return done;
}

unsigned sim_redis_pending_ours(const struct sim_redis *r)
{
    unsigned count = 0;

    for (size_t lane = 0; lane < LANE_COUNT; lane++) {
        const struct sim_lane *l = &r->now.lanes[lane];

        for (unsigned i = l->base; l->pending && i < l->next; i++)
            count += l->entries[i].state == ENTRY_PENDING && l->entries[i].owner != SIM_STRANGER;
    }
    return count;
}
