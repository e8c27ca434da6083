/* SPDX-License-Identifier: MIT
 *
 * The lazily written index: found in the map, in the run, in the table; over run boundaries, across
 * an open at each step, and with keys that collide.
 */
#include "base/mem.h"
#include "ledger/key_index.h"
#include "ledger/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* After what it needs. */
#include <cmocka.h>

enum { RUN = 300 }; /* small: a slice is at least 256 */

struct box {
    char folder[32];
    char path[64];
    struct db *db;
    struct key_index *keys;
    uint64_t count; /* messages 1 to count were added */
    uint64_t (*key_of_number)(uint64_t number);
};

static uint64_t spread(uint64_t number)
{
    return number * UINT64_C(0x9e3779b97f4a7c15);
}

/* Three messages a key, and the key 0 among them. */
static uint64_t collide(uint64_t number)
{
    return number / 3 * UINT64_C(0x9e3779b97f4a7c15);
}

static void must(bool done, const struct err *e)
{
    if (!done)
        fail_msg("%s", e->text);
}

static void open_box(struct box *b)
{
    struct err e;

    must(db_open(b->path, DB_WRITE, &b->db, &e), &e);
    must(schema_open(b->db, DB_WRITE, &e), &e);
    must(key_index_open(b->db, RUN, &b->keys, &e), &e);
    for (uint64_t n = key_index_mark(b->keys) + 1; n <= b->count; n++)
        must(key_index_add(b->keys, b->key_of_number(n), n, &e), &e);
}

static void close_box(struct box *b)
{
    key_index_free(b->keys);
    db_close(b->db, true);
}

static int setup(void **state)
{
    struct box *b = MEM_NEW(struct box);

    (void)snprintf(b->folder, sizeof(b->folder), "/tmp/test_keys.XXXXXX");
    assert_non_null(mkdtemp(b->folder));
    (void)snprintf(b->path, sizeof(b->path), "%s/keys.db", b->folder);
    b->key_of_number = spread;
    open_box(b);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct box *b = *state;

    close_box(b);
    (void)unlink(b->path); /* the rest went with the close */
    (void)rmdir(b->folder);
    mem_free(b);
    return 0;
}

static void add(struct box *b, unsigned count)
{
    struct err e;

    must(db_exec(b->db, "BEGIN", &e), &e);
    for (unsigned i = 0; i < count; i++) {
        b->count++;
        must(key_index_add(b->keys, b->key_of_number(b->count), b->count, &e), &e);
    }
    must(key_index_step(b->keys, &e), &e);
    must(db_exec(b->db, "COMMIT", &e), &e);
}

static bool is_it(void *context, uint64_t number, bool *same, struct err *e)
{
    const uint64_t *wanted = context;

    (void)e;
    *same = number == *wanted;
    return true;
}

static uint64_t find(struct box *b, uint64_t number)
{
    const struct key_match match = {.is_it = is_it, .context = &number};
    uint64_t found = 99;
    struct err e;

    must(key_index_find(b->keys, b->key_of_number(number), &match, &found, &e), &e);
    return found;
}

static void check_all(struct box *b)
{
    for (uint64_t n = 1; n <= b->count; n++)
        assert_int_equal(find(b, n), n);
    for (uint64_t n = b->count + 1; n <= b->count + 20; n++)
        assert_int_equal(find(b, n), 0);
}

static void test_found_over_run_boundaries(void **state)
{
    struct box *b = *state;

    for (unsigned step = 0; step < 60; step++) {
        add(b, 37);
        check_all(b);
    }
    assert_true(key_index_mark(b->keys) > 3 * (uint64_t)RUN); /* runs were written */
}

/* The mark moves while newer keys are in memory only: those must come back. */
static void test_opened_again_when_the_mark_has_moved(void **state)
{
    struct box *b = *state;
    uint64_t mark = 0;

    for (unsigned step = 0; step < 60; step++) {
        add(b, 37);
        if (key_index_mark(b->keys) == mark)
            continue;
        mark = key_index_mark(b->keys);
        assert_true(mark < b->count);
        close_box(b);
        open_box(b);
        check_all(b);
    }
    assert_true(mark > 0);
}

static void test_opened_again_at_each_step(void **state)
{
    struct box *b = *state;

    for (unsigned step = 0; step < 40; step++) {
        add(b, 61);
        close_box(b);
        open_box(b);
        check_all(b);
    }
}

/* An open brings back keys of which a part is in the table already. */
static void test_half_a_run_is_written_again(void **state)
{
    struct box *b = *state;

    add(b, 2 * RUN);
    add(b, 1);
    assert_int_equal(key_index_mark(b->keys), 2 * RUN); /* 600 keys at once: whole */
    while (key_index_mark(b->keys) == 2 * RUN && b->count < 4 * RUN) {
        add(b, 20);
        close_box(b);
        open_box(b);
    }
    check_all(b);
}

static void test_colliding_keys(void **state)
{
    struct box *b = *state;

    b->key_of_number = collide;
    for (unsigned step = 0; step < 40; step++) {
        add(b, 37);
        check_all(b);
        if (step % 3 == 0) {
            close_box(b);
            open_box(b);
            check_all(b);
        }
    }
}

/* Asking in vain must not hide a key that is added, or written, later. */
static void test_asked_before_it_is_added(void **state)
{
    struct box *b = *state;

    b->key_of_number = collide;
    for (unsigned step = 0; step < 1200; step++) {
        assert_int_equal(find(b, b->count + 1), 0);
        add(b, 1);
        assert_int_equal(find(b, b->count), b->count);
    }
    check_all(b);
}

static void test_a_long_batch(void **state)
{
    struct box *b = *state;

    add(b, 10 * RUN);
    check_all(b);
    add(b, 10 * RUN);
    check_all(b);
}

#define WITH_BOX(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BOX(test_found_over_run_boundaries),
        WITH_BOX(test_opened_again_when_the_mark_has_moved),
        WITH_BOX(test_opened_again_at_each_step),
        WITH_BOX(test_half_a_run_is_written_again),
        WITH_BOX(test_colliding_keys),
        WITH_BOX(test_asked_before_it_is_added),
        WITH_BOX(test_a_long_batch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
