/* SPDX-License-Identifier: MIT
 *
 * status_text.c: a daemon's status for people, from its JSON: what is not there is left out.
 */
#include "commands/status.h"

#include "base/clock.h"
#include "base/text.h"
#include "commands/live_block.h"

#include <inttypes.h>
#include <string.h>

enum { BAR_CELLS = 24, NAME_CELLS = 20 };

#define GREEN  "\033[32m"
#define RED    "\033[31m"
#define YELLOW "\033[33m"
#define CYAN   "\033[36m"
#define DIM    "\033[2m"
#define BOLD   "\033[1m"
#define PLAIN  "\033[0m"

struct text {
    const struct json *status;
    struct buf *out;
    bool colour;
};

/* ---- Small pieces. */

static void colour_on(const struct text *t, const char *colour)
{
    if (t->colour)
        buf_adds(t->out, colour);
}

static void colour_off(const struct text *t)
{
    if (t->colour)
        buf_adds(t->out, PLAIN);
}

/* What others wrote: no control characters into a terminal. */
static void add_plain(const struct text *t, const char *text)
{
    text_add_plain(t->out, text, strlen(text));
}

static void begin_line(const struct text *t, const char *name)
{
    buf_adds(t->out, "  ");
    colour_on(t, DIM);
    buf_addf(t->out, "%-11s", name);
    colour_off(t);
}

static const char *string_of(const struct json *object, const char *key)
{
    const char *text = json_string(json_get(object, key), NULL);

    return text ? text : "";
}

static uint64_t count_of(const struct json *object, const char *key)
{
    int64_t value;

    return json_int(json_get(object, key), &value) && value > 0 ? (uint64_t)value : 0;
}

static void add_number(const struct text *t, uint64_t value)
{
    char text[32];

    text_grouped(value, text);
    buf_adds(t->out, text);
}

/* "name 1,234"; with a colour where it is not 0. `before` the name: "", or a word and a space. */
static void add_count_of(const struct text *t, const struct json *object, const char *key,
                         const char *before, const char *colour)
{
    uint64_t value = count_of(object, key);
    bool is_shown = colour && value > 0;

    if (!json_get(object, key))
        return;
    if (is_shown)
        colour_on(t, colour);
    buf_adds(t->out, before);
    for (const char *c = key; *c; c++)
        buf_addc(t->out, *c == '_' ? ' ' : *c);
    buf_addc(t->out, ' ');
    add_number(t, value);
    if (is_shown)
        colour_off(t);
    buf_adds(t->out, "   ");
}

static void add_count(const struct text *t, const struct json *object, const char *key,
                      const char *colour)
{
    add_count_of(t, object, key, "", colour);
}

static void add_duration(const struct text *t, int64_t seconds)
{
    if (seconds < 120)
        buf_addf(t->out, "%" PRId64 " s", seconds);
    else if (seconds < 7200)
        buf_addf(t->out, "%" PRId64 " min", seconds / 60);
    else if (seconds < 172800)
        buf_addf(t->out, "%" PRId64 " h %" PRId64 " min", seconds / 3600, seconds / 60 % 60);
    else
        buf_addf(t->out, "%" PRId64 " days", seconds / 86400);
}

/* The time of day here, or the text as it is. */
static void add_time(const struct text *t, const char *rfc3339)
{
    char local[CLOCK_TEXT_SIZE];
    int64_t at_ms;

    if (text_to_time_ms(rfc3339, strlen(rfc3339), &at_ms)) {
        clock_time_of_day(at_ms, clock_wall_ms(), local);
        rfc3339 = local;
    }
    add_plain(t, rfc3339);
}

static void add_ms(const struct text *t, const struct json *object, const char *key)
{
    double ms;

    if (!json_double(json_get(object, key), &ms))
        return;
    buf_addf(t->out, ms < 10 ? "%.1f ms" : "%.0f ms", ms);
}

static void end_line(const struct text *t)
{
    while (t->out->len && t->out->data[t->out->len - 1] == ' ')
        buf_cut(t->out, t->out->len - 1);
    buf_addc(t->out, '\n');
}

/* ---- The lines. */

static const char *state_colour(const char *state)
{
    if (strcmp(state, "running") == 0)
        return GREEN;
    return strcmp(state, "halted") == 0 || strstr(state, "down") ? RED : YELLOW;
}

static void add_head(const struct text *t)
{
    const char *state = string_of(t->status, "state");
    int64_t uptime = (int64_t)count_of(t->status, "uptime_s");

    buf_adds(t->out, "tidings ");
    add_plain(t, string_of(t->status, "version"));
    buf_addf(t->out, " (pid %" PRIu64 "): ", count_of(t->status, "pid"));
    colour_on(t, BOLD);
    colour_on(t, state_colour(state));
    add_plain(t, state);
    colour_off(t);
    if (json_get(t->status, "since")) {
        buf_adds(t->out, " since ");
        add_time(t, string_of(t->status, "since"));
    }
    buf_adds(t->out, ", up ");
    add_duration(t, uptime);
    end_line(t);
}

static void add_rate(const struct text *t, const struct json *rate)
{
    double actual = 0, allowed;

    (void)json_double(json_get(rate, "actual"), &actual); /* 0 when it is not there */
    buf_addf(t->out, "%.0f/s of ", actual);
    if (json_double(json_get(rate, "allowed"), &allowed))
        buf_addf(t->out, "%.0f   ", allowed);
    else
        buf_adds(t->out, "unlimited   ");
}

/* How much is to be done yet, and until when. */
static void add_left(const struct text *t)
{
    const char *done_at = string_of(t->status, "done_at");

    if (!count_of(t->status, "left"))
        return;
    begin_line(t, "left");
    add_number(t, count_of(t->status, "left"));
    if (*done_at) {
        buf_adds(t->out, "   at this rate done at about ");
        add_time(t, done_at);
    }
    end_line(t);
}

static void add_flow(const struct text *t)
{
    begin_line(t, "rate");
    add_rate(t, json_get(t->status, "rate"));
    add_count(t, t->status, "in_flight", NULL);
    add_count(t, t->status, "waiting", NULL);
    add_count(t, t->status, "parked", YELLOW);
    end_line(t);
    add_left(t);
    begin_line(t, "this run");
    add_count(t, t->status, "accepted", GREEN);
    add_count(t, t->status, "failed", RED);
    add_count_of(t, t->status, "unknown", "became ", YELLOW); /* settled ones, too */
    add_count(t, t->status, "skipped", CYAN);
    end_line(t);
    begin_line(t, "requests");
    add_count(t, t->status, "attempts", NULL);
    add_count(t, t->status, "retries", NULL);
    add_count(t, t->status, "throttles", YELLOW);
    add_count(t, t->status, "unanswered", YELLOW);
    add_count(t, t->status, "connect_failures", YELLOW);
    end_line(t);
}

/* More than one sender: each by itself. */
static void add_senders(const struct text *t)
{
    const struct json *senders = json_get(t->status, "senders");

    for (size_t i = 0; json_count(senders) > 1 && i < json_count(senders); i++) {
        const struct json *sender = json_at(senders, i);

        begin_line(t, i ? "" : "senders");
        add_plain(t, string_of(sender, "sender"));
        buf_adds(t->out, "   ");
        add_rate(t, sender);
        add_count(t, sender, "throttles", YELLOW);
        end_line(t);
    }
}

static void add_quantiles(const struct text *t, const char *name, const char *key)
{
    static const char *const shown[] = {"p50", "p95", "p99", "max"};
    const struct json *quantiles = json_get(t->status, key);

    if (!quantiles)
        return;
    begin_line(t, name);
    for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
        buf_addf(t->out, "%s ", shown[i]);
        add_ms(t, quantiles, shown[i]);
        buf_adds(t->out, "   ");
    }
    end_line(t);
}

static void add_redis(const struct text *t)
{
    const struct json *redis = json_get(t->status, "redis");
    bool connected = false, usable;
    double age = 0;

    if (!redis)
        return;
    (void)json_bool(json_get(redis, "connected"), &connected); /* not there: not connected */
    usable = connected;
    (void)json_bool(json_get(redis, "usable"), &usable);      /* not there: as above */
    (void)json_double(json_get(redis, "oldest_age_s"), &age); /* not there: 0 */
    begin_line(t, "redis");
    colour_on(t, usable ? GREEN : RED);
    buf_adds(t->out, *string_of(redis, "state") ? string_of(redis, "state")
                     : connected                ? "connected"
                                                : "not connected");
    colour_off(t);
    buf_adds(t->out, "   ");
    add_count(t, redis, "lag", NULL);
    add_count(t, redis, "pending", NULL);
    add_count(t, redis, "dead", YELLOW);
    if (count_of(redis, "lost"))
        add_count(t, redis, "lost", RED);
    if (count_of(redis, "groups_lost"))
        add_count(t, redis, "groups_lost", YELLOW);
    if (age > 0)
        buf_addf(t->out, "oldest %.1f s", age);
    end_line(t);
    if (!*string_of(redis, "error"))
        return;
    begin_line(t, "");
    add_plain(t, string_of(redis, "error"));
    end_line(t);
}

static void add_ledger(const struct text *t)
{
    const struct json *ledger = json_get(t->status, "ledger");

    if (!ledger)
        return;
    begin_line(t, "ledger");
    add_plain(t, string_of(ledger, "path"));
    buf_adds(t->out, "   last commit ");
    add_ms(t, ledger, "last_ms");
    buf_adds(t->out, "   worst ");
    add_ms(t, ledger, "worst_ms");
    buf_adds(t->out, "   loop lag ");
    add_ms(t, t->status, "loop_lag_ms");
    end_line(t);
}

static void add_webhooks(const struct text *t)
{
    const struct json *webhooks = json_get(t->status, "webhooks");

    if (!webhooks)
        return;
    begin_line(t, "webhooks");
    add_count(t, webhooks, "sent", NULL);
    add_count(t, webhooks, "delivered", NULL);
    add_count(t, webhooks, "read", NULL);
    add_count(t, webhooks, "undelivered", YELLOW);
    add_count(t, webhooks, "rejected", RED);
    add_count(t, webhooks, "settled", NULL);
    if (count_of(webhooks, "accepted_twice"))
        add_count(t, webhooks, "accepted_twice", RED);
    end_line(t);
}

static void add_codes(const struct text *t)
{
    const struct json *codes = json_get(t->status, "codes");

    if (!json_count(codes))
        return;
    begin_line(t, "errors");
    for (size_t i = 0; i < json_count(codes); i++) {
        buf_addf(t->out, "%" PRIu64 " x ", count_of(json_at(codes, i), "count"));
        buf_addf(t->out, "%" PRIu64 "   ", count_of(json_at(codes, i), "code"));
    }
    buf_adds(t->out, "(tidings errors CODE says more)");
    end_line(t);
}

/* A count that a person should look at, and why. */
static void add_warning(const struct text *t, const char *name, const char *key, const char *why)
{
    if (!count_of(t->status, key))
        return;
    begin_line(t, name);
    colour_on(t, YELLOW);
    add_number(t, count_of(t->status, key));
    colour_off(t);
    buf_adds(t->out, why);
    end_line(t);
}

static void add_settings(const struct text *t)
{
    bool failed = false;

    if (!json_bool(json_get(t->status, "reload_failed"), &failed) || !failed)
        return;
    begin_line(t, "settings");
    colour_on(t, RED);
    buf_adds(t->out, "the last reload was refused (the log says why); the ones before "
                     "it hold");
    colour_off(t);
    end_line(t);
}

/* "token: everything", but not "template: template results_update (en_US)". */
static void add_subject(const struct text *t, const struct json *halt)
{
    const char *kind = string_of(halt, "kind"), *what = string_of(halt, "what");

    colour_on(t, RED);
    if (strncmp(what, kind, strlen(kind)) != 0) {
        add_plain(t, kind);
        buf_adds(t->out, ": ");
    }
    add_plain(t, what);
    colour_off(t);
}

static void add_halts(const struct text *t)
{
    const struct json *halts = json_get(t->status, "halts");

    for (size_t i = 0; i < json_count(halts); i++) {
        const struct json *halt = json_at(halts, i);

        begin_line(t, i ? "" : "halted");
        add_subject(t, halt);
        if (count_of(halt, "code"))
            buf_addf(t->out, " (code %" PRIu64 ")", count_of(halt, "code"));
        buf_adds(t->out, " since ");
        add_time(t, string_of(halt, "since"));
        end_line(t);
        begin_line(t, "");
        add_plain(t, string_of(halt, "hint"));
        end_line(t);
    }
}

static uint64_t done_of(const struct json *broadcast)
{
    return count_of(broadcast, "accepted") + count_of(broadcast, "failed") +
           count_of(broadcast, "unknown") + count_of(broadcast, "skipped");
}

/* The width of a name, in characters, so that the bars stand below each other. */
static void add_padding(const struct text *t, const char *name)
{
    unsigned width = 0;

    for (; *name; name++)
        width += ((unsigned char)*name & 0xc0) != 0x80;
    buf_addf(t->out, "%*s", width < NAME_CELLS ? (int)(NAME_CELLS - width) : 0, "");
}

static void add_progress(const struct text *t, uint64_t done, uint64_t total)
{
    add_number(t, done);
    if (!total)
        return;
    buf_addc(t->out, '/');
    add_number(t, total);
    buf_addf(t->out, "   %.1f %%", 100.0 * (double)done / (double)total);
}

static void add_broadcast(const struct text *t, const struct json *b)
{
    struct bar bar = {done_of(b), count_of(b, "total"), BAR_CELLS};
    const char *state = string_of(b, "state");

    buf_adds(t->out, "  ");
    add_plain(t, string_of(b, "name"));
    add_padding(t, string_of(b, "name"));
    buf_addc(t->out, ' ');
    bar_add(t->out, &bar, t->colour);
    buf_addc(t->out, ' ');
    add_progress(t, bar.part, bar.whole);
    buf_adds(t->out, "   ");
    add_count(t, b, "failed", RED);
    add_count(t, b, "unknown", YELLOW);
    if (strcmp(state, "open") != 0)
        add_plain(t, state);
    end_line(t);
}

static void add_broadcasts(const struct text *t)
{
    const struct json *broadcasts = json_get(t->status, "broadcasts");
    uint64_t more = count_of(t->status, "broadcasts_more");

    for (size_t i = 0; i < json_count(broadcasts); i++)
        add_broadcast(t, json_at(broadcasts, i));
    if (more)
        buf_addf(t->out, "  and %" PRIu64 " more broadcasts\n", more);
}

void status_text(const struct json *status, bool colour, struct buf *out)
{
    struct text t = {status, out, colour};

    add_head(&t);
    add_flow(&t);
    add_senders(&t);
    add_quantiles(&t, "latency", "latency_ms");
    add_quantiles(&t, "lateness", "lateness_ms");
    add_redis(&t);
    add_ledger(&t);
    add_webhooks(&t);
    add_codes(&t);
    add_warning(&t, "unknown", "unknown_total", " in the ledger: tidings reconcile settles them");
    add_warning(&t, "log", "log_dropped", " lines had no room: it is written too slowly");
    add_settings(&t);
    add_halts(&t);
    add_broadcasts(&t);
}

void status_line(const struct json *status, struct buf *out)
{
    static const char *const counts[] = {"accepted",  "failed",  "unknown", "skipped",
                                         "in_flight", "waiting", "parked"};
    struct text t = {status, out, false};

    add_time(&t, string_of(status, "now"));
    buf_addc(out, ' ');
    add_plain(&t, string_of(status, "state"));
    buf_adds(out, ", rate ");
    add_rate(&t, json_get(status, "rate"));
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        add_count(&t, status, counts[i], NULL);
    end_line(&t);
}
