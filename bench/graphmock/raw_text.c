/* SPDX-License-Identifier: MIT */
#include "raw_text.h"

enum { SPACES_MAX = 4, UNICODE_ESCAPE = 6 };

/* The UTF-16 units that the bytes at `at` begin, and in `step` how many bytes they take. A bare
 * continuation byte of UTF-8 counts for nothing. */
static size_t units(const char *at, size_t *step)
{
    unsigned char c = (unsigned char)*at;

    *step = 1;
    if (c == '\\') {
        *step = at[1] == 'u' ? UNICODE_ESCAPE : 2;
        return 1;
    }
    if ((c & 0xc0) == 0x80)
        return 0;
    return c >= 0xf0 ? 2 : 1;
}

size_t raw_text_length(struct slice raw)
{
    size_t length = 0, step;

    for (size_t i = 0; i < raw.len; i += step)
        length += units(raw.at + i, &step);
    return length;
}

/* An escaped line break or tab; a raw one is no valid JSON. */
static bool is_bad_escape(struct slice rest)
{
    static const char *const bad[] = {"\\n", "\\r", "\\t", "\\u0009", "\\u000a", "\\u000d"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (slice_starts_like(rest, bad[i]))
            return true;
    return false;
}

bool raw_text_has_bad_space(struct slice raw)
{
    size_t spaces = 0;

    for (size_t i = 0; i < raw.len; i++) {
        spaces = raw.at[i] == ' ' ? spaces + 1 : 0;
        if (spaces > SPACES_MAX)
            return true;
        if (raw.at[i] != '\\')
            continue;
        if (is_bad_escape(slice_after(raw, i)))
            return true;
        i++;
    }
    return false;
}

size_t raw_text_digits(struct slice raw, char *out, size_t size)
{
    size_t count = 0;

    for (size_t i = 0; i < raw.len && count + 1 < size; i++)
        if (raw.at[i] >= '0' && raw.at[i] <= '9')
            out[count++] = raw.at[i];
    out[count] = '\0';
    return count;
}
