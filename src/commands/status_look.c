/* SPDX-License-Identifier: MIT */
#include "commands/status_look.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int64_t size_of(const char *path, const char *more)
{
    char name[4200];
    struct stat at;

    (void)snprintf(name, sizeof(name), "%s%s", path, more); /* a cut one is not there */
    return stat(name, &at) == 0 ? at.st_size : 0;
}

static void look_at_ledger(struct daemon_status *s, struct dispatch *d,
                           const struct settings *settings)
{
    struct ledger_timing timing = ledger_timing(dispatch_ledger(d));
    uint64_t totals[STATE_COUNT];

    ledger_totals(dispatch_ledger(d), totals);
    s->unknown_total = totals[STATE_UNKNOWN];
    s->waiting = totals[STATE_WAITING];
    s->ledger = (struct status_ledger){
        .path = settings->ledger_path,
        .commits = timing.commits,
        .records = timing.records,
        .last_us = timing.last_us,
        .worst_us = timing.worst_us,
        .bytes = size_of(settings->ledger_path, "") + size_of(settings->ledger_path, "-wal"),
        .commit = ledger_commit_times(dispatch_ledger(d)),
    };
}

static void look_at_tally(struct daemon_status *s, struct dispatch *d)
{
    const struct tally *t = dispatch_tally(d);

    memcpy(s->states, t->states, sizeof(s->states));
    s->duplicates = t->known;
    s->rejected = t->reused;
    s->attempts = t->wired;
    s->unanswered = t->unanswered;
    s->connect_failures = t->unsent;
    for (size_t i = 0; i < t->code_count; i++) {
        if (t->codes[i].code && s->code_count < STATUS_CODES_MAX)
            s->codes[s->code_count++] = (struct status_code){t->codes[i].code, t->codes[i].count};
        else
            s->codes_other += t->codes[i].count;
    }
    s->latency = &t->latency;
    s->lateness = &t->lateness;
}

static void look_at_senders(struct daemon_status *s, struct dispatch *d)
{
    struct engine_sender senders[STATUS_SENDERS_MAX];
    size_t count = engine_senders(dispatch_engine(d), senders, STATUS_SENDERS_MAX, dispatch_now());

    for (size_t i = 0; i < count; i++) {
        struct status_sender *out = &s->senders[i];

        text_copy(out->phone_id, sizeof(out->phone_id), senders[i].phone_id,
                  strlen(senders[i].phone_id));
        out->allowed = senders[i].allowed;
        out->actual = senders[i].actual;
        out->throttles = senders[i].throttles;
    }
    s->sender_count = (unsigned)count;
}

static void look_at_engine(struct daemon_status *s, struct dispatch *d)
{
    struct engine_counts c = dispatch_counts(d);

    s->retries = c.retries;
    s->throttles = c.throttles;
    s->in_flight = c.in_flight;
    s->parked = c.parked;
    s->rate_allowed = dispatch_rate_allowed(d);
    s->rate_actual = dispatch_rate_actual(d);
    s->halts = dispatch_halts_now(d);
    (void)dispatch_network_halt(d, &s->network); /* empty where there is none */
}

void status_look(struct daemon_status *s, struct dispatch *d, const struct settings *settings)
{
    look_at_tally(s, d);
    look_at_engine(s, d);
    look_at_senders(s, d);
    look_at_ledger(s, d, settings);
}
