/* SPDX-License-Identifier: MIT */
#include "commands/event_log.h"

#include "base/clock.h"
#include "base/log.h"
#include "commands/way_on.h"
#include "core/phone.h"

#include <stdio.h>

static const char *shown_number(const struct event_log *l, const struct message *m,
                                char masked[PHONE_MASKED_SIZE])
{
    if (l->full_numbers)
        return m->to;
    phone_mask(m->to, masked);
    return masked;
}

void event_log_started(const struct event_log *l, const struct engine_view *view)
{
    char masked[PHONE_MASKED_SIZE];
    const struct message *m = view->message;

    if (!log_enabled(LOG_INFO))
        return;
    log_line(LOG_INFO, "📱 Scheduling WhatsApp notification", LOG_STR("id", m->id),
             LOG_STR("to", shown_number(l, m, masked)), LOG_STR("sender", m->sender),
             LOG_STR("template", m->template_name), LOG_NUM("attempt", view->attempt));
}

static const char *text_or_none(const char *text)
{
    return *text ? text : NULL;
}

/* "none", or the time of the next try. */
static const char *next_try(const struct outcome *o, char text[CLOCK_TEXT_SIZE])
{
    if (!o->next_ms)
        return "none";
    clock_text(o->next_ms, text);
    return text;
}

static void log_accepted(const struct engine_view *view)
{
    const struct outcome *o = view->outcome;

    log_line(LOG_INFO, "✅ WhatsApp sent successfully", LOG_STR("id", view->message->id),
             LOG_STR("wamid", o->wamid), LOG_NUM("attempt", view->attempt),
             LOG_NUM("ms", o->latency_us / 1000), LOG_NUM("http", o->http_status),
             LOG_STR("note", o->reason == REASON_HELD ? "held by Graph" : NULL));
}

static void log_refused(const struct engine_view *view)
{
    const struct outcome *o = view->outcome;
    char next[CLOCK_TEXT_SIZE];

    log_line(o->state == STATE_FAILED ? LOG_ERROR : LOG_WARN, "❌ WhatsApp API error",
             LOG_STR("id", view->message->id), LOG_NUM("http", o->http_status),
             LOG_NUM("code", o->code), LOG_STR("title", o->title),
             LOG_STR("details", text_or_none(o->details)), LOG_NUM("attempt", view->attempt),
             LOG_STR("next", next_try(o, next)), LOG_NUM("ms", o->latency_us / 1000),
             LOG_STR("fbtrace_id", text_or_none(o->trace)));
}

static void log_unanswered(const struct engine_view *view, const char *text)
{
    const struct outcome *o = view->outcome;
    char next[CLOCK_TEXT_SIZE];

    log_line(LOG_WARN, text, LOG_STR("id", view->message->id),
             LOG_STR("state", state_name(o->state)), LOG_STR("reason", reason_name(o->reason)),
             LOG_NUM("http", o->http_status), LOG_NUM("code", o->code),
             LOG_STR("error", text_or_none(o->title)), LOG_NUM("attempt", view->attempt),
             LOG_STR("next", next_try(o, next)), LOG_NUM("ms", o->latency_us / 1000));
}

void event_log_answer(const struct event_log *l, const struct engine_view *view,
                      const struct exchange *x, const struct judgement *j)
{
    (void)l;
    switch (j->verdict) {
    case VERDICT_ACCEPTED:
        log_accepted(view);
        break;
    case VERDICT_REFUSED:
        log_refused(view);
        break;
    case VERDICT_UNKNOWN:
        log_unanswered(view, x->is_timeout ? "⏳ No answer from Graph in time"
                                           : "❔ No usable answer from Graph");
        break;
    case VERDICT_NOT_SENT:
        log_unanswered(view, "🔌 Graph could not be reached");
        break;
    }
}

void event_log_skipped(const char *id, enum reason reason)
{
    log_line(LOG_INFO, "🚫 WhatsApp message skipped: never sent", LOG_STR("id", id),
             LOG_STR("reason", reason_name(reason)));
}

void event_log_halt(const struct halt *halt, bool raised, bool is_daemon)
{
    char hint[WAY_ON_SIZE];

    if (raised)
        log_line(LOG_WARN, "⛔ Sending is stopped", LOG_STR("why", halt_name(halt->kind)),
                 LOG_STR("what", halt->what), LOG_NUM("code", halt->code),
                 LOG_STR("hint", way_on_text(halt, is_daemon, hint)));
    else
        log_line(LOG_WARN, "▶ Sending goes on", LOG_STR("after", halt_name(halt->kind)));
}
