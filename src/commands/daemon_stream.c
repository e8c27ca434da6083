/* SPDX-License-Identifier: MIT
 *
 * daemon_stream.c: between the stream of messages and the engine, and back.
 *
 * Happy path: the engine wants messages; the stream reads as many; each is offered with its entry
 * as `ref`. Once its outcome is on disk the stream is given the result, and acknowledges.
 * Failure modes:
 *   - the message waits (refused for a time, not due, held): the ledger has it in custody; the
 * entry is acknowledged without a result, and the outbox tells the outcome later;
 *   - the id was known: what is known is told again, if it is an outcome;
 *   - the id was used for other content: the entry is dead;
 *   - another daemon holds the stream: EXIT_TRY_LATER.
 */
#include "commands/daemon_internal.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/stream_names.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void daemon_set_defaults(struct daemon *d)
{
    size_t count;
    const char **params = settings_split_list(d->settings->template_params, &count);
    const char **old = d->params;

    d->params = params;
    d->defaults = (struct message_defaults){
        .template_name = d->settings->template_name,
        .lang = d->settings->template_lang,
        .sender = d->settings->phone_id,
        .broadcast = "",
        .params = params,
        .param_count = count,
    };
    if (d->stream)
        redis_source_set_defaults(d->stream, &d->defaults);
    mem_free(old);
}

/* ---- From the stream. */

static void on_message(void *context, struct message *m, struct stream_entry *entry,
                       bool taken_over)
{
    struct daemon *d = context;
    struct engine *engine = dispatch_engine(d->dispatch);

    if (taken_over)
        engine_offer_taken_over(engine, m, entry);
    else if (daemon_is_given_up(d, entry))
        engine_offer_given_up(engine, m, entry);
    else
        engine_offer(engine, m, entry);
}

static void on_published(void *context, uint64_t cookie)
{
    daemon_outbox_published(context, cookie);
}

static void on_refused(void *context, const struct err *why)
{
    struct daemon *d = context;

    d->refused = *why;
    log_line(LOG_ERROR, "The stream cannot be read", LOG_STR("error", why->text));
    dispatch_stop(d->dispatch);
}

/* ---- Opening. */

/* Our name in the group: the configured one, else the one that the ledger used last, else a new
 * one. It stays the same in a new container or on a renamed host. */
static void choose_consumer(struct daemon *d, char out[LEDGER_CONSUMER_SIZE])
{
    unsigned char random[6];
    char hex[2 * sizeof(random) + 1];

    if (*d->settings->redis_consumer) {
        (void)snprintf(out, LEDGER_CONSUMER_SIZE, "%s", d->settings->redis_consumer); /* it fits */
    } else if (d->consumers.count) {
        (void)snprintf(out, LEDGER_CONSUMER_SIZE, "%s", d->consumers.names[0]);
    } else {
        random_bytes(random, sizeof(random));
        hex_encode(random, sizeof(random), hex);
        (void)snprintf(out, LEDGER_CONSUMER_SIZE, "tidings-%s", hex);
    }
}

static bool is_new_name(const struct daemon *d, const char *consumer)
{
    for (size_t i = 0; i < d->consumers.count; i++)
        if (strcmp(d->consumers.names[i], consumer) == 0)
            return false;
    return true;
}

static size_t list_former(struct daemon *d, const char *consumer)
{
    size_t count = 0;

    for (size_t i = 0; i < d->consumers.count; i++) {
        if (strcmp(d->consumers.names[i], consumer) != 0)
            d->former[count++] = d->consumers.names[i];
    }
    return count;
}

static void describe_holder(struct daemon *d)
{
    char host[64] = "";

    (void)gethostname(host, sizeof(host) - 1); /* only for people */
    (void)snprintf(d->holder, sizeof(d->holder), "tidings run, pid %ld on %s", (long)getpid(),
                   host);
    (void)snprintf(d->owner, sizeof(d->owner), "%016llx",
                   (unsigned long long)ledger_facts(dispatch_ledger(d->dispatch))->id);
}

static struct redis_source_options stream_options_of(struct daemon *d)
{
    const struct settings *s = d->settings;

    return (struct redis_source_options){
        .url = s->redis_url,
        .stream = {.stream = s->redis_stream,
                   .group = s->redis_group,
                   .former = d->former,
                   .owner = d->owner,
                   .holder = d->holder,
                   .phone_id = s->phone_id,
                   .trim = s->redis_trim,
                   .result_maxlen = s->redis_result_maxlen,
                   .claim = s->redis_claim,
                   .claim_idle_ms = s->redis_claim_idle_ms,
                   .defaults = &d->defaults},
        .events = {d, on_message, on_published, on_refused},
    };
}

bool daemon_stream_open(struct daemon *d, struct err *e)
{
    struct ledger *l = dispatch_ledger(d->dispatch);
    struct redis_source_options options = stream_options_of(d);
    char consumer[LEDGER_CONSUMER_SIZE], *taken;
    bool is_open;

    if (!ledger_consumers(l, &d->consumers, e) || !ledger_given_up(l, d->given_up, e))
        return false;
    choose_consumer(d, consumer);
    options.stream.consumer = consumer;
    options.stream.is_new_name = is_new_name(d, consumer);
    options.stream.taken = taken = stream_taken_name(consumer);
    options.stream.former_count = list_former(d, consumer);
    describe_holder(d);
    is_open = ledger_stream_begin(l, consumer, e) &&
              redis_source_open(dispatch_loop(d->dispatch), &options, &d->stream, e);
    mem_free(taken);
    return is_open;
}

/* ---- To the stream. */

void daemon_stream_pull(struct daemon *d, unsigned want)
{
    if (d->stream)
        redis_source_want(d->stream, want);
}

static bool is_told_by_ledger(const struct engine_view *view)
{
    return view->in_custody || view->outcome->state == STATE_WAITING;
}

void daemon_stream_settled(struct daemon *d, const struct engine_view *view)
{
    const struct stream_result result = {
        .message = view->message,
        .outcome = view->outcome,
        .attempts = view->attempt,
        .at_ms = view->at_ms,
    };

    if (view->outcome->state == STATE_WAITING)
        holds_on_waiting(&d->holds, view->message);
    if (!view->ref || view->in_custody)
        d->outbox.again |= view->outcome->state != STATE_WAITING;
    if (view->ref)
        redis_source_settled(d->stream, view->ref, is_told_by_ledger(view) ? NULL : &result);
}

static bool is_outcome(enum state s)
{
    return s == STATE_UNKNOWN || state_is_final(s);
}

void daemon_stream_known(struct daemon *d, const struct engine_view *view,
                         const struct record *record)
{
    const struct stream_result result = {
        .message = view->message,
        .outcome = view->outcome,
        .attempts = record->known_attempt,
        .at_ms = record->known_at_ms,
    };

    if (!view->ref)
        return;
    if (record->admission == ADMISSION_REUSED)
        redis_source_reject(d->stream, view->ref, "id_reused");
    else if (is_outcome(record->known) && view->outcome)
        redis_source_settled(d->stream, view->ref, &result);
    else /* on its way: its outcome will be told when it is there */
        redis_source_settled(d->stream, view->ref, NULL);
}
