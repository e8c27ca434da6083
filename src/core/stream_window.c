/* SPDX-License-Identifier: MIT */
#include "core/stream_window.h"

#include "base/map.h"
#include "base/mem.h"

#include <assert.h>

/* The map mixes; this only has to tell most ids apart. */
static uint64_t hash_of(enum stream_lane lane, struct stream_id id)
{
    return id.ms * UINT64_C(0x9E3779B97F4A7C15) + id.seq * 2 + (uint64_t)lane;
}

static bool is_at(const struct stream_entry *entry, enum stream_lane lane, struct stream_id id)
{
    return entry->lane == lane && stream_id_compare(entry->id, id) == 0;
}

static struct stream_entry *first_twin(const struct stream_window *w, uint64_t hash)
{
    uint64_t value;

    return map_get(w->by_id, hash, &value) ? (struct stream_entry *)(uintptr_t)value : NULL;
}

static void put_twins(struct stream_window *w, uint64_t hash, struct stream_entry *first)
{
    if (first)
        map_put(w->by_id, hash, (uintptr_t)first);
    else
        (void)map_remove(w->by_id, hash); /* it may never have been there */
}

void window_init(struct stream_window *w)
{
    *w = (struct stream_window){.by_id = map_new()};
    for (size_t lane = 0; lane < LANE_COUNT; lane++)
        for (size_t stage = 0; stage < STAGE_COUNT; stage++)
            list_init(&w->stages[lane][stage]);
}

static void release_stage(struct stream_window *w, enum stream_lane lane, enum stream_stage stage)
{
    struct stream_entry *entry;

    while ((entry = window_first(w, lane, stage)))
        window_release(w, entry);
}

void window_free(struct stream_window *w)
{
    for (unsigned stage = 0; stage < STAGE_COUNT; stage++)
        window_release_all(w, stage);
    map_free(w->by_id);
}

struct stream_entry *window_find(const struct stream_window *w, enum stream_lane lane,
                                 struct stream_id id)
{
    struct stream_entry *entry = first_twin(w, hash_of(lane, id));

    while (entry && !is_at(entry, lane, id))
        entry = entry->twin;
    return entry;
}

static void join_stage(struct stream_window *w, struct stream_entry *entry, enum stream_stage stage)
{
    entry->stage = stage;
    list_append(&w->stages[entry->lane][stage], &entry->node);
    w->counts[stage]++;
}

static void leave_stage(struct stream_window *w, struct stream_entry *entry)
{
    list_remove(&entry->node);
    w->counts[entry->stage]--;
}

struct stream_entry *window_hold(struct stream_window *w, enum stream_lane lane,
                                 struct stream_id id, enum stream_stage stage)
{
    uint64_t hash = hash_of(lane, id);
    struct stream_entry *entry = MEM_NEW(struct stream_entry);

    entry->id = id;
    entry->lane = lane;
    entry->twin = first_twin(w, hash);
    put_twins(w, hash, entry);
    join_stage(w, entry, stage);
    w->held++;
    return entry;
}

static bool may_move(enum stream_stage from, enum stream_stage to)
{
    return to > from || (from == STAGE_ACKING && to == STAGE_DUE) ||
           (from == STAGE_FETCHING && to == STAGE_REJECTED);
}

void window_move(struct stream_window *w, struct stream_entry *entry, enum stream_stage stage)
{
    assert(may_move(entry->stage, stage));
    leave_stage(w, entry);
    join_stage(w, entry, stage);
}

static void leave_twins(struct stream_window *w, struct stream_entry *entry)
{
    uint64_t hash = hash_of(entry->lane, entry->id);
    struct stream_entry *first = first_twin(w, hash);
    struct stream_entry *at = first;

    if (first == entry) {
        put_twins(w, hash, entry->twin);
        return;
    }
    while (at->twin != entry)
        at = at->twin;
    at->twin = entry->twin;
}

void window_release(struct stream_window *w, struct stream_entry *entry)
{
    leave_twins(w, entry);
    leave_stage(w, entry);
    w->held--;
    message_free(entry->message);
    mem_free(entry->reason);
    mem_free(entry);
}

struct stream_entry *window_first(const struct stream_window *w, enum stream_lane lane,
                                  enum stream_stage stage)
{
    const struct list *list = &w->stages[lane][stage];

    return list_is_empty(list) ? NULL : LIST_ITEM(list->next, struct stream_entry, node);
}

void window_move_all(struct stream_window *w, enum stream_stage from, enum stream_stage to)
{
    for (unsigned lane = 0; lane < LANE_COUNT; lane++) {
        struct stream_entry *entry;

        while ((entry = window_first(w, lane, from)))
            window_move(w, entry, to);
    }
}

void window_release_all(struct stream_window *w, enum stream_stage stage)
{
    for (unsigned lane = 0; lane < LANE_COUNT; lane++)
        release_stage(w, lane, stage);
}

void window_lower(const struct stream_window *w, enum stream_lane lane, struct stream_id *id)
{
    for (size_t stage = 0; stage < STAGE_COUNT; stage++) {
        const struct list *head = &w->stages[lane][stage];

        for (struct list *at = head->next; at != head; at = at->next) {
            const struct stream_entry *entry = LIST_ITEM(at, struct stream_entry, node);

            if (stream_id_compare(entry->id, *id) < 0)
                *id = entry->id;
        }
    }
}

size_t window_keep(struct stream_window *w, const struct window_keep *which,
                   struct stream_id ids[WINDOW_PAGE])
{
    size_t count = 0;

    for (size_t stage = 0; stage < STAGE_COUNT; stage++) {
        struct list *head = &w->stages[which->lane][stage];

        for (struct list *at = head->next; at != head && count < WINDOW_PAGE; at = at->next) {
            struct stream_entry *entry = LIST_ITEM(at, struct stream_entry, node);

            if (entry->kept_ms > which->before_ms || entry->taken_over != which->taken_over)
                continue;
            entry->kept_ms = which->now_ms;
            ids[count++] = entry->id;
        }
    }
    return count;
}
