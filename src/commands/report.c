/* SPDX-License-Identifier: MIT */
#include "commands/report.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "commands/next_command.h"
#include "commands/way_on.h"

#include <string.h>

/* ---- What it comes to. */

static enum exit_code code_of_halts(const struct halts *halts)
{
    for (unsigned i = 0; i < halts->count; i++) {
        if (halts->items[i].kind == HALT_TOKEN)
            return EXIT_NO_PERMISSION;
    }
    return EXIT_WORK_LEFT;
}

/* Some were cancelled as part of everything: nobody said so of this run. */
static bool lost_some(const struct report *r)
{
    return tally_total(r->tally, STATE_SKIPPED) && report_truth_cancelled(&r->truth);
}

enum exit_code report_exit_code(const struct report *r)
{
    if (r->is_cancelled)
        return EXIT_WORK_LEFT;
    switch (r->end) {
    case DISPATCH_INTERRUPTED:
        break;
    case DISPATCH_HALTED:
        return code_of_halts(r->halts);
    case DISPATCH_UNREACHABLE:
        return EXIT_UNREACHABLE;
    case DISPATCH_BROKEN:
        return r->failure;
    case DISPATCH_FINISHED:
        break;
    }
    if (r->left || lost_some(r))
        return EXIT_WORK_LEFT;
    if (tally_total(r->tally, STATE_UNKNOWN))
        return EXIT_SOME_UNKNOWN;
    if (tally_total(r->tally, STATE_FAILED) || tally_total(r->tally, STATE_SKIPPED) ||
        r->rejected || r->tally->reused)
        return EXIT_SOME_FAILED;
    return EXIT_DONE;
}

static const char *end_text(const struct report *r)
{
    if (r->is_cancelled)
        return "cancelled";
    switch (r->end) {
    case DISPATCH_FINISHED:
        if (r->left)
            return "some are held, to be continued";
        return lost_some(r) ? "ended, some were cancelled" : "complete";
    case DISPATCH_INTERRUPTED:
        if (r->left && r->by_daemon)
            return "left to the daemon";
        return r->left ? "stopped on request, to be continued" : "complete";
    case DISPATCH_HALTED:
        return "stopped, to be continued";
    case DISPATCH_UNREACHABLE:
        return "stopped: Graph could not be reached, to be continued";
    case DISPATCH_BROKEN:
        return "stopped by an error, to be continued";
    }
    return "";
}

/* ---- Text. */

static void add_number(struct buf *out, const char *name, uint64_t value)
{
    char text[32];

    text_grouped(value, text);
    buf_addf(out, "  %-12s%12s\n", name, text);
}

static uint64_t on_record(const struct report *r)
{
    return r->known ? r->known->on_record.count : 0;
}

static void add_states(const struct report *r, struct buf *out)
{
    static const enum state shown[] = {STATE_ACCEPTED, STATE_FAILED, STATE_UNKNOWN, STATE_SKIPPED};

    for (size_t i = 0; i < ARRAY_SIZE(shown); i++)
        add_number(out, state_name(shown[i]), tally_total(r->tally, shown[i]));
    if (r->truth.in_flight)
        add_number(out, "in flight", r->truth.in_flight);
    if (r->left)
        add_number(out, r->is_cancelled ? "never sent" : "not yet sent", r->left);
    if (r->rejected)
        add_number(out, "rejected", r->rejected);
    if (r->duplicates)
        add_number(out, "duplicates", r->duplicates);
    if (on_record(r))
        add_number(out, "on record", on_record(r));
}

/* Which ids, the first ones, and the command that shows one of them. */
static void add_known(const struct known_ids *ids, uint64_t count, const char *what,
                      struct buf *out)
{
    const struct next_command look = {"log", "--id", ids->shown[0], ""};
    char text[32];

    text_grouped(count, text);
    buf_addf(out, "  %s %s\n      → ", text, what);
    for (size_t i = 0; i < KNOWN_SHOWN && i < ids->count; i++)
        buf_addf(out, "%s%s", i ? ", " : "", ids->shown[i]);
    buf_addf(out, "%s; to look: ", ids->count > KNOWN_SHOWN ? ", ..." : "");
    next_command_add(out, &look);
    buf_addc(out, '\n');
}

static void add_all_known(const struct report *r, struct buf *out)
{
    if (on_record(r))
        add_known(&r->known->on_record, on_record(r),
                  "on record: their ids are known from elsewhere, with the same content; not sent "
                  "again",
                  out);
    if (r->id_reused)
        add_known(&r->known->reused, r->id_reused,
                  r->has_refused
                      ? "rejected: id_reused, the ledger has these ids with other content"
                      : "rejected: id_reused, the ledger has these ids with other "
                        "content; the run that comes to its end writes them aside",
                  out);
}

static uint64_t count_apart(const struct report *r)
{
    return r->apart ? r->apart->count : 0;
}

/* By the same command. */
static bool goes_on(const struct report *r)
{
    return (r->left > count_apart(r) || r->truth.was_cut_off) && !r->is_cancelled;
}

/* By another one. */
static struct next_command go_on_apart(const struct report *r)
{
    return (struct next_command){
        "retry", "--broadcast", r->apart->are_many ? NULL : r->apart->broadcast, "--state waiting"};
}

static double quantile_ms(const struct report *r, double q)
{
    return (double)histogram_quantile(&r->tally->latency, q) / 1000;
}

static void add_speed(const struct report *r, struct buf *out)
{
    const struct tally *t = r->tally;

    if (!r->counts.attempts && !(r->by_daemon && t->states[STATE_ACCEPTED]))
        return;
    buf_addf(out, "  rate        %.1f accepted a second, in %.1f s\n",
             tally_achieved(t, r->took_us), (double)r->took_us / 1e6);
    if (r->by_daemon)
        return;
    buf_addf(out, "  latency     p50 %.0f ms, p95 %.0f ms, p99 %.0f ms, max %.0f ms\n",
             quantile_ms(r, 0.5), quantile_ms(r, 0.95), quantile_ms(r, 0.99),
             (double)t->latency.max / 1000);
    buf_addf(out, "  attempts    %llu, %llu of them retries; throttled %llu times%s\n",
             (unsigned long long)r->counts.attempts, (unsigned long long)r->counts.retries,
             (unsigned long long)r->counts.throttles,
             r->counts.throttles ? " (lower rate.messages_per_second)" : "");
}

/* A pause ends with what it held. */
static bool is_over(const struct report *r, const struct halt *h)
{
    return r->is_cancelled && halt_is_wanted(h->kind);
}

static void add_halts(const struct report *r, struct buf *out)
{
    for (unsigned i = 0; i < r->halts->count; i++) {
        const struct halt *h = &r->halts->items[i];
        char hint[WAY_ON_SIZE];

        if (is_over(r, h))
            continue;
        buf_addf(out, "\n  ⛔ %s is stopped (%s", h->what, halt_name(h->kind));
        if (h->code)
            buf_addf(out, ", code %d", h->code);
        buf_addf(out, "): %s\n", way_on_text(h, r->by_daemon, hint));
    }
}

static bool has_undelivered(const struct report *r)
{
    return r->truth.deliveries.undelivered_count > 0;
}

static struct next_command undelivered(const struct report *r)
{
    return (struct next_command){"log", "--broadcast", r->broadcast, "--status undelivered"};
}

static void add_next_failed(const struct report *r, struct buf *out)
{
    bool has_failed = tally_total(r->tally, STATE_FAILED) > 0;

    if (has_failed || has_undelivered(r))
        buf_addc(out, '\n');
    if (has_failed) {
        next_command_line(out, "What failed:",
                          &(struct next_command){"log", "--broadcast", r->broadcast, "--failed"});
        next_command_line(
            out, "Try again:", &(struct next_command){"retry", "--broadcast", r->broadcast, ""});
    }
    if (has_undelivered(r)) {
        const struct next_command c = undelivered(r);

        next_command_line(out, "Undelivered:", &c);
    }
}

static void add_next(const struct report *r, struct buf *out)
{
    if (r->rejects_path)
        buf_addf(out, "\n  Rejected rows are in %s: mend them and broadcast that file.\n",
                 r->rejects_path);
    if (goes_on(r))
        buf_addf(out, "\n  Go on:        %s\n", r->command);
    if (count_apart(r)) {
        const struct next_command c = go_on_apart(r);

        buf_addf(out, "\n  %llu rows of other broadcasts wait since an earlier run.\n",
                 (unsigned long long)r->apart->count);
        next_command_line(out, "Go on:       ", &c);
    }
    add_next_failed(r, out);
}

void report_text(const struct report *r, struct buf *out)
{
    buf_addf(out, "\n%s: %s\n\n", r->name, end_text(r));
    add_states(r, out);
    buf_addc(out, '\n');
    add_all_known(r, out);
    report_truth_text(&r->truth, out);
    add_speed(r, out);
    add_halts(r, out);
    add_next(r, out);
    report_truth_end(&r->truth, tally_total(r->tally, STATE_UNKNOWN), r->broadcast, out);
}

/* ---- JSON. */

static void put_states(const struct report *r, struct json_writer *w)
{
    json_begin(w, "states", '{');
    for (enum state s = STATE_ACCEPTED; s <= STATE_SKIPPED; s++)
        json_put_int(w, state_name(s), (int64_t)tally_total(r->tally, s));
    if (r->truth.was_cut_off)
        json_put_int(w, "sending", (int64_t)r->truth.in_flight);
    json_put_int(w, "left", (int64_t)r->left);
    json_end(w, '}');
}

static void put_speed(const struct report *r, struct json_writer *w)
{
    json_put_double(w, "seconds", (double)r->took_us / 1e6, 3);
    json_put_double(w, "accepted_per_second", tally_achieved(r->tally, r->took_us), 2);
    if (r->by_daemon)
        return;
    json_begin(w, "latency_ms", '{');
    json_put_double(w, "p50", quantile_ms(r, 0.5), 1);
    json_put_double(w, "p95", quantile_ms(r, 0.95), 1);
    json_put_double(w, "p99", quantile_ms(r, 0.99), 1);
    json_put_double(w, "max", (double)r->tally->latency.max / 1000, 1);
    json_end(w, '}');
    json_put_int(w, "attempts", (int64_t)r->counts.attempts);
    json_put_int(w, "retries", (int64_t)r->counts.retries);
    json_put_int(w, "throttles", (int64_t)r->counts.throttles);
}

static void put_halts(const struct report *r, struct json_writer *w)
{
    json_begin(w, "halts", '[');
    for (unsigned i = 0; i < r->halts->count; i++) {
        const struct halt *h = &r->halts->items[i];
        char hint[WAY_ON_SIZE];

        if (is_over(r, h))
            continue;
        json_begin(w, NULL, '{');
        json_put_string(w, "kind", halt_name(h->kind));
        json_put_string(w, "what", h->what);
        json_put_int(w, "code", h->code);
        json_put_string(w, "hint", way_on_text(h, r->by_daemon, hint));
        json_end(w, '}');
    }
    json_end(w, ']');
}

static void put_command(struct json_writer *w, const struct next_command *c)
{
    struct buf command = buf_new(1024); /* a quoted name and more */

    next_command_add(&command, c);
    json_put_string(w, NULL, buf_text(&command));
    buf_free(&command);
}

/* As the text has them, in its order of importance. */
static void put_next(const struct report *r, struct json_writer *w)
{
    json_begin(w, "next", '[');
    if (goes_on(r))
        json_put_string(w, NULL, r->command);
    if (count_apart(r)) {
        const struct next_command c = go_on_apart(r);

        put_command(w, &c);
    }
    if (tally_total(r->tally, STATE_FAILED)) {
        put_command(w, &(struct next_command){"log", "--broadcast", r->broadcast, "--failed"});
        put_command(w, &(struct next_command){"retry", "--broadcast", r->broadcast, ""});
    }
    if (has_undelivered(r)) {
        const struct next_command c = undelivered(r);

        put_command(w, &c);
    }
    if (tally_total(r->tally, STATE_UNKNOWN))
        put_command(w, &(struct next_command){"reconcile", "--broadcast", r->broadcast, ""});
    if (on_record(r))
        put_command(w, &(struct next_command){"log", "--id", r->known->on_record.shown[0], ""});
    if (r->id_reused)
        put_command(w, &(struct next_command){"log", "--id", r->known->reused.shown[0], ""});
    json_end(w, ']');
}

void report_json(const struct report *r, struct buf *out)
{
    struct json_writer w = {.out = out};

    json_begin(&w, NULL, '{');
    json_put_int(&w, "v", 1);
    json_put_string(&w, "name", r->name);
    json_put_string(&w, "end", end_text(r));
    json_put_int(&w, "exit_code", (int64_t)r->exit_code);
    json_put_int(&w, "rows", (int64_t)r->rows);
    json_put_int(&w, "duplicates", (int64_t)r->duplicates);
    json_put_int(&w, "rejected", (int64_t)r->rejected);
    json_put_int(&w, "id_reused", (int64_t)r->id_reused);
    json_put_int(&w, "on_record", (int64_t)on_record(r));
    json_put_string(&w, "rejects_file", r->rejects_path ? r->rejects_path : "");
    put_states(r, &w);
    report_truth_json(&r->truth, &w);
    put_speed(r, &w);
    put_halts(r, &w);
    put_next(r, &w);
    json_put_string(&w, "ledger", r->ledger_path);
    json_end(&w, '}');
    buf_addc(out, '\n');
}

bool report_check_path(const char *path, struct err *e)
{
    struct file_writer w;
    bool ok;

    if (!*path)
        return err_set(e, EXIT_USAGE, "--report: '' is not allowed (a file)");
    ok = file_begin(&w, path, 0600, e);
    file_abandon(&w);
    return ok || err_wrap(e, "--report");
}

bool report_save(const struct report *r, const char *path, struct err *e)
{
    struct buf out = buf_new(REPORT_MAX);
    bool ok;

    report_json(r, &out);
    ok = file_write_whole(path, out.data, out.len, e);
    buf_free(&out);
    return ok;
}
