/* SPDX-License-Identifier: MIT */
#include "commands/daemon_metrics.h"

#include "base/metrics.h"

#include <math.h>
#include <stdio.h>

static const struct metric_label none = {0};

/* Seconds. Graph answers in 0.1 to 3 s; http.timeout_ms ends at 600. */
static const double latency_bounds[] = {0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75,
                                        1,    1.5, 2,    3,   5,    10,  30,  60};
/* A tick is 10 to 20 ms; more than that behind is worth a look. */
static const double lateness_bounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                         0.5,   1,      2.5,   5,    10,    30,   60};
/* An fdatasync: 0.1 ms on good flash to seconds on a sick disk. */
static const double commit_bounds[] = {0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                       0.05,    0.1,    0.25,  0.5,    1,     2.5,  5};

static struct metric_label label(const char *name, const char *value)
{
    return (struct metric_label){name, value};
}

static void counter(struct metrics *m, const char *name, const char *help, uint64_t value)
{
    metrics_family(m, METRIC_COUNTER, name, help);
    metrics_count(m, none, value);
}

static void gauge(struct metrics *m, const char *name, const char *help, double value)
{
    metrics_family(m, METRIC_GAUGE, name, help);
    metrics_value(m, none, value);
}

static void write_process(struct metrics *m, const struct daemon_status *s)
{
    metrics_family(m, METRIC_GAUGE, "tidings_build_info", "Constant 1, with the version.");
    metrics_value(m, label("version", s->version ? s->version : ""), 1);
    gauge(m, "tidings_start_time_seconds", "When the daemon started, Unix seconds.",
          (double)s->started_ms / 1000);
    metrics_family(m, METRIC_GAUGE, "tidings_state",
                   "1 for the state that the daemon is in, 0 for the others.");
    for (unsigned i = 0; i < DAEMON_STATE_COUNT; i++)
        metrics_value(m, label("state", daemon_state_name(i)), s->state == (enum daemon_state)i);
    gauge(m, "tidings_loop_lag_seconds",
          "How late the event loop's last heartbeat was; there are two a second.",
          (double)s->loop_lag_us / 1e6);
    counter(m, "tidings_log_dropped_lines_total", "Log lines that had no room.", s->log_dropped);
    gauge(m, "tidings_config_last_reload_successful",
          "0 when the last reload of the configuration was refused.", !s->reload_failed);
}

static void write_messages(struct metrics *m, const struct daemon_status *s)
{
    static const enum state shown[] = {STATE_ACCEPTED, STATE_FAILED, STATE_UNKNOWN, STATE_SKIPPED};

    metrics_family(m, METRIC_COUNTER, "tidings_messages_total",
                   "Messages that reached an outcome since the start.");
    for (size_t i = 0; i < ARRAY_SIZE(shown); i++)
        metrics_count(m, label("outcome", state_name(shown[i])), s->states[shown[i]]);
    metrics_count(m, label("outcome", "duplicate"), s->duplicates);
    metrics_count(m, label("outcome", "invalid"), s->rejected);
    counter(m, "tidings_attempts_total", "Requests that reached the wire.", s->attempts);
    counter(m, "tidings_retries_total", "Attempts after the first of a message.", s->retries);
    counter(m, "tidings_unanswered_requests_total", "Requests that were not answered.",
            s->unanswered);
    counter(m, "tidings_connect_failures_total",
            "Attempts that surely did not leave: connection, DNS or TLS failed.",
            s->connect_failures);
    gauge(m, "tidings_in_flight_requests", "Requests on the wire that wait for their answer.",
          s->in_flight);
    gauge(m, "tidings_retry_waiting_messages", "Messages that wait for a later try.",
          (double)s->waiting);
    gauge(m, "tidings_parked_messages", "Messages held by a halt of their sender or template.",
          (double)s->parked);
    gauge(m, "tidings_unknown_messages",
          "Messages in the ledger of which Graph's answer is unknown.", (double)s->unknown_total);
}

static void write_errors(struct metrics *m, const struct daemon_status *s)
{
    char code[16];

    metrics_family(m, METRIC_COUNTER, "tidings_graph_errors_total",
                   "Error answers of Graph by its code.");
    for (unsigned i = 0; i < s->code_count; i++) {
        (void)snprintf(code, sizeof(code), "%d", s->codes[i].code); /* has room */
        metrics_count(m, label("code", code), s->codes[i].count);
    }
    metrics_count(m, label("code", "other"), s->codes_other);
}

/* One sender's figures, or those of all where single senders are not known. */
static void write_rates(struct metrics *m, const struct daemon_status *s)
{
    metrics_family(m, METRIC_COUNTER, "tidings_throttled_total",
                   "Answers that say that it is too fast.");
    for (unsigned i = 0; i < s->sender_count; i++)
        metrics_count(m, label("sender", s->senders[i].phone_id), s->senders[i].throttles);
    if (!s->sender_count)
        metrics_count(m, none, s->throttles);
    metrics_family(m, METRIC_GAUGE, "tidings_rate_allowed_messages_per_second",
                   "The rate allowed now; +Inf when it is unlimited.");
    for (unsigned i = 0; i < s->sender_count; i++)
        metrics_value(m, label("sender", s->senders[i].phone_id),
                      s->senders[i].allowed > 0 ? s->senders[i].allowed : (double)INFINITY);
    if (!s->sender_count)
        metrics_value(m, none, s->rate_allowed > 0 ? s->rate_allowed : (double)INFINITY);
    metrics_family(m, METRIC_GAUGE, "tidings_rate_actual_messages_per_second",
                   "Messages in the last second.");
    for (unsigned i = 0; i < s->sender_count; i++)
        metrics_value(m, label("sender", s->senders[i].phone_id), s->senders[i].actual);
    if (!s->sender_count)
        metrics_value(m, none, s->rate_actual);
}

static void write_halts(struct metrics *m, const struct daemon_status *s)
{
    unsigned counts[HALT_KIND_COUNT] = {0};

    for (unsigned i = 0; s->halts && i < s->halts->count; i++)
        counts[s->halts->items[i].kind]++;
    if (s->network.kind)
        counts[HALT_NETWORK]++;
    metrics_family(m, METRIC_GAUGE, "tidings_paused", "Halts in force, by what raised them.");
    for (unsigned i = HALT_NONE + 1; i < HALT_KIND_COUNT; i++)
        metrics_value(m, label("reason", halt_name((enum halt_kind)i)), counts[i]);
}

static void write_times(struct metrics *m, const struct daemon_status *s)
{
    metrics_family(m, METRIC_HISTOGRAM, "tidings_send_latency_seconds",
                   "From the wire to Graph's answer.");
    metrics_histogram(m, latency_bounds, ARRAY_SIZE(latency_bounds), s->latency);
    metrics_family(m, METRIC_HISTOGRAM, "tidings_send_lateness_seconds",
                   "From the planned moment of a request to the wire.");
    metrics_histogram(m, lateness_bounds, ARRAY_SIZE(lateness_bounds), s->lateness);
}

static void write_ledger(struct metrics *m, const struct daemon_status *s)
{
    counter(m, "tidings_ledger_commits_total", "Commits of the ledger.", s->ledger.commits);
    counter(m, "tidings_ledger_records_total", "Records in these commits.", s->ledger.records);
    gauge(m, "tidings_ledger_last_commit_seconds", "How long the last commit took.",
          (double)s->ledger.last_us / 1e6);
    gauge(m, "tidings_ledger_worst_commit_seconds", "The longest commit since the start.",
          (double)s->ledger.worst_us / 1e6);
    gauge(m, "tidings_ledger_size_bytes", "Size of the ledger's files.", (double)s->ledger.bytes);
    metrics_family(m, METRIC_HISTOGRAM, "tidings_ledger_commit_seconds", "Duration of commits.");
    metrics_histogram(m, commit_bounds, ARRAY_SIZE(commit_bounds), s->ledger.commit);
}

static void write_redis(struct metrics *m, const struct status_redis *r)
{
    if (!r->configured)
        return;
    gauge(m, "tidings_redis_connected", "1 while Redis can be used.", r->usable);
    gauge(m, "tidings_stream_lag_entries", "Entries of the stream not read yet; NaN: not known.",
          r->lag < 0 ? (double)NAN : (double)r->lag);
    gauge(m, "tidings_stream_pending_entries", "Entries read and not acknowledged.",
          (double)r->pending);
    gauge(m, "tidings_stream_oldest_age_seconds", "Age of the oldest entry that was not read yet.",
          r->oldest_age_s);
    counter(m, "tidings_stream_read_entries_total", "Entries read.", r->read);
    counter(m, "tidings_stream_acked_entries_total", "Entries acknowledged.", r->acked);
    counter(m, "tidings_stream_dead_entries_total", "Entries put on the dead stream.", r->dead);
    metrics_family(m, METRIC_COUNTER, "tidings_stream_lost_entries_total",
                   "Entries trimmed or deleted before they were sent.");
    metrics_count(m, label("reason", "pending"), r->lost_pending);
    metrics_count(m, label("reason", "unread"), r->lost_unread);
    counter(m, "tidings_stream_groups_lost_total",
            "Groups that were lost, with or without their stream, and made anew.", r->groups_lost);
    counter(m, "tidings_stream_results_total", "Entries put on the result stream.", r->published);
}

static void write_webhooks(struct metrics *m, const struct status_webhooks *h)
{
    static const char *const names[] = {"sent", "delivered", "read", "undelivered"};

    if (!h->listening)
        return;
    metrics_family(m, METRIC_COUNTER, "tidings_webhook_statuses_total",
                   "Statuses that webhooks brought.");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        metrics_count(m, label("status", names[i]), h->statuses[i]);
    counter(m, "tidings_webhook_requests_total", "Webhook requests with a right signature.",
            h->bodies);
    counter(m, "tidings_webhook_rejected_total", "Webhook requests with a bad or no signature.",
            h->rejected);
    counter(m, "tidings_webhook_unmatched_total", "Statuses of no message of this ledger.",
            h->unmatched);
    counter(m, "tidings_webhook_settled_total",
            "Messages that a status settled: unknown before, or waiting to be sent again.",
            h->settled);
    counter(m, "tidings_webhook_accepted_twice_total",
            "Messages that Graph accepted twice, by their statuses.", h->twins);
}

static void write_broadcasts(struct metrics *m, const struct daemon_status *s)
{
    uint64_t left = 0;

    for (unsigned i = 0; i < s->broadcast_count; i++) {
        const struct status_broadcast *b = &s->broadcasts[i];
        uint64_t done = b->counts[STATE_ACCEPTED] + b->counts[STATE_FAILED] +
                        b->counts[STATE_UNKNOWN] + b->counts[STATE_SKIPPED];

        left += b->total > done ? b->total - done : 0;
    }
    gauge(m, "tidings_broadcasts_unfinished", "Broadcasts that are not complete.",
          (double)s->broadcast_count + (double)s->broadcasts_more);
    gauge(m, "tidings_broadcast_remaining_messages", "Messages left in unfinished broadcasts.",
          (double)left);
}

void daemon_metrics_write(const struct daemon_status *s, struct buf *out)
{
    struct metrics m = {.out = out};

    write_process(&m, s);
    write_messages(&m, s);
    write_errors(&m, s);
    write_rates(&m, s);
    write_halts(&m, s);
    write_times(&m, s);
    write_ledger(&m, s);
    write_redis(&m, &s->redis);
    write_webhooks(&m, &s->webhooks);
    write_broadcasts(&m, s);
}
