/* SPDX-License-Identifier: MIT */
#include "io/file_source_header.h"

#include "base/flags.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <string.h>

void columns_free(struct columns *c)
{
    for (size_t i = 0; i < c->count; i++)
        mem_free((void *)(uintptr_t)c->names[i]);
    *c = (struct columns){0};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct field trimmed(struct field f)
{
    while (f.len && is_blank(f.value[0])) {
        f.value++;
        f.len--;
    }
    while (f.len && is_blank(f.value[f.len - 1]))
        f.len--;
    return f;
}

static bool is_name(const char *name, const char *bytes, size_t len)
{
    return strlen(name) == len && memcmp(name, bytes, len) == 0;
}

static bool has_column(const struct columns *c, const char *name, size_t len)
{
    for (size_t i = 0; i < c->count; i++) {
        if (is_name(c->names[i], name, len))
            return true;
    }
    return false;
}

/* The two columns that a rejects file has on top are no news. */
static bool is_unknown(const char *name, const struct message_defaults *defaults)
{
    return *name && strcmp(name, "line") != 0 && strcmp(name, "reason") != 0 &&
           !message_field_is_known(name, defaults);
}

static void add_column(struct columns *c, const char *name, size_t len,
                       const struct message_defaults *defaults)
{
    const char *copy = mem_strndup(name, len);

    c->names[c->count++] = copy;
    if (is_unknown(copy, defaults))
        c->unknown[c->unknown_count++] = copy;
}

/* Says what stands there instead; a list of columns that is too long is cut. */
static bool no_to_column(const struct columns *c, struct err *e)
{
    const char *near = flags_nearest("to", c->names, c->count);
    struct buf list = buf_new(300);
    bool other = c->count == 1 && strpbrk(c->names[0], ";\t|");

    for (size_t i = 0; i < c->count; i++)
        buf_addf(&list, "%s%s", i ? ", " : "", c->names[i]);
    (void)err_set(e, EXIT_BAD_DATA, "no column `to`; the header has: %s%s%s%s%s%s", buf_text(&list),
                  buf_ok(&list) ? "" : ", ...", near ? " (did you mean `" : "", near ? near : "",
                  near ? "`? names are lower case)" : "",
                  other ? " (the separator must be a comma)" : "");
    buf_free(&list);
    return false;
}

static bool add_from_header(struct columns *c, struct field f,
                            const struct message_defaults *defaults, struct err *e)
{
    if (!utf8_is_valid(f.value, f.len) || memchr(f.value, '\0', f.len))
        return err_set(e, EXIT_BAD_DATA,
                       "the name of column %zu is not UTF-8 text; save the file as UTF-8",
                       c->count + 1);
    if (f.len && has_column(c, f.value, f.len))
        return err_set(e, EXIT_BAD_DATA, "the header has the column `%.*s` twice", (int)f.len,
                       f.value);
    add_column(c, f.value, f.len, defaults);
    return true;
}

bool columns_from_header(struct columns *c, const struct field *fields, size_t count,
                         const struct message_defaults *defaults, struct err *e)
{
    if (count > FILE_FIELDS_MAX)
        return err_set(e, EXIT_BAD_DATA, "the header has %zu columns; at most %d are allowed",
                       count, FILE_FIELDS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!add_from_header(c, trimmed(fields[i]), defaults, e))
            return false;
    }
    return has_column(c, "to", 2) || no_to_column(c, e);
}

bool columns_match(const struct columns *c, const struct field *fields, size_t count)
{
    if (count != c->count)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct field f = trimmed(fields[i]);

        if (!is_name(c->names[i], f.value, f.len))
            return false;
    }
    return true;
}

void columns_learn(struct columns *c, const struct field *fields, size_t count,
                   const struct message_defaults *defaults)
{
    for (size_t i = 0; i < count; i++) {
        const char *name = fields[i].name;
        bool in_place = i < c->count && strcmp(c->names[i], name) == 0;

        if (!in_place && c->count < FILE_FIELDS_MAX && !has_column(c, name, strlen(name)))
            add_column(c, name, strlen(name), defaults);
    }
}
