/* SPDX-License-Identifier: MIT */
#include "test_file_util.h"

#include "io/distinct.h"
#include "io/distinct_spill.h"

enum { MANY = 30000 }; /* a part of a third of them fills some twenty chunks */

struct seen {
    uint64_t next;
    uint64_t step;
};

static bool on_number(void *context, const void *record, struct err *e)
{
    struct seen *seen = context;
    uint64_t number;

    (void)e;
    memcpy(&number, record, sizeof(number));
    assert_int_equal(number, seen->next);
    seen->next += seen->step;
    return true;
}

static void spill_keeps_all_in_order(void **state)
{
    struct spill *s = spill_new("/tmp", sizeof(uint64_t));
    struct err e;

    (void)state;
    for (uint64_t i = 0; i < MANY; i++)
        assert_true(spill_add(s, i % 3 * 100, &i, &e));
    for (uint64_t part = 0; part < 3; part++) {
        struct seen seen = {.next = part, .step = 3};

        assert_true(spill_each(s, part * 100, on_number, &seen, &e));
        assert_int_equal(seen.next, MANY + part);
    }
    assert_true(spill_each(s, 7, on_number, NULL, &e)); /* an empty part */
    spill_free(s);
}

static void spill_without_a_folder_says_so(void **state)
{
    struct spill *s = spill_new("/nonexistent", sizeof(uint64_t));
    struct err e;
    bool ok = true;

    (void)state;
    for (uint64_t i = 0; ok && i < MANY; i++)
        ok = spill_add(s, 0, &i, &e);
    assert_false(ok);
    assert_int_equal(e.code, EXIT_CANT_CREATE);
    assert_non_null(strstr(e.text, "/nonexistent"));
    spill_free(s);
}

static void add(struct distinct *d, uint64_t line, uint64_t id, uint64_t content)
{
    struct distinct_row row = {.id = id, .content = content, .recipient = content, .line = line};
    struct err e;

    assert_true(distinct_add(d, &row, &e));
}

static void next_is(struct distinct *d, uint64_t line, uint64_t first_line)
{
    struct distinct_reused reused;
    struct err e;

    assert_true(distinct_next_reused(d, &reused, &e));
    assert_int_equal(reused.line, line);
    assert_int_equal(reused.first_line, first_line);
}

static void first_row_with_an_id_holds(void **state)
{
    const uint64_t high = 0xFF00000000000000u;
    struct distinct *d = distinct_new("/tmp");
    struct distinct_counts counts;
    struct err e;

    (void)state;
    add(d, 2, high, 1);
    add(d, 3, 0, 1);
    add(d, 4, 0, 1);         /* a duplicate */
    add(d, 5, high, 2);      /* reused */
    add(d, 600000, 0, 3);    /* reused, in another part of lines */
    add(d, 600001, high, 1); /* a duplicate of the first, not of the reused */
    add(d, 600002, high, 2); /* reused again */
    assert_true(distinct_settle(d, &counts, &e));
    assert_int_equal(counts.ids, 2);
    assert_int_equal(counts.duplicates, 2);
    assert_int_equal(counts.reused, 3);
    assert_int_equal(counts.recipients, 1);
    for (int again = 0; again < 2; again++) {
        next_is(d, 5, 2);
        next_is(d, 600000, 3);
        next_is(d, 600002, 2);
        next_is(d, 0, 0);
        distinct_rewind_reused(d);
    }
    distinct_free(d);
}

/* All rows with one id are one part; it is passed through, not loaded. */
static void one_id_in_every_row(void **state)
{
    struct distinct *d = distinct_new("/tmp");
    struct distinct_counts counts;
    struct err e;

    (void)state;
    for (uint64_t line = 1; line <= MANY; line++)
        add(d, line, 42, line % 2);
    assert_true(distinct_settle(d, &counts, &e));
    assert_int_equal(counts.ids, 1);
    assert_int_equal(counts.duplicates, MANY / 2 - 1);
    assert_int_equal(counts.reused, MANY / 2);
    for (uint64_t line = 2; line <= MANY; line += 2)
        next_is(d, line, 1);
    next_is(d, 0, 0);
    distinct_free(d);
}

static void lines_have_a_limit(void **state)
{
    const struct distinct_row last = {.line = DISTINCT_LINE_MAX};
    const struct distinct_row past = {.line = DISTINCT_LINE_MAX + 1};
    struct distinct *d = distinct_new("/tmp");
    struct err e;

    (void)state;
    assert_true(distinct_add(d, &last, &e));
    assert_false(distinct_add(d, &past, &e));
    assert_int_equal(e.code, EXIT_BAD_DATA);
    assert_non_null(strstr(e.text, "134217727"));
    distinct_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spill_keeps_all_in_order),
        cmocka_unit_test(spill_without_a_folder_says_so),
        cmocka_unit_test(first_row_with_an_id_holds),
        cmocka_unit_test(one_id_in_every_row),
        cmocka_unit_test(lines_have_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
