/* SPDX-License-Identifier: MIT
 *
 * log_command.h: `tidings log`: what became of the messages.
 */
#ifndef COMMANDS_LOG_COMMAND_H
#define COMMANDS_LOG_COMMAND_H

int command_log(int argc, char **argv);

#endif
