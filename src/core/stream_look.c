/* SPDX-License-Identifier: MIT
 *
 * stream_look.c: facts of group and stream; trimming; what was lost.
 *
 * Happy path, every few seconds, lane by lane: the group (what was delivered last), its pending
 * entries (the lowest), the stream (its first entry), the first entry not delivered; then what is
 * below all that is not finished is trimmed. In that order no entry can slip through: what is
 * delivered after the first question has a higher id than its answer.
 * Failure modes: entries are pending that we do not hold: walked for (find_forgotten). A question
 * that fails is said once; the look goes on with the next lane. A group that is gone is made again.
 * Where another group reads the stream, nothing is trimmed.
 */
#include "core/stream_internal.h"

#include "base/text.h"

enum { MS_IN_S = 1000, S_IN_MIN = 60, S_IN_HOUR = 3600, STRANGE_LOOKS = 2 };

static const enum stream_verb steps[] = {
    STREAM_LOOK_GROUP, STREAM_LOOK_PENDING, STREAM_LOOK_STREAM, STREAM_LOOK_NEXT, STREAM_TRIM,
};
enum { STEPS = ARRAY_SIZE(steps) };

static enum stream_lane lane_of(unsigned step)
{
    return step / STEPS == 0 ? LANE_HIGH : LANE_NORMAL;
}

static void forget(struct lane_look *look)
{
    look->lag = look->length = look->pending = -1;
}

void stream_look_start(struct stream *s)
{
    s->look_at_ms = 0;
    s->look_step = 0;
    for (size_t lane = 0; lane < LANE_COUNT; lane++)
        forget(&s->looks[lane]);
}

/* ---- Trimming. */

/* All entries below it are finished. */
static struct stream_id low_water(const struct stream *s, enum stream_lane lane)
{
    const struct lane_look *look = &s->looks[lane];
    struct stream_id low = stream_id_next(look->delivered);

    if (look->pending > 0 && stream_id_compare(look->lowest, low) < 0)
        low = look->lowest;
    window_lower(&s->window, lane, &low);
    return low;
}

/* Without the lock another daemon may be reading. */
static bool may_trim(struct stream *s, enum stream_lane lane, struct stream_now now)
{
    const struct lane_look *look = &s->looks[lane];

    if (!s->options.trim || !stream_lock_is_held(s, now) || look->pending < 0 || look->length <= 0)
        return false;
    if (look->groups > 1) {
        if (!s->trim_refused)
            stream_note(s, STREAM_WARN,
                        "%s is read by another group, too: finished entries are not trimmed; "
                        "redis.trim = false says so without this warning",
                        s->lane_name[lane]);
        s->trim_refused = true;
        return false;
    }
    return stream_id_compare(look->first, low_water(s, lane)) < 0;
}

/* ---- Asking. */

static void ask(struct stream *s, enum stream_verb verb, enum stream_lane lane)
{
    struct stream_id id = s->looks[lane].delivered;

    if (verb == STREAM_TRIM)
        id = low_water(s, lane);
    stream_send(s, &(struct stream_command){.verb = verb, .lane = lane, .after = id});
}

static void next_step(struct stream *s, struct stream_now now)
{
    s->look_step++;
    if (s->look_step < STEPS * LANE_COUNT)
        return;
    s->facts.looks++;
    s->look_step = 0;
    s->look_at_ms = s->looks_soon ? now.mono_ms : now.mono_ms + STREAM_LOOK_MS;
    s->looks_soon -= s->looks_soon > 0;
}

void stream_look_soon(struct stream *s)
{
    s->looks_soon = 1; /* behind the one that may be under way */
    s->look_at_ms = 0;
}

static void skip_lane(struct stream *s, enum stream_lane lane, struct stream_now now)
{
    s->look_step = STEPS * ((unsigned)lane + 1) - 1;
    next_step(s, now);
}

void stream_look_step(struct stream *s, struct stream_now now)
{
    enum stream_lane lane = lane_of(s->look_step);
    enum stream_verb verb = steps[s->look_step % STEPS];

    if (stream_lane_is_wrong(s, lane)) {
        forget(&s->looks[lane]);
        s->errand = ERRAND_NONE;
        skip_lane(s, lane, now);
        return;
    }
    if (verb == STREAM_TRIM && !may_trim(s, lane, now)) {
        stream_verb_well(s, verb, lane); /* there is nothing to refuse */
        s->errand = ERRAND_NONE;
        next_step(s, now);
        return;
    }
    ask(s, verb, lane);
}

/* ---- Answers. */

static void on_group(struct stream *s, const struct stream_reply *reply)
{
    struct lane_look *look = &s->looks[reply->lane];

    if (reply->is_missing) {
        stream_note(s, STREAM_ERROR, "The group %s of %s is gone: it is made again",
                    s->options.group, s->lane_name[reply->lane]);
        stream_regroup(s);
        return;
    }
    look->groups = reply->number;
    look->delivered = reply->id;
    look->lag = reply->lag;
    look->entries_read = reply->counted;
}

/* Entries that were added, never delivered, and are not there. */
static void find_gap(struct stream *s, enum stream_lane lane)
{
    struct lane_look *look = &s->looks[lane];
    int64_t lost = look->added - look->entries_read - look->length;
    bool is_known = stream_id_compare(look->gap_at, look->delivered) == 0;

    if (look->added < 0 || look->entries_read < 0 ||
        (look->length > 0 && stream_id_compare(look->first, look->delivered) <= 0))
        return;
    if (is_known)
        lost -= look->gap_lost;
    if (lost <= 0)
        return;
    look->gap_lost = is_known ? look->gap_lost + lost : lost;
    look->gap_at = look->delivered;
    s->facts.lost_unread += (uint64_t)lost;
    stream_note(s, STREAM_ERROR,
                "%lld entries of %s were trimmed or deleted before they were read: they are lost; "
                "producers must not use MAXLEN",
                (long long)lost, s->lane_name[lane]);
}

static void on_stream(struct stream *s, const struct stream_reply *reply)
{
    struct lane_look *look = &s->looks[reply->lane];

    look->length = reply->number;
    look->first = reply->id;
    look->last = reply->last;
    look->added = reply->counted;
    find_gap(s, reply->lane);
}

/* Redis may give entries to a connection of ours that is gone, under a former name, too, when the
 * walk over what is pending is long over: what is pending from one look to the next, and not with
 * us, is walked for. Once: it may be another consumer's. */
static void find_forgotten(struct stream *s, const struct stream_reply *reply)
{
    struct lane_look *look = &s->looks[reply->lane];
    bool is_strange = reply->number > 0 && !window_find(&s->window, reply->lane, reply->id);
    bool is_same = look->strange && stream_id_compare(reply->id, look->lowest) == 0;

    if (!is_strange)
        look->strange = 0;
    else
        look->strange = is_same ? look->strange + 1 : 1;
    if (look->strange != STRANGE_LOOKS)
        return;
    stream_taken_again(s);
    stream_former_again(s);
    if (s->own[reply->lane].done)
        s->own[reply->lane] = (struct own_walk){0};
    else
        look->strange--; /* the walk that goes on may be past it */
}

static const char *age_text(int64_t ms, char out[32])
{
    int64_t s = ms / MS_IN_S;
    struct buf text = buf_over(out, 32);

    if (s >= S_IN_HOUR)
        buf_addf(&text, "%lld h %lld min", (long long)(s / S_IN_HOUR),
                 (long long)(s % S_IN_HOUR / S_IN_MIN));
    else if (s >= S_IN_MIN)
        buf_addf(&text, "%lld min", (long long)(s / S_IN_MIN));
    else
        buf_addf(&text, "%lld s", (long long)s);
    return out;
}

/* A group was made: it begins with the first entry that is there. */
static void say_what_waits(struct stream *s, enum stream_lane lane, struct stream_now now)
{
    const struct lane_look *look = &s->looks[lane];
    int64_t age = look->oldest_ms ? now.wall_ms - look->oldest_ms : 0;
    char count[32], text[32];

    s->made[lane] = false;
    text_grouped((uint64_t)(look->length > 0 ? look->length : 0), count);
    if (look->length <= 0)
        stream_note(s, STREAM_INFO, "Group %s of %s was made, at 0: no entry waits",
                    s->options.group, s->lane_name[lane]);
    else
        stream_note(s, STREAM_WARN,
                    "Group %s of %s was made, at 0: %s entries wait, the oldest for %s",
                    s->options.group, s->lane_name[lane], count, age_text(age > 0 ? age : 0, text));
}

static void on_next(struct stream *s, const struct stream_reply *reply, struct stream_now now)
{
    int64_t oldest = reply->entry_count ? (int64_t)reply->entries[0].id.ms : 0;

    s->looks[reply->lane].oldest_ms = oldest;
    if (s->made[reply->lane])
        say_what_waits(s, reply->lane, now);
}

static void on_answer(struct stream *s, const struct stream_reply *reply, struct stream_now now)
{
    struct lane_look *look = &s->looks[reply->lane];

    if (reply->verb == STREAM_LOOK_GROUP) {
        on_group(s, reply);
    } else if (reply->verb == STREAM_LOOK_PENDING) {
        find_forgotten(s, reply);
        look->pending = reply->number;
        look->lowest = reply->id;
    } else if (reply->verb == STREAM_LOOK_STREAM) {
        on_stream(s, reply);
    } else if (reply->verb == STREAM_LOOK_NEXT) {
        on_next(s, reply, now);
    }
}

static void on_error(struct stream *s, const struct stream_reply *reply)
{
    struct lane_look *look = &s->looks[reply->lane];

    look->pending = -1; /* no trimming from half a look */
    if (reply->verb == STREAM_LOOK_STREAM)
        look->length = -1;
    if (redis_error_rule(reply->error)->reaction == REDIS_REGROUP)
        stream_regroup(s);
    else
        stream_complain(s, reply);
}

void stream_on_look(struct stream *s, const struct stream_reply *reply, struct stream_now now)
{
    if (reply->error) {
        on_error(s, reply);
    } else {
        stream_verb_well(s, reply->verb, reply->lane);
        on_answer(s, reply, now);
    }
    if (reply->error && stream_is_wrong_key(reply))
        skip_lane(s, reply->lane, now);
    else if (s->grouped[reply->lane])
        next_step(s, now);
}
