/* SPDX-License-Identifier: MIT
 *
 * test_status_sample.h: a daemon's status in which everything has something to say.
 */
#ifndef TEST_STATUS_SAMPLE_H
#define TEST_STATUS_SAMPLE_H

#include "commands/status.h"

#include <stdio.h>
#include <string.h>

struct sample {
    struct daemon_status status;
    struct halts halts;
    struct histogram latency, lateness, commit;
};

static inline void sample_halts(struct sample *s)
{
    struct halt template_halt = {.kind = HALT_TEMPLATE,
                                 .subject = 7,
                                 .code = 132015,
                                 .since_ms = 1775122262000,
                                 .until_us = INT64_MAX};
    struct halt operator_halt = {
        .kind = HALT_OPERATOR, .since_ms = 1775122263000, .until_us = INT64_MAX};

    (void)snprintf(template_halt.what, HALT_WHAT_MAX, "template \"results\\update\" (en_US)");
    (void)snprintf(template_halt.hint, HALT_TEXT_MAX, "Mend it in WhatsApp Manager.");
    (void)snprintf(operator_halt.what, HALT_WHAT_MAX, "everything");
    (void)snprintf(operator_halt.hint, HALT_TEXT_MAX, "tidings resume goes on");
    (void)halt_raise(&s->halts, &template_halt);
    (void)halt_raise(&s->halts, &operator_halt);
    s->status.halts = &s->halts;
}

static inline void sample_times(struct sample *s)
{
    for (int64_t i = 1; i <= 1000; i++) {
        histogram_add(&s->latency, i * 1000);
        histogram_add(&s->lateness, i * 10);
        histogram_add(&s->commit, i * 5);
    }
    s->status.latency = &s->latency;
    s->status.lateness = &s->lateness;
    s->status.ledger.commit = &s->commit;
}

static inline void sample_parts(struct daemon_status *d)
{
    d->redis = (struct status_redis){.configured = true,
                                     .connected = true,
                                     .state = "connected",
                                     .lag = 120,
                                     .pending = 304,
                                     .oldest_age_s = 1.25,
                                     .read = 13000,
                                     .acked = 12690,
                                     .dead = 2,
                                     .published = 12690,
                                     .error = "LOADING \033[31mRedis\n is loading"};
    d->ledger.path = "/var/lib/tidings/ledger.db";
    d->ledger.commits = 4000;
    d->ledger.records = 25000;
    d->ledger.last_us = 3100;
    d->ledger.worst_us = 41250;
    d->ledger.bytes = 123456789;
    d->webhooks = (struct status_webhooks){true, {12000, 11000, 9000, 12}, 23000, 3, 40, 7, 1};
    d->senders[0] = (struct status_sender){"915988834937783", 1000, 998, 4};
    d->senders[1] = (struct status_sender){"915988834937784", 0, 2, 0};
    d->sender_count = 2;
    d->broadcasts[0] =
        (struct status_broadcast){.name = "results-april", .state = "open", .total = 10000};
    d->broadcasts[0].counts[STATE_ACCEPTED] = 6117;
    d->broadcasts[0].counts[STATE_FAILED] = 3;
    d->broadcasts[0].counts[STATE_WAITING] = 20;
    d->broadcasts[1] = (struct status_broadcast){.name = "mock-exam", .state = "paused"};
    d->broadcast_count = 2;
    d->broadcasts_more = 5;
}

/* `s` is zeroed. */
static inline void sample_fill(struct sample *s)
{
    struct daemon_status *d = &s->status;

    d->kind = "daemon";
    d->state = DAEMON_PAUSED;
    d->version = "0.1.0";
    d->pid = 4711;
    d->now_ms = 1775122323000;
    d->started_ms = d->now_ms - 11530000;
    d->since_ms = 1775122263000;
    d->states[STATE_ACCEPTED] = 12345;
    d->states[STATE_FAILED] = 3;
    d->states[STATE_UNKNOWN] = 1;
    d->states[STATE_SKIPPED] = 2;
    d->duplicates = 17;
    d->rejected = 4;
    d->attempts = 12360;
    d->retries = 9;
    d->throttles = 4;
    d->connect_failures = 6;
    d->unanswered = 1;
    d->unknown_total = 3;
    d->in_flight = 304;
    d->waiting = 12;
    d->parked = 5;
    d->rate_allowed = 1000;
    d->rate_actual = 998;
    d->loop_lag_us = 1200;
    d->log_dropped = 8;
    status_count_code(d, 131026);
    status_count_code(d, 131049);
    status_count_code(d, 131026);
    sample_halts(s);
    sample_times(s);
    sample_parts(d);
}

#endif
