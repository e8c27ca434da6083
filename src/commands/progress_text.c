/* SPDX-License-Identifier: MIT */
#include "commands/progress_text.h"

#include "base/clock.h"
#include "base/text.h"
#include "base/utf8.h"
#include "commands/live_block.h"

#include <stdio.h>
#include <string.h>

enum {
    NAME_MOST = 40, /* columns */
    NAME_LEAST = 6,
    BAR_MOST = 30,
    BAR_LEAST = 3,
    PART_SIZE = 80, /* bytes, the NUL's too: two grouped numbers fit */
};

static uint64_t done_of(const struct progress_facts *f)
{
    return tally_done(f->tally);
}

/* A clock time; "" when it cannot be known. */
static void forecast(const struct progress_facts *f, char eta[CLOCK_TEXT_SIZE])
{
    int64_t now_ms = clock_wall_ms();
    uint64_t done = done_of(f), expected = tally_expected(f->tally);

    eta[0] = '\0';
    if (!expected || done >= expected || f->pace <= 0)
        return;
    clock_time_of_day(now_ms + (int64_t)((double)(expected - done) / f->pace * 1000), now_ms, eta);
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

void progress_line(struct buf *out, const char *name, const struct progress_facts *f)
{
    char eta[CLOCK_TEXT_SIZE];

    forecast(f, eta);
    buf_addf(out, "progress %s:", name);
    add_count(out, "", done_of(f));
    add_count(out, " of", tally_expected(f->tally));
    buf_addf(out, " (%.1f %%), rate ", percent(f));
    add_rate(out, f);
    add_count(out, ", accepted", tally_total(f->tally, STATE_ACCEPTED));
    add_count(out, ", failed", tally_total(f->tally, STATE_FAILED));
    add_count(out, ", unknown", tally_total(f->tally, STATE_UNKNOWN));
    add_count(out, ", skipped", tally_total(f->tally, STATE_SKIPPED));
    add_count(out, ", retries", f->retries);
    add_count(out, ", in flight", f->in_flight);
    if (*eta)
        buf_addf(out, ", ETA %s", eta);
    if (f->note)
        buf_addf(out, "; %s", f->note);
    buf_addc(out, '\n');
}

/* ---- The block: lines that fit. */

struct line {
    struct buf *out;
    bool colour;
    size_t left; /* columns */
};

/* The last column stays free: on some terminals the cursor would go on from it. */
static struct line line_begin(struct buf *out, const struct progress_look *look)
{
    return (struct line){out, look->colour, look->width ? look->width - 1 : 0};
}

/* A part that does not fit is left out, and all after it. NULL: no colour. */
static void line_add(struct line *l, const char *part, const char *colour)
{
    size_t columns = strlen(part); /* parts are ASCII */

    if (columns > l->left) {
        l->left = 0;
        return;
    }
    l->left -= columns;
    if (colour && l->colour)
        buf_adds(l->out, colour);
    buf_adds(l->out, part);
    if (colour && l->colour)
        buf_adds(l->out, "\033[0m");
}

static void line_add_count(struct line *l, const char *name, uint64_t value, const char *colour)
{
    char memory[PART_SIZE];
    struct buf part = buf_over(memory, sizeof(memory));

    add_count(&part, name, value);
    line_add(l, buf_text(&part), value ? colour : NULL);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Without control characters, which older ledgers may have in the name. */
static void add_name(struct buf *out, const char *name, size_t room)
{
    size_t len = strlen(name);

    if (utf8_columns(name, len) <= room) {
        text_add_plain(out, name, len);
    } else if (room) {
        text_add_plain(out, name, utf8_fit(name, len, room - 1));
        buf_adds(out, "…");
    }
}

enum { FIRST_PARTS = 3 };

/* What stands behind the bar, the least needed last; "": not there. */
static void first_parts(const struct progress_facts *f, char parts[FIRST_PARTS][PART_SIZE])
{
    char done[32], expected[32], eta[CLOCK_TEXT_SIZE];

    forecast(f, eta);
    text_grouped(done_of(f), done);
    text_grouped(tally_expected(f->tally), expected);
    (void)snprintf(parts[0], PART_SIZE, " %5.1f %%", percent(f)); /* they fit */
    (void)snprintf(parts[1], PART_SIZE, "  %s/%s", done, expected);
    (void)snprintf(parts[2], PART_SIZE, *eta ? "  ETA %s" : "%s", eta);
}

static void add_first_line(struct buf *out, const struct progress_look *look,
                           const struct progress_facts *f)
{
    struct line l = line_begin(out, look);
    struct bar bar = {done_of(f), tally_expected(f->tally), 0};
    size_t name = least(utf8_columns(look->name, strlen(look->name)), NAME_MOST);
    size_t name_least = least(name, NAME_LEAST), behind = 0, before;
    char parts[FIRST_PARTS][PART_SIZE];
    unsigned shown = 0;

    first_parts(f, parts);
    while (shown < FIRST_PARTS &&
           name_least + 1 + BAR_LEAST + behind + strlen(parts[shown]) <= l.left)
        behind += strlen(parts[shown++]);
    before = l.left > behind ? l.left - behind - 1 : 0;
    bar.cells = before > name_least ? (unsigned)least(before - name_least, BAR_MOST) : 0;
    add_name(out, look->name, least(name, before - bar.cells));
    if (bar.cells)
        buf_addc(out, ' ');
    bar_add(out, &bar, look->colour);
    for (unsigned i = 0; i < shown; i++)
        buf_adds(out, parts[i]);
    buf_addc(out, '\n');
}

static void add_flow(struct buf *out, const struct progress_look *look,
                     const struct progress_facts *f)
{
    struct line l = line_begin(out, look);
    char memory[PART_SIZE];
    struct buf rate = buf_over(memory, sizeof(memory));

    buf_adds(&rate, "  rate ");
    add_rate(&rate, f);
    line_add(&l, buf_text(&rate), NULL);
    line_add_count(&l, "   in flight", f->in_flight, NULL);
    line_add_count(&l, "   retries", f->retries, NULL);
    line_add_count(&l, "   waiting", f->waiting, NULL);
    buf_addc(out, '\n');
}

static void add_states(struct buf *out, const struct progress_look *look,
                       const struct progress_facts *f)
{
    struct line l = line_begin(out, look);

    line_add_count(&l, "  accepted", tally_total(f->tally, STATE_ACCEPTED), "\033[32m");
    line_add_count(&l, "   failed", tally_total(f->tally, STATE_FAILED), "\033[31m");
    line_add_count(&l, "   unknown", tally_total(f->tally, STATE_UNKNOWN), "\033[33m");
    line_add_count(&l, "   skipped", tally_total(f->tally, STATE_SKIPPED), "\033[36m");
    buf_addc(out, '\n');
}

/* As much of the text as fits, up to the last space where there is one. */
static size_t first_words(const char *text, size_t room)
{
    size_t len = strlen(text), fit = utf8_fit(text, len, room), words = fit;

    if (fit == len)
        return len;
    while (words && text[words] != ' ')
        words--;
    if (words)
        return words;
    return fit ? fit : len; /* no room at all: as it is */
}

static void add_note(struct buf *out, const struct progress_look *look, const char *note)
{
    while (*note) {
        size_t room = line_begin(out, look).left, len = first_words(note, room > 2 ? room - 2 : 0);

        buf_adds(out, "  ");
        text_add_plain(out, note, len);
        buf_addc(out, '\n');
        note += len + strspn(note + len, " ");
    }
}

void progress_block(struct buf *out, const struct progress_look *look,
                    const struct progress_facts *f)
{
    add_first_line(out, look, f);
    add_flow(out, look, f);
    add_states(out, look, f);
    if (f->note)
        add_note(out, look, f->note);
}
