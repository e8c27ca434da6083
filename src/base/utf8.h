/* SPDX-License-Identifier: MIT
 *
 * utf8.h: is it valid, and how long is it to a reader?
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>

/* U+FFFD, what stands in for bytes that are no character. */
#define UTF8_REPLACEMENT "\xEF\xBF\xBD"

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. NUL is valid here. */
bool utf8_is_valid(const char *text, size_t len) MUST_CHECK;
/* How many bytes the character at `text` has, 1 to 4; 0 when no valid one begins there. */
size_t utf8_step(const char *text, size_t len);
/* Is the character that utf8_step found one that a terminal obeys? C0, DEL and, as U+0080 to
 * U+009F, C1. */
bool utf8_is_control(const char *text, size_t step);
bool utf8_has_control(const char *text, size_t len);
/* Characters as UTF-16 counts them (the stricter reading of Graph's limits). Text must be valid. */
size_t utf8_count_utf16(const char *text, size_t len);
/* The largest length <= max that does not cut a character. In text that is not valid it loses three
 * bytes at most. */
size_t utf8_cut(const char *text, size_t len, size_t max);
/* Columns on a terminal: two for what may be wide (East Asia, emoji), one for any other character,
 * also for one that combines, and for a byte that is none. Never fewer than it takes. */
size_t utf8_columns(const char *text, size_t len);
/* The largest length that does not cut a character and takes at most `max` columns. */
size_t utf8_fit(const char *text, size_t len, size_t max);

#endif
