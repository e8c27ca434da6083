/* SPDX-License-Identifier: MIT */
#include "commands/next_command.h"

#include "base/text.h"

void next_command_add(struct buf *out, const struct next_command *c)
{
    buf_addf(out, "tidings %s", c->command);
    if (c->value) {
        buf_addf(out, " %s ", c->flag);
        text_quote(out, c->value);
    }
    buf_addf(out, "%s%s", *c->end ? " " : "", c->end);
}

void next_command_line(struct buf *out, const char *label, const struct next_command *c)
{
    buf_addf(out, "  %-14s", label);
    next_command_add(out, c);
    buf_addc(out, '\n');
}
