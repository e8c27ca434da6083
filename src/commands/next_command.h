/* SPDX-License-Identifier: MIT
 *
 * next_command.h: commands that reports name, as they can be pasted into a shell.
 */
#ifndef COMMANDS_NEXT_COMMAND_H
#define COMMANDS_NEXT_COMMAND_H

#include "base/buf.h"

/* "tidings log --broadcast 'a b' --failed"; `flag` and `value` are left out where the value is
 * NULL, `end` where it is "". */
struct next_command {
    const char *command;
    const char *flag;
    const char *value;
    const char *end;
};
void next_command_add(struct buf *out, const struct next_command *c);
/* The same for what a person reads: behind a label, with the line's end. */
void next_command_line(struct buf *out, const char *label, const struct next_command *c);

#endif
