/* SPDX-License-Identifier: MIT */
#include "base/json_pull.h"

#include "base/text.h"
#include "base/utf8.h"

#include <string.h>

enum { REPLACEMENT = 0xfffd };

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void skip_space(struct json_pull *p)
{
    while (p->at < p->end && is_space(*p->at))
        p->at++;
}

/* The next byte that means something; 0 at the end. */
static char peek(struct json_pull *p)
{
    skip_space(p);
    return p->at < p->end ? *p->at : '\0';
}

/* Is the quote at `quote` one of the string itself? Then backslashes stand before it, in odd
 * number.
 */
static bool is_escaped(const char *start, const char *quote)
{
    const char *at = quote;

    while (at > start && at[-1] == '\\')
        at--;
    return (quote - at) % 2 == 1;
}

/* From the opening quote to behind the closing one. */
static bool skip_string(struct json_pull *p)
{
    const char *start = p->at + 1;
    const char *quote = p->at;

    do {
        quote++;
        quote = quote < p->end ? memchr(quote, '"', (size_t)(p->end - quote)) : NULL;
    } while (quote && is_escaped(start, quote));
    p->at = quote ? quote + 1 : p->end;
    return quote != NULL;
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == 'E' || c == '+' || c == '-' ||
           c == '.';
}

/* A number, true, false, null: anything of their letters. */
static bool skip_word(struct json_pull *p)
{
    const char *start = p->at;

    while (p->at < p->end && is_word(*p->at))
        p->at++;
    return p->at > start;
}

static bool skip_plain(struct json_pull *p)
{
    return *p->at == '"' ? skip_string(p) : skip_word(p);
}

/* ---- The check of the whole. */

struct nest {
    char closers[JSON_PULL_DEPTH_MAX];
    size_t depth;
};

static bool take(struct json_pull *p, char c)
{
    if (peek(p) != c)
        return false;
    p->at++;
    return true;
}

/* The key and colon in front of a member's value. */
static bool skip_key(struct json_pull *p)
{
    return peek(p) == '"' && skip_string(p) && take(p, ':');
}

static bool is_in_object(const struct nest *n)
{
    return n->depth > 0 && n->closers[n->depth - 1] == '}';
}

/* Behind a value: closes what ends here. True when another value follows. */
static bool follow(struct json_pull *p, struct nest *n)
{
    while (n->depth > 0) {
        if (take(p, ','))
            return !is_in_object(n) || skip_key(p);
        if (!take(p, n->closers[n->depth - 1]))
            return false;
        n->depth--;
    }
    return false;
}

/* The brackets in front of a value, empty ones whole. True when a plain value follows; `empty` when
 * a value is over already. */
static bool dive(struct json_pull *p, struct nest *n, bool *empty)
{
    char c;

    *empty = false;
    while ((c = peek(p)) == '{' || c == '[') {
        char closer = c == '{' ? '}' : ']';

        if (n->depth == JSON_PULL_DEPTH_MAX)
            return false;
        p->at++;
        if (take(p, closer)) {
            *empty = true;
            return true;
        }
        n->closers[n->depth++] = closer;
        if (closer == '}' && !skip_key(p))
            return false;
    }
    return c != '\0';
}

bool json_pull_whole(const char *text, size_t len)
{
    struct json_pull p = {text, text + len};
    struct nest n = {.depth = 0};
    bool empty;

    do {
        if (!dive(&p, &n, &empty) || (!empty && !skip_plain(&p)))
            return false;
    } while (follow(&p, &n));
    skip_space(&p);
    return n.depth == 0 && p.at == p.end;
}

/* ---- The walk, over a text that passed. */

bool json_pull_open(struct json_pull *p, char bracket)
{
    return take(p, bracket);
}

bool json_pull_element(struct json_pull *p)
{
    (void)take(p, ','); /* none in front of the first */
    return !take(p, ']') && p->at < p->end;
}

bool json_pull_member(struct json_pull *p, struct json_pull_text *key)
{
    (void)take(p, ','); /* none in front of the first */
    if (take(p, '}') || peek(p) != '"')
        return false;
    return json_pull_read(p, key) && take(p, ':');
}

bool json_pull_read(struct json_pull *p, struct json_pull_text *out)
{
    char c = peek(p);
    const char *start = p->at;

    *out = (struct json_pull_text){.at = "", .quoted = c == '"'};
    if (c == '{' || c == '[' || c == '\0') {
        json_pull_skip(p);
        return false;
    }
    if (!skip_plain(p))
        return false;
    out->at = start + out->quoted;
    out->len = (size_t)(p->at - start) - (out->quoted ? 2 : 0);
    return true;
}

void json_pull_skip(struct json_pull *p)
{
    size_t depth = 0;

    do {
        char c = peek(p);

        if (c == '"') {
            (void)skip_string(p); /* the whole was checked */
            continue;
        }
        depth += c == '{' || c == '[';
        depth -= depth > 0 && (c == '}' || c == ']');
        if (p->at < p->end && !skip_word(p))
            p->at++;
    } while (depth > 0 && p->at < p->end);
}

/* ---- Values. */

bool json_pull_is(const struct json_pull_text *text, const char *literal)
{
    return text->len == strlen(literal) && memcmp(text->at, literal, text->len) == 0;
}

bool json_pull_int(const struct json_pull_text *text, int64_t *out)
{
    char digits[32];

    if (text->len >= sizeof(digits))
        return false;
    text_copy(digits, sizeof(digits), text->at, text->len);
    return text_to_int(digits, INT64_MIN, INT64_MAX, out);
}

/* Four hex digits at `at`; -1 when they are not. */
static int hex4(const char *at, size_t len)
{
    int value = 0;

    for (size_t i = 0; i < 4; i++) {
        int c = i < len ? (unsigned char)at[i] : 0;

        if (c >= '0' && c <= '9')
            value = value * 16 + c - '0';
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            value = value * 16 + (c | 0x20) - 'a' + 10;
        else
            return -1;
    }
    return value;
}

/* What stands at `at` behind "\u", as bytes read and a character. */
static size_t read_unicode(const char *at, size_t len, unsigned *point)
{
    int high = hex4(at, len);
    int low = high >= 0xd800 && high <= 0xdbff && len >= 10 && at[4] == '\\' && at[5] == 'u'
                  ? hex4(at + 6, len - 6)
                  : -1;

    *point = REPLACEMENT;
    if (high < 0)
        return 0;
    if (low >= 0xdc00 && low <= 0xdfff) {
        *point = 0x10000 + ((unsigned)(high - 0xd800) << 10) + (unsigned)(low - 0xdc00);
        return 10;
    }
    if (high != 0 && (high < 0xd800 || high > 0xdfff))
        *point = (unsigned)high;
    return 4;
}

/* One escape behind its backslash: how many bytes it takes. */
static size_t read_escape(const char *at, size_t len, unsigned *point)
{
    *point = ' '; /* \b \f \n \r \t */
    if (*at == 'u')
        return 1 + read_unicode(at + 1, len - 1, point);
    if (*at == '"' || *at == '\\' || *at == '/')
        *point = (unsigned char)*at;
    return 1;
}

static size_t encode(unsigned point, char out[4])
{
    if (point < ' ' || (point >= 0x7f && point < 0xa0))
        point = ' ';
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xc0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xe0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 0x3f));
        out[2] = (char)(0x80 | (point & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 0x3f));
    out[2] = (char)(0x80 | (point >> 6 & 0x3f));
    out[3] = (char)(0x80 | (point & 0x3f));
    return 4;
}

/* The next character of the text in UTF-8; says how many bytes were read. */
static size_t next_character(const char *at, size_t len, char out[4], size_t *made)
{
    unsigned point = REPLACEMENT;
    size_t step;

    if (*at == '\\' && len > 1) {
        step = 1 + read_escape(at + 1, len - 1, &point);
        *made = encode(point, out);
        return step;
    }
    step = utf8_step(at, len);
    if (step > 1 && !utf8_is_control(at, step)) {
        memcpy(out, at, step);
        *made = step;
        return step;
    }
    if (step)
        point = step == 1 ? (unsigned char)*at : ' '; /* C1 */
    *made = encode(point, out);
    return step ? step : 1;
}

/* How much of the beginning means itself; most texts do as a whole. */
static size_t plain_length(const struct json_pull_text *text, size_t max)
{
    size_t len = 0;

    max = text->len < max ? text->len : max;
    while (len < max && text->at[len] >= ' ' && text->at[len] < 0x7f && text->at[len] != '\\')
        len++;
    return len;
}

bool json_pull_copy(const struct json_pull_text *text, char *out, size_t size)
{
    const char *at = text->at;
    const char *end = text->at + text->len;
    size_t used = plain_length(text, size - 1);

    memcpy(out, at, used);
    at += used;

    while (at < end) {
        char piece[4];
        size_t made;
        size_t step = next_character(at, (size_t)(end - at), piece, &made);

        if (used + made >= size)
            break;
        memcpy(out + used, piece, made);
        used += made;
        at += step;
    }
    out[used] = '\0';
    return at == end;
}
