/* SPDX-License-Identifier: MIT
 *
 * json_pull.h: reading JSON without building it, value by value: for texts that come by the
 * thousand, of which little is wanted. About a tenth of what json.h costs, and more tolerant: keys
 * may repeat, \u0000 and bytes that are no UTF-8 do not spoil what stands beside them.
 *
 * Model: a cursor in front of a value. Each value is entered (json_pull_open), read or skipped,
 * exactly once. json_pull_whole looks at all brackets, strings and words first; a text that passes
 * it cannot fail later, so the walk needs no checks. A copy of the cursor is a place to come back
 * to.
 * Lifetime: everything is borrowed from the text. No memory is taken.
 */
#ifndef BASE_JSON_PULL_H
#define BASE_JSON_PULL_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_PULL_DEPTH_MAX = 256 };

struct json_pull {
    const char *at;
    const char *end;
};

/* A string without its quotes, or a number or word; escapes stay as they are written. */
struct json_pull_text {
    const char *at;
    size_t len;
    bool quoted;
};

/* Is the text one value whose brackets match, and nothing after it? Depth: JSON_PULL_DEPTH_MAX. */
bool json_pull_whole(const char *text, size_t len) MUST_CHECK;

/* Goes into the object ('{') or array ('[') at hand; false, and nothing happens, when the value is
 * another. */
bool json_pull_open(struct json_pull *p, char bracket) MUST_CHECK;
/* To the next member's value; false at the object's end, which is left. The key is as written. */
bool json_pull_member(struct json_pull *p, struct json_pull_text *key) MUST_CHECK;
/* To the next element; false at the array's end, which is left. */
bool json_pull_element(struct json_pull *p) MUST_CHECK;
/* Reads the string, number or word at hand; an object or array is skipped: false. */
bool json_pull_read(struct json_pull *p, struct json_pull_text *out) MUST_CHECK;
void json_pull_skip(struct json_pull *p);

bool json_pull_is(const struct json_pull_text *text, const char *literal) MUST_CHECK;
/* A whole number, also one written in quotes. */
bool json_pull_int(const struct json_pull_text *text, int64_t *out) MUST_CHECK;
/* Unescapes a string into `out`, always with a NUL, cut (never within a character) to fit. Control
 * characters become spaces, what is no UTF-8 U+FFFD. False when it was cut. */
bool json_pull_copy(const struct json_pull_text *text, char *out, size_t size);

#endif
