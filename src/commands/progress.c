/* SPDX-License-Identifier: MIT */
#include "commands/progress.h"

#include "base/log.h"
#include "base/terminal.h"

#include <unistd.h>

enum {
    LIVE_INTERVAL_MS = 250,
    PLAIN_INTERVAL_MS = 5000,
};

static void write_plain(const struct progress *p, const struct progress_facts *f)
{
    struct buf out = buf_new(PROGRESS_TEXT_MAX);

    progress_line(&out, p->name, f);
    terminal_write(STDERR_FILENO, buf_text(&out), out.len);
    buf_free(&out);
}

static void draw(struct progress *p, const struct progress_facts *f)
{
    struct progress_look look = {p->name, p->colour, terminal_width(STDERR_FILENO)};
    struct buf out = buf_new(PROGRESS_TEXT_MAX);

    progress_block(&out, &look, f);
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
    p->live = !quiet && terminal_redraws(STDERR_FILENO);
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
