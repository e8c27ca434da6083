/* SPDX-License-Identifier: MIT
 *
 * errors.h: `tidings errors [CODE]`: Graph's error codes, what tidings does, what you should do.
 */
#ifndef COMMANDS_ERRORS_H
#define COMMANDS_ERRORS_H

int command_errors(int argc, char **argv);

#endif
