/* SPDX-License-Identifier: MIT */
#include "core/phone.h"

#include <string.h>

enum { SHOWN_FIRST = 5, SHOWN_LAST = 2 };

enum glyph { GLYPH_OTHER, GLYPH_DIGIT, GLYPH_PLUS, GLYPH_SEPARATOR, GLYPH_LETTER };

static enum glyph glyph_of(char c)
{
    if (c >= '0' && c <= '9')
        return GLYPH_DIGIT;
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return GLYPH_LETTER;
    if (c == '+')
        return GLYPH_PLUS;
    return c && strchr(" .-()[]", c) ? GLYPH_SEPARATOR : GLYPH_OTHER;
}

/* What was seen of a number so far. */
struct digits {
    char *out;    /* '+', then room for PHONE_DIGITS_MAX digits and a NUL */
    size_t count; /* digits seen, also those that had no room */
    bool plus;
};

/* What is wrong with `c` at this place, or NULL. */
static const char *add_glyph(struct digits *d, char c)
{
    switch (glyph_of(c)) {
    case GLYPH_DIGIT:
        if (d->count < PHONE_DIGITS_MAX)
            d->out[1 + d->count] = c;
        d->count++;
        return NULL;
    case GLYPH_PLUS:
        if (d->plus || d->count > 0)
            return "has a '+' that is not the first";
        d->plus = true;
        return NULL;
    case GLYPH_SEPARATOR:
        return NULL;
    case GLYPH_LETTER:
        return "has letters";
    case GLYPH_OTHER:
        break;
    }
    return "has a character that no phone number has";
}

static const char *number_fault(const struct digits *d)
{
    if (d->count == 0)
        return "has no digits";
    if (!d->plus)
        return "has no '+' and country code";
    if (d->out[1] == '0')
        return "begins with 0, which no country code does";
    if (d->count < PHONE_DIGITS_MIN)
        return "has fewer than 8 digits";
    return d->count > PHONE_DIGITS_MAX ? "has more than 15 digits" : NULL;
}

bool phone_parse(const char *text, size_t len, char out[PHONE_SIZE], const char **why)
{
    struct digits d = {.out = out};

    for (size_t i = 0; i < len; i++) {
        *why = add_glyph(&d, text[i]);
        if (*why)
            return false;
    }
    *why = len == 0 ? "is empty" : number_fault(&d);
    if (*why)
        return false;
    out[0] = '+';
    out[1 + d.count] = '\0';
    return true;
}

void phone_mask(const char *phone, char out[PHONE_MASKED_SIZE])
{
    size_t len = strnlen(phone, PHONE_MASKED_SIZE - 1);

    memset(out, '*', len);
    out[len] = '\0';
    if (len <= SHOWN_FIRST + SHOWN_LAST)
        return; /* nothing would be hidden */
    memcpy(out, phone, SHOWN_FIRST);
    memcpy(out + len - SHOWN_LAST, phone + len - SHOWN_LAST, SHOWN_LAST);
}
