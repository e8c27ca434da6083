/* SPDX-License-Identifier: MIT */
#include "io/distinct_spill.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK_WORDS = SPILL_CHUNK / 8 - 1 };

/* As it lies in the file. */
struct chunk {
    uint64_t next; /* place of the part's next chunk */
    uint64_t words[CHUNK_WORDS];
};

_Static_assert(sizeof(struct chunk) == SPILL_CHUNK, "a chunk is one page");

struct part {
    struct chunk *chunk; /* the one that is being filled; NULL: the part is empty */
    size_t used;         /* records in it */
    uint64_t full;       /* chunks before it, in the file */
    uint64_t first;      /* place of the first of these */
    uint64_t place;      /* where this one will go */
};

struct spill {
    const char *dir;
    size_t record_size;
    size_t chunk_records; /* that a chunk holds */
    int fd;               /* -1 until it is needed */
    uint64_t places;      /* given out */
    struct part parts[SPILL_PARTS];
};

struct spill *spill_new(const char *dir, size_t record_size)
{
    struct spill *s = MEM_NEW(struct spill);

    s->dir = dir;
    s->record_size = record_size;
    s->chunk_records = CHUNK_WORDS * sizeof(uint64_t) / record_size;
    s->fd = -1;
    return s;
}

void spill_free(struct spill *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < SPILL_PARTS; i++)
        mem_free(s->parts[i].chunk);
    if (s->fd >= 0)
        (void)close(s->fd); /* it has no name: this is its end */
    mem_free(s);
}

/* For file systems without O_TMPFILE. */
static int open_unlinked(const char *dir)
{
    char path[4096];
    int fd;

    if (snprintf(path, sizeof(path), "%s/.tidings-XXXXXX", dir) >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(path); /* one that stays is empty of names and small harm */
    return fd;
}

static bool cannot_write(const struct spill *s, struct err *e)
{
    return err_set(e, EXIT_CANT_CREATE, "a temporary file in %s: %s", s->dir, strerror(errno));
}

static bool file_open(struct spill *s, struct err *e)
{
    s->fd = open(s->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (s->fd < 0)
        s->fd = open_unlinked(s->dir);
    return s->fd >= 0 || cannot_write(s, e);
}

static off_t offset_of(uint64_t place)
{
    return (off_t)(place * SPILL_CHUNK);
}

static bool chunk_write(struct spill *s, struct part *p, struct err *e)
{
    if (s->fd < 0 && !file_open(s, e))
        return false;
    p->chunk->next = s->places++;
    errno = ENOSPC; /* what a short write means */
    if (pwrite(s->fd, p->chunk, SPILL_CHUNK, offset_of(p->place)) != SPILL_CHUNK)
        return cannot_write(s, e);
    p->place = p->chunk->next;
    p->full++;
    p->used = 0;
    return true;
}

bool spill_add(struct spill *s, size_t part, const void *record, struct err *e)
{
    struct part *p = &s->parts[part];

    if (!p->chunk) {
        p->chunk = MEM_NEW(struct chunk);
        p->first = s->places++;
        p->place = p->first;
    }
    if (p->used == s->chunk_records && !chunk_write(s, p, e))
        return false;
    memcpy((char *)p->chunk->words + p->used * s->record_size, record, s->record_size);
    p->used++;
    return true;
}

size_t spill_count(const struct spill *s, size_t part)
{
    return (size_t)s->parts[part].full * s->chunk_records + s->parts[part].used;
}

struct visit {
    spill_record_fn on_record;
    void *context;
};

static bool chunk_each(const struct spill *s, const struct chunk *c, size_t used,
                       const struct visit *v, struct err *e)
{
    for (size_t i = 0; i < used; i++) {
        if (!v->on_record(v->context, (const char *)c->words + i * s->record_size, e))
            return false;
    }
    return true;
}

bool spill_each(const struct spill *s, size_t part, spill_record_fn on_record, void *context,
                struct err *e)
{
    const struct part *p = &s->parts[part];
    const struct visit visit = {on_record, context};
    uint64_t place = p->first;
    struct chunk chunk;

    for (uint64_t i = 0; i < p->full; i++) {
        if (pread(s->fd, &chunk, sizeof(chunk), offset_of(place)) != (ssize_t)sizeof(chunk))
            return err_set(e, EXIT_CANT_CREATE, "a temporary file in %s cannot be read", s->dir);
        if (!chunk_each(s, &chunk, s->chunk_records, &visit, e))
            return false;
        place = chunk.next;
    }
    return !p->chunk || chunk_each(s, p->chunk, p->used, &visit, e);
}
