/* SPDX-License-Identifier: MIT
 *
 * reject.h: why a row, entry or object cannot be a message: one line that names the field, shows
 * the value, gives the reason and says what is allowed:
 *     to: "12ab" has letters; E.164 with '+', 8 to 15 digits, is allowed
 *
 * Model: the line is for people and for the rejects file. Values are cut to REJECT_SHOWN_MAX bytes;
 * control characters and bytes that are no UTF-8 stand as \n, \t, \x07, so a line stays a line.
 */
#ifndef CORE_REJECT_H
#define CORE_REJECT_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>

enum { REJECT_SHOWN_MAX = 48, REJECT_SHOWN_SIZE = REJECT_SHOWN_MAX + 4 };

struct reject {
    char text[256];
};

/* Fills `why` and returns false, so that a check can end with `return reject_set(...)`. */
bool reject_set(struct reject *why, const char *format, ...) PRINTF_LIKE(2, 3);
/* `field`: "`value`" `reason`. Returns false. */
bool reject_value(struct reject *why, const char *field, const char *value, size_t len,
                  const char *reason);
/* The value as reasons show it. Returns `out`. */
const char *reject_show(char out[REJECT_SHOWN_SIZE], const char *value, size_t len);

#endif
