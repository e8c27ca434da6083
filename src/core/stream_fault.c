/* SPDX-License-Identifier: MIT */
#include "core/stream_internal.h"

#include "base/text.h"
#include "core/retry.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NOTE_SIZE = 512, WAIT_LEAST_MS = 20 };

/* What is done, and to which key; "": to none alone. */
static const char *effort_word(unsigned effort)
{
    if (effort == EFFORT_ERRAND)
        return "keeping order";
    if (effort < EFFORT_ACK)
        return "reading";
    return effort < EFFORT_ADD ? "acknowledging" : "publishing";
}

static const char *effort_key(const struct stream *s, unsigned effort)
{
    if (effort < EFFORT_LANE)
        return "";
    if (effort < EFFORT_ACK)
        return s->lane_name[effort - EFFORT_LANE];
    return effort < EFFORT_ADD ? s->lane_name[effort - EFFORT_ACK]
                               : s->target_name[effort - EFFORT_ADD];
}

/* The key that the command was about; "": more than one, or a target of STREAM_ADD. */
static const char *reply_key(const struct stream *s, const struct stream_reply *reply)
{
    if (reply->verb == STREAM_LOCK_TAKE || reply->verb == STREAM_LOCK_RENEW ||
        reply->verb == STREAM_LOCK_FREE)
        return s->lock_name;
    if (reply->verb == STREAM_ADD || (reply->verb == STREAM_READ_NEW && s->asked_both))
        return "";
    return s->lane_name[reply->lane];
}

void stream_note(struct stream *s, enum stream_level level, const char *format, ...)
{
    char text[NOTE_SIZE];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args); /* what is too long is cut */
    va_end(args);
    s->ports.on_note(s->ports.context, level, text);
}

void stream_refuse(struct stream *s, enum exit_code code, const char *format, ...)
{
    struct err e = {.code = code};
    va_list args;

    if (s->refused)
        return;
    va_start(args, format);
    (void)vsnprintf(e.text, sizeof(e.text), format, args); /* what is too long is cut */
    va_end(args);
    s->refused = true;
    s->ports.on_refused(s->ports.context, &e);
}

void stream_regroup(struct stream *s)
{
    for (size_t lane = 0; lane < LANE_COUNT; lane++) {
        s->grouped[lane] = false;
        s->own[lane] = (struct own_walk){0};
    }
    s->high_seen = false;
    stream_taken_again(s);
    stream_look_start(s);
}

bool stream_may_try(const struct stream *s, unsigned effort, struct stream_now now)
{
    return now.mono_ms >= s->efforts[effort].until_ms;
}

bool stream_is_wrong_key(const struct stream_reply *reply)
{
    return redis_error_rule(reply->error)->reaction == REDIS_WRONG_KEY;
}

bool stream_lane_is_wrong(const struct stream *s, enum stream_lane lane)
{
    return s->efforts[EFFORT_LANE + lane].rule != NULL;
}

/* A group that is gone is made again at once. */
bool stream_is_refused(const struct stream *s, unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++)
        if (s->efforts[i].rule && s->efforts[i].rule->reaction != REDIS_REGROUP)
            return true;
    return false;
}

const char *stream_error_now(const struct stream *s)
{
    for (unsigned i = 0; i < EFFORT_COUNT; i++)
        if (s->efforts[i].rule)
            return s->efforts[i].error;
    return s->complaint;
}

static void wait_longer(struct stream_retry *retry, struct stream_now now)
{
    static const struct retry_options backoff = {
        .base_ms = STREAM_BACKOFF_MIN_MS,
        .max_ms = STREAM_BACKOFF_MAX_MS,
    };

    retry->tries++;
    retry->until_ms =
        now.mono_ms + retry_delay_ms(&backoff, retry->tries, WAIT_LEAST_MS, now.random);
}

void stream_wait(struct stream *s, unsigned effort, struct stream_now now)
{
    wait_longer(&s->efforts[effort], now);
}

void stream_effort_well(struct stream *s, unsigned effort)
{
    struct stream_retry *retry = &s->efforts[effort];
    const char *key = effort_key(s, effort);

    if (!retry->tries)
        return;
    if (retry->rule) {
        stream_note(s, STREAM_INFO, "Redis answers again: %s%s%s goes on", effort_word(effort),
                    *key ? " " : "", key);
        s->complained = 0; /* of the same trouble, perhaps; else it is told again */
        s->complaint[0] = '\0';
    }
    *retry = (struct stream_retry){0};
}

static bool needs_a_person(const struct redis_error_rule *rule)
{
    return rule->reaction == REDIS_DENIED || rule->reaction == REDIS_MISUSE ||
           rule->reaction == REDIS_WRONG_KEY;
}

static void note_fault(struct stream *s, unsigned effort, const struct redis_error_rule *rule)
{
    bool is_new = s->efforts[effort].rule != rule;
    enum stream_level level = needs_a_person(rule) ? STREAM_ERROR : STREAM_WARN;

    stream_note(s, is_new ? level : STREAM_DEBUG, "%s: %s stops: %s; %s", s->options.where,
                effort_word(effort), s->efforts[effort].error, rule->advice);
}

static void react(struct stream *s, const struct stream_reply *reply,
                  const struct redis_error_rule *rule)
{
    switch (rule->reaction) {
    case REDIS_WAIT:
    case REDIS_EXISTS:
    case REDIS_DENIED:
    case REDIS_MISUSE:
    case REDIS_WRONG_KEY:
        break;
    case REDIS_REGROUP:
        stream_regroup(s);
        break;
    case REDIS_RECONNECT:
    case REDIS_CLUSTER:
        stream_drop(s, stream_verb_link(reply->verb));
        break;
    }
}

static void with_key(const char *key, const char *error, char out[STREAM_ERROR_SIZE])
{
    (void)snprintf(out, STREAM_ERROR_SIZE, "%s%s%s", key, *key ? ": " : "",
                   error); /* what is too long is cut */
}

/* "KEY: ERROR" where it is about one key. */
static void describe(const struct stream *s, unsigned effort, const struct stream_reply *reply,
                     char out[STREAM_ERROR_SIZE])
{
    const char *key = effort_key(s, effort);

    if (reply->verb != STREAM_ADD && (*key || stream_is_wrong_key(reply)))
        key = reply_key(s, reply);
    with_key(key, reply->error, out);
}

void stream_fault(struct stream *s, unsigned effort, const struct stream_reply *reply,
                  struct stream_now now)
{
    const struct redis_error_rule *rule = redis_error_rule(reply->error);
    char *error = s->efforts[effort].error;

    describe(s, effort, reply, error);
    if (needs_a_person(rule) && !s->worked) {
        stream_refuse(s, rule->reaction == REDIS_DENIED ? EXIT_NO_PERMISSION : EXIT_CONFIG,
                      "%s: %s; %s", s->options.where, error, rule->advice);
        return;
    }
    note_fault(s, effort, rule);
    s->efforts[effort].rule = rule;
    if (stream_may_try(s, effort, now)) /* of many commands refused together, one counts */
        wait_longer(&s->efforts[effort], now);
    react(s, reply, rule);
}

/* ---- What may fail without harm. */

enum { LINK_BITS = STREAM_VERB_COUNT * LANE_COUNT };

static uint64_t verb_bit(enum stream_verb verb, enum stream_lane lane)
{
    return (uint64_t)1 << ((unsigned)verb * LANE_COUNT + (unsigned)lane);
}

static uint64_t link_bit(enum stream_link link)
{
    return (uint64_t)1 << ((unsigned)LINK_BITS + (unsigned)link);
}

static void complain(struct stream *s, uint64_t bit, const char *error, const char *advice)
{
    bool is_new = !(s->complained & bit);

    s->complained |= bit;
    text_copy(s->complaint, sizeof(s->complaint), error, strlen(error));
    stream_note(s, is_new ? STREAM_WARN : STREAM_DEBUG, "%s: %s; %s", s->options.where, error,
                advice);
}

static void went_well(struct stream *s, uint64_t bit)
{
    s->complained &= ~bit;
    if (!s->complained)
        s->complaint[0] = '\0';
}

void stream_complain(struct stream *s, const struct stream_reply *reply)
{
    char error[STREAM_ERROR_SIZE];

    with_key(reply_key(s, reply), reply->error, error);
    complain(s, verb_bit(reply->verb, reply->lane), error, redis_error_rule(reply->error)->advice);
}

void stream_complain_of_link(struct stream *s, enum stream_link link, const char *error)
{
    complain(s, link_bit(link), error, redis_error_rule(error)->advice);
}

void stream_verb_well(struct stream *s, enum stream_verb verb, enum stream_lane lane)
{
    went_well(s, verb_bit(verb, lane));
}

void stream_link_well(struct stream *s, enum stream_link link)
{
    went_well(s, link_bit(link));
}
