/* SPDX-License-Identifier: MIT
 *
 * redis_source.c: core/stream.h on two connections to Redis.
 *
 * Happy path:
 *   - both connections come up; the first time the writer asks for its rights before anything else;
 *   - the stream is told, and has its turn in the loop's idle phase;
 *   - what it sends is written into a connection's buffer and remembered in its queue; after the
 *     turn both are flushed;
 *   - a reply is for the command at the head of its connection's queue: it is read and given to the
 *     stream; the turn after all that came together has the rest;
 *   - the caller's calls only tell the stream; the turn that follows does what is due.
 * Failure modes:
 *   - a connection breaks: its queue is forgotten, the stream is told, it connects again;
 *   - rights are missing at the start: on_refused, or a warning when it works without them;
 *   - closing: the lock is given back first; when that gets no answer, it is left to expire.
 */
#include "io/redis_source.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/mix.h"
#include "base/text.h"
#include "core/stream_options.h"
#include "io/redis.h"
#include "io/redis_commands.h"
#include "io/redis_probe.h"
#include "io/redis_sent.h"

#include <stdio.h>
#include <string.h>

enum {
    US_IN_MS = 1000,
    WRITER_WAIT_MS = 10000, /* for a reply to begin */
    READER_WAIT_MS = STREAM_BLOCK_MS + 2000,
    UNLOCK_MS = 1000, /* for the lock to be given back at the end */
    RUN_BYTES = 8,
    RUN_SIZE = 2 * RUN_BYTES + 1,
};

/* One of the two connections, and what was sent over it. */
struct connection {
    struct redis_source *source;
    enum stream_link link;
    struct redis *redis;
    struct redis_sent_queue sent;
    bool said; /* the failure was said */
    char why[256];
};

struct redis_source {
    uv_loop_t *loop;
    struct redis_source_events events;
    struct stream_options options; /* copies */
    char run[RUN_SIZE];
    struct stream *stream;
    struct redis_commands *commands;
    struct redis_tls *tls; /* NULL: none */
    char address[REDIS_ADDRESS_SIZE];
    char where[REDIS_ADDRESS_SIZE + 8];
    struct connection connections[LINK_COUNT];
    struct redis_probe probe; /* of the writer's rights, once */
    bool probing, probed;
    uv_idle_t kick;
    uv_timer_t timer;
    uint64_t random; /* for jitter */
    uint64_t reconnects;
    unsigned open; /* handles and connections, not closed yet */
    bool closing, unlocking;
    void (*on_drained)(void *context);
    void *drained_context;
    void (*on_closed)(void *context);
    void *closed_context;
};

static const char *const link_names[] = {
    [LINK_READER] = "tidings-reader",
    [LINK_WRITER] = "tidings-writer",
};

static struct stream_now now_of(struct redis_source *s)
{
    return (struct stream_now){
        .mono_ms = clock_mono_us() / US_IN_MS,
        .wall_ms = clock_wall_ms(),
        .random = splitmix64(&s->random),
    };
}

/* ---- The turn. */

static void on_kick(uv_idle_t *idle);

static void poke(struct redis_source *s)
{
    if (!s->closing)
        (void)uv_idle_start(&s->kick, on_kick); /* has a callback */
}

static void on_timer(uv_timer_t *timer)
{
    poke(timer->data);
}

static void set_timer(struct redis_source *s, struct stream_now now)
{
    int64_t next = stream_next_ms(s->stream, now);

    if (next == INT64_MAX)
        (void)uv_timer_stop(&s->timer); /* always succeeds */
    else                                /* has a callback */
        (void)uv_timer_start(&s->timer, on_timer,
                             (uint64_t)(next > now.mono_ms ? next - now.mono_ms : 1), 0);
}

static void flush(struct redis_source *s)
{
    for (size_t i = 0; i < LINK_COUNT; i++)
        redis_flush(s->connections[i].redis);
}

static void on_kick(uv_idle_t *idle)
{
    struct redis_source *s = idle->data;
    struct stream_now now = now_of(s);

    (void)uv_idle_stop(&s->kick); /* always succeeds */
    stream_turn(s->stream, now);
    flush(s);
    set_timer(s, now);
}

/* ---- Commands and replies. */

static void on_send(void *context, const struct stream_command *command)
{
    struct redis_source *s = context;
    struct connection *c = &s->connections[stream_verb_link(command->verb)];
    const struct redis_sent sent = {command->verb, command->lane, command->id_count};

    redis_sent_push(&c->sent, &sent);
    redis_command_write(s->commands, command, redis_out(c->redis));
    redis_written(c->redis, 1, c->link == LINK_READER ? READER_WAIT_MS : WRITER_WAIT_MS);
}

static void finish_close(struct redis_source *s);

static void take_reply(struct connection *c, const struct redis_value *value)
{
    struct redis_source *s = c->source;
    struct redis_sent sent = redis_sent_pop(&c->sent);
    struct stream_reply reply = {
        .verb = sent.verb,
        .lane = sent.lane,
        .id_count = sent.id_count,
    };

    if (s->closing) {
        if (sent.verb == STREAM_LOCK_FREE)
            finish_close(s);
        return;
    }
    redis_reply_read(s->commands, value, &reply);
    stream_on_reply(s->stream, &reply, now_of(s));
    poke(s);
}

static void link_is_up(struct connection *c)
{
    stream_on_up(c->source->stream, c->link, now_of(c->source));
    poke(c->source);
}

/* True: go on. */
static bool judge_rights(struct redis_source *s)
{
    struct err why;

    if (!s->probe.missing.len)
        return true;
    redis_probe_describe(&s->probe, s->where, &why);
    if (s->probe.is_vital)
        s->events.on_refused(s->events.context, &why);
    else
        log_line(LOG_WARN, why.text);
    return !s->probe.is_vital;
}

static void take_right(struct connection *c, const struct redis_value *value)
{
    struct redis_source *s = c->source;

    if (!redis_probe_take(&s->probe, value))
        return;
    s->probing = false;
    s->probed = true;
    if (!s->closing && judge_rights(s))
        link_is_up(c);
}

static void on_reply(void *context, const struct redis_value *value)
{
    struct connection *c = context;

    if (c->link == LINK_WRITER && c->source->probing)
        take_right(c, value);
    else
        take_reply(c, value);
}

/* ---- The connections. */

static void on_up(void *context)
{
    struct connection *c = context;
    struct redis_source *s = c->source;

    if (s->closing)
        return;
    if (c->said) {
        s->reconnects++;
        log_line(LOG_INFO, "Redis is reached again", LOG_STR("connection", link_names[c->link]),
                 LOG_STR("redis", s->address));
    }
    c->said = false;
    c->why[0] = '\0';
    if (c->link == LINK_READER || s->probed) {
        link_is_up(c);
        return;
    }
    s->probing = true;
    redis_probe_ask(&s->probe, &s->options, c->redis, WRITER_WAIT_MS);
    redis_flush(c->redis);
}

static void on_down(void *context, const char *why)
{
    struct connection *c = context;
    struct redis_source *s = c->source;

    redis_sent_forget(&c->sent);
    if (c->link == LINK_WRITER)
        s->probing = false;
    if (s->closing) {
        if (c->link == LINK_WRITER)
            finish_close(s);
        return;
    }
    if (!c->said)
        log_line(LOG_WARN, "Redis is not reached: connecting again until it is",
                 LOG_STR("connection", link_names[c->link]), LOG_STR("redis", s->address),
                 LOG_STR("error", why));
    c->said = true;
    text_copy(c->why, sizeof(c->why), why, strlen(why));
    stream_on_down(s->stream, c->link, now_of(s));
    poke(s);
}

static void on_denied(void *context, const char *error)
{
    struct connection *c = context;

    if (!c->source->closing)
        stream_on_link_refused(c->source->stream, c->link, error);
}

static void on_too_large(void *context)
{
    struct connection *c = context;

    if (!c->source->closing && c->link == LINK_READER)
        stream_on_too_large(c->source->stream);
}

static void on_drop(void *context, enum stream_link link)
{
    struct redis_source *s = context;
    struct connection *c = &s->connections[link];

    redis_sent_forget(&c->sent);
    c->said = true; /* the stream has said why */
    (void)snprintf(c->why, sizeof(c->why), "dropped after an error of Redis"); /* fits */
    redis_drop(c->redis);
}

/* ---- The stream's other ports. */

static void on_message(void *context, struct message *m, struct stream_entry *entry,
                       bool taken_over)
{
    struct redis_source *s = context;

    s->events.on_message(s->events.context, m, entry, taken_over);
}

static void on_published(void *context, uint64_t cookie)
{
    struct redis_source *s = context;

    s->events.on_published(s->events.context, cookie);
}

static void on_refused(void *context, const struct err *why)
{
    struct redis_source *s = context;

    s->events.on_refused(s->events.context, why);
}

static void on_drained(void *context)
{
    struct redis_source *s = context;

    if (s->on_drained)
        s->on_drained(s->drained_context);
}

static void on_note(void *context, enum stream_level level, const char *text)
{
    static const enum log_level levels[] = {
        [STREAM_ERROR] = LOG_ERROR,
        [STREAM_WARN] = LOG_WARN,
        [STREAM_INFO] = LOG_INFO,
        [STREAM_DEBUG] = LOG_DEBUG,
    };

    (void)context;
    log_line(levels[level], text);
}

/* ---- Opening. */

static void make_run(char out[RUN_SIZE])
{
    unsigned char bytes[RUN_BYTES];

    random_bytes(bytes, sizeof(bytes));
    hex_encode(bytes, sizeof(bytes), out);
}

static void connect_link(struct redis_source *s, enum stream_link link, const struct redis_url *url)
{
    struct connection *c = &s->connections[link];
    const struct redis_events events = {
        .context = c,
        .on_up = on_up,
        .on_down = on_down,
        .on_denied = on_denied,
        .on_too_large = on_too_large,
        .on_reply = on_reply,
    };

    c->source = s;
    c->link = link;
    c->redis = redis_open(s->loop, url, s->tls, link_names[link], &events);
}

static struct stream *make_stream(struct redis_source *s)
{
    const struct stream_ports ports = {
        .context = s,
        .send = on_send,
        .drop = on_drop,
        .on_message = on_message,
        .on_published = on_published,
        .on_refused = on_refused,
        .on_drained = on_drained,
        .on_note = on_note,
    };

    return stream_new(&s->options, &ports);
}

static struct redis_source *source_new(uv_loop_t *loop, const struct redis_source_options *options,
                                       const struct redis_url *url)
{
    struct redis_source *s = MEM_NEW(struct redis_source);

    s->loop = loop;
    s->events = options->events;
    random_bytes(&s->random, sizeof(s->random));
    stream_options_copy(&s->options, &options->stream);
    s->options.run = s->run;
    make_run(s->run);
    redis_url_address(url, s->address);
    (void)snprintf(s->where, sizeof(s->where), "Redis %s", s->address); /* fits */
    s->options.where = s->where;
    s->commands = redis_commands_new(&s->options);
    s->stream = make_stream(s);
    (void)uv_idle_init(loop, &s->kick);   /* always succeeds */
    (void)uv_timer_init(loop, &s->timer); /* always succeeds */
    s->kick.data = s->timer.data = s;
    return s;
}

static void source_free(struct redis_source *s)
{
    stream_free(s->stream);
    redis_commands_free(s->commands);
    stream_options_free(&s->options);
    redis_tls_free(s->tls);
    for (size_t i = 0; i < LINK_COUNT; i++)
        redis_sent_free(&s->connections[i].sent);
    mem_free(s);
}

bool redis_source_open(uv_loop_t *loop, const struct redis_source_options *options,
                       struct redis_source **out, struct err *e)
{
    struct redis_tls *tls = NULL;
    struct redis_source *s;
    struct redis_url parsed;

    if (!redis_url_parse(options->url, &parsed, e) ||
        (parsed.tls && !(tls = redis_tls_new(parsed.host, e))))
        return false;
    s = source_new(loop, options, &parsed);
    s->tls = tls;
    for (unsigned link = 0; link < LINK_COUNT; link++)
        connect_link(s, link, &parsed);
    explicit_bzero(&parsed, sizeof(parsed));
    s->open = LINK_COUNT + 2;
    *out = s;
    return true;
}

/* ---- Closing. */

static void part_closed(struct redis_source *s)
{
    void (*on_closed)(void *context) = s->on_closed;
    void *context = s->closed_context;

    if (--s->open)
        return;
    source_free(s);
    on_closed(context);
}

static void on_handle_closed(uv_handle_t *handle)
{
    part_closed(handle->data);
}

static void on_connection_closed(void *context)
{
    part_closed(context);
}

static void finish_close(struct redis_source *s)
{
    if (!s->unlocking)
        return;
    s->unlocking = false;
    for (size_t i = 0; i < LINK_COUNT; i++)
        redis_close(s->connections[i].redis, on_connection_closed, s);
    uv_close((uv_handle_t *)&s->kick, on_handle_closed);
    uv_close((uv_handle_t *)&s->timer, on_handle_closed);
}

static void on_unlock_late(uv_timer_t *timer)
{
    finish_close(timer->data);
}

void redis_source_close(struct redis_source *s, void (*on_closed)(void *context), void *context)
{
    bool asked = stream_free_lock(s->stream);

    s->on_closed = on_closed;
    s->closed_context = context;
    s->closing = true;
    s->unlocking = true;
    (void)uv_idle_stop(&s->kick); /* always succeeds */
    flush(s);
    /* Has a callback. */
    (void)uv_timer_start(&s->timer, on_unlock_late, asked ? UNLOCK_MS : 0, 0);
}

/* ---- The caller's side. */

void redis_source_want(struct redis_source *s, unsigned n)
{
    stream_want(s->stream, n);
    poke(s);
}

void redis_source_settled(struct redis_source *s, struct stream_entry *entry,
                          const struct stream_result *result)
{
    stream_settle(s->stream, entry, result);
    poke(s);
}

void redis_source_reject(struct redis_source *s, struct stream_entry *entry, const char *reason)
{
    stream_reject(s->stream, entry, reason);
    poke(s);
}

bool redis_source_has_room(const struct redis_source *s)
{
    return stream_has_room(s->stream);
}

void redis_source_publish_result(struct redis_source *s, const struct stream_result *result,
                                 uint64_t cookie)
{
    stream_publish_result(s->stream, result, cookie);
    poke(s);
}

void redis_source_publish_status(struct redis_source *s, const struct stream_status *status,
                                 uint64_t cookie)
{
    stream_publish_status(s->stream, status, cookie);
    poke(s);
}

void redis_source_pause(struct redis_source *s, bool paused)
{
    stream_pause(s->stream, paused);
    poke(s);
}

void redis_source_set_defaults(struct redis_source *s, const struct message_defaults *defaults)
{
    stream_set_defaults(s->stream, defaults);
}

void redis_source_set_policy(struct redis_source *s, const struct stream_options *policy)
{
    redis_commands_set_maxlen(s->commands, policy->result_maxlen);
    stream_set_policy(s->stream, policy->trim, policy->claim, policy->claim_idle_ms);
    poke(s);
}

void redis_source_forget_offered(struct redis_source *s)
{
    stream_forget_offered(s->stream);
}

void redis_source_drain(struct redis_source *s, void (*on_done)(void *context), void *context)
{
    s->on_drained = on_done;
    s->drained_context = context;
    stream_drain(s->stream);
    poke(s);
}

static void say_why_down(const struct redis_source *s, struct redis_source_facts *out)
{
    const char *reader = s->connections[LINK_READER].why;
    const char *why = *reader ? reader : s->connections[LINK_WRITER].why;

    (void)snprintf(out->down_why, sizeof(out->down_why), "%s%s%.120s", *why ? s->address : "",
                   *why ? ": " : "", why); /* cut if too long */
}

void redis_source_look_soon(struct redis_source *s)
{
    stream_look_soon(s->stream);
    poke(s);
}

void redis_source_look(struct redis_source *s, struct redis_source_facts *out)
{
    stream_look(s->stream, now_of(s), &out->stream);
    out->connected = redis_is_up(s->connections[LINK_READER].redis) &&
                     redis_is_up(s->connections[LINK_WRITER].redis);
    out->reconnects = s->reconnects;
    say_why_down(s, out);
}
