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

static uint64_t done_of(const struct progress_facts *f)
{
    return tally_done(f->tally);
}

/* A clock time: what is left at the rate of now, or of the run so far when nothing goes now. ""
 * when it cannot be known. */
static void forecast(const struct progress_facts *f, char eta[CLOCK_TEXT_SIZE])
{
    double rate = f->rate_actual > 0 ? f->rate_actual : tally_rate(f->tally);
    uint64_t done = done_of(f), expected = tally_expected(f->tally);

    eta[0] = '\0';
    if (!expected || done >= expected || rate <= 0)
        return;
    clock_time_of_day(clock_wall_ms() + (int64_t)((double)(expected - done) / rate * 1000), eta);
}

static double percent(const struct progress_facts *f)
{
    uint64_t expected = tally_expected(f->tally);

    return expected ? 100.0 * (double)done_of(f) / (double)expected : 0;
}

static void add_rate(struct buf *out, const struct progress_facts *f)
{
    if (f->rate_allowed > 0)
        buf_addf(out, "%.0f/s of %.0f", f->rate_actual, f->rate_allowed);
    else
        buf_addf(out, "%.0f/s of unlimited", f->rate_actual);
}

static void add_count(struct buf *out, const char *name, uint64_t value)
{
    char text[32];

    text_grouped(value, text);
    buf_addf(out, "%s %s", name, text);
}

/* ---- The plain line. */

static void write_plain(const struct progress *p, const struct progress_facts *f)
{
    char eta[CLOCK_TEXT_SIZE];
    struct buf out = buf_new(BLOCK_MAX);

    forecast(f, eta);
    buf_addf(&out, "progress %s:", p->name);
    add_count(&out, "", done_of(f));
    add_count(&out, " of", tally_expected(f->tally));
    buf_addf(&out, " (%.1f %%), rate ", percent(f));
    add_rate(&out, f);
    add_count(&out, ", accepted", tally_total(f->tally, STATE_ACCEPTED));
    add_count(&out, ", failed", tally_total(f->tally, STATE_FAILED));
    add_count(&out, ", unknown", tally_total(f->tally, STATE_UNKNOWN));
    add_count(&out, ", skipped", tally_total(f->tally, STATE_SKIPPED));
    add_count(&out, ", retries", f->retries);
    add_count(&out, ", in flight", f->in_flight);
    if (*eta)
        buf_addf(&out, ", ETA %s", eta);
    if (f->note)
        buf_addf(&out, "; %s", f->note);
    buf_addc(&out, '\n');
    terminal_write(STDERR_FILENO, buf_text(&out), out.len);
    buf_free(&out);
}

/* ---- The live block. */

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

static void add_first_line(struct buf *out, const struct progress *p,
                           const struct progress_facts *f)
{
    struct bar bar = {done_of(f), tally_expected(f->tally), BAR_CELLS};
    char done[32], expected[32], eta[CLOCK_TEXT_SIZE];

    forecast(f, eta);
    text_grouped(bar.part, done);
    text_grouped(bar.whole, expected);
    buf_addf(out, "%.40s ", p->name);
    bar_add(out, &bar, p->colour);
    buf_addf(out, " %5.1f %%  %s/%s", percent(f), done, expected);
    if (*eta)
        buf_addf(out, "  ETA %s", eta);
    buf_addc(out, '\n');
}

static void add_block(struct buf *out, const struct progress *p, const struct progress_facts *f)
{
    const struct tally *t = f->tally;

    add_first_line(out, p, f);
    buf_adds(out, "  rate ");
    add_rate(out, f);
    add_count(out, "   in flight", f->in_flight);
    add_count(out, "   retries", f->retries);
    add_count(out, "   waiting", f->waiting);
    buf_adds(out, "\n  ");
    add_coloured(out, p, "accepted", tally_total(t, STATE_ACCEPTED), "\033[32m");
    add_coloured(out, p, "   failed", tally_total(t, STATE_FAILED), "\033[31m");
    add_coloured(out, p, "   unknown", tally_total(t, STATE_UNKNOWN), "\033[33m");
    add_coloured(out, p, "   skipped", tally_total(t, STATE_SKIPPED), "\033[36m");
    buf_addc(out, '\n');
    if (f->note)
        buf_addf(out, "  %s\n", f->note);
}

static void draw(struct progress *p, const struct progress_facts *f)
{
    struct buf out = buf_new(BLOCK_MAX);

    add_block(&out, p, f);
    live_block_draw(&p->block, buf_text(&out), out.len);
    buf_free(&out);
}

static void on_log_line(void *context, const char *line, size_t len)
{
    struct progress *p = context;

    live_block_above(&p->block, line, len);
}

void progress_begin(struct progress *p, const char *name, bool quiet, bool colour)
{
    *p = (struct progress){
        .name = name, .quiet = quiet, .colour = colour, .block = live_block_new(STDERR_FILENO)};
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

void progress_show(struct progress *p, const struct progress_facts *facts)
{
    if (p->live)
        draw(p, facts);
    else
        write_plain(p, facts);
}

void progress_end(struct progress *p, const struct progress_facts *facts)
{
    if (!p->quiet)
        progress_show(p, facts);
    if (p->live)
        log_set_sink(NULL, NULL);
    live_block_free(&p->block);
}
