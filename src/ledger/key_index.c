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

struct key_index {
    struct db *db;
    sqlite3_stmt *insert;
    sqlite3_stmt *lookup;
    struct map *filling;
    int64_t *run; /* pairs, sorted; NULL: none is being written */
    size_t run_count;
    size_t run_written;
    size_t run_size;
    size_t added;    /* since the last step */
    uint64_t newest; /* the highest number that was added */
    uint64_t run_newest;
    uint64_t mark;
    /* Prefixes that no pair of the table has, plus 1; 0: free. */
    uint32_t absent[ABSENT_SLOTS];
};

/* What the table keeps of a key. */
static uint32_t prefix_of(int64_t pair)
{
    return (uint32_t)(pair >> KEY_NUMBER_BITS);
}

bool key_index_open(struct db *db, size_t run_size, struct key_index **out, struct err *e)
{
    struct key_index *k = MEM_NEW(struct key_index);
    const struct db_sql sqls[] = {
        {&k->insert, "INSERT OR IGNORE INTO key_index(pair) VALUES(?1)"},
        {&k->lookup, "SELECT pair FROM key_index WHERE pair BETWEEN ?1 AND ?2"},
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

static bool write_pair(struct key_index *k, int64_t pair, struct err *e)
{
    uint32_t *absent = &k->absent[prefix_of(pair) % ABSENT_SLOTS];

    if (*absent == prefix_of(pair) + 1)
        *absent = 0;
    (void)sqlite3_bind_int64(k->insert, 1, pair); /* the index is right */
    return db_run(k->db, k->insert, e);
}

bool key_index_add(struct key_index *k, uint64_t key, uint64_t number, struct err *e)
{
    uint64_t other;

    if (number >> KEY_NUMBER_BITS)
        return err_set(e, EXIT_LEDGER_IO, "ledger %s is full: begin a new one", k->db->path);
    k->newest = number;
    k->added++;
    /* The map holds one number a key: the second message with this key goes to the table now. */
    if (map_get(k->filling, key, &other))
        return write_pair(k, pair_of(key, number), e);
    map_put(k->filling, key, number);
    return true;
}

static bool collect(void *context, uint64_t key, uint64_t number)
{
    struct key_index *k = context;

    k->run[k->run_count++] = pair_of(key, number);
    return true;
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

static void start_run(struct key_index *k)
{
    k->run = mem_alloc(map_count(k->filling) * sizeof(int64_t));
    k->run_count = 0;
    k->run_written = 0;
    k->run_newest = k->newest;
    map_each(k->filling, collect, k);
    map_clear(k->filling);
    qsort(k->run, k->run_count, sizeof(int64_t), compare);
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
        if (!write_pair(k, k->run[k->run_written], e))
            return false;
    }
    return k->run_written < k->run_count || end_run(k, e);
}

/* ---- Looking up. */

/* The first place in the run that is not below `pair`. */
static size_t place_in_run(const struct key_index *k, int64_t pair)
{
    size_t low = 0, high = k->run_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (k->run[middle] < pair)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool find_in_memory(struct key_index *k, uint64_t key, const struct key_match *match,
                           uint64_t *number, struct err *e)
{
    int64_t first = pair_of(key, 0);
    uint64_t candidate = 0;
    bool same = false;

    if (map_get(k->filling, key, &candidate) && !match->is_it(match->context, candidate, &same, e))
        return false;
    for (size_t i = place_in_run(k, first);
         !same && i < k->run_count && prefix_of(k->run[i]) == prefix_of(first); i++) {
        candidate = pair_number(k->run[i]);
        if (!match->is_it(match->context, candidate, &same, e))
            return false;
    }
    *number = same ? candidate : 0;
    return true;
}

static bool find_in_table(struct key_index *k, int64_t first, const struct key_match *match,
                          uint64_t *number, struct err *e)
{
    bool row = true, sound = true, same = false, any = false;
    uint64_t candidate = 0;

    (void)sqlite3_bind_int64(k->lookup, 1, first); /* the indexes are right */
    (void)sqlite3_bind_int64(k->lookup, 2, first | UINT32_MAX);
    while (sound && !same) {
        sound = db_next(k->db, k->lookup, &row, e);
        if (!sound || !row)
            break;
        any = true;
        candidate = pair_number(sqlite3_column_int64(k->lookup, 0));
        sound = match->is_it(match->context, candidate, &same, e);
    }
    (void)sqlite3_reset(k->lookup); /* a query that was left early */
    if (sound && !any)
        k->absent[prefix_of(first) % ABSENT_SLOTS] = prefix_of(first) + 1;
    *number = same ? candidate : 0;
    return sound;
}

bool key_index_find(struct key_index *k, uint64_t key, const struct key_match *match,
                    uint64_t *number, struct err *e)
{
    int64_t first = pair_of(key, 0);

    if (!find_in_memory(k, key, match, number, e))
        return false;
    if (*number || k->absent[prefix_of(first) % ABSENT_SLOTS] == prefix_of(first) + 1)
        return true;
    return find_in_table(k, first, match, number, e);
}
