/* SPDX-License-Identifier: MIT */
#include "core/stream_internal.h"

#include "base/text.h"
#include "core/retry.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NOTE_SIZE = 512, WAIT_LEAST_MS = 20 };

static const char *const effort_words[] = {
    [EFFORT_READ] = "reading",
    [EFFORT_ERRAND] = "keeping order",
    [EFFORT_ADD] = "publishing",
    [EFFORT_ACK] = "acknowledging",
};

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
    stream_look_start(s);
}

bool stream_may_try(const struct stream *s, enum stream_effort effort, struct stream_now now)
{
    return now.mono_ms >= s->efforts[effort].until_ms;
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

void stream_effort_well(struct stream *s, enum stream_effort effort)
{
    struct stream_retry *retry = &s->efforts[effort];

    if (retry->rule)
        stream_note(s, STREAM_INFO, "Redis answers again: %s goes on", effort_words[effort]);
    *retry = (struct stream_retry){0};
}

static bool needs_a_person(const struct redis_error_rule *rule)
{
    return rule->reaction == REDIS_DENIED || rule->reaction == REDIS_MISUSE;
}

static void note_fault(struct stream *s, enum stream_effort effort,
                       const struct redis_error_rule *rule, const char *error)
{
    bool is_new = s->efforts[effort].rule != rule;
    enum stream_level level = needs_a_person(rule) ? STREAM_ERROR : STREAM_WARN;

    text_copy(s->facts.last_error, sizeof(s->facts.last_error), error, strlen(error));
    stream_note(s, is_new ? level : STREAM_DEBUG, "%s: %s stops: %s; %s", s->options.where,
                effort_words[effort], error, rule->advice);
}

static void react(struct stream *s, const struct stream_reply *reply,
                  const struct redis_error_rule *rule)
{
    switch (rule->reaction) {
    case REDIS_WAIT:
    case REDIS_EXISTS:
    case REDIS_DENIED:
    case REDIS_MISUSE:
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

void stream_fault(struct stream *s, enum stream_effort effort, const struct stream_reply *reply,
                  struct stream_now now)
{
    const struct redis_error_rule *rule = redis_error_rule(reply->error);

    if (needs_a_person(rule) && !s->worked) {
        stream_refuse(s, rule->reaction == REDIS_DENIED ? EXIT_NO_PERMISSION : EXIT_CONFIG,
                      "%s: %s; %s", s->options.where, reply->error, rule->advice);
        return;
    }
    note_fault(s, effort, rule, reply->error);
    s->efforts[effort].rule = rule;
    if (stream_may_try(s, effort, now)) /* of many commands refused together, one counts */
        wait_longer(&s->efforts[effort], now);
    react(s, reply, rule);
}

void stream_complain(struct stream *s, const struct stream_reply *reply)
{
    unsigned bit = 1u << reply->verb;
    bool is_new = !(s->complained & bit);

    s->complained |= bit;
    text_copy(s->facts.last_error, sizeof(s->facts.last_error), reply->error, strlen(reply->error));
    stream_note(s, is_new ? STREAM_WARN : STREAM_DEBUG, "%s: %s; %s", s->options.where,
                reply->error, redis_error_rule(reply->error)->advice);
}
