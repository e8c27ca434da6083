/* SPDX-License-Identifier: MIT */
#include "commands/live_block.h"

#include "base/terminal.h"

struct live_block live_block_new(int fd)
{
    return (struct live_block){.fd = fd, .text = buf_new(LIVE_BLOCK_MAX)};
}

void live_block_free(struct live_block *b)
{
    buf_free(&b->text);
}

static unsigned count_lines(const struct buf *text)
{
    unsigned lines = 0;

    for (size_t i = 0; i < text->len; i++)
        lines += text->data[i] == '\n';
    return lines;
}

/* Erases what stood there: back to its first line. */
static void add_erase(struct buf *out, const struct live_block *b)
{
    unsigned lines = count_lines(&b->text);

    if (lines)
        buf_addf(out, "\r\033[%uA\033[J", lines);
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
