/* SPDX-License-Identifier: MIT
 *
 * stream_errand.c: one thing at a time over the writer: lock, groups, former names, claims.
 *
 * Happy path, in this order: take the lock, and renew it three times in its life; make the group
 * of each lane; take what former names left pending, page by page; from then on, when they are due:
 * claim what others left idle, keep what is held long, look (stream_look.c).
 * Taken or claimed, an entry that was deleted does not come: Redis 7 drops it from what is pending.
 * So each that did not come is looked for in the stream; one that is there was acknowledged, or
 * taken by another, meanwhile; one that is not is lost, and said so.
 * Failure modes:
 *   - another owner has the lock: at first, refused; later, nothing is read until it is free;
 *   - an errand that must be done fails: tried again with backoff, and nothing after it is done;
 *   - one that need not: said once, and tried when it is due again;
 *   - the writer goes down: the errand is forgotten and chosen anew.
 */
#include "core/stream_internal.h"

#include <string.h>

enum { CLAIMS_IN_IDLE = 4, KEEPS_IN_IDLE = 3, RENEWALS_IN_LOCK = 3 };

/* ---- The lock. */

bool stream_lock_is_held(const struct stream *s, struct stream_now now)
{
    return now.mono_ms < s->lock_until_ms;
}

static void on_lock(struct stream *s, const struct stream_reply *reply, struct stream_now now)
{
    s->lock_at_ms = now.mono_ms + STREAM_LOCK_MS / RENEWALS_IN_LOCK;
    if (!reply->holder) {
        if (!stream_lock_is_held(s, now) && s->lock_known)
            stream_note(s, STREAM_INFO, "The lock in Redis is ours again: reading goes on");
        s->lock_known = true;
        s->lock_until_ms = s->errand_sent_ms + STREAM_LOCK_MS;
        return;
    }
    if (!s->lock_known)
        stream_refuse(s, EXIT_TRY_LATER,
                      "%s: another daemon reads this stream for group %s and phone number %s: %s; "
                      "one is allowed",
                      s->options.stream, s->options.group, s->options.phone_id, reply->holder);
    else if (stream_lock_is_held(s, now))
        stream_note(s, STREAM_ERROR,
                    "The lock in Redis was lost to %s: reading stops until it is "
                    "free",
                    reply->holder);
    s->lock_until_ms = 0;
}

/* ---- What is due. */

static bool is_due(int64_t at_ms, struct stream_now now)
{
    return now.mono_ms >= at_ms;
}

/* A lane that is no stream waits for its time; the other goes on without it. */
static bool group_is_due(const struct stream *s, enum stream_lane lane, struct stream_now now)
{
    return !s->grouped[lane] && stream_may_try(s, EFFORT_LANE + lane, now);
}

static bool a_group_is_due(const struct stream *s, struct stream_now now)
{
    return group_is_due(s, LANE_HIGH, now) || group_is_due(s, LANE_NORMAL, now);
}

static enum errand choose_group(struct stream *s, struct stream_now now)
{
    s->errand_lane = group_is_due(s, LANE_HIGH, now) ? LANE_HIGH : LANE_NORMAL;
    return ERRAND_GROUP;
}

static bool missing_is_due(const struct stream *s, struct stream_now now)
{
    return s->missing_count && stream_may_try(s, EFFORT_LANE + s->missing_lane, now);
}

static bool large_is_due(const struct stream *s, struct stream_now now)
{
    return s->large && stream_may_try(s, EFFORT_LANE + s->large_lane, now);
}

/* Facts only: also while nothing else is done. */
static bool may_only_look(const struct stream *s)
{
    return s->lock_known && s->grouped[LANE_HIGH] && s->grouped[LANE_NORMAL];
}

static bool may_claim(const struct stream *s, struct stream_now now)
{
    return s->options.claim && s->wanted && !s->missing_count && !stream_read_obstacle(s, now);
}

static bool claim_is_due(const struct stream *s, struct stream_now now)
{
    return may_claim(s, now) && (s->claim_more || is_due(s->claim_at_ms, now));
}

/* Ids whose idle time must begin again are picked. */
static bool pick_kept(struct stream *s, struct stream_now now)
{
    int64_t before = now.mono_ms - s->options.claim_idle_ms / KEEPS_IN_IDLE;

    for (unsigned lane = 0; lane < LANE_COUNT; lane++) {
        if (stream_lane_is_wrong(s, lane))
            continue;
        s->picked_count = window_keep(&s->window, lane, before, now.mono_ms, s->picked);
        s->errand_lane = lane;
        if (s->picked_count)
            return true;
    }
    s->keep_at_ms = now.mono_ms + s->options.claim_idle_ms / KEEPS_IN_IDLE;
    for (unsigned lane = 0; lane < LANE_COUNT; lane++)
        stream_verb_well(s, STREAM_KEEP, lane); /* there is nothing to refuse */
    return false;
}

static enum errand choose(struct stream *s, struct stream_now now)
{
    bool may_try = stream_may_try(s, EFFORT_ERRAND, now);

    if (may_try && is_due(s->lock_at_ms, now))
        return ERRAND_LOCK;
    if (!may_try || !stream_lock_is_held(s, now))
        return may_only_look(s) && is_due(s->look_at_ms, now) ? ERRAND_LOOK : ERRAND_NONE;
    if (a_group_is_due(s, now))
        return choose_group(s, now);
    if (missing_is_due(s, now))
        return ERRAND_MISSING;
    if (s->former < s->options.former_count)
        return ERRAND_FORMER_LIST;
    if (large_is_due(s, now))
        return ERRAND_LARGE_LIST;
    if (is_due(s->look_at_ms, now))
        return ERRAND_LOOK;
    if (claim_is_due(s, now))
        return ERRAND_CLAIM_LIST;
    return is_due(s->keep_at_ms, now) && pick_kept(s, now) ? ERRAND_KEEP : ERRAND_NONE;
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

static void send_picked(struct stream *s, enum stream_verb verb, int64_t idle_ms)
{
    stream_send(s, &(struct stream_command){
                       .verb = verb,
                       .lane = s->errand_lane,
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

static void send_list_for(struct stream *s)
{
    const struct stream_id zero = {0};

    switch (s->errand) {
    case ERRAND_FORMER_LIST:
        s->errand_lane = s->former_lane;
        send_list(s, s->options.former[s->former], zero);
        break;
    case ERRAND_LARGE_LIST:
        s->errand_lane = s->large_lane;
        send_list(s, s->options.consumer, stream_id_next(s->large_after));
        break;
    case ERRAND_CLAIM_LIST:
        s->errand_lane = s->claim_lane;
        send_list(s, NULL, s->claim_after);
        break;
    case ERRAND_NONE:
    case ERRAND_LOCK:
    case ERRAND_GROUP:
    case ERRAND_FORMER_TAKE:
    case ERRAND_MISSING:
    case ERRAND_CLAIM_TAKE:
    case ERRAND_KEEP:
    case ERRAND_LOOK:
    case ERRAND_FREE:
        break;
    }
}

static void send_errand(struct stream *s, struct stream_now now)
{
    switch (s->errand) {
    case ERRAND_LOCK:
        stream_send(s, &(struct stream_command){.verb = s->lock_known ? STREAM_LOCK_RENEW
                                                                      : STREAM_LOCK_TAKE});
        break;
    case ERRAND_GROUP:
        stream_send(s, &(struct stream_command){.verb = STREAM_GROUP_MAKE, .lane = s->errand_lane});
        break;
    case ERRAND_FORMER_LIST:
    case ERRAND_LARGE_LIST:
    case ERRAND_CLAIM_LIST:
        send_list_for(s);
        break;
    case ERRAND_FORMER_TAKE:
    case ERRAND_KEEP:
        send_picked(s, STREAM_KEEP, 0);
        break;
    case ERRAND_CLAIM_TAKE:
        send_picked(s, STREAM_CLAIM, s->options.claim_idle_ms);
        break;
    case ERRAND_MISSING:
        send_missing(s);
        break;
    case ERRAND_LOOK:
        stream_look_step(s, now);
        break;
    case ERRAND_FREE:
        stream_send(s, &(struct stream_command){.verb = STREAM_LOCK_FREE});
        break;
    case ERRAND_NONE:
        break;
    }
}

void stream_errand_next(struct stream *s, struct stream_now now)
{
    if (s->errand != ERRAND_NONE || !s->up[LINK_WRITER])
        return;
    s->errand = choose(s, now);
    s->errand_sent_ms = now.mono_ms;
    send_errand(s, now);
}

/* ---- Answers. */

static void on_group(struct stream *s, const struct stream_reply *reply)
{
    s->grouped[reply->lane] = true;
    s->made[reply->lane] = !reply->error;
    if (s->made[reply->lane])
        s->look_at_ms = 0; /* says how many wait */
    if (s->made[reply->lane] && s->worked)
        s->facts.regrouped++;
}

static bool is_one_of_ours(const struct stream *s, const char *consumer)
{
    if (strcmp(consumer, s->options.consumer) == 0)
        return true;
    for (size_t i = 0; i < s->options.former_count; i++)
        if (strcmp(consumer, s->options.former[i]) == 0)
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
    bool is_us = strcmp(s->options.former[s->former], s->options.consumer) == 0;

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
                s->options.former[s->former]);
    keep_missing(s, reply);
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
    for (size_t i = 0; i < reply->entry_count; i++)
        stream_take(s, &reply->entries[i], true, now);
    keep_missing(s, reply);
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

static bool is_needed(enum errand errand)
{
    return errand <= ERRAND_LARGE_LIST;
}

/* One that need not be done waits until it is due again. */
static void put_off(struct stream *s, enum errand errand, struct stream_now now)
{
    if (errand == ERRAND_CLAIM_LIST || errand == ERRAND_CLAIM_TAKE)
        next_claim_lane(s, now);
    if (errand == ERRAND_KEEP)
        s->keep_at_ms = now.mono_ms + s->options.claim_idle_ms / KEEPS_IN_IDLE;
}

/* A lane that is no stream does not keep the other from anything. Former names are taken up before
 * anything is read: then it ends the daemon. */
static unsigned effort_of(enum errand errand, const struct stream_reply *reply)
{
    bool is_of_lane =
        errand == ERRAND_GROUP || errand == ERRAND_MISSING || errand == ERRAND_LARGE_LIST;

    return is_of_lane && stream_is_wrong_key(reply) ? (unsigned)EFFORT_LANE + (unsigned)reply->lane
                                                    : EFFORT_ERRAND;
}

static void on_errand_error(struct stream *s, const struct stream_reply *reply, enum errand errand,
                            struct stream_now now)
{
    const struct redis_error_rule *rule = redis_error_rule(reply->error);

    if (is_needed(errand)) {
        stream_fault(s, effort_of(errand, reply), reply, now);
        return;
    }
    stream_complain(s, reply);
    put_off(s, errand, now);
    if (rule->reaction == REDIS_REGROUP)
        stream_regroup(s);
}

static void on_answer(struct stream *s, const struct stream_reply *reply, enum errand errand,
                      struct stream_now now)
{
    switch (errand) {
    case ERRAND_LOCK:
        on_lock(s, reply, now);
        break;
    case ERRAND_GROUP:
        on_group(s, reply);
        break;
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
    case ERRAND_CLAIM_LIST:
        on_claim_listed(s, reply, now);
        break;
    case ERRAND_CLAIM_TAKE:
        on_claimed(s, reply, now);
        break;
    case ERRAND_FREE:
        s->lock_until_ms = 0;
        break;
    case ERRAND_KEEP:
    case ERRAND_LOOK:
    case ERRAND_NONE:
        break;
    }
}

void stream_on_errand(struct stream *s, const struct stream_reply *reply, struct stream_now now)
{
    enum errand errand = s->errand;
    bool exists = reply->error && redis_error_rule(reply->error)->reaction == REDIS_EXISTS;

    s->errand = ERRAND_NONE;
    if (errand == ERRAND_LOOK) {
        stream_on_look(s, reply, now);
        return;
    }
    if (reply->error && !(errand == ERRAND_GROUP && exists)) {
        on_errand_error(s, reply, errand, now);
        return;
    }
    stream_verb_well(s, reply->verb, reply->lane);
    if (is_needed(errand))
        stream_effort_well(s, EFFORT_ERRAND);
    if (errand == ERRAND_GROUP)
        stream_effort_well(s, EFFORT_LANE + reply->lane);
    on_answer(s, reply, errand, now);
    if (s->errand != ERRAND_NONE)
        send_errand(s, now);
}

bool stream_free_lock(struct stream *s)
{
    if (!s->up[LINK_WRITER] || !s->lock_until_ms)
        return false;
    s->errand = ERRAND_FREE;
    stream_send(s, &(struct stream_command){.verb = STREAM_LOCK_FREE});
    return true;
}

/* ---- When. */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t routine_next_ms(const struct stream *s, struct stream_now now)
{
    int64_t next = earlier(s->lock_at_ms, earlier(s->look_at_ms, s->keep_at_ms));

    return may_claim(s, now) ? earlier(next, s->claim_at_ms) : next;
}

int64_t stream_errand_next_ms(const struct stream *s, struct stream_now now)
{
    bool must = a_group_is_due(s, now) || missing_is_due(s, now) || large_is_due(s, now) ||
                s->former < s->options.former_count;
    int64_t next = now.mono_ms; /* what must be done is due at once */

    if (s->errand != ERRAND_NONE)
        return INT64_MAX;
    if (!stream_lock_is_held(s, now))
        next = s->lock_at_ms;
    else if (!must)
        next = routine_next_ms(s, now);
    next = later(next, s->efforts[EFFORT_ERRAND].until_ms);
    return may_only_look(s) ? earlier(next, s->look_at_ms) : next;
}
