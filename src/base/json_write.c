/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include "base/utf8.h"

#include <math.h>
#include <string.h>

static bool is_plain(unsigned char c)
{
    return c >= ' ' && c < 0x80 && c != '"' && c != '\\';
}

/* Eight at a time; may say no where the bytes one by one say yes. */
static bool are_plain8(const char *text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word, odd;

    memcpy(&word, text, sizeof(word));
    odd = word | (word - ones * ' ') | ((word ^ ones * '"') - ones) | ((word ^ ones * '\\') - ones);
    return (odd & ones << 7) == 0;
}

static size_t plain_run(const char *text, size_t len)
{
    size_t run = 0;

    while (len - run >= 8 && are_plain8(text + run))
        run += 8;
    while (run < len && is_plain((unsigned char)text[run]))
        run++;
    return run;
}

/* The letter of the short escape for `c`, or 0. */
static char short_escape(char c)
{
    static const char from[] = "\"\\\b\f\n\r\t";
    static const char to[] = "\"\\bfnrt";
    const char *found = c ? strchr(from, c) : NULL;

    return found ? to[found - from] : '\0';
}

/* One character that cannot stand as it is in plain ASCII; says how many bytes it took. */
static size_t write_special(struct buf *out, const char *text, size_t len)
{
    size_t step = utf8_step(text, len);

    if (step == 0) {
        buf_adds(out, UTF8_REPLACEMENT);
        return 1;
    }
    if (step > 1) {
        buf_add(out, text, step);
        return step;
    }
    if (short_escape(*text)) {
        buf_addc(out, '\\');
        buf_addc(out, short_escape(*text));
    } else {
        buf_addf(out, "\\u%04x", (unsigned)(unsigned char)*text);
    }
    return 1;
}

void json_write_string(struct buf *out, const char *text, size_t len)
{
    size_t at = 0;

    buf_addc(out, '"');
    while (at < len) {
        size_t run = plain_run(text + at, len - at);

        buf_add(out, text + at, run);
        at += run;
        if (at < len)
            at += write_special(out, text + at, len - at);
    }
    buf_addc(out, '"');
}

/* What stands before a value: the comma, the key. */
static void put_key(struct json_writer *w, const char *key)
{
    if (w->comma)
        buf_addc(w->out, ',');
    w->comma = true;
    if (!key)
        return;
    json_write_string(w->out, key, strlen(key));
    buf_addc(w->out, ':');
}

void json_begin(struct json_writer *w, const char *key, char bracket)
{
    put_key(w, key);
    buf_addc(w->out, bracket);
    w->comma = false;
}

void json_end(struct json_writer *w, char bracket)
{
    buf_addc(w->out, bracket);
    w->comma = true;
}

void json_put_string(struct json_writer *w, const char *key, const char *text)
{
    put_key(w, key);
    if (text)
        json_write_string(w->out, text, strlen(text));
    else
        buf_adds(w->out, "null");
}

void json_put_int(struct json_writer *w, const char *key, int64_t value)
{
    put_key(w, key);
    buf_add_int(w->out, value);
}

void json_put_double(struct json_writer *w, const char *key, double value, int decimals)
{
    put_key(w, key);
    if (isfinite(value))
        buf_addf(w->out, "%.*f", decimals, value);
    else
        buf_adds(w->out, "null");
}

void json_put_bool(struct json_writer *w, const char *key, bool value)
{
    put_key(w, key);
    buf_adds(w->out, value ? "true" : "false");
}

void json_put_raw(struct json_writer *w, const char *key, const char *json)
{
    put_key(w, key);
    buf_adds(w->out, json);
}

void json_put_value(struct json_writer *w, const char *key, const struct json *value)
{
    put_key(w, key);
    json_write(w->out, value);
}
