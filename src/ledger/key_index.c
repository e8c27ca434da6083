/* SPDX-License-Identifier: MIT */
#include "ledger/key_index.h"

#include "base/map.h"
#include "base/mem.h"
#include "ledger/schema.h"

#include <stdlib.h>
#include <string.h>

enum {
    SLICE_MIN = 256,  /* keys written with a commit, at least */
    SLICE_FACTOR = 2, /* times the keys that it added: a run is out before the next one is full */
    ABSENT_SLOTS = 8192, /* more than a source may have offered and not admitted */
};

struct pair {
    uint64_t key;
    uint64_t number;
};

struct key_index {
    struct db *db;
    sqlite3_stmt *insert;
    sqlite3_stmt *lookup;
    struct map *filling;
    struct pair *run; /* NULL: none is being written */
    size_t run_count;
    size_t run_written;
    size_t run_size;
    size_t added;    /* since the last step */
    uint64_t newest; /* the highest number that was added */
    uint64_t run_newest;
    uint64_t mark;
    uint64_t absent[ABSENT_SLOTS]; /* keys that the table has not; 0: free */
};

bool key_index_open(struct db *db, size_t run_size, struct key_index **out, struct err *e)
{
    struct key_index *k = MEM_NEW(struct key_index);
    const struct db_sql sqls[] = {
        {&k->insert, "INSERT OR IGNORE INTO key_index(key, number) VALUES(?1, ?2)"},
        {&k->lookup, "SELECT number FROM key_index WHERE key=?1"},
    };
    int64_t mark;

    k->db = db;
    k->run_size = run_size;
    k->filling = map_new();
    if (!db_prepare_all(db, sqls, ARRAY_SIZE(sqls), e) || !meta_get(db, META_INDEXED, &mark, e)) {
        key_index_free(k);
        return false;
    }
    k->mark = (uint64_t)mark;
    k->newest = k->mark;
    *out = k;
    return true;
}

void key_index_free(struct key_index *k)
{
    if (!k)
        return;
    map_free(k->filling);
    mem_free(k->run);
    mem_free(k);
}

uint64_t key_index_mark(const struct key_index *k)
{
    return k->mark;
}

/* ---- Writing. */

static bool write_pair(struct key_index *k, uint64_t key, uint64_t number, struct err *e)
{
    uint64_t *absent = &k->absent[key % ABSENT_SLOTS];

    if (*absent == key)
        *absent = 0;
    (void)sqlite3_bind_int64(k->insert, 1, (int64_t)key); /* the indexes are right */
    (void)sqlite3_bind_int64(k->insert, 2, (int64_t)number);
    return db_run(k->db, k->insert, e);
}

bool key_index_add(struct key_index *k, uint64_t key, uint64_t number, struct err *e)
{
    uint64_t other;

    k->newest = number;
    k->added++;
    /* The map holds one number a key: the second message with this key goes to the table now. */
    if (map_get(k->filling, key, &other))
        return write_pair(k, key, number, e);
    map_put(k->filling, key, number);
    return true;
}

static bool collect(void *context, uint64_t key, uint64_t number)
{
    struct key_index *k = context;

    k->run[k->run_count++] = (struct pair){key, number};
    return true;
}

/* In the table's order: its keys are signed. */
static int compare(const void *a, const void *b)
{
    int64_t left = (int64_t)((const struct pair *)a)->key;
    int64_t right = (int64_t)((const struct pair *)b)->key;

    return (left > right) - (left < right);
}

static void start_run(struct key_index *k)
{
    k->run = mem_alloc(map_count(k->filling) * sizeof(struct pair));
    k->run_count = 0;
    k->run_written = 0;
    k->run_newest = k->newest;
    map_each(k->filling, collect, k);
    map_clear(k->filling);
    qsort(k->run, k->run_count, sizeof(struct pair), compare);
}

static bool end_run(struct key_index *k, struct err *e)
{
    mem_free(k->run);
    k->run = NULL;
    k->run_count = 0;
    k->mark = k->run_newest;
    return meta_set(k->db, META_INDEXED, (int64_t)k->mark, e);
}

bool key_index_step(struct key_index *k, struct err *e)
{
    size_t slice = k->added * SLICE_FACTOR;

    k->added = 0;
    if (!k->run && map_count(k->filling) >= k->run_size)
        start_run(k);
    if (!k->run)
        return true;
    slice = slice < SLICE_MIN ? SLICE_MIN : slice;
    for (; slice && k->run_written < k->run_count; slice--, k->run_written++) {
        const struct pair *next = &k->run[k->run_written];

        if (!write_pair(k, next->key, next->number, e))
            return false;
    }
    return k->run_written < k->run_count || end_run(k, e);
}

/* ---- Looking up. */

static const struct pair *find_in_run(const struct key_index *k, uint64_t key)
{
    const struct pair wanted = {.key = key};

    if (!k->run)
        return NULL;
    return bsearch(&wanted, k->run, k->run_count, sizeof(struct pair), compare);
}

static bool find_in_memory(struct key_index *k, uint64_t key, const struct key_match *match,
                           uint64_t *number, struct err *e)
{
    const struct pair *pair = find_in_run(k, key);
    uint64_t candidate = 0;
    bool same = false;

    if (map_get(k->filling, key, &candidate) && !match->is_it(match->context, candidate, &same, e))
        return false;
    if (!same && pair) {
        candidate = pair->number;
        if (!match->is_it(match->context, candidate, &same, e))
            return false;
    }
    *number = same ? candidate : 0;
    return true;
}

static bool find_in_table(struct key_index *k, uint64_t key, const struct key_match *match,
                          uint64_t *number, struct err *e)
{
    bool row = true, sound = true, same = false, any = false;
    uint64_t candidate = 0;

    (void)sqlite3_bind_int64(k->lookup, 1, (int64_t)key); /* the index is right */
    while (sound && !same) {
        sound = db_next(k->db, k->lookup, &row, e);
        if (!sound || !row)
            break;
        any = true;
        candidate = (uint64_t)sqlite3_column_int64(k->lookup, 0);
        sound = match->is_it(match->context, candidate, &same, e);
    }
    (void)sqlite3_reset(k->lookup); /* a query that was left early */
    if (sound && !any)
        k->absent[key % ABSENT_SLOTS] = key;
    *number = same ? candidate : 0;
    return sound;
}

bool key_index_find(struct key_index *k, uint64_t key, const struct key_match *match,
                    uint64_t *number, struct err *e)
{
    if (!find_in_memory(k, key, match, number, e))
        return false;
    if (*number || (key && k->absent[key % ABSENT_SLOTS] == key))
        return true;
    return find_in_table(k, key, match, number, e);
}
