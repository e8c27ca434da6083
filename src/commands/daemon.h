/* SPDX-License-Identifier: MIT
 *
 * daemon.h: `tidings run`: the daemon that consumes the Redis stream.
 */
#ifndef COMMANDS_DAEMON_H
#define COMMANDS_DAEMON_H

int command_daemon(int argc, char **argv);

#endif
