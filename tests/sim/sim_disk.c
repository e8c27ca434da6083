/* SPDX-License-Identifier: MIT */
#include "sim_disk.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { FIRST_CAP = 65536 };

enum sector { SECTOR_CLEAN, SECTOR_DIRTY };

void sim_disk_init(struct sim_disk *d, uint64_t seed)
{
    *d = (struct sim_disk){.random = {seed}, .dies_in = -1, .fails_in = -1};
    list_init(&d->files);
}

static void file_free(struct sim_file *f)
{
    list_remove(&f->node);
    mem_free(f->now);
    mem_free(f->platter);
    mem_free(f->dirty);
    mem_free(f);
}

void sim_disk_free(struct sim_disk *d)
{
    while (!list_is_empty(&d->files))
        file_free(LIST_ITEM(d->files.next, struct sim_file, node));
}

static void nothing_dirty(struct sim_file *f)
{
    f->dirty_first = SIZE_MAX;
    f->dirty_end = 0;
}

struct sim_file *sim_disk_file(struct sim_disk *d, const char *name, bool make)
{
    struct sim_file *f;

    for (struct list *node = d->files.next; node != &d->files; node = node->next) {
        f = LIST_ITEM(node, struct sim_file, node);
        if (strcmp(f->name, name) == 0)
            return f;
    }
    if (!make)
        return NULL;
    f = MEM_NEW(struct sim_file);
    (void)snprintf(f->name, sizeof(f->name), "%s", name); /* ours are short */
    nothing_dirty(f);
    list_append(&d->files, &f->node);
    return f;
}

static void *grown(void *old, size_t from, size_t to)
{
    unsigned char *bytes = mem_realloc(old, to);

    memset(bytes + from, 0, to - from);
    return bytes;
}

static void reserve(struct sim_file *f, size_t size)
{
    size_t cap = f->cap ? f->cap : FIRST_CAP;

    if (size <= f->cap)
        return;
    while (cap < size)
        cap *= 2;
    f->now = grown(f->now, f->cap, cap);
    f->platter = grown(f->platter, f->cap, cap);
    f->dirty = grown(f->dirty, f->cap / SIM_SECTOR, cap / SIM_SECTOR);
    f->cap = cap;
}

static void make_dirty(struct sim_file *f, size_t from, size_t to)
{
    size_t first = from / SIM_SECTOR, end = (to + SIM_SECTOR - 1) / SIM_SECTOR;

    if (first >= end)
        return;
    memset(f->dirty + first, SECTOR_DIRTY, end - first);
    f->dirty_first = first < f->dirty_first ? first : f->dirty_first;
    f->dirty_end = end > f->dirty_end ? end : f->dirty_end;
}

/* ---- What may go wrong with a change. */

static enum sim_disk_error next_change(struct sim_disk *d)
{
    if (d->dead)
        return DISK_DEAD;
    d->changes++;
    if (d->dies_in >= 0 && d->dies_in-- == 0) {
        d->dead = true;
        return DISK_DEAD;
    }
    if (d->fails_in >= 0 && d->fails_in-- == 0) {
        d->failed++;
        d->full = d->fails == DISK_FULL;
        return d->fails;
    }
    return DISK_OK;
}

/* ---- Reading and writing. */

size_t sim_disk_read(const struct sim_file *f, void *out, size_t len, size_t at)
{
    size_t there = at < f->size ? f->size - at : 0;

    if (there > len)
        there = len;
    if (there)
        memcpy(out, f->now + at, there);
    return there;
}

static void put(struct sim_file *f, const void *bytes, size_t len, size_t at)
{
    reserve(f, at + len);
    if (len)
        memcpy(f->now + at, bytes, len);
    make_dirty(f, at < f->size ? at : f->size, at + len);
    f->size = at + len > f->size ? at + len : f->size;
}

enum sim_disk_error sim_disk_write(struct sim_disk *d, struct sim_file *f, const void *bytes,
                                   size_t len, size_t at)
{
    bool was_dead = d->dead;
    enum sim_disk_error error = next_change(d);

    if (error == DISK_OK && d->full && at + len > f->size)
        error = DISK_FULL;
    if (error == DISK_OK)
        put(f, bytes, len, at);
    else if (!was_dead)
        put(f, bytes, sim_random_below(&d->random, len), at); /* some of it may be there */
    return error;
}

enum sim_disk_error sim_disk_truncate(struct sim_disk *d, struct sim_file *f, size_t size)
{
    enum sim_disk_error error = next_change(d);

    if (error != DISK_OK)
        return error;
    reserve(f, size);
    if (size < f->size)
        memset(f->now + size, 0, f->size - size);
    f->size = size;
    return DISK_OK;
}

/* Runs of dirty sectors, one copy each. */
static void flush(struct sim_file *f)
{
    size_t s = f->dirty_first;

    while (s < f->dirty_end) {
        const unsigned char *first = memchr(f->dirty + s, SECTOR_DIRTY, f->dirty_end - s);
        size_t from = first ? (size_t)(first - f->dirty) : f->dirty_end;

        for (s = from; s < f->dirty_end && f->dirty[s] == SECTOR_DIRTY; s++)
            f->dirty[s] = SECTOR_CLEAN;
        if (s > from)
            memcpy(f->platter + from * SIM_SECTOR, f->now + from * SIM_SECTOR,
                   (s - from) * SIM_SECTOR);
    }
    if (f->size < f->platter_size)
        memset(f->platter + f->size, 0, f->platter_size - f->size);
    f->platter_size = f->size;
    nothing_dirty(f);
}

static void forget_dirt(struct sim_file *f)
{
    if (f->dirty_first < f->dirty_end)
        memset(f->dirty + f->dirty_first, SECTOR_CLEAN, f->dirty_end - f->dirty_first);
    nothing_dirty(f);
}

enum sim_disk_error sim_disk_sync(struct sim_disk *d, struct sim_file *f)
{
    enum sim_disk_error error = next_change(d);

    if (error == DISK_OK)
        flush(f);
    else if (error != DISK_DEAD) {
        f->differs = f->differs || f->dirty_first < f->dirty_end;
        forget_dirt(f);
    }
    return error == DISK_FULL ? DISK_IO_ERROR : error;
}

enum sim_disk_error sim_disk_delete(struct sim_disk *d, struct sim_file *f)
{
    enum sim_disk_error error = f->is_temporary ? DISK_OK : next_change(d);

    if (error == DISK_OK)
        file_free(f);
    return error;
}

/* ---- Looking from outside. */

static bool is_synced(const struct sim_file *f)
{
    return f->dirty_first >= f->dirty_end && f->platter_size == f->size;
}

bool sim_disk_is_synced(struct sim_disk *d, const char *name)
{
    struct sim_file *f = sim_disk_file(d, name, false);

    return !f || is_synced(f);
}

void sim_disk_forget(struct sim_disk *d, const char *name)
{
    struct sim_file *f = sim_disk_file(d, name, false);

    if (f)
        file_free(f);
}

void sim_disk_fork(struct sim_disk *d, const char *name, const char *copy)
{
    struct sim_file *f = sim_disk_file(d, name, false);
    struct sim_file *to;

    sim_disk_forget(d, copy);
    if (!f)
        return;
    to = sim_disk_file(d, copy, true);
    reserve(to, f->platter_size);
    if (f->platter_size)
        memcpy(to->now, f->platter, f->platter_size);
    to->size = f->platter_size;
    flush(to);
}

/* ---- The end of the process, or of the power. */

void sim_disk_die(struct sim_disk *d)
{
    d->dead = true;
}

enum survival { SURVIVE_NONE, SURVIVE_ALL, SURVIVE_SOME, SURVIVE_FIRST, SURVIVAL_COUNT };

static bool survives(struct sim_disk *d, enum survival survival, bool *is_first)
{
    switch (survival) {
    case SURVIVE_NONE:
        return false;
    case SURVIVE_ALL:
        return true;
    case SURVIVE_SOME:
        return sim_random_chance(&d->random, 5000);
    case SURVIVE_FIRST:
        *is_first = *is_first && !sim_random_chance(&d->random, 500);
        return *is_first;
    case SURVIVAL_COUNT:
        break;
    }
    return false;
}

/* A part of the sector, now and then. */
static size_t surviving_bytes(struct sim_disk *d)
{
    if (!sim_random_chance(&d->random, 300))
        return SIM_SECTOR;
    d->sectors_torn++;
    return sim_random_below(&d->random, SIM_SECTOR);
}

/* What reads see is the platter again. */
static void read_back(struct sim_file *f, size_t from, size_t to)
{
    if (from < to)
        memcpy(f->now + from, f->platter + from, to - from);
}

static void cut_power_of(struct sim_disk *d, struct sim_file *f)
{
    enum survival survival = (enum survival)sim_random_below(&d->random, SURVIVAL_COUNT);
    size_t longest = f->size > f->platter_size ? f->size : f->platter_size;
    size_t size = f->platter_size;
    bool is_first = true;

    for (size_t s = f->dirty_first; s < f->dirty_end; s++) {
        size_t end = (s + 1) * SIM_SECTOR < f->size ? (s + 1) * SIM_SECTOR : f->size;

        if (f->dirty[s] != SECTOR_DIRTY || s * SIM_SECTOR >= f->size)
            continue;
        if (!survives(d, survival, &is_first)) {
            d->sectors_lost++;
            continue;
        }
        memcpy(f->platter + s * SIM_SECTOR, f->now + s * SIM_SECTOR, surviving_bytes(d));
        size = end > size ? end : size;
    }
    if (f->size < size && sim_random_chance(&d->random, 5000))
        size = f->size; /* the truncation had reached it */
    if (size < longest)
        memset(f->platter + size, 0, longest - size);
    if (f->differs)
        read_back(f, 0, longest);
    else if (f->dirty_first < f->dirty_end)
        read_back(f, f->dirty_first * SIM_SECTOR, f->dirty_end * SIM_SECTOR);
    read_back(f, f->size < size ? f->size : size, longest);
    forget_dirt(f);
    f->differs = false;
    f->size = f->platter_size = size;
}

void sim_disk_restart(struct sim_disk *d, bool power_cut)
{
    for (struct list *node = d->files.next; node != &d->files && power_cut; node = node->next)
        cut_power_of(d, LIST_ITEM(node, struct sim_file, node));
    d->dead = false;
    d->full = false;
    d->dies_in = -1;
    d->fails_in = -1;
}
