/* SPDX-License-Identifier: MIT
 *
 * text.h: small reads of text that the standard library does badly: numbers that must be numbers,
 * and times.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/attr.h"
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The whole text must be the number; no spaces, no sign but '-' where allowed. */
bool text_to_int(const char *text, int64_t min, int64_t max, int64_t *out) MUST_CHECK;
bool text_to_double(const char *text, double min, double max, double *out) MUST_CHECK;
/* RFC 3339 ("2026-04-02T09:30:00Z", offsets, fractions) or Unix seconds -> Unix milliseconds. */
bool text_to_time_ms(const char *text, size_t len, int64_t *out) MUST_CHECK;
/* Copies at most size-1 bytes without cutting a UTF-8 character, and a NUL. */
void text_copy(char *out, size_t size, const char *text, size_t len);
/* Makes it one line that a terminal takes as text: a space for each control character. */
void text_make_plain(char *text);
/* The same, added to `out`. */
void text_add_plain(struct buf *out, const char *text, size_t len);
/* 1234567 -> "1,234,567" */
void text_grouped(uint64_t value, char out[32]);
/* Edit distance (insert, delete, replace, swap of neighbours), for "did you mean". */
size_t text_distance(const char *a, const char *b);
bool text_is_digits(const char *text);
/* Adds it as one word of a shell: in single quotes where it is empty or has any other character
 * than letters, digits and _./:=,+@%- */
void text_quote(struct buf *out, const char *text);

#endif
