/* SPDX-License-Identifier: MIT
 *
 * broadcast.h: `tidings broadcast FILE`.
 */
#ifndef COMMANDS_BROADCAST_H
#define COMMANDS_BROADCAST_H

int command_broadcast(int argc, char **argv);

#endif
