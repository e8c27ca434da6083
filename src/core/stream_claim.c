/* SPDX-License-Identifier: MIT
 *
 * stream_claim.c: entries that are pending under other names become ours. For stream_errand.c,
 * which says when.
 *
 * Happy path: what former names of ours left is taken under our name, page by page, before anything
 * is read; what others left idle (redis.claim) is taken under our other name, and stays there until
 * it is acknowledged: an entry that another may have sent must never be taken for one that is ours
 * alone, whoever reads it next. What we hold for long is kept from being idle.
 * Failure modes:
 *   - the answer to a claim is lost, or this run ends: what is pending under our other name and is
 *     not held is listed and taken again, after each connection;
 *   - an entry that was deleted does not come: Redis 7 drops it from what is pending. So each that
 *     did not come is looked for in the stream; one that is there was acknowledged, or taken by
 *     another, meanwhile; one that is not is lost, and said so.
 */
#include "core/stream_internal.h"

#include "core/stream_names.h"

#include <string.h>

enum { CLAIMS_IN_IDLE = 4, KEEPS_IN_IDLE = 3 };

/* ---- What is due. */

static bool missing_is_due(const struct stream *s, struct stream_now now)
{
    return s->missing_count && stream_may_try(s, EFFORT_LANE + s->missing_lane, now);
}

static bool large_is_due(const struct stream *s, struct stream_now now)
{
    return s->large && stream_may_try(s, EFFORT_LANE + s->large_lane, now);
}

static bool may_take(const struct stream *s, struct stream_now now)
{
    return s->options.taken && s->wanted && !s->missing_count && !stream_read_obstacle(s, now);
}

static bool may_claim(const struct stream *s, struct stream_now now)
{
    return s->options.claim && may_take(s, now);
}

/* Some lane's walk is not over. */
static bool is_taking(const struct stream *s)
{
    return s->options.taken && (!s->taken[LANE_HIGH].done || !s->taken[LANE_NORMAL].done);
}

static bool taken_is_due(const struct stream *s, struct stream_now now)
{
    return is_taking(s) && now.mono_ms >= s->taken_at_ms && may_take(s, now);
}

static bool claim_is_due(const struct stream *s, struct stream_now now)
{
    return may_claim(s, now) && (s->claim_more || now.mono_ms >= s->claim_at_ms);
}

/* Ids whose idle time must begin again are picked. */
static bool pick_kept(struct stream *s, struct stream_now now)
{
    struct window_keep which = {
        .before_ms = now.mono_ms - s->options.claim_idle_ms / KEEPS_IN_IDLE,
        .now_ms = now.mono_ms,
    };

    for (unsigned i = 0; i < 2 * LANE_COUNT; i++) {
        which.lane = s->errand_lane = i / 2;
        which.taken_over = s->picked_taken = i % 2;
        if (stream_lane_is_wrong(s, which.lane))
            continue;
        s->picked_count = window_keep(&s->window, &which, s->picked);
        if (s->picked_count)
            return true;
    }
    s->keep_at_ms = now.mono_ms + s->options.claim_idle_ms / KEEPS_IN_IDLE;
    for (unsigned lane = 0; lane < LANE_COUNT; lane++)
        stream_verb_well(s, STREAM_KEEP, lane); /* there is nothing to refuse */
    return false;
}

enum errand stream_claim_must(const struct stream *s, struct stream_now now)
{
    if (missing_is_due(s, now))
        return ERRAND_MISSING;
    if (s->former < s->former_count)
        return ERRAND_FORMER_LIST;
    return large_is_due(s, now) ? ERRAND_LARGE_LIST : ERRAND_NONE;
}

enum errand stream_claim_may(struct stream *s, struct stream_now now)
{
    if (taken_is_due(s, now))
        return ERRAND_TAKEN_LIST;
    if (claim_is_due(s, now))
        return ERRAND_CLAIM_LIST;
    return now.mono_ms >= s->keep_at_ms && pick_kept(s, now) ? ERRAND_KEEP : ERRAND_NONE;
}

int64_t stream_claim_next_ms(const struct stream *s, struct stream_now now)
{
    int64_t next = s->keep_at_ms;

    if (is_taking(s) && may_take(s, now) && s->taken_at_ms < next)
        next = s->taken_at_ms;
    return may_claim(s, now) && s->claim_at_ms < next ? s->claim_at_ms : next;
}

/* ---- Sending. */

static void send_list(struct stream *s, const char *consumer, struct stream_id after)
{
    stream_send(s, &(struct stream_command){
                       .verb = STREAM_LIST_PENDING,
                       .lane = s->errand_lane,
                       .consumer = consumer,
                       .after = after,
                       .idle_ms = consumer ? 0 : s->options.claim_idle_ms,
                       .count = WINDOW_PAGE,
                   });
}

static void send_picked(struct stream *s, enum stream_verb verb, const char *consumer,
                        int64_t idle_ms)
{
    stream_send(s, &(struct stream_command){
                       .verb = verb,
                       .lane = s->errand_lane,
                       .consumer = consumer,
                       .ids = s->picked,
                       .id_count = s->picked_count,
                       .idle_ms = idle_ms,
                   });
}

/* The first entry from the last missing one on. */
static void send_missing(struct stream *s)
{
    s->errand_lane = s->missing_lane;
    stream_send(s, &(struct stream_command){
                       .verb = STREAM_LOOK_NEXT,
                       .lane = s->missing_lane,
                       .after = stream_id_before(s->missing[s->missing_count - 1]),
                   });
}

/* Under which of our names a former name's entries, or those that are kept, are (to be) pending. */
static const char *name_for(const struct stream *s, bool is_taken)
{
    return is_taken ? s->options.taken : s->options.consumer;
}

static bool former_is_taken(const struct stream *s)
{
    return s->former % 2; /* the other name follows each */
}

void stream_claim_send(struct stream *s)
{
    const struct stream_id zero = {0};

    switch (s->errand) {
    case ERRAND_FORMER_LIST:
        s->errand_lane = s->former_lane;
        send_list(s, s->former_names[s->former], zero);
        break;
    case ERRAND_FORMER_TAKE:
        send_picked(s, STREAM_KEEP, name_for(s, former_is_taken(s)), 0);
        break;
    case ERRAND_MISSING:
        send_missing(s);
        break;
    case ERRAND_LARGE_LIST:
        s->errand_lane = s->large_lane;
        send_list(s, s->options.consumer, stream_id_next(s->large_after));
        break;
    case ERRAND_TAKEN_LIST:
        s->errand_lane = s->taken[LANE_HIGH].done ? LANE_NORMAL : LANE_HIGH;
        send_list(s, s->options.taken, s->taken[s->errand_lane].after);
        break;
    case ERRAND_TAKEN_TAKE:
        send_picked(s, STREAM_CLAIM, s->options.taken, 0);
        break;
    case ERRAND_CLAIM_LIST:
        s->errand_lane = s->claim_lane;
        send_list(s, NULL, s->claim_after);
        break;
    case ERRAND_CLAIM_TAKE:
        send_picked(s, STREAM_CLAIM, s->options.taken, s->options.claim_idle_ms);
        break;
    case ERRAND_KEEP:
        send_picked(s, STREAM_KEEP, name_for(s, s->picked_taken), 0);
        break;
    case ERRAND_NONE:
    case ERRAND_LOCK:
    case ERRAND_GROUP:
    case ERRAND_LOOK:
    case ERRAND_FREE:
        break; /* stream_errand.c's */
    }
}

/* ---- Answers. */

static bool is_one_of_ours(const struct stream *s, const char *consumer)
{
    if (stream_is_name_of(consumer, s->options.consumer))
        return true;
    for (size_t i = 0; i < s->former_count; i++)
        if (strcmp(consumer, s->former_names[i]) == 0)
            return true;
    return false;
}

/* The listed entries that are (not) ours are picked. */
static void pick_listed(struct stream *s, const struct stream_reply *reply, bool ours)
{
    s->picked_count = 0;
    for (size_t i = 0; i < reply->entry_count && s->picked_count < WINDOW_PAGE; i++)
        if (is_one_of_ours(s, reply->entries[i].consumer) == ours)
            s->picked[s->picked_count++] = reply->entries[i].id;
}

static void next_former(struct stream *s)
{
    if (s->former_lane == LANE_HIGH) {
        s->former_lane = LANE_NORMAL;
        return;
    }
    s->former_lane = LANE_HIGH;
    s->former++;
}

static void on_former_listed(struct stream *s, const struct stream_reply *reply)
{
    bool is_us = stream_is_name_of(s->former_names[s->former], s->options.consumer);

    pick_listed(s, reply, true);
    if (!s->picked_count || is_us)
        next_former(s);
    else
        s->errand = ERRAND_FORMER_TAKE;
}

static bool has_come(const struct stream_reply *reply, struct stream_id id)
{
    for (size_t i = 0; i < reply->entry_count; i++)
        if (stream_id_compare(reply->entries[i].id, id) == 0)
            return true;
    return false;
}

/* Of what was picked, what was not taken. */
static void keep_missing(struct stream *s, const struct stream_reply *reply)
{
    s->missing_lane = s->errand_lane;
    s->missing_count = 0;
    for (size_t i = 0; i < s->picked_count; i++)
        if (!has_come(reply, s->picked[i]))
            s->missing[s->missing_count++] = s->picked[i];
}

static void on_missing(struct stream *s, const struct stream_reply *reply, struct stream_now now)
{
    const struct stream_raw gone = {
        .lane = s->missing_lane,
        .id = s->missing[--s->missing_count],
        .is_gone = true,
    };

    if (!has_come(reply, gone.id))
        stream_take(s, &gone, false, now);
}

static void on_former_taken(struct stream *s, const struct stream_reply *reply)
{
    stream_note(s, STREAM_INFO, "%zu entries of the former name %s are ours", reply->entry_count,
                s->former_names[s->former]);
    keep_missing(s, reply);
}

void stream_former_again(struct stream *s)
{
    s->former = 0;
    s->former_lane = LANE_HIGH;
}

void stream_taken_again(struct stream *s)
{
    for (size_t lane = 0; lane < LANE_COUNT; lane++)
        s->taken[lane] = (struct own_walk){0};
}

static void pick_not_held(struct stream *s, const struct stream_reply *reply)
{
    s->picked_count = 0;
    for (size_t i = 0; i < reply->entry_count && s->picked_count < WINDOW_PAGE; i++)
        if (!window_find(&s->window, reply->lane, reply->entries[i].id))
            s->picked[s->picked_count++] = reply->entries[i].id;
}

static void on_taken_listed(struct stream *s, const struct stream_reply *reply)
{
    struct own_walk *walk = &s->taken[s->errand_lane];

    pick_not_held(s, reply);
    if (reply->entry_count)
        walk->after = stream_id_next(reply->entries[reply->entry_count - 1].id);
    walk->done = reply->entry_count < WINDOW_PAGE;
    if (s->picked_count)
        s->errand = ERRAND_TAKEN_TAKE;
}

static void take_over(struct stream *s, const struct stream_reply *reply, struct stream_now now)
{
    for (size_t i = 0; i < reply->entry_count; i++)
        stream_take(s, &reply->entries[i], true, now);
    keep_missing(s, reply);
}

static void on_taken_again(struct stream *s, const struct stream_reply *reply,
                           struct stream_now now)
{
    take_over(s, reply, now);
    if (reply->entry_count)
        stream_note(s, STREAM_INFO,
                    "%zu entries that were taken over before come again: they begin as unknown",
                    reply->entry_count);
}

static void next_claim_lane(struct stream *s, struct stream_now now)
{
    s->claim_after = (struct stream_id){0};
    s->claim_more = s->claim_lane == LANE_HIGH;
    s->claim_lane = s->claim_lane == LANE_HIGH ? LANE_NORMAL : LANE_HIGH;
    if (!s->claim_more)
        s->claim_at_ms = now.mono_ms + s->options.claim_idle_ms / CLAIMS_IN_IDLE;
}

static void on_claim_listed(struct stream *s, const struct stream_reply *reply,
                            struct stream_now now)
{
    pick_listed(s, reply, false);
    if (reply->entry_count)
        s->claim_after = stream_id_next(reply->entries[reply->entry_count - 1].id);
    if (reply->entry_count < WINDOW_PAGE)
        next_claim_lane(s, now);
    else
        s->claim_more = true;
    if (s->picked_count)
        s->errand = ERRAND_CLAIM_TAKE;
}

static void on_claimed(struct stream *s, const struct stream_reply *reply, struct stream_now now)
{
    take_over(s, reply, now);
    s->facts.claimed += reply->entry_count;
    if (reply->entry_count)
        stream_note(s, STREAM_WARN,
                    "%zu idle entries of other consumers were taken over: they begin as unknown",
                    reply->entry_count);
}

static void on_large_listed(struct stream *s, const struct stream_reply *reply)
{
    if (reply->entry_count)
        stream_take_large(s, &reply->entries[0]);
    else
        s->large = false;
}

void stream_claim_answer(struct stream *s, enum errand errand, const struct stream_reply *reply,
                         struct stream_now now)
{
    switch (errand) {
    case ERRAND_FORMER_LIST:
        on_former_listed(s, reply);
        break;
    case ERRAND_FORMER_TAKE:
        on_former_taken(s, reply);
        break;
    case ERRAND_MISSING:
        on_missing(s, reply, now);
        break;
    case ERRAND_LARGE_LIST:
        on_large_listed(s, reply);
        break;
    case ERRAND_TAKEN_LIST:
        on_taken_listed(s, reply);
        break;
    case ERRAND_TAKEN_TAKE:
        on_taken_again(s, reply, now);
        break;
    case ERRAND_CLAIM_LIST:
        on_claim_listed(s, reply, now);
        break;
    case ERRAND_CLAIM_TAKE:
        on_claimed(s, reply, now);
        break;
    case ERRAND_KEEP:
    case ERRAND_NONE:
    case ERRAND_LOCK:
    case ERRAND_GROUP:
    case ERRAND_LOOK:
    case ERRAND_FREE:
        break;
    }
}

void stream_claim_put_off(struct stream *s, enum errand errand, struct stream_now now)
{
    if (errand == ERRAND_CLAIM_LIST || errand == ERRAND_CLAIM_TAKE)
        next_claim_lane(s, now);
    if (errand == ERRAND_TAKEN_LIST || errand == ERRAND_TAKEN_TAKE) {
        s->taken[s->errand_lane] = (struct own_walk){0};
        s->taken_at_ms = now.mono_ms + STREAM_LOOK_MS;
    }
    if (errand == ERRAND_KEEP)
        s->keep_at_ms = now.mono_ms + s->options.claim_idle_ms / KEEPS_IN_IDLE;
}
