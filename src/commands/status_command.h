/* SPDX-License-Identifier: MIT
 *
 * status_command.h: `tidings status [--watch]`: a running daemon, now or live; `tidings drain`: end
 * it in order, and watch it end.
 */
#ifndef COMMANDS_STATUS_COMMAND_H
#define COMMANDS_STATUS_COMMAND_H

int command_status(int argc, char **argv);
int command_drain(int argc, char **argv);

#endif
