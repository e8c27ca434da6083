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
