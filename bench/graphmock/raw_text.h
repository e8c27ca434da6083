/* SPDX-License-Identifier: MIT
 *
 * raw_text.h: questions about a JSON string that is still escaped (tokens.h leaves it so).
 */
#ifndef GRAPHMOCK_RAW_TEXT_H
#define GRAPHMOCK_RAW_TEXT_H

#include "slice.h"

/* Characters as UTF-16 counts them. */
size_t raw_text_length(struct slice raw);
/* A line break, a tab, or more than four spaces in a row: what a template parameter may not hold.
 */
bool raw_text_has_bad_space(struct slice raw);
/* Only the digits of it, as many as fit, and a NUL; says how many. */
size_t raw_text_digits(struct slice raw, char *out, size_t size);

#endif
