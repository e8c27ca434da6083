/* SPDX-License-Identifier: MIT */
#include "io/manifest.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "io/distinct_spill.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAGIC UINT64_C(0x31776f72646974) /* reads "tidrow1" where the low byte comes first */

struct kept_row {
    uint64_t id; /* hashes */
    uint64_t content;
};

/* The file: a header, then each part: its head, then its rows. */
struct header {
    uint64_t magic;
    uint64_t rows; /* of all parts */
    uint64_t ended_early;
    unsigned char file_hash[SHA256_SIZE];
    unsigned char plan_hash[SHA256_SIZE];
    uint64_t check; /* hash64 of all before it */
};

struct part_head {
    uint64_t rows;
    uint64_t check; /* hash64 of them */
};

struct manifest {
    struct spill *rows; /* struct kept_row by id */
    uint64_t count;
    bool ended_early;
};

/* The rows of one part, in memory. */
struct part {
    struct kept_row *rows;
    size_t count;
    size_t cap;
};

struct manifest *manifest_new(const char *temp_dir)
{
    struct manifest *m = MEM_NEW(struct manifest);

    m->rows = spill_new(temp_dir, sizeof(struct kept_row));
    return m;
}

void manifest_free(struct manifest *m)
{
    if (!m)
        return;
    spill_free(m->rows);
    mem_free(m);
}

bool manifest_add(struct manifest *m, uint64_t id, uint64_t content, struct err *e)
{
    const struct kept_row row = {id, content};

    m->count++;
    return spill_add(m->rows, spill_part_of(id), &row, e);
}

void manifest_end_early(struct manifest *m)
{
    m->ended_early = true;
}

static void part_reserve(struct part *p, size_t count)
{
    if (count <= p->cap)
        return;
    p->rows = mem_realloc(p->rows, count * sizeof(struct kept_row));
    p->cap = count;
}

static uint64_t part_check(const struct part *p)
{
    return p->count ? hash64(p->rows, p->count * sizeof(struct kept_row)) : 0;
}

/* ---- Reading what was saved. */

struct saved {
    FILE *file;
    struct header header;
    struct part part; /* the one in hand */
};

static uint64_t header_check(const struct header *h)
{
    return hash64(h, offsetof(struct header, check));
}

/* Sizes are believed only where they add up to the file's own. */
static bool header_is_sound(const struct saved *s)
{
    const uint64_t frame = sizeof(struct header) + SPILL_PARTS * sizeof(struct part_head);
    const struct header *h = &s->header;
    struct stat st;

    return h->magic == MAGIC && h->check == header_check(h) && fstat(fileno(s->file), &st) == 0 &&
           (uint64_t)st.st_size == frame + h->rows * sizeof(struct kept_row);
}

static bool header_is_of(const struct header *h, const struct manifest_key *key)
{
    return memcmp(h->file_hash, key->file_hash, sizeof(h->file_hash)) == 0 &&
           memcmp(h->plan_hash, key->plan_hash, sizeof(h->plan_hash)) == 0;
}

static void saved_close(struct saved *s)
{
    if (s->file)
        (void)fclose(s->file); /* it was only read */
    mem_free(s->part.rows);
}

static bool saved_open(struct saved *s, const char *path, const struct manifest_key *key)
{
    *s = (struct saved){.file = fopen(path, "rbe")};
    if (s->file && fread(&s->header, sizeof(s->header), 1, s->file) == 1 && header_is_sound(s) &&
        header_is_of(&s->header, key))
        return true;
    saved_close(s);
    return false;
}

static bool saved_next_part(struct saved *s)
{
    struct part_head head;

    if (fread(&head, sizeof(head), 1, s->file) != 1 || head.rows > s->header.rows)
        return false;
    s->part.count = head.rows;
    part_reserve(&s->part, s->part.count);
    return fread(s->part.rows, sizeof(struct kept_row), s->part.count, s->file) == s->part.count &&
           part_check(&s->part) == head.check;
}

/* ---- Saving. */

static bool on_row_to_save(void *context, const void *record, struct err *e)
{
    struct part *p = context;

    (void)e;
    memcpy(&p->rows[p->count++], record, sizeof(struct kept_row));
    return true;
}

static bool save_part(const struct manifest *m, size_t number, struct part *p,
                      struct file_writer *to, struct err *e)
{
    struct part_head head;

    p->count = 0;
    part_reserve(p, spill_count(m->rows, number));
    if (!spill_each(m->rows, number, on_row_to_save, p, e))
        return false;
    head = (struct part_head){.rows = p->count, .check = part_check(p)};
    return file_add(to, &head, sizeof(head), e) &&
           file_add(to, p->rows, p->count * sizeof(struct kept_row), e);
}

static bool save_parts(const struct manifest *m, struct file_writer *to, struct err *e)
{
    struct part part = {0};
    bool ok = true;

    for (size_t number = 0; ok && number < SPILL_PARTS; number++)
        ok = save_part(m, number, &part, to, e);
    mem_free(part.rows);
    return ok;
}

static struct header header_of(const struct manifest *m, const struct manifest_key *key)
{
    struct header h = {.magic = MAGIC, .rows = m->count, .ended_early = m->ended_early};

    memcpy(h.file_hash, key->file_hash, sizeof(h.file_hash));
    memcpy(h.plan_hash, key->plan_hash, sizeof(h.plan_hash));
    h.check = header_check(&h);
    return h;
}

/* Does the saved one know all that `m` knows? Asked only where a limit ended `m`: otherwise saving
 * again is cheap and mends what was damaged. */
static bool saved_knows_more(const struct manifest *m, const char *path,
                             const struct manifest_key *key)
{
    struct saved s;
    bool more;

    if (!m->ended_early || !saved_open(&s, path, key))
        return false;
    more = s.header.rows >= m->count;
    saved_close(&s);
    return more;
}

bool manifest_save(const struct manifest *m, const char *path, const struct manifest_key *key,
                   struct err *e)
{
    const struct header header = header_of(m, key);
    struct file_writer to;
    bool ok;

    if (saved_knows_more(m, path, key))
        return true;
    if (!file_begin(&to, path, 0600, e))
        return false;
    ok = file_add(&to, &header, sizeof(header), e) && save_parts(m, &to, e) && file_commit(&to, e);
    file_abandon(&to);
    return ok;
}

/* ---- Comparing. */

struct comparison {
    struct map *saved; /* the part in hand: id -> content */
    uint64_t common;   /* ids that both have */
    uint64_t changed;  /* of them: with other content */
};

static bool on_row_to_compare(void *context, const void *record, struct err *e)
{
    struct comparison *c = context;
    const struct kept_row *row = record;
    uint64_t content;

    (void)e;
    if (!map_get(c->saved, row->id, &content))
        return true;
    c->common++;
    c->changed += content != row->content;
    return true;
}

static bool compare_part(const struct manifest *m, size_t number, struct saved *s,
                         struct comparison *c)
{
    if (!saved_next_part(s))
        return false;
    map_clear(c->saved);
    for (size_t i = 0; i < s->part.count; i++)
        map_put(c->saved, s->part.rows[i].id, s->part.rows[i].content);
    return spill_each(m->rows, number, on_row_to_compare, c, NULL);
}

static struct manifest_changes changes_of(const struct manifest *m, const struct header *saved,
                                          const struct comparison *c)
{
    return (struct manifest_changes){
        .added = saved->ended_early ? 0 : m->count - c->common,
        .gone = m->ended_early ? 0 : saved->rows - c->common,
        .changed = c->changed,
        .at_least = saved->ended_early || m->ended_early,
    };
}

bool manifest_compare(const struct manifest *m, const char *path, const struct manifest_key *key,
                      struct manifest_changes *out)
{
    struct comparison c = {0};
    struct saved s;
    bool ok = true;

    if (!saved_open(&s, path, key))
        return false;
    c.saved = map_new();
    for (size_t number = 0; ok && number < SPILL_PARTS; number++)
        ok = compare_part(m, number, &s, &c);
    if (ok)
        *out = changes_of(m, &s.header, &c);
    map_free(c.saved);
    saved_close(&s);
    return ok;
}
