/* SPDX-License-Identifier: MIT
 *
 * help.h: finding a command by its name, `tidings help` and `tidings --version`.
 */
#ifndef COMMANDS_HELP_H
#define COMMANDS_HELP_H

#include "commands/command.h"

/* Runs argv[1] of the table; returns the exit code. */
int command_run(const struct command *commands, size_t count, int argc, char **argv);

#endif
