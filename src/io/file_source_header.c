/* SPDX-License-Identifier: MIT */
#include "io/file_source_header.h"

#include "base/flags.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <string.h>
#include <strings.h>

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

/* The two columns that a rejects file has on top. */
static bool is_of_rejects(const char *name)
{
    return strcmp(name, "line") == 0 || strcmp(name, "reason") == 0;
}

static bool is_unknown(const char *name, const struct message_defaults *defaults)
{
    return *name && !is_of_rejects(name) && !message_field_is_known(name, defaults);
}

static void add_column(struct columns *c, const char *name, size_t len,
                       const struct message_defaults *defaults)
{
    const char *copy = mem_strndup(name, len);

    c->names[c->count++] = copy;
    if (is_unknown(copy, defaults))
        c->unknown[c->unknown_count++] = copy;
}

/* The column that was most likely meant to be `to`, or NULL. */
static const char *meant_as_to(const struct columns *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (strcasecmp(c->names[i], "to") == 0)
            return c->names[i];
    return flags_nearest("to", c->names, c->count);
}

/* Says what stands there instead; a list of columns that is too long is cut. */
static bool no_to_column(const struct columns *c, struct err *e)
{
    const char *near = meant_as_to(c);
    struct buf list = buf_new(300);
    bool other = c->count == 1 && strpbrk(c->names[0], ";\t|");

    for (size_t i = 0; i < c->count; i++)
        buf_addf(&list, "%s%s", i ? ", " : "", c->names[i]);
    (void)err_set(e, EXIT_BAD_DATA, "no column `to`; the header has: %s%s%s%s%s%s", buf_text(&list),
                  buf_ok(&list) ? "" : ", ...", near ? " (write `to` instead of `" : "",
                  near ? near : "", near ? "`; names are lower case)" : "",
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

static bool too_many(size_t count, struct err *e)
{
    return err_set(e, EXIT_BAD_DATA, "the header has %zu columns; at most %d are allowed", count,
                   FILE_COLUMNS_MAX);
}

bool columns_from_header(struct columns *c, const struct field *fields, size_t count,
                         const struct message_defaults *defaults, struct err *e)
{
    size_t own = 0;

    if (count > FILE_FIELDS_MAX)
        return too_many(count, e);
    for (size_t i = 0; i < count; i++) {
        if (!add_from_header(c, trimmed(fields[i]), defaults, e))
            return false;
        own += !is_of_rejects(c->names[i]);
    }
    if (own > FILE_COLUMNS_MAX)
        return too_many(own, e);
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

/* A name with blanks around it would not come back from a CSV header. */
static bool is_plain(const char *name, size_t len)
{
    return len == 0 || (!is_blank(name[0]) && !is_blank(name[len - 1]));
}

void columns_learn(struct columns *c, const struct field *fields, size_t count,
                   const struct message_defaults *defaults)
{
    for (size_t i = 0; i < count && c->count < FILE_COLUMNS_MAX; i++) {
        const char *name = fields[i].name;
        size_t len = strlen(name);
        bool in_place = i < c->count && strcmp(c->names[i], name) == 0;

        if (!in_place && is_plain(name, len) && !has_column(c, name, len))
            add_column(c, name, len, defaults);
    }
}
