/* SPDX-License-Identifier: MIT */
#include "core/stream.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/stream_internal.h"
#include "core/stream_names.h"

#include <string.h>

/* ---- Begin and end. */

static void list_former(struct stream *s)
{
    const struct stream_options *o = &s->options;

    s->former_names = mem_alloc((2 * o->former_count + 1) * sizeof(*s->former_names));
    for (size_t i = 0; i < o->former_count; i++) {
        s->former_names[s->former_count++] = mem_strdup(o->former[i]);
        s->former_names[s->former_count++] = stream_taken_name(o->former[i]);
    }
}

struct stream *stream_new(const struct stream_options *options, const struct stream_ports *ports)
{
    struct stream *s = MEM_NEW(struct stream);

    s->options = *options;
    if (!s->options.where)
        s->options.where = "Redis";
    s->ports = *ports;
    for (unsigned lane = 0; lane < LANE_COUNT; lane++)
        s->lane_name[lane] = stream_lane_name(options->stream, lane);
    for (unsigned target = 0; target < TARGET_COUNT; target++) {
        s->target_name[target] = stream_target_name(options->stream, target);
        list_init(&s->unsent[target]);
    }
    s->lock_name = stream_lock_name(options);
    list_former(s);
    window_init(&s->window);
    list_init(&s->sent);
    s->scratch = buf_new(STREAM_ADD_BYTES_MAX);
    s->read_limit = STREAM_READ_MAX;
    s->named = map_new();
    stream_look_start(s);
    return s;
}

void stream_free(struct stream *s)
{
    stream_settle_free(s);
    window_free(&s->window);
    map_free(s->named);
    for (size_t lane = 0; lane < LANE_COUNT; lane++)
        mem_free(s->lane_name[lane]);
    for (size_t target = 0; target < TARGET_COUNT; target++)
        mem_free(s->target_name[target]);
    for (size_t i = 0; i < s->former_count; i++)
        mem_free(s->former_names[i]);
    mem_free(s->former_names);
    mem_free(s->lock_name);
    mem_free(s);
}

/* ---- The world's side. */

enum stream_link stream_verb_link(enum stream_verb verb)
{
    return verb <= STREAM_READ_NEW ? LINK_READER : LINK_WRITER;
}

void stream_send(struct stream *s, const struct stream_command *command)
{
    s->ports.send(s->ports.context, command);
}

void stream_on_up(struct stream *s, enum stream_link link, struct stream_now now)
{
    if (link == LINK_READER)
        s->walk_again_ms = now.mono_ms + STREAM_WALK_AGAIN_MS;
    s->up[link] = true;
    stream_link_well(s, link);
}

static void reader_down(struct stream *s)
{
    stream_reader_idle(s);
    s->high_seen = false;
    for (size_t lane = 0; lane < LANE_COUNT; lane++)
        s->own[lane] = (struct own_walk){0};
}

static void writer_down(struct stream *s)
{
    s->errand = ERRAND_NONE;
    stream_taken_again(s);
    stream_look_start(s);
    stream_settle_again(s);
}

void stream_on_down(struct stream *s, enum stream_link link, struct stream_now now)
{
    (void)now;
    s->up[link] = false;
    if (link == LINK_READER)
        reader_down(s);
    else
        writer_down(s);
}

void stream_drop(struct stream *s, enum stream_link link)
{
    s->ports.drop(s->ports.context, link);
    stream_on_down(s, link, (struct stream_now){0});
}

void stream_on_link_refused(struct stream *s, enum stream_link link, const char *error)
{
    const struct redis_error_rule *rule = redis_error_rule(error);

    if (!s->worked && (rule->reaction == REDIS_DENIED || rule->reaction == REDIS_MISUSE))
        stream_refuse(s, rule->reaction == REDIS_DENIED ? EXIT_NO_PERMISSION : EXIT_CONFIG,
                      "%s: %s; %s", s->options.where, error, rule->advice);
    else
        stream_complain_of_link(s, link, error);
}

void stream_on_reply(struct stream *s, const struct stream_reply *reply, struct stream_now now)
{
    switch (reply->verb) {
    case STREAM_READ_OWN:
    case STREAM_READ_HIGH:
    case STREAM_READ_NEW:
        stream_on_read(s, reply, now);
        break;
    case STREAM_ACK:
        stream_on_acked(s, reply, now);
        break;
    case STREAM_ADD:
        stream_on_added(s, reply, now);
        break;
    case STREAM_FETCH:
        stream_on_fetched(s, reply, now);
        break;
    case STREAM_LOCK_TAKE:
    case STREAM_LOCK_RENEW:
    case STREAM_LOCK_FREE:
    case STREAM_GROUP_MAKE:
    case STREAM_LIST_PENDING:
    case STREAM_CLAIM:
    case STREAM_KEEP:
    case STREAM_LOOK_GROUP:
    case STREAM_LOOK_PENDING:
    case STREAM_LOOK_STREAM:
    case STREAM_LOOK_NEXT:
    case STREAM_TRIM:
        stream_on_errand(s, reply, now);
        break;
    }
}

static void end_drain(struct stream *s)
{
    if (!s->draining || s->drained || !stream_is_settled(s))
        return;
    s->drained = true;
    s->ports.on_drained(s->ports.context);
}

void stream_turn(struct stream *s, struct stream_now now)
{
    if (s->refused)
        return;
    stream_offer(s);
    stream_settle_next(s, now);
    stream_errand_next(s, now);
    stream_read_next(s, now);
    end_drain(s);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* An effort that has failed goes on then. One whose time has come had its turn. */
static int64_t effort_next_ms(const struct stream *s, struct stream_now now)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < EFFORT_COUNT; i++)
        if (s->efforts[i].until_ms > now.mono_ms)
            next = earlier(next, s->efforts[i].until_ms);
    return next;
}

int64_t stream_next_ms(const struct stream *s, struct stream_now now)
{
    if (s->refused)
        return INT64_MAX;
    if (!s->up[LINK_WRITER])
        return effort_next_ms(s, now);
    return earlier(effort_next_ms(s, now), stream_errand_next_ms(s, now));
}

/* ---- The caller's side. */

void stream_want(struct stream *s, unsigned n)
{
    s->wanted += n;
}

void stream_pause(struct stream *s, bool paused)
{
    s->paused = paused;
}

void stream_drain(struct stream *s)
{
    s->draining = true;
    window_release_all(&s->window, STAGE_QUEUED);
}

void stream_forget_offered(struct stream *s)
{
    window_release_all(&s->window, STAGE_OFFERED);
}

void stream_set_defaults(struct stream *s, const struct message_defaults *defaults)
{
    s->options.defaults = defaults;
}

void stream_set_policy(struct stream *s, bool trim, bool claim, int64_t claim_idle_ms)
{
    s->options.trim = trim;
    s->options.claim = claim;
    s->options.claim_idle_ms = claim_idle_ms;
}

/* The sum over the lanes; -1 when one is not known. */
static int64_t sum(int64_t high, int64_t normal)
{
    return high < 0 || normal < 0 ? -1 : high + normal;
}

static int64_t older(int64_t a, int64_t b)
{
    if (!a || !b)
        return a ? a : b;
    return a < b ? a : b;
}

/* What Redis refuses comes before what follows from it. */
static const char *reading_now(const struct stream *s, struct stream_now now)
{
    const char *obstacle = stream_read_obstacle(s, now);
    bool is_ours = s->refused || s->draining || s->paused;

    if (!is_ours && s->up[LINK_READER] && s->up[LINK_WRITER] && stream_is_refused(s, 0, EFFORT_ACK))
        return "refused";
    return obstacle ? obstacle : "reading";
}

void stream_look(const struct stream *s, struct stream_now now, struct stream_facts *out)
{
    const struct lane_look *high = &s->looks[LANE_HIGH];
    const struct lane_look *normal = &s->looks[LANE_NORMAL];

    *out = s->facts;
    out->is_refused = stream_is_refused(s, 0, EFFORT_ACK);
    out->is_well = !stream_is_refused(s, 0, EFFORT_COUNT);
    out->reading = reading_now(s, now);
    text_copy(out->last_error, sizeof(out->last_error), stream_error_now(s),
              strlen(stream_error_now(s)));
    out->lock_held = stream_lock_is_held(s, now);
    out->held = s->window.held;
    out->queued = s->window.counts[STAGE_QUEUED];
    out->publishing = s->adds;
    out->lag = sum(high->lag, normal->lag);
    out->length = sum(high->length, normal->length);
    out->pending = sum(high->pending, normal->pending);
    out->oldest_ms = older(high->oldest_ms, normal->oldest_ms);
    out->last[LANE_HIGH] = high->last;
    out->last[LANE_NORMAL] = normal->last;
}

struct stream_id stream_entry_id(const struct stream_entry *entry, enum stream_lane *lane)
{
    *lane = entry->lane;
    return entry->id;
}
