/* SPDX-License-Identifier: MIT */
#include "journal.h"

#include "base/mem.h"

#include <stdalign.h>

enum { CHUNK_SIZE = 256 * 1024 };

/* A lump of memory that records are cut from; they are only ever freed together. */
struct chunk {
    struct chunk *next;
    size_t used, size;
    alignas(max_align_t) char bytes[];
};

static void *cut(struct journal *j, size_t size)
{
    struct chunk *c = j->chunks;

    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (!c || c->size - c->used < size) {
        size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;

        c = mem_alloc(sizeof(struct chunk) + room);
        c->size = room;
        c->next = j->chunks;
        j->chunks = c;
    }
    c->used += size;
    return c->bytes + c->used - size;
}

static void keep(struct journal *j, struct record *r)
{
    if (j->count == j->cap) {
        j->cap = j->cap ? j->cap * 2 : 1024;
        j->records = mem_realloc(j->records, j->cap * sizeof(struct record *));
    }
    j->records[j->count++] = r;
}

void journal_add(struct journal *j, const struct record *facts, const struct payload *p)
{
    struct slice content = p->content ? p->content->text : slice_of("", 0);
    struct record *r = cut(j, sizeof(*r) + p->opaque.len + p->type.len + content.len);
    char *at = r->text;

    *r = *facts;
    r->opaque_len = (uint16_t)p->opaque.len;
    r->type_len = (uint16_t)p->type.len;
    r->content_len = (uint32_t)content.len;
    memcpy(r->digits, p->digits, sizeof(r->digits));
    memcpy(at, p->opaque.at ? p->opaque.at : "", p->opaque.len);
    memcpy(at + p->opaque.len, p->type.at, p->type.len);
    memcpy(at + p->opaque.len + p->type.len, content.at, content.len);
    keep(j, r);
}

void journal_clear(struct journal *j)
{
    while (j->chunks) {
        struct chunk *next = j->chunks->next;

        mem_free(j->chunks);
        j->chunks = next;
    }
    mem_free(j->records);
    *j = (struct journal){0};
}

struct slice record_opaque(const struct record *r)
{
    return slice_of(r->text, r->opaque_len);
}

struct slice record_type(const struct record *r)
{
    return slice_of(r->text + r->opaque_len, r->type_len);
}

struct slice record_content(const struct record *r)
{
    return slice_of(r->text + r->opaque_len + r->type_len, r->content_len);
}
