/* SPDX-License-Identifier: MIT
 *
 * stream_window.h: the entries that are held: read and not yet acknowledged. For stream*.c.
 *
 * Model: a held entry is in one stage, on that stage's list, and known by lane and id:
 *     QUEUED    read, not offered yet
 *     OFFERED   the caller has it
 *     REJECTED  the caller says it is no message of ours: it is to be read back
 *     FETCHING  it is being read back, in the order of the commands
 *     ADDING    its result (or itself, to the dead) is being added
 *     DUE       to be acknowledged
 *     ACKING    the acknowledgement is on its way, in the order of the commands
 *     DONE      acknowledged, but a reply that still names it may be on its way
 * Stages only go forward, but FETCHING and ACKING go one back when the answer will not come.
 * Lifetime: an entry is the window's from window_hold to window_release.
 */
#ifndef CORE_STREAM_WINDOW_H
#define CORE_STREAM_WINDOW_H

#include "base/list.h"
#include "core/stream_command.h"

enum stream_stage {
    STAGE_QUEUED,
    STAGE_OFFERED,
    STAGE_REJECTED,
    STAGE_FETCHING,
    STAGE_ADDING,
    STAGE_DUE,
    STAGE_ACKING,
    STAGE_DONE,
};
enum { STAGE_COUNT = STAGE_DONE + 1, WINDOW_PAGE = 100 };

struct stream_entry {
    struct list node;
    struct stream_entry *twin; /* another of the same hash */
    struct stream_id id;
    enum stream_lane lane;
    enum stream_stage stage;
    bool taken_over;
    int64_t kept_ms;         /* mono: when its idle time began, in Redis' eyes */
    struct message *message; /* while it is queued */
    char *reason;            /* why it was rejected */
};

struct stream_window {
    struct map *by_id; /* hash -> first entry of it */
    struct list stages[LANE_COUNT][STAGE_COUNT];
    unsigned counts[STAGE_COUNT];
    unsigned held;
};

void window_init(struct stream_window *w);
void window_free(struct stream_window *w);

/* NULL: not held. */
struct stream_entry *window_find(const struct stream_window *w, enum stream_lane lane,
                                 struct stream_id id);
/* A new entry in `stage`. Must not be held. */
struct stream_entry *window_hold(struct stream_window *w, enum stream_lane lane,
                                 struct stream_id id, enum stream_stage stage);
/* To the end of its new stage's list. */
void window_move(struct stream_window *w, struct stream_entry *entry, enum stream_stage stage);
/* Forgets it; its message is freed. */
void window_release(struct stream_window *w, struct stream_entry *entry);
/* The first of a stage, NULL: none. */
struct stream_entry *window_first(const struct stream_window *w, enum stream_lane lane,
                                  enum stream_stage stage);
/* Moves all of a stage to another. */
void window_move_all(struct stream_window *w, enum stream_stage from, enum stream_stage to);
/* Forgets all of a stage. */
void window_release_all(struct stream_window *w, enum stream_stage stage);
/* Lowers `id` to the lowest held id of the lane. */
void window_lower(const struct stream_window *w, enum stream_lane lane, struct stream_id *id);
/* Up to WINDOW_PAGE ids of what was taken over, or was not, whose idle time began before
 * `before_ms`; it begins again at `now_ms`. Returns how many. */
struct window_keep {
    enum stream_lane lane;
    bool taken_over;
    int64_t before_ms, now_ms;
};
size_t window_keep(struct stream_window *w, const struct window_keep *which,
                   struct stream_id ids[WINDOW_PAGE]);

#endif
