/* SPDX-License-Identifier: MIT
 *
 * check.h: `tidings check`: is this ready to send?
 */
#ifndef COMMANDS_CHECK_H
#define COMMANDS_CHECK_H

int command_check(int argc, char **argv);

#endif
