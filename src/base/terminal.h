/* SPDX-License-Identifier: MIT
 *
 * terminal.h: what we may do with a standard stream, and plain questions to a person.
 */
#ifndef BASE_TERMINAL_H
#define BASE_TERMINAL_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>

bool terminal_is(int fd);
/* A terminal on which the cursor can be moved: TERM is not "dumb". */
bool terminal_redraws(int fd);
/* A terminal, NO_COLOR unset or empty (no-color.org), TERM not "dumb", and not `refused`. */
bool terminal_colour(int fd, bool refused);
/* Columns; 80 when it cannot be known. */
unsigned terminal_width(int fd);
/* Rows; 24 when it cannot be known. */
unsigned terminal_height(int fd);
/* Writes all of it, or gives up on the first error: what is shown is never worth failing for. */
void terminal_write(int fd, const char *text, size_t len);
/* Asks on standard error, reads a line from standard input; again where it has more than `size` - 1
 * bytes. False at the end of input. */
bool terminal_ask(const char *question, char *out, size_t size) MUST_CHECK;
/* "QUESTION [y/N] ": true for y or yes. */
bool terminal_confirm(const char *question) MUST_CHECK;

#endif
