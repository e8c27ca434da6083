/* SPDX-License-Identifier: MIT */
#include "io/distinct.h"

#include "base/map.h"
#include "base/mem.h"
#include "io/distinct_spill.h"

#include <stdlib.h>
#include <string.h>

enum { LINES_OF_PART = (DISTINCT_LINE_MAX + 1) / SPILL_PARTS };

/* The row that holds for an id. */
struct first {
    uint64_t content;
    uint64_t line;
};

struct distinct {
    struct spill *rows;        /* struct distinct_row by id; NULL once settled */
    struct spill *recipients;  /* numbers of the rows that hold */
    struct spill *reused;      /* struct distinct_reused by line */
    struct manifest *manifest; /* gets the rows that hold; NULL: nobody wants them */
    struct map *seen;          /* of the part in hand: id -> index into firsts; or recipients */
    struct first *firsts;
    size_t first_count;
    size_t first_cap;
    struct distinct_counts counts;
    struct distinct_reused *sorted; /* the part of `reused` in hand */
    size_t sorted_count;
    size_t sorted_cap;
    size_t sorted_next;
    size_t next_part; /* of `reused` */
};

struct distinct *distinct_new(const char *temp_dir)
{
    struct distinct *d = MEM_NEW(struct distinct);

    d->rows = spill_new(temp_dir, sizeof(struct distinct_row));
    d->recipients = spill_new(temp_dir, sizeof(uint64_t));
    d->reused = spill_new(temp_dir, sizeof(struct distinct_reused));
    d->seen = map_new();
    return d;
}

void distinct_free(struct distinct *d)
{
    if (!d)
        return;
    spill_free(d->rows);
    spill_free(d->recipients);
    spill_free(d->reused);
    map_free(d->seen);
    mem_free(d->firsts);
    mem_free(d->sorted);
    mem_free(d);
}

void distinct_keep(struct distinct *d, struct manifest *m)
{
    d->manifest = m;
}

/* Numbers are no hashes: their differences are in the low bits. */
static uint64_t spread(uint64_t number)
{
    return number * 0x9E3779B97F4A7C15u; /* 2^64 / the golden ratio: Knuth's multiplier */
}

bool distinct_add(struct distinct *d, const struct distinct_row *row, struct err *e)
{
    if (row->line > DISTINCT_LINE_MAX)
        return err_set(e, EXIT_BAD_DATA, "more than %d lines; split the file", DISTINCT_LINE_MAX);
    return spill_add(d->rows, spill_part_of(row->id), row, e);
}

/* Makes room for one more in an array that doubles. */
static void *grown(void *array, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return array;
    *cap = *cap ? *cap * 2 : 64;
    return mem_realloc(array, *cap * size);
}

static bool row_holds(struct distinct *d, const struct distinct_row *row, struct err *e)
{
    map_put(d->seen, row->id, d->first_count);
    d->firsts = grown(d->firsts, d->first_count, &d->first_cap, sizeof(struct first));
    d->firsts[d->first_count++] = (struct first){row->content, row->line};
    d->counts.ids++;
    return (!d->manifest || manifest_add(d->manifest, row->id, row->content, e)) &&
           spill_add(d->recipients, spill_part_of(spread(row->recipient)), &row->recipient, e);
}

static bool on_row(void *context, const void *record, struct err *e)
{
    struct distinct *d = context;
    const struct distinct_row *row = record;
    struct distinct_reused reused = {.line = row->line};
    uint64_t index;

    if (!map_get(d->seen, row->id, &index))
        return row_holds(d, row, e);
    if (d->firsts[index].content == row->content) {
        d->counts.duplicates++;
        return true;
    }
    d->counts.reused++;
    reused.first_line = d->firsts[index].line;
    return spill_add(d->reused, row->line / LINES_OF_PART, &reused, e);
}

static bool on_recipient(void *context, const void *record, struct err *e)
{
    struct distinct *d = context;
    uint64_t recipient;

    (void)e;
    memcpy(&recipient, record, sizeof(recipient));
    map_put(d->seen, recipient, 0);
    return true;
}

bool distinct_settle(struct distinct *d, struct distinct_counts *out, struct err *e)
{
    for (size_t part = 0; part < SPILL_PARTS; part++) {
        map_clear(d->seen);
        d->first_count = 0;
        if (!spill_each(d->rows, part, on_row, d, e))
            return false;
    }
    spill_free(d->rows);
    d->rows = NULL;
    for (size_t part = 0; part < SPILL_PARTS; part++) {
        map_clear(d->seen);
        if (!spill_each(d->recipients, part, on_recipient, d, e))
            return false;
        d->counts.recipients += map_count(d->seen);
    }
    *out = d->counts;
    return true;
}

static bool on_reused(void *context, const void *record, struct err *e)
{
    struct distinct *d = context;
    const struct distinct_reused *reused = record;

    (void)e;
    d->sorted = grown(d->sorted, d->sorted_count, &d->sorted_cap, sizeof(struct distinct_reused));
    d->sorted[d->sorted_count++] = *reused;
    return true;
}

static int by_line(const void *a, const void *b)
{
    const struct distinct_reused *x = a;
    const struct distinct_reused *y = b;

    return (x->line > y->line) - (x->line < y->line);
}

static bool part_load(struct distinct *d, struct err *e)
{
    d->sorted_count = 0;
    d->sorted_next = 0;
    if (!spill_each(d->reused, d->next_part++, on_reused, d, e))
        return false;
    if (d->sorted_count)
        qsort(d->sorted, d->sorted_count, sizeof(struct distinct_reused), by_line);
    return true;
}

bool distinct_next_reused(struct distinct *d, struct distinct_reused *out, struct err *e)
{
    while (d->sorted_next == d->sorted_count && d->next_part < SPILL_PARTS) {
        if (!part_load(d, e))
            return false;
    }
    *out = (struct distinct_reused){0};
    if (d->sorted_next < d->sorted_count)
        *out = d->sorted[d->sorted_next++];
    return true;
}

void distinct_rewind_reused(struct distinct *d)
{
    d->sorted_count = 0;
    d->sorted_next = 0;
    d->next_part = 0;
}
