/* SPDX-License-Identifier: MIT
 *
 * slice.h: a piece of text that somebody else owns: so many bytes from here, no NUL at the end.
 */
#ifndef GRAPHMOCK_SLICE_H
#define GRAPHMOCK_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct slice {
    const char *at;
    size_t len;
};

static inline struct slice slice_of(const char *at, size_t len)
{
    return (struct slice){.at = at, .len = len};
}

static inline struct slice slice_text(const char *text)
{
    return slice_of(text, strlen(text));
}

static inline bool slice_is(struct slice s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.at, text, s.len) == 0;
}

/* The same without regard to ASCII case. */
static inline bool slice_is_like(struct slice s, const char *text)
{
    return s.len == strlen(text) && strncasecmp(s.at, text, s.len) == 0;
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool slice_starts_like(struct slice s, const char *text)
{
    size_t len = strlen(text);

    return s.len >= len && strncasecmp(s.at, text, len) == 0;
}

/* What follows the first `count` bytes. */
static inline struct slice slice_after(struct slice s, size_t count)
{
    if (count > s.len)
        count = s.len;
    return slice_of(s.at + count, s.len - count);
}

/* Cuts what stands before the first `separator` off the front of `rest` and gives it back; without
 * one, everything. The separator itself is dropped. */
static inline struct slice slice_cut(struct slice *rest, char separator)
{
    const char *found = rest->len ? memchr(rest->at, separator, rest->len) : NULL;
    size_t len = found ? (size_t)(found - rest->at) : rest->len;
    struct slice front = slice_of(rest->at, len);

    *rest = slice_after(*rest, found ? len + 1 : len);
    return front;
}

static inline bool slice_is_digits(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
    return s.len > 0;
}

#endif
