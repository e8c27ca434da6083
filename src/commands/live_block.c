/* SPDX-License-Identifier: MIT */
#include "commands/live_block.h"

#include "base/terminal.h"
#include "base/utf8.h"

struct live_block live_block_new(int fd)
{
    return (struct live_block){.fd = fd, .text = buf_new(LIVE_BLOCK_MAX)};
}

void live_block_free(struct live_block *b)
{
    buf_free(&b->text);
}

/* Past a colour's escape sequence. */
static const char *after_escape(const char *text, const char *end)
{
    const char *last = memchr(text, 'm', (size_t)(end - text));

    return last ? last + 1 : end;
}

static size_t columns_of(const char *line, const char *end)
{
    size_t columns = 0;

    while (line < end) {
        const char *escape = memchr(line, '\033', (size_t)(end - line));
        const char *stop = escape ? escape : end;

        columns += utf8_columns(line, (size_t)(stop - line));
        line = escape ? after_escape(escape, end) : end;
    }
    return columns;
}

/* Of a line on a screen of that width; an empty one has a row too. */
static size_t rows_of(const char *line, const char *end, unsigned width)
{
    size_t columns = columns_of(line, end);

    return columns > width ? (columns + width - 1) / width : 1;
}

static size_t count_rows(const struct buf *text, unsigned width)
{
    const char *line = buf_text(text), *end;
    size_t rows = 0;

    for (; (end = strchr(line, '\n')); line = end + 1)
        rows += rows_of(line, end, width);
    return rows;
}

/* Only what can be erased again: the cursor does not go back above the screen's first row, and
 * stands below the block. */
static void cut_to_height(struct buf *text, unsigned width, unsigned height)
{
    const char *line = buf_text(text), *end;
    size_t rows = 0, room = height > 2 ? height - 2 : 1; /* one for the last line, one below */

    if (count_rows(text, width) < height)
        return;
    for (; (end = strchr(line, '\n')); line = end + 1) {
        rows += rows_of(line, end, width);
        if (rows > room)
            break;
    }
    buf_cut(text, (size_t)(line - buf_text(text)));
    buf_adds(text, "  ...\n");
}

/* Erases what stood there: back to its first row. */
static void add_erase(struct buf *out, const struct live_block *b)
{
    size_t rows = count_rows(&b->text, terminal_width(b->fd));

    if (rows)
        buf_addf(out, "\r\033[%zuA\033[J", rows);
}

/* In one write, so that it does not flicker. */
static void redraw(struct live_block *b, const char *above, size_t above_len,
                   const struct buf *text)
{
    struct buf out = buf_new(2 * LIVE_BLOCK_MAX + above_len);

    add_erase(&out, b);
    buf_add(&out, above, above_len);
    buf_add(&out, text->data, text->len);
    terminal_write(b->fd, buf_text(&out), out.len);
    buf_free(&out);
}

void live_block_draw(struct live_block *b, const char *text, size_t len)
{
    struct buf next = buf_new(LIVE_BLOCK_MAX);

    buf_add(&next, text, len);
    cut_to_height(&next, terminal_width(b->fd), terminal_height(b->fd));
    redraw(b, "", 0, &next);
    buf_free(&b->text);
    b->text = next;
}

void live_block_above(struct live_block *b, const char *lines, size_t len)
{
    redraw(b, lines, len, &b->text);
}

void bar_add(struct buf *out, const struct bar *bar, bool colour)
{
    uint64_t part = bar->part < bar->whole ? bar->part : bar->whole;
    unsigned full = bar->whole ? (unsigned)(part * bar->cells / bar->whole) : 0;

    if (colour)
        buf_adds(out, "\033[32m");
    for (unsigned i = 0; i < bar->cells; i++) {
        if (i == full && colour)
            buf_adds(out, "\033[2m");
        buf_adds(out, i < full ? "█" : "░");
    }
    if (colour)
        buf_adds(out, "\033[0m");
}
