/* SPDX-License-Identifier: MIT */
#include "base/json_scan.h"

#include "base/text.h"

#include <float.h>
#include <stdint.h>
#include <string.h>

/* Longer than any number that means something, whole or not. */
enum { NUMBER_MAX = 64 };

struct scan {
    const char *text;
    size_t len;
    size_t at;
    size_t members;
    int depth_left;
    const char *reason;
};

static bool scan_value(struct scan *s);

static bool refuse(struct scan *s, const char *reason)
{
    if (!s->reason)
        s->reason = s->at < s->len ? reason : "it ends too early";
    return false;
}

/* The byte at hand; -1 at the end. */
static int peek(const struct scan *s)
{
    return s->at < s->len ? (unsigned char)s->text[s->at] : -1;
}

static bool accept(struct scan *s, char c)
{
    if (peek(s) != c)
        return false;
    s->at++;
    return true;
}

static void skip_space(struct scan *s)
{
    while (accept(s, ' ') || accept(s, '\t') || accept(s, '\n') || accept(s, '\r'))
        continue;
}

static bool scan_literal(struct scan *s, const char *word)
{
    size_t len = strlen(word);

    if (s->len - s->at < len || memcmp(s->text + s->at, word, len) != 0)
        return refuse(s, "no value begins here");
    s->at += len;
    return true;
}

/* The four hex digits of \uXXXX; -1 when they are not. */
static int scan_hex4(struct scan *s)
{
    int value = 0;

    for (int i = 0; i < 4; i++, s->at++) {
        int c = peek(s);

        if (c >= '0' && c <= '9')
            value = value * 16 + c - '0';
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            value = value * 16 + (c | 0x20) - 'a' + 10;
        else
            return -1;
    }
    return value;
}

static bool scan_escape(struct scan *s)
{
    int c = peek(s);

    if (c > 0 && strchr("\"\\/bfnrt", c)) {
        s->at++;
        return true;
    }
    if (!accept(s, 'u'))
        return refuse(s, "an escape that JSON does not know");
    c = scan_hex4(s);
    if (c < 0)
        return refuse(s, "\\u wants four hex digits");
    return c != 0 || refuse(s, "a NUL (\\u0000)");
}

static bool scan_string(struct scan *s)
{
    if (!accept(s, '"'))
        return refuse(s, "a string in double quotes is wanted");
    while (!accept(s, '"')) {
        if (peek(s) < ' ')
            return refuse(s, "a raw control character in a string");
        if (!accept(s, '\\'))
            s->at++;
        else if (!scan_escape(s))
            return false;
    }
    return true;
}

static bool scan_digits(struct scan *s)
{
    size_t start = s->at;

    while (peek(s) >= '0' && peek(s) <= '9')
        s->at++;
    return s->at > start || refuse(s, "a digit is wanted");
}

static bool number_fits(const char *digits, size_t len, bool whole)
{
    char copy[NUMBER_MAX + 1];
    int64_t integer;
    double real;

    if (len > NUMBER_MAX)
        return false;
    text_copy(copy, sizeof(copy), digits, len);
    return whole ? text_to_int(copy, INT64_MIN, INT64_MAX, &integer)
                 : text_to_double(copy, -DBL_MAX, DBL_MAX, &real);
}

static bool scan_number(struct scan *s)
{
    size_t start = s->at;
    bool whole = true;

    (void)accept(s, '-'); /* may be there or not */
    if (!accept(s, '0') && !scan_digits(s))
        return false;
    if (accept(s, '.')) {
        whole = false;
        if (!scan_digits(s))
            return false;
    }
    if (accept(s, 'e') || accept(s, 'E')) {
        whole = false;
        (void)(accept(s, '+') || accept(s, '-')); /* may be there or not */
        if (!scan_digits(s))
            return false;
    }
    if (number_fits(s->text + start, s->at - start, whole))
        return true;
    s->at = start;
    return refuse(s, "a number that does not fit in 64 bits");
}

static bool scan_member(struct scan *s)
{
    skip_space(s);
    if (!scan_string(s))
        return false;
    skip_space(s);
    if (!accept(s, ':'))
        return refuse(s, "':' is wanted");
    s->members++;
    return scan_value(s);
}

/* From behind the opening bracket to behind the closing one. */
static bool scan_list(struct scan *s, char close, bool (*scan_item)(struct scan *))
{
    if (s->depth_left == 0)
        return refuse(s, "nested too deep");
    skip_space(s);
    if (accept(s, close))
        return true;
    s->depth_left--;
    do {
        if (!scan_item(s))
            return false;
        skip_space(s);
    } while (accept(s, ','));
    s->depth_left++;
    return accept(s, close) || refuse(s, "',' or the closing bracket is wanted");
}

static bool scan_plain(struct scan *s)
{
    int c = peek(s);

    if (c == '"')
        return scan_string(s);
    if (c == '-' || (c >= '0' && c <= '9'))
        return scan_number(s);
    return scan_literal(s, c == 't' ? "true" : c == 'f' ? "false" : "null");
}

static bool scan_value(struct scan *s)
{
    skip_space(s);
    if (accept(s, '{'))
        return scan_list(s, '}', scan_member);
    if (accept(s, '['))
        return scan_list(s, ']', scan_value);
    return scan_plain(s);
}

bool json_scan(const char *text, size_t len, int depth_max, struct json_scan *result)
{
    struct scan s = {.text = text, .len = len, .depth_left = depth_max};
    bool ok = scan_value(&s);

    skip_space(&s);
    if (ok && s.at < s.len)
        ok = refuse(&s, "something follows the value");
    *result = (struct json_scan){.members = s.members, .at = s.at, .reason = s.reason};
    return ok;
}
