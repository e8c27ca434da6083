/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

/* Which second bytes may follow a first byte, and how many bytes the character has (RFC 3629, 4).
 */
struct lead {
    unsigned char first, last; /* first bytes */
    unsigned char low, high;   /* second bytes */
    unsigned char size;
};

static const struct lead leads[] = {
    {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
    {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
    {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
};

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

static const struct lead *lead_of(unsigned char byte)
{
    for (size_t i = 0; i < ARRAY_SIZE(leads); i++)
        if (byte >= leads[i].first && byte <= leads[i].last)
            return &leads[i];
    return NULL;
}

size_t utf8_step(const char *text, size_t len)
{
    const struct lead *lead;
    unsigned char second;

    if (len == 0)
        return 0;
    if ((unsigned char)text[0] < 0x80)
        return 1;
    lead = lead_of((unsigned char)text[0]);
    if (!lead || len < lead->size)
        return 0;
    second = (unsigned char)text[1];
    if (second < lead->low || second > lead->high)
        return 0;
    for (size_t i = 2; i < lead->size; i++)
        if (!is_continuation(text[i]))
            return 0;
    return lead->size;
}

static bool is_ascii8(const char *text)
{
    uint64_t word;

    memcpy(&word, text, sizeof(word));
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

bool utf8_is_valid(const char *text, size_t len)
{
    size_t at = 0;

    while (at < len) {
        size_t step;

        if (len - at >= 8 && is_ascii8(text + at)) {
            at += 8;
            continue;
        }
        step = (unsigned char)text[at] < 0x80 ? 1 : utf8_step(text + at, len - at);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

bool utf8_is_control(const char *text, size_t step)
{
    unsigned char first = (unsigned char)text[0];

    if (step == 2)
        return first == 0xC2 && (unsigned char)text[1] < 0xA0;
    return step == 1 && (first < 0x20 || first == 0x7F);
}

bool utf8_has_control(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (utf8_is_control(text + i, 1) || (len - i > 1 && utf8_is_control(text + i, 2)))
            return true;
    return false;
}

size_t utf8_count_utf16(const char *text, size_t len)
{
    size_t units = 0;

    for (size_t i = 0; i < len; i++) {
        if (!is_continuation(text[i]))
            units++;
        if ((unsigned char)text[i] >= 0xF0)
            units++; /* a surrogate pair */
    }
    return units;
}

size_t utf8_cut(const char *text, size_t len, size_t max)
{
    size_t cut = max;

    if (len <= max)
        return len;
    while (cut > 0 && max - cut < 3 && is_continuation(text[cut]))
        cut--;
    return is_continuation(text[cut]) ? max : cut;
}

/* ---- Columns. */

/* Wide in EastAsianWidth.txt (Unicode 15), whole blocks where a part of them is. */
struct range {
    uint32_t first, last;
};

static const struct range wide[] = {
    {0x1100, 0x115F}, {0x231A, 0x23FF}, {0x2600, 0x27BF},   {0x2B00, 0x2BFF},   {0x2E80, 0xA4CF},
    {0xA960, 0xA97F}, {0xAC00, 0xD7A3}, {0xF900, 0xFAFF},   {0xFE10, 0xFE1F},   {0xFE30, 0xFE6F},
    {0xFF00, 0xFF60}, {0xFFE0, 0xFFE6}, {0x16FE0, 0x1B2FF}, {0x1F000, 0x1FAFF}, {0x20000, 0x3FFFF},
};

/* Of a valid character of `size` bytes. */
static uint32_t code_point(const char *text, size_t size)
{
    static const unsigned char lead_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t code = (unsigned char)text[0] & lead_bits[size];

    for (size_t i = 1; i < size; i++)
        code = code << 6 | ((unsigned char)text[i] & 0x3F);
    return code;
}

static bool is_wide(uint32_t code)
{
    for (size_t i = 0; i < ARRAY_SIZE(wide); i++)
        if (code >= wide[i].first && code <= wide[i].last)
            return true;
    return false;
}

/* The character at `text`, or the byte that is none. */
static size_t step_columns(const char *text, size_t len, size_t *step)
{
    size_t size = utf8_step(text, len);

    *step = size ? size : 1;
    return size && is_wide(code_point(text, size)) ? 2 : 1;
}

size_t utf8_columns(const char *text, size_t len)
{
    size_t columns = 0, step;

    for (size_t at = 0; at < len; at += step)
        columns += step_columns(text + at, len - at, &step);
    return columns;
}

size_t utf8_fit(const char *text, size_t len, size_t max)
{
    size_t at = 0, columns = 0, step;

    while (at < len) {
        columns += step_columns(text + at, len - at, &step);
        if (columns > max)
            break;
        at += step;
    }
    return at;
}
