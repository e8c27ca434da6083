/* SPDX-License-Identifier: MIT */
#include "commands/status.h"

#include "base/clock.h"
#include "commands/way_on.h"

#include <assert.h>
#include <string.h>

static const double soon_s = 10;

static const char *const state_names[DAEMON_STATE_COUNT] = {
    [DAEMON_RUNNING] = "running",       [DAEMON_STARTING] = "starting",
    [DAEMON_PAUSED] = "paused",         [DAEMON_DISABLED] = "disabled",
    [DAEMON_HALTED] = "halted",         [DAEMON_NETWORK_DOWN] = "network down",
    [DAEMON_REDIS_DOWN] = "redis down", [DAEMON_DRAINING] = "draining",
};

const char *daemon_state_name(enum daemon_state state)
{
    return state_names[state];
}

void status_count_code(struct daemon_status *s, int code)
{
    for (unsigned i = 0; i < s->code_count; i++) {
        if (s->codes[i].code == code) {
            s->codes[i].count++;
            return;
        }
    }
    if (s->code_count < STATUS_CODES_MAX)
        s->codes[s->code_count++] = (struct status_code){code, 1};
    else
        s->codes_other++;
}

static bool is_daemon(const struct daemon_status *s)
{
    return s->kind && strcmp(s->kind, "daemon") == 0;
}

/* Null where it is 0. */
static void put_time(struct json_writer *w, const char *key, int64_t wall_ms)
{
    char text[CLOCK_TEXT_SIZE];

    if (wall_ms)
        clock_text(wall_ms, text);
    json_put_string(w, key, wall_ms ? text : NULL);
}

static void put_count(struct json_writer *w, const char *key, uint64_t value)
{
    json_put_int(w, key, value < INT64_MAX ? (int64_t)value : INT64_MAX);
}

/* Milliseconds with a thousandth, from microseconds. */
static void put_ms(struct json_writer *w, const char *key, int64_t us)
{
    json_put_double(w, key, (double)us / 1000, 3);
}

static void put_states(struct json_writer *w, const uint64_t counts[STATE_COUNT])
{
    static const enum state shown[] = {STATE_ACCEPTED, STATE_FAILED, STATE_UNKNOWN, STATE_SKIPPED};

    for (size_t i = 0; i < ARRAY_SIZE(shown); i++)
        put_count(w, state_name(shown[i]), counts[shown[i]]);
}

static void put_counters(struct json_writer *w, const struct daemon_status *s)
{
    put_states(w, s->states);
    put_count(w, "duplicates", s->duplicates);
    put_count(w, "rejected", s->rejected);
    put_count(w, "attempts", s->attempts);
    put_count(w, "retries", s->retries);
    put_count(w, "throttles", s->throttles);
    put_count(w, "unanswered", s->unanswered);
    put_count(w, "connect_failures", s->connect_failures);
    put_count(w, "unknown_total", s->unknown_total);
    put_count(w, "in_flight", s->in_flight);
    put_count(w, "waiting", s->waiting);
    put_count(w, "parked", s->parked);
}

static void put_codes(struct json_writer *w, const struct daemon_status *s)
{
    json_begin(w, "codes", '[');
    for (unsigned i = 0; i < s->code_count; i++) {
        json_begin(w, NULL, '{');
        json_put_int(w, "code", s->codes[i].code);
        put_count(w, "count", s->codes[i].count);
        json_end(w, '}');
    }
    json_end(w, ']');
    put_count(w, "codes_other", s->codes_other);
}

/* ---- How much is left, and until when. */

/* Entries that were read: those in flight and those that a halt parks; not those whose result Redis
 * does not take. What is parked of the ledger's waiting ones is counted there. */
static uint64_t held(const struct daemon_status *s)
{
    uint64_t pending = s->redis.pending > 0 ? (uint64_t)s->redis.pending : 0;
    uint64_t most = s->in_flight + s->parked;
    uint64_t read = pending < most ? pending : most;

    return read > s->in_flight ? read : s->in_flight;
}

/* Of a daemon what waits in the ledger, what it holds, and what Redis has; of a run what its
 * broadcast has not finished. */
static uint64_t left(const struct daemon_status *s)
{
    if (!is_daemon(s))
        return s->broadcast_count ? s->broadcasts[0].counts[STATE_WAITING] : 0;
    return s->waiting + held(s) + (s->redis.lag > 0 ? (uint64_t)s->redis.lag : 0);
}

/* What the operator holds by name. */
static uint64_t paused(const struct daemon_status *s)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < s->broadcast_count; i++) {
        if (strcmp(s->broadcasts[i].state, "paused") == 0)
            count += s->broadcasts[i].counts[STATE_WAITING];
    }
    return count;
}

/* At the rate of now. 0: not known. A rate far below what is allowed is no pace: what is left is
 * not due, or comes only now. Nor is what Redis has known to the second: soon is not told. */
static int64_t done_at_ms(const struct daemon_status *s)
{
    uint64_t all = left(s), not_now = paused(s);
    double seconds;

    if (s->state != DAEMON_RUNNING || all <= not_now || s->rate_actual <= s->rate_allowed / 2)
        return 0;
    seconds = (double)(all - not_now) / s->rate_actual;
    return seconds < soon_s ? 0 : s->now_ms + (int64_t)(seconds * 1000);
}

/* `allowed` is null when it is unlimited. */
static void put_rate(struct json_writer *w, double allowed, double actual)
{
    if (allowed > 0)
        json_put_double(w, "allowed", allowed, 2);
    else
        json_put_string(w, "allowed", NULL);
    json_put_double(w, "actual", actual, 2);
}

static void put_rates(struct json_writer *w, const struct daemon_status *s)
{
    json_begin(w, "rate", '{');
    put_rate(w, s->rate_allowed, s->rate_actual);
    json_end(w, '}');
    json_begin(w, "senders", '[');
    for (unsigned i = 0; i < s->sender_count; i++) {
        json_begin(w, NULL, '{');
        json_put_string(w, "sender", s->senders[i].phone_id);
        put_rate(w, s->senders[i].allowed, s->senders[i].actual);
        put_count(w, "throttles", s->senders[i].throttles);
        json_end(w, '}');
    }
    json_end(w, ']');
}

static void put_halt(struct json_writer *w, const struct daemon_status *s, const struct halt *h)
{
    char hint[WAY_ON_SIZE];

    json_begin(w, NULL, '{');
    json_put_string(w, "kind", halt_name(h->kind));
    json_put_string(w, "what", h->what);
    json_put_int(w, "code", h->code);
    json_put_string(w, "hint", way_on_text(h, is_daemon(s), hint));
    put_time(w, "since", h->since_ms);
    json_end(w, '}');
}

static void put_halts(struct json_writer *w, const struct daemon_status *s)
{
    json_begin(w, "halts", '[');
    for (unsigned i = 0; s->halts && i < s->halts->count; i++)
        put_halt(w, s, &s->halts->items[i]);
    if (s->network.kind)
        put_halt(w, s, &s->network);
    json_end(w, ']');
}

static void put_quantiles(struct json_writer *w, const char *key, const struct histogram *h)
{
    static const struct {
        const char *name;
        double q;
    } shown[] = {{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}};

    if (!h || !h->count)
        return;
    json_begin(w, key, '{');
    for (size_t i = 0; i < ARRAY_SIZE(shown); i++)
        put_ms(w, shown[i].name, histogram_quantile(h, shown[i].q));
    put_ms(w, "max", (int64_t)h->max);
    json_end(w, '}');
}

static void put_redis(struct json_writer *w, const struct status_redis *r)
{
    if (!r->configured)
        return;
    json_begin(w, "redis", '{');
    json_put_bool(w, "connected", r->connected);
    json_put_bool(w, "usable", r->usable);
    json_put_string(w, "state", r->state);
    if (r->lag >= 0)
        json_put_int(w, "lag", r->lag);
    else
        json_put_string(w, "lag", NULL);
    json_put_int(w, "pending", r->pending);
    json_put_double(w, "oldest_age_s", r->oldest_age_s, 1);
    put_count(w, "read", r->read);
    put_count(w, "acked", r->acked);
    put_count(w, "dead", r->dead);
    put_count(w, "lost", r->lost_pending + r->lost_unread);
    put_count(w, "groups_lost", r->groups_lost);
    put_count(w, "published", r->published);
    json_put_string(w, "error", r->error);
    json_end(w, '}');
}

static void put_ledger(struct json_writer *w, const struct status_ledger *l)
{
    json_begin(w, "ledger", '{');
    json_put_string(w, "path", l->path);
    put_count(w, "commits", l->commits);
    put_count(w, "records", l->records);
    put_ms(w, "last_ms", l->last_us);
    put_ms(w, "worst_ms", l->worst_us);
    json_put_int(w, "bytes", l->bytes);
    json_end(w, '}');
}

static void put_webhooks(struct json_writer *w, const struct status_webhooks *h)
{
    static const char *const names[] = {"sent", "delivered", "read", "undelivered"};

    if (!h->listening)
        return;
    json_begin(w, "webhooks", '{');
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        put_count(w, names[i], h->statuses[i]);
    put_count(w, "bodies", h->bodies);
    put_count(w, "rejected", h->rejected);
    put_count(w, "unmatched", h->unmatched);
    put_count(w, "settled", h->settled);
    put_count(w, "accepted_twice", h->twins);
    json_end(w, '}');
}

static void put_broadcasts(struct json_writer *w, const struct daemon_status *s)
{
    json_begin(w, "broadcasts", '[');
    for (unsigned i = 0; i < s->broadcast_count; i++) {
        const struct status_broadcast *b = &s->broadcasts[i];

        json_begin(w, NULL, '{');
        json_put_string(w, "name", b->name);
        json_put_string(w, "state", b->state);
        put_count(w, "total", b->total);
        put_states(w, b->counts);
        put_count(w, "waiting", b->counts[STATE_WAITING] + b->counts[STATE_SENDING]);
        json_end(w, '}');
    }
    json_end(w, ']');
    put_count(w, "broadcasts_more", s->broadcasts_more);
}

void status_json(const struct daemon_status *s, struct buf *out)
{
    struct json_writer w = {.out = out};

    json_begin(&w, NULL, '{');
    json_put_int(&w, "v", 1);
    json_put_bool(&w, "ok", true);
    json_put_string(&w, "kind", s->kind);
    json_put_string(&w, "state", daemon_state_name(s->state));
    put_time(&w, "since", s->since_ms);
    json_put_int(&w, "pid", s->pid);
    json_put_string(&w, "version", s->version);
    put_time(&w, "now", s->now_ms);
    put_time(&w, "started", s->started_ms);
    json_put_int(&w, "uptime_s", s->started_ms ? (s->now_ms - s->started_ms) / 1000 : 0);
    put_counters(&w, s);
    put_rates(&w, s);
    put_count(&w, "left", left(s));
    put_time(&w, "done_at", done_at_ms(s));
    put_codes(&w, s);
    put_halts(&w, s);
    put_quantiles(&w, "latency_ms", s->latency);
    put_quantiles(&w, "lateness_ms", s->lateness);
    put_ms(&w, "loop_lag_ms", s->loop_lag_us);
    put_count(&w, "log_dropped", s->log_dropped);
    json_put_bool(&w, "reload_failed", s->reload_failed);
    put_redis(&w, &s->redis);
    put_ledger(&w, &s->ledger);
    put_webhooks(&w, &s->webhooks);
    put_broadcasts(&w, s);
    json_end(&w, '}');
}
