/* SPDX-License-Identifier: MIT */
#include "base/log_format.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/utf8.h"

#include <math.h>
#include <string.h>

/* Of one text at most so much is written: ten times Graph's longest error text. */
enum { VALUE_MAX = 1024 };

struct level_words {
    const char *upper;
    const char *lower;
    const char *coloured;
};

static const struct level_words level_words[] = {
    [LOG_ERROR] = {"ERROR", "error", "\033[31mERROR\033[0m"},
    [LOG_WARN] = {"WARN", "warn", "\033[33mWARN\033[0m"},
    [LOG_INFO] = {"INFO", "info", "INFO"},
    [LOG_DEBUG] = {"DEBUG", "debug", "\033[2mDEBUG\033[0m"},
};

/* What a byte may do in a line of text. */
enum byte_kind {
    BYTE_PLAIN,
    BYTE_QUOTED, /* stands as it is, in quotes */
    BYTE_ESCAPED,
    BYTE_HIGH, /* part of something longer than ASCII */
};

/* A table, because every byte of every line is looked up. */
static const unsigned char kinds[256] = {
    [0 ... 31] = BYTE_ESCAPED, [' '] = BYTE_QUOTED,   ['='] = BYTE_QUOTED,
    ['"'] = BYTE_ESCAPED,      ['\\'] = BYTE_ESCAPED, [127] = BYTE_ESCAPED,
    [128 ... 255] = BYTE_HIGH,
};

static enum byte_kind kind_of(char c)
{
    return kinds[(unsigned char)c];
}

/* How many bytes from the start are of `most` or a milder kind. */
static size_t run_of(const char *text, size_t len, enum byte_kind most)
{
    size_t run = 0;

    while (run < len && kind_of(text[run]) <= most)
        run++;
    return run;
}

static bool needs_quotes(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (kind_of(text[i]) == BYTE_QUOTED || kind_of(text[i]) == BYTE_ESCAPED)
            return true;
    return len == 0;
}

/* Characters above ASCII that a terminal obeys or that hide what is written: C1 controls, the marks
 * and overrides of direction, line separators, the byte order mark. */
static bool is_mischief(unsigned code)
{
    static const struct {
        unsigned first, last;
    } ranges[] = {
        {0x80, 0x9F},     {0x061C, 0x061C}, {0x200E, 0x200F},
        {0x2028, 0x202E}, {0x2066, 0x2069}, {0xFEFF, 0xFEFF},
    };

    for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

/* The code point of a valid character of two or three bytes; of four bytes none is mischief. */
static unsigned code_of(const char *text, size_t step)
{
    unsigned a = (unsigned char)text[0];
    unsigned b = (unsigned char)text[1] & 0x3F;

    if (step == 2)
        return (a & 0x1F) << 6 | b;
    return step == 3 ? (a & 0x0F) << 12 | b << 6 | ((unsigned char)text[2] & 0x3F) : 0x10000;
}

/* One character above ASCII; says how many bytes it took. */
static size_t write_high(struct buf *out, const char *text, size_t len)
{
    size_t step = utf8_step(text, len);
    unsigned code;

    if (step == 0) {
        buf_addf(out, "\\x%02x", (unsigned)(unsigned char)*text);
        return 1;
    }
    code = code_of(text, step);
    if (is_mischief(code))
        buf_addf(out, "\\u%04x", code);
    else
        buf_add(out, text, step);
    return step;
}

static void write_escape(struct buf *out, char c)
{
    static const char from[] = "\n\r\t\"\\";
    static const char to[] = "nrt\"\\";
    const char *found = strchr(from, c);

    if (found && c) {
        buf_addc(out, '\\');
        buf_addc(out, to[found - from]);
    } else {
        buf_addf(out, "\\x%02x", (unsigned)(unsigned char)c);
    }
}

static void write_escaped(struct buf *out, const char *text, size_t len)
{
    size_t at = 0;

    while (at < len) {
        size_t run = run_of(text + at, len - at, BYTE_QUOTED);

        buf_add(out, text + at, run);
        at += run;
        if (at == len)
            return;
        if (kind_of(text[at]) == BYTE_HIGH)
            at += write_high(out, text + at, len - at);
        else
            write_escape(out, text[at++]);
    }
}

/* How much of the text is written; a character of more bytes is not cut. */
static size_t value_len(const char *text)
{
    size_t len = strnlen(text, VALUE_MAX + 1);

    return len > VALUE_MAX ? utf8_cut(text, len, VALUE_MAX) : len;
}

static void write_value(struct buf *out, const char *text)
{
    size_t len = value_len(text);
    const char *quote = "";

    if (len > 0 && run_of(text, len, BYTE_PLAIN) == len) {
        buf_add(out, text, len);
        return;
    }
    if (needs_quotes(text, len))
        quote = "\"";
    buf_adds(out, quote);
    write_escaped(out, text, len);
    buf_adds(out, quote);
}

static void write_text_field(struct buf *out, const struct log_field *field)
{
    buf_addc(out, ' ');
    buf_adds(out, field->key);
    buf_addc(out, '=');
    switch (field->kind) {
    case LOG_FIELD_TEXT:
        write_value(out, field->text);
        break;
    case LOG_FIELD_INT:
        buf_add_int(out, field->number);
        break;
    case LOG_FIELD_DOUBLE:
        buf_addf(out, "%.6g", field->real);
        break;
    }
}

static void write_json_field(struct buf *out, const struct log_field *field)
{
    buf_addc(out, ',');
    json_write_string(out, field->key, strlen(field->key));
    buf_addc(out, ':');
    switch (field->kind) {
    case LOG_FIELD_TEXT:
        json_write_string(out, field->text, value_len(field->text));
        break;
    case LOG_FIELD_INT:
        buf_add_int(out, field->number);
        break;
    case LOG_FIELD_DOUBLE:
        buf_addf(out, isfinite(field->real) ? "%.6g" : "null", field->real);
        break;
    }
}

/* Each field whole or not at all, and room kept for `end`. */
static void write_fields(struct buf *out, const struct log_entry *entry,
                         void (*write_field)(struct buf *, const struct log_field *),
                         const char *end)
{
    for (size_t i = 0; i < entry->count; i++) {
        size_t mark = out->len;

        if (entry->fields[i].kind == LOG_FIELD_TEXT && !entry->fields[i].text)
            continue;
        write_field(out, &entry->fields[i]);
        if (!buf_ok(out) || out->max - out->len < strlen(end))
            buf_cut(out, mark);
    }
    buf_adds(out, end);
}

void log_format_text(struct buf *out, const struct log_entry *entry, bool colour)
{
    const struct level_words *words = &level_words[entry->level];
    char at[CLOCK_TEXT_SIZE];

    clock_text(entry->at_ms, at);
    buf_adds(out, at);
    buf_addc(out, ' ');
    buf_adds(out, colour ? words->coloured : words->upper);
    buf_addc(out, ' ');
    write_escaped(out, entry->text, value_len(entry->text));
    write_fields(out, entry, write_text_field, "\n");
}

void log_format_json(struct buf *out, const struct log_entry *entry)
{
    char at[CLOCK_TEXT_SIZE];

    clock_text(entry->at_ms, at);
    buf_adds(out, "{\"v\":1,\"at\":\"");
    buf_adds(out, at);
    buf_adds(out, "\",\"level\":\"");
    buf_adds(out, level_words[entry->level].lower);
    buf_adds(out, "\",\"text\":");
    json_write_string(out, entry->text, value_len(entry->text));
    write_fields(out, entry, write_json_field, "}\n");
}
