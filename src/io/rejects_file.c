/* SPDX-License-Identifier: MIT */
#include "io/rejects_file.h"

#include "base/buf.h"
#include "base/csv_write.h"
#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    FLUSH_AT = 65536,
    /* What waits, and a row on top: each byte may be a doubled quote, and the reason comes too. */
    PENDING_MAX = FLUSH_AT + 16 * FILE_ROW_MAX,
};

struct rejects_file {
    const char *path;
    const struct file_source *source;
    struct file_writer file;
    bool begun; /* something was added */
    struct buf pending;
    size_t columns; /* of the source that are in the header */
};

struct rejects_file *rejects_new(const char *path, const struct file_source *source)
{
    struct rejects_file *r = MEM_NEW(struct rejects_file);

    r->path = path;
    r->source = source;
    r->pending = buf_new(PENDING_MAX);
    return r;
}

void rejects_free(struct rejects_file *r)
{
    if (!r)
        return;
    if (r->begun)
        file_abandon(&r->file);
    buf_free(&r->pending);
    mem_free(r);
}

static bool is_ours(const char *column)
{
    return strcmp(column, "line") == 0 || strcmp(column, "reason") == 0;
}

static void put_header(struct rejects_file *r)
{
    const char *const *names;
    bool first = true;

    r->columns = file_source_header(r->source, &names);
    for (size_t i = 0; i < r->columns; i++) {
        if (is_ours(names[i]))
            continue;
        csv_write_field(&r->pending, names[i], strlen(names[i]), first);
        first = false;
    }
    buf_adds(&r->pending, ",line,reason\n");
}

struct fields {
    const struct field *items;
    size_t count;
};

/* The value of column `index`; CSV has it in its place, JSONL somewhere or not at all. */
static const struct field *field_of_column(const struct fields *fields, const char *name,
                                           size_t index)
{
    if (index < fields->count && strcmp(fields->items[index].name, name) == 0)
        return &fields->items[index];
    for (size_t i = 0; i < fields->count; i++) {
        if (strcmp(fields->items[i].name, name) == 0)
            return &fields->items[i];
    }
    return NULL;
}

static void put_row(struct rejects_file *r)
{
    struct fields fields;
    const char *const *names;
    bool first = true;

    (void)file_source_header(r->source, &names); /* as many as the header had are written */
    fields.count = file_source_fields(r->source, &fields.items);
    for (size_t i = 0; i < r->columns; i++) {
        const struct field *f = field_of_column(&fields, names[i], i);

        if (is_ours(names[i]))
            continue;
        csv_write_field(&r->pending, f ? f->value : "", f ? f->len : 0, first);
        first = false;
    }
}

static bool flush(struct rejects_file *r, struct err *e)
{
    bool ok = buf_ok(&r->pending) ? file_add(&r->file, r->pending.data, r->pending.len, e)
                                  : err_set(e, EXIT_BUG, "%s: a row is too long", r->path);

    buf_clear(&r->pending);
    return ok;
}

static bool begin(struct rejects_file *r, struct err *e)
{
    if (!file_begin(&r->file, r->path, 0600, e))
        return false;
    r->begun = true;
    put_header(r);
    return true;
}

bool rejects_add(struct rejects_file *r, uint64_t line, const char *reason, struct err *e)
{
    if (!r->begun && !begin(r, e))
        return false;
    put_row(r);
    buf_addf(&r->pending, ",%llu", (unsigned long long)line);
    csv_write_field(&r->pending, reason, strlen(reason), false);
    buf_addc(&r->pending, '\n');
    return r->pending.len < FLUSH_AT || flush(r, e);
}

bool rejects_lack_columns(const struct rejects_file *r)
{
    const char *const *names;

    return r->begun && r->columns < file_source_header(r->source, &names);
}

void rejects_restart(struct rejects_file *r)
{
    if (r->begun)
        file_abandon(&r->file);
    r->begun = false;
    buf_clear(&r->pending);
}

bool rejects_commit(struct rejects_file *r, struct err *e)
{
    if (r->begun)
        return flush(r, e) && file_commit(&r->file, e);
    if (unlink(r->path) != 0 && errno != ENOENT)
        return err_set(e, EXIT_CANT_CREATE, "%s: cannot be removed: %s", r->path, strerror(errno));
    return true;
}
