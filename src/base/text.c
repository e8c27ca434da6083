/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include "base/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Words longer than this are compared by their length alone. */
enum { DISTANCE_MAX = 64 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool text_is_digits(const char *text)
{
    if (!*text)
        return false;
    for (; *text; text++)
        if (!is_digit(*text))
            return false;
    return true;
}

bool text_to_int(const char *text, int64_t min, int64_t max, int64_t *out)
{
    long long value;

    if (!text_is_digits(*text == '-' ? text + 1 : text))
        return false;
    errno = 0;
    value = strtoll(text, NULL, 10);
    if (errno || value < min || value > max)
        return false;
    *out = value;
    return true;
}

/* Digits, a point, an exponent: what strtod takes beyond that (hex, inf, nan, spaces) is refused.
 */
static bool looks_like_decimal(const char *text)
{
    return *text && (is_digit(*text) || *text == '-' || *text == '.') &&
           text[strspn(text, "0123456789+-.eE")] == '\0';
}

bool text_to_double(const char *text, double min, double max, double *out)
{
    char *end;
    double value;

    if (!looks_like_decimal(text))
        return false;
    value = strtod(text, &end);
    if (*end || !isfinite(value) || value < min || value > max)
        return false;
    *out = value;
    return true;
}

/* What is left of a text that is being read. */
struct reader {
    const char *at;
    const char *end;
};

static bool read_char(struct reader *r, const char *allowed)
{
    if (r->at == r->end || *r->at == '\0' || !strchr(allowed, *r->at))
        return false;
    r->at++;
    return true;
}

/* Exactly `digits` digits, whose value is in [min, max]. */
static bool read_number(struct reader *r, int digits, int min, int max, int *out)
{
    *out = 0;
    for (int i = 0; i < digits; i++, r->at++) {
        if (r->at == r->end || !is_digit(*r->at))
            return false;
        *out = *out * 10 + (*r->at - '0');
    }
    return *out >= min && *out <= max;
}

/* The digits after the point: milliseconds, what is finer is dropped. */
static bool read_fraction(struct reader *r, int *ms)
{
    int weight = 100;

    *ms = 0;
    if (!read_char(r, "."))
        return true;
    if (r->at == r->end || !is_digit(*r->at))
        return false;
    for (; r->at < r->end && is_digit(*r->at); r->at++, weight /= 10)
        *ms += weight * (*r->at - '0');
    return true;
}

/* "Z", "+05:30", "-08:00": minutes east of Greenwich. */
static bool read_offset(struct reader *r, int *minutes)
{
    int hours, rest, sign;

    *minutes = 0;
    if (read_char(r, "Zz"))
        return true;
    if (r->at == r->end)
        return false;
    sign = *r->at == '-' ? -1 : 1;
    if (!read_char(r, "+-") || !read_number(r, 2, 0, 23, &hours) || !read_char(r, ":") ||
        !read_number(r, 2, 0, 59, &rest))
        return false;
    *minutes = sign * (hours * 60 + rest);
    return true;
}

static bool read_date(struct reader *r, struct tm *t)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month;
    bool leap;

    if (!read_number(r, 4, 1970, 9999, &year) || !read_char(r, "-") ||
        !read_number(r, 2, 1, 12, &month) || !read_char(r, "-"))
        return false;
    leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    t->tm_year = year - 1900;
    t->tm_mon = month - 1;
    return read_number(r, 2, 1, month == 2 && leap ? 29 : days[month - 1], &t->tm_mday);
}

static bool read_time_of_day(struct reader *r, struct tm *t)
{
    return read_number(r, 2, 0, 23, &t->tm_hour) && read_char(r, ":") &&
           read_number(r, 2, 0, 59, &t->tm_min) && read_char(r, ":") &&
           read_number(r, 2, 0, 60, &t->tm_sec); /* 60: a leap second */
}

static bool read_rfc3339(struct reader *r, int64_t *out)
{
    struct tm t = {0};
    int ms, offset;

    if (!read_date(r, &t) || !read_char(r, "Tt ") || !read_time_of_day(r, &t) ||
        !read_fraction(r, &ms) || !read_offset(r, &offset) || r->at != r->end)
        return false;
    *out = ((int64_t)timegm(&t) - (int64_t)offset * 60) * 1000 + ms;
    return true;
}

bool text_to_time_ms(const char *text, size_t len, int64_t *out)
{
    const int64_t year_10000 = 253402300800; /* so that milliseconds are not taken for seconds */
    struct reader r = {.at = text, .end = text + len};
    char digits[16];
    int64_t seconds;

    if (len > 4 && text[4] == '-')
        return read_rfc3339(&r, out);
    if (len == 0 || len >= sizeof(digits) || memchr(text, '\0', len))
        return false;
    text_copy(digits, sizeof(digits), text, len);
    if (!text_to_int(digits, 0, year_10000 - 1, &seconds))
        return false;
    *out = seconds * 1000;
    return true;
}

void text_copy(char *out, size_t size, const char *text, size_t len)
{
    size_t used;

    if (size == 0)
        return;
    used = utf8_cut(text, len, size - 1);
    memcpy(out, text, used);
    out[used] = '\0';
}

static char plain(char c)
{
    return (unsigned char)c < ' ' || c == 0x7f ? ' ' : c;
}

void text_make_plain(char *text)
{
    for (; *text; text++)
        *text = plain(*text);
}

void text_add_plain(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        buf_addc(out, plain(text[i]));
}

void text_grouped(uint64_t value, char out[32])
{
    char reversed[32];
    size_t count = 0;
    size_t digits = 0;

    do {
        if (digits > 0 && digits % 3 == 0)
            reversed[count++] = ',';
        reversed[count++] = (char)('0' + value % 10);
        value /= 10;
        digits++;
    } while (value > 0);
    for (size_t i = 0; i < count; i++)
        out[i] = reversed[count - 1 - i];
    out[count] = '\0';
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* One cell of the table of edit distances: the first i letters of a, the first j of b. */
static size_t distance_cell(size_t rows[3][DISTANCE_MAX + 1], const char *a, const char *b,
                            size_t i, size_t j)
{
    const size_t *two_up = rows[(i + 1) % 3];
    const size_t *up = rows[(i + 2) % 3];
    size_t best =
        min3(up[j] + 1, rows[i % 3][j - 1] + 1, up[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));

    if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && two_up[j - 2] + 1 < best)
        best = two_up[j - 2] + 1;
    return best;
}

size_t text_distance(const char *a, const char *b)
{
    size_t rows[3][DISTANCE_MAX + 1];
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);

    if (a_len > DISTANCE_MAX || b_len > DISTANCE_MAX)
        return a_len > b_len ? a_len : b_len;
    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        rows[i % 3][0] = i;
        for (size_t j = 1; j <= b_len; j++)
            rows[i % 3][j] = distance_cell(rows, a, b, i, j);
    }
    return rows[a_len % 3][b_len];
}

static bool is_plain_word(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_./:=,+@%-";

    return *text && text[strspn(text, plain)] == '\0';
}

void text_quote(struct buf *out, const char *text)
{
    if (is_plain_word(text)) {
        buf_adds(out, text);
        return;
    }
    buf_addc(out, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            buf_adds(out, "'\\''");
        else
            buf_addc(out, *text);
    }
    buf_addc(out, '\'');
}
