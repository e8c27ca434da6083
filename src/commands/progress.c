/* SPDX-License-Identifier: MIT */
#include "commands/progress.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/terminal.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    LIVE_INTERVAL_MS = 250,
    PLAIN_INTERVAL_MS = 5000,
    BAR_CELLS = 30,
    BLOCK_MAX = 4096, /* bytes of one drawing */
};

/* One look at everything that is shown. */
struct picture {
    uint64_t done, expected;
    uint64_t accepted, failed, unknown, skipped;
    struct engine_counts now;
    double allowed;
    unsigned rate;
    char eta[CLOCK_TEXT_SIZE]; /* "" when it cannot be known */
    bool draining, unreachable;
};

/* A clock time: what is left at the rate of now, or of the run so far when nothing goes now. */
static void forecast(struct picture *p, const struct tally *t)
{
    double rate = p->rate ? p->rate : tally_rate(t);

    if (!p->expected || p->done >= p->expected || rate <= 0)
        return;
    clock_time_of_day(clock_wall_ms() + (int64_t)((double)(p->expected - p->done) / rate * 1000),
                      p->eta);
}

static struct picture look(struct dispatch *d)
{
    const struct tally *t = dispatch_tally(d);
    struct picture p = {
        .done = tally_done(t),
        .expected = t->expected,
        .accepted = tally_total(t, STATE_ACCEPTED),
        .failed = tally_total(t, STATE_FAILED),
        .unknown = tally_total(t, STATE_UNKNOWN),
        .skipped = tally_total(t, STATE_SKIPPED),
        .now = dispatch_counts(d),
        .allowed = dispatch_rate_allowed(d),
        .rate = dispatch_rate_actual(d),
        .draining = dispatch_is_draining(d),
        .unreachable = dispatch_is_unreachable(d),
    };

    forecast(&p, t);
    return p;
}

static double percent(const struct picture *p)
{
    return p->expected ? 100.0 * (double)p->done / (double)p->expected : 0;
}

static void add_rate(struct buf *out, const struct picture *p)
{
    if (p->allowed > 0)
        buf_addf(out, "%u/s of %.0f", p->rate, p->allowed);
    else
        buf_addf(out, "%u/s of unlimited", p->rate);
}

static void add_count(struct buf *out, const char *name, uint64_t value)
{
    char text[32];

    text_grouped(value, text);
    buf_addf(out, "%s %s", name, text);
}

/* ---- The plain line. */

static void write_plain(const struct progress *p, struct dispatch *d)
{
    struct picture now = look(d);
    struct buf out = buf_new(BLOCK_MAX);

    buf_addf(&out, "progress %s:", p->name);
    add_count(&out, "", now.done);
    add_count(&out, " of", now.expected);
    buf_addf(&out, " (%.1f %%), rate ", percent(&now));
    add_rate(&out, &now);
    add_count(&out, ", accepted", now.accepted);
    add_count(&out, ", failed", now.failed);
    add_count(&out, ", unknown", now.unknown);
    add_count(&out, ", skipped", now.skipped);
    add_count(&out, ", retries", now.now.retries);
    add_count(&out, ", in flight", now.now.in_flight);
    if (*now.eta)
        buf_addf(&out, ", ETA %s", now.eta);
    if (now.unreachable)
        buf_adds(&out, ", Graph is not answering");
    buf_addc(&out, '\n');
    terminal_write(STDERR_FILENO, buf_text(&out), out.len);
    buf_free(&out);
}

/* ---- The live block. */

static void add_bar(struct buf *out, const struct picture *now, bool colour)
{
    unsigned full = now->expected ? (unsigned)(now->done * BAR_CELLS / now->expected) : 0;

    if (colour)
        buf_adds(out, "\033[32m");
    for (unsigned i = 0; i < BAR_CELLS; i++) {
        if (i == full && colour)
            buf_adds(out, "\033[2m");
        buf_adds(out, i < full ? "█" : "░");
    }
    if (colour)
        buf_adds(out, "\033[0m");
}

/* Erases what stood there and goes back to its first line. */
static void add_erase(struct buf *out, unsigned lines)
{
    if (lines)
        buf_addf(out, "\r\033[%uA\033[J", lines);
}

static void add_coloured(struct buf *out, const struct progress *p, const char *name,
                         uint64_t value, const char *colour)
{
    bool is_shown = p->colour && value > 0;

    if (is_shown)
        buf_adds(out, colour);
    add_count(out, name, value);
    if (is_shown)
        buf_adds(out, "\033[0m");
}

static void add_first_line(struct buf *out, const struct progress *p, const struct picture *now)
{
    char done[32], expected[32];

    text_grouped(now->done, done);
    text_grouped(now->expected, expected);
    buf_addf(out, "%.40s ", p->name);
    add_bar(out, now, p->colour);
    buf_addf(out, " %5.1f %%  %s/%s", percent(now), done, expected);
    if (*now->eta)
        buf_addf(out, "  ETA %s", now->eta);
    buf_addc(out, '\n');
}

static void add_block(struct buf *out, const struct progress *p, const struct picture *now)
{
    add_first_line(out, p, now);
    buf_adds(out, "  rate ");
    add_rate(out, now);
    add_count(out, "   in flight", now->now.in_flight);
    add_count(out, "   retries", now->now.retries);
    add_count(out, "   waiting", now->now.waiting + now->now.parked);
    buf_adds(out, "\n  ");
    add_coloured(out, p, "accepted", now->accepted, "\033[32m");
    add_coloured(out, p, "   failed", now->failed, "\033[31m");
    add_coloured(out, p, "   unknown", now->unknown, "\033[33m");
    add_coloured(out, p, "   skipped", now->skipped, "\033[36m");
    buf_addc(out, '\n');
    if (now->draining)
        buf_adds(out, "  stopping: waiting for what is in flight\n");
    else if (now->unreachable)
        buf_adds(out, "  Graph does not answer: one message at a time until it does\n");
}

static unsigned count_lines(const struct buf *out)
{
    unsigned lines = 0;

    for (size_t i = 0; i < out->len; i++)
        lines += out->data[i] == '\n';
    return lines;
}

/* `above` takes the block's place, and the block stands below it. */
static void redraw(struct progress *p, unsigned lines_before, const char *above, size_t len)
{
    struct buf out = buf_new(2 * BLOCK_MAX + len);

    add_erase(&out, lines_before);
    buf_add(&out, above, len);
    buf_add(&out, p->block.data, p->block.len);
    terminal_write(STDERR_FILENO, buf_text(&out), out.len);
    buf_free(&out);
}

static void draw(struct progress *p, struct dispatch *d)
{
    struct picture now = look(d);
    unsigned lines_before = count_lines(&p->block);

    buf_clear(&p->block);
    add_block(&p->block, p, &now);
    redraw(p, lines_before, "", 0);
}

static void on_log_line(void *context, const char *line, size_t len)
{
    struct progress *p = context;

    redraw(p, count_lines(&p->block), line, len);
}

void progress_begin(struct progress *p, const char *name, bool quiet, bool colour)
{
    *p = (struct progress){
        .name = name, .quiet = quiet, .colour = colour, .block = buf_new(BLOCK_MAX)};
    p->live = !quiet && terminal_is(STDERR_FILENO);
    if (p->live)
        log_set_sink(on_log_line, p);
}

int64_t progress_interval_ms(const struct progress *p)
{
    if (p->quiet)
        return 0;
    return p->live ? LIVE_INTERVAL_MS : PLAIN_INTERVAL_MS;
}

void progress_tick(void *progress, struct dispatch *d)
{
    struct progress *p = progress;

    if (p->live)
        draw(p, d);
    else
        write_plain(p, d);
}

void progress_end(struct progress *p, struct dispatch *d)
{
    if (!p->quiet)
        progress_tick(p, d);
    if (p->live)
        log_set_sink(NULL, NULL);
    buf_free(&p->block);
}
