/* SPDX-License-Identifier: MIT
 *
 * stream_read.c: what is read next; entries into messages, offered or dead.
 *
 * Happy path:
 *   - our own pending entries, lane by lane, from the lowest on (stream_read_next, walk_own);
 *   - then new ones: as many as are wanted of the high lane, at once; if it has fewer, the rest of
 *     either lane, waiting for one to come;
 *   - each entry becomes a message, is queued, and is offered while the caller wants.
 * Failure modes:
 *   - an entry that we hold comes again (after a new connection, or a group made anew): skipped;
 *   - its fields make no message: it is buried, and acknowledged when that is done;
 *   - it was trimmed while it was pending: counted, said, and acknowledged;
 *   - a lane is no stream: the other is read on, this one is tried again by its walk;
 *   - a reply is larger than the link takes: fewer entries at a time, down to one; an entry that
 *     is too large alone is found by its id (stream_errand.c) and buried without its fields.
 */
#include "core/stream_internal.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/map.h"

#include <string.h>

/* ---- An entry. */

/* The fields that no message has are named, once each. */
static void name_unknown(struct stream *s, const struct stream_raw *raw)
{
    for (size_t i = 0; i < raw->field_count; i++) {
        const char *name = raw->fields[i].name;
        struct hash_part part = {.bytes = name, .len = strlen(name)};
        uint64_t hash, unused;

        if (message_field_is_known(name, s->options.defaults))
            continue;
        hash = hash_quick(&part, 1);
        if (map_get(s->named, hash, &unused) || map_count(s->named) >= STREAM_NAMED_MAX)
            continue;
        map_put(s->named, hash, 1);
        stream_note(s, STREAM_WARN, "Entries have a field \"%.64s\" that no message has: ignored",
                    name);
    }
}

static size_t raw_size(const struct stream_raw *raw)
{
    size_t size = 0;

    for (size_t i = 0; i < raw->field_count; i++)
        size += strlen(raw->fields[i].name) + raw->fields[i].len;
    return size;
}

static struct message *message_of(struct stream *s, const struct stream_raw *raw,
                                  struct reject *why)
{
    char memory[MESSAGE_ID_MAX + STREAM_ID_SIZE + 2];
    struct buf source_id = buf_over(memory, sizeof(memory));
    char id[STREAM_ID_SIZE];
    const struct message_context context = {
        .defaults = s->options.defaults,
        .id_rule = ID_FROM_SOURCE,
        .source_id = memory,
    };
    size_t size = raw_size(raw);

    buf_adds(&source_id, s->lane_name[raw->lane]);
    buf_addc(&source_id, '/');
    buf_adds(&source_id, stream_id_text(raw->id, id));
    if (raw->fault)
        (void)reject_set(why, "%s", raw->fault); /* always false */
    else if (size > STREAM_ENTRY_MAX)
        (void)reject_set(why, "entry: has %zu bytes; up to %d are allowed", size,
                         STREAM_ENTRY_MAX); /* always false */
    else
        return message_from_fields(raw->fields, raw->field_count, &context, why);
    return NULL;
}

static void take_gone(struct stream *s, const struct stream_raw *raw)
{
    char id[STREAM_ID_SIZE];

    s->facts.lost_pending++;
    stream_note(s, STREAM_ERROR,
                "Entry %s/%s was trimmed or deleted before it was sent: it is lost; producers must "
                "not use MAXLEN",
                s->lane_name[raw->lane], stream_id_text(raw->id, id));
    (void)window_hold(&s->window, raw->lane, raw->id, STAGE_DUE); /* to be acknowledged */
}

void stream_take(struct stream *s, const struct stream_raw *raw, bool taken_over,
                 struct stream_now now)
{
    struct stream_entry *entry;
    struct message *m;
    struct reject why;

    if (window_find(&s->window, raw->lane, raw->id))
        return;
    s->facts.read++;
    if (raw->is_gone) {
        take_gone(s, raw);
        return;
    }
    if (!raw->fault)
        name_unknown(s, raw);
    m = message_of(s, raw, &why);
    entry = window_hold(&s->window, raw->lane, raw->id, m ? STAGE_QUEUED : STAGE_ADDING);
    entry->taken_over = taken_over;
    entry->kept_ms = now.mono_ms;
    entry->message = m;
    if (!m)
        stream_bury(s, entry, raw, why.text);
}

/* What is below it was seen before the connection broke: the walk goes on behind it. */
void stream_take_large(struct stream *s, const struct stream_raw *raw)
{
    struct stream_entry *entry;

    s->large = false;
    s->own[raw->lane].after = raw->id;
    if (window_find(&s->window, raw->lane, raw->id))
        return;
    s->facts.read++;
    entry = window_hold(&s->window, raw->lane, raw->id, STAGE_ADDING);
    stream_bury(s, entry, raw, "entry: is too large to be read");
}

/* ---- Offering. */

static struct stream_entry *next_queued(const struct stream *s)
{
    struct stream_entry *high = window_first(&s->window, LANE_HIGH, STAGE_QUEUED);

    return high ? high : window_first(&s->window, LANE_NORMAL, STAGE_QUEUED);
}

void stream_offer(struct stream *s)
{
    struct stream_entry *entry;

    while (s->wanted && !s->draining && (entry = next_queued(s))) {
        struct message *m = entry->message;

        entry->message = NULL;
        s->wanted--;
        window_move(&s->window, entry, STAGE_OFFERED);
        s->ports.on_message(s->ports.context, m, entry, entry->taken_over);
    }
}

/* ---- Reading. */

static unsigned settling(const struct stream *s)
{
    const unsigned *counts = s->window.counts;

    return s->window.held - counts[STAGE_QUEUED] - counts[STAGE_OFFERED];
}

static const char *order_obstacle(const struct stream *s, struct stream_now now)
{
    if (!s->up[LINK_READER] || !s->up[LINK_WRITER])
        return "waiting for a connection";
    if (!stream_lock_is_held(s, now))
        return "waiting for the lock";
    for (unsigned lane = 0; lane < LANE_COUNT; lane++)
        if (!s->grouped[lane] && !stream_lane_is_wrong(s, lane))
            return "making the group";
    if (s->former < s->former_count)
        return "taking up entries of a former name";
    if (s->large && !stream_lane_is_wrong(s, s->large_lane))
        return "looking for an entry that is too large";
    return NULL;
}

const char *stream_read_obstacle(const struct stream *s, struct stream_now now)
{
    if (s->refused)
        return "refused";
    if (s->draining)
        return "draining";
    if (s->paused)
        return "paused";
    if (settling(s) >= STREAM_SETTLING_MAX)
        return "waiting for Redis to take results and acknowledgements";
    return order_obstacle(s, now);
}

/* Its pending entries were walked over. */
static bool may_read_new(const struct stream *s, enum stream_lane lane)
{
    return s->grouped[lane] && s->own[lane].done;
}

static void ask(struct stream *s, enum stream_verb verb, enum stream_lane lane, unsigned count)
{
    s->reading = true;
    s->walking = verb == STREAM_READ_OWN;
    s->asked_lane = lane;
    s->asked_both =
        verb == STREAM_READ_NEW && may_read_new(s, LANE_HIGH) && may_read_new(s, LANE_NORMAL);
    s->asked = count;
    stream_send(s, &(struct stream_command){
                       .verb = verb,
                       .lane = lane,
                       .one_lane = verb == STREAM_READ_NEW && !s->asked_both,
                       .after = s->own[lane].after,
                       .count = count,
                       .block_ms = STREAM_BLOCK_MS,
                   });
}

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static void ask_new(struct stream *s, unsigned want)
{
    if (!s->high_seen && may_read_new(s, LANE_HIGH))
        ask(s, STREAM_READ_HIGH, LANE_HIGH, want);
    else if (may_read_new(s, LANE_HIGH))
        ask(s, STREAM_READ_NEW, LANE_HIGH, want);
    else if (may_read_new(s, LANE_NORMAL))
        ask(s, STREAM_READ_NEW, LANE_NORMAL, want);
}

/* A read that waits on a connection of ours that Redis does not know to be dead is given new
 * entries, too. They are pending then, above all that was: a walk that is not over yet finds them.
 */
static void walk_again(struct stream *s, struct stream_now now)
{
    if (now.mono_ms < s->walk_again_ms)
        return;
    s->walk_again_ms = INT64_MAX;
    for (size_t lane = 0; lane < LANE_COUNT; lane++)
        if (s->own[lane].done)
            s->own[lane] = (struct own_walk){0};
}

void stream_read_next(struct stream *s, struct stream_now now)
{
    unsigned want = smaller(s->wanted, s->read_limit);

    if (s->reading || !want || stream_read_obstacle(s, now) || !stream_may_try(s, EFFORT_READ, now))
        return;
    walk_again(s, now);
    for (unsigned lane = 0; lane < LANE_COUNT; lane++) {
        if (s->own[lane].done || !s->grouped[lane] || !stream_may_try(s, EFFORT_LANE + lane, now))
            continue;
        want = want > STREAM_OWN_PAGE ? want : STREAM_OWN_PAGE;
        ask(s, STREAM_READ_OWN, lane, smaller(want, s->read_limit));
        return;
    }
    ask_new(s, want);
}

static void walk_on(struct stream *s, const struct stream_reply *reply)
{
    struct own_walk *own = &s->own[reply->lane];

    if (reply->entry_count)
        own->after = reply->entries[reply->entry_count - 1].id;
    else
        own->done = true;
}

/* Another daemon's, perhaps, that lost its ledger. */
static void warn_of_new_name(struct stream *s)
{
    if (s->options.is_new_name)
        stream_note(s, STREAM_WARN,
                    "Entries are pending under our name, %s, which this ledger has not used "
                    "before: they are sent; a daemon with another ledger and the same name may "
                    "have sent them already",
                    s->options.consumer);
    s->options.is_new_name = false;
}

static void take_all(struct stream *s, const struct stream_reply *reply, struct stream_now now)
{
    for (size_t i = 0; i < reply->entry_count; i++)
        stream_take(s, &reply->entries[i], false, now);
    if (reply->verb == STREAM_READ_OWN && reply->entry_count)
        warn_of_new_name(s);
    if (reply->verb != STREAM_READ_OWN)
        s->options.is_new_name = false; /* from now on it has */
    if (reply->verb == STREAM_READ_OWN)
        walk_on(s, reply);
    if (reply->verb == STREAM_READ_HIGH)
        s->high_seen = reply->entry_count < s->asked;
    if (reply->verb == STREAM_READ_NEW && reply->entry_count)
        s->high_seen = false;
    if (s->read_limit < STREAM_READ_MAX && reply->verb != STREAM_READ_OWN)
        s->read_limit = smaller(2 * s->read_limit, STREAM_READ_MAX);
}

void stream_reader_idle(struct stream *s)
{
    s->reading = false;
    s->walking = false;
    window_release_all(&s->window, STAGE_DONE);
}

/* A lane that is no stream: the other is read on, and the walk over its pending entries is the next
 * try of this one. Asked for both, the walks show which it is. */
static void on_wrong_key(struct stream *s, const struct stream_reply *reply, struct stream_now now)
{
    s->high_seen = false;
    for (unsigned lane = 0; lane < LANE_COUNT; lane++)
        if (s->asked_both || lane == s->asked_lane)
            s->own[lane] = (struct own_walk){0};
    if (s->asked_both)
        stream_wait(s, EFFORT_READ, now);
    else
        stream_fault(s, EFFORT_LANE + s->asked_lane, reply, now);
}

static void on_read_error(struct stream *s, const struct stream_reply *reply, struct stream_now now)
{
    if (s->worked && stream_is_wrong_key(reply))
        on_wrong_key(s, reply, now);
    else
        stream_fault(s, EFFORT_READ, reply, now);
}

void stream_on_read(struct stream *s, const struct stream_reply *reply, struct stream_now now)
{
    if (reply->error) {
        stream_reader_idle(s);
        on_read_error(s, reply, now);
        return;
    }
    s->worked = true;
    stream_effort_well(s, EFFORT_READ);
    if (!s->asked_both)
        stream_effort_well(s, EFFORT_LANE + s->asked_lane);
    if (!s->draining)
        take_all(s, reply, now);
    stream_reader_idle(s);
}

void stream_on_too_large(struct stream *s)
{
    enum stream_lane lane = s->asked_lane;

    if (s->read_limit > 1) {
        s->read_limit = smaller(s->read_limit, s->asked) / 8;
        s->read_limit += s->read_limit == 0;
    } else if (!s->own[lane].done) {
        s->large = true;
        s->large_lane = lane;
        s->large_after = s->own[lane].after;
    }
}
