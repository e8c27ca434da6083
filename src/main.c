/* SPDX-License-Identifier: MIT
 *
 * main.c: the table of commands, nothing else.
 */
#include "commands/broadcast.h"
#include "commands/command.h"
#include "commands/help.h"

#include <signal.h>
#include <stddef.h>

static const struct command commands[] = {
    {"broadcast", command_broadcast, "send every row of a CSV or JSONL file"},
};

int main(int argc, char **argv)
{
    (void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of write */
    return command_run(commands, ARRAY_SIZE(commands), argc, argv);
}
