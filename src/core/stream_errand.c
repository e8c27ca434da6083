/* SPDX-License-Identifier: MIT
 *
 * stream_errand.c: one thing at a time over the writer: lock, groups, former names, claims.
 *
 * Happy path, in this order: take the lock, and renew it three times in its life; make the group
 * of each lane; take what former names left pending (stream_claim.c); from then on, when they are
 * due: look (stream_look.c), claim what others left idle, keep what is held long.
 * Failure modes:
 *   - another owner has the lock: at first, refused; later, nothing is read until it is free;
 *   - an errand that must be done fails: tried again with backoff, and nothing after it is done;
 *   - one that need not: said once, and tried when it is due again;
 *   - the writer goes down: the errand is forgotten and chosen anew.
 */
#include "core/stream_internal.h"

enum { RENEWALS_IN_LOCK = 3 };

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

/* Facts only: also while nothing else is done. */
static bool may_only_look(const struct stream *s)
{
    return s->lock_known && s->grouped[LANE_HIGH] && s->grouped[LANE_NORMAL];
}

static enum errand choose(struct stream *s, struct stream_now now)
{
    enum errand must;
    bool may_try = stream_may_try(s, EFFORT_ERRAND, now);

    if (may_try && is_due(s->lock_at_ms, now))
        return ERRAND_LOCK;
    if (!may_try || !stream_lock_is_held(s, now))
        return may_only_look(s) && is_due(s->look_at_ms, now) ? ERRAND_LOOK : ERRAND_NONE;
    if (a_group_is_due(s, now))
        return choose_group(s, now);
    must = stream_claim_must(s, now);
    if (must != ERRAND_NONE)
        return must;
    return is_due(s->look_at_ms, now) ? ERRAND_LOOK : stream_claim_may(s, now);
}

/* ---- Sending. */

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
    case ERRAND_FORMER_TAKE:
    case ERRAND_MISSING:
    case ERRAND_LARGE_LIST:
    case ERRAND_TAKEN_LIST:
    case ERRAND_TAKEN_TAKE:
    case ERRAND_CLAIM_LIST:
    case ERRAND_CLAIM_TAKE:
    case ERRAND_KEEP:
        stream_claim_send(s);
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

static bool is_needed(enum errand errand)
{
    return errand <= ERRAND_LARGE_LIST;
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
    stream_claim_put_off(s, errand, now);
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
    case ERRAND_FORMER_TAKE:
    case ERRAND_MISSING:
    case ERRAND_LARGE_LIST:
    case ERRAND_TAKEN_LIST:
    case ERRAND_TAKEN_TAKE:
    case ERRAND_CLAIM_LIST:
    case ERRAND_CLAIM_TAKE:
    case ERRAND_KEEP:
        stream_claim_answer(s, errand, reply, now);
        break;
    case ERRAND_FREE:
        s->lock_until_ms = 0;
        break;
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

int64_t stream_errand_next_ms(const struct stream *s, struct stream_now now)
{
    bool must = a_group_is_due(s, now) || stream_claim_must(s, now) != ERRAND_NONE;
    int64_t next = now.mono_ms; /* what must be done is due at once */

    if (s->errand != ERRAND_NONE)
        return INT64_MAX;
    if (!stream_lock_is_held(s, now))
        next = s->lock_at_ms;
    else if (!must)
        next = earlier(s->lock_at_ms, earlier(s->look_at_ms, stream_claim_next_ms(s, now)));
    next = later(next, s->efforts[EFFORT_ERRAND].until_ms);
    return may_only_look(s) ? earlier(next, s->look_at_ms) : next;
}
