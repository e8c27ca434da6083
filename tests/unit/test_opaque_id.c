/* SPDX-License-Identifier: MIT */
#include "core/opaque_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

enum { LEN = 36 };

static const struct opaque_id samples[] = {
    {0, 0, 0},
    {1, 1, 1},
    {UINT64_MAX, UINT64_MAX, UINT16_MAX},
    {UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210), 1},
    {UINT64_C(0x8000000000000000), 1, 300},
};

static void check_same(const struct opaque_id *a, const struct opaque_id *b)
{
    assert_true(a->ledger == b->ledger);
    assert_true(a->message_hash == b->message_hash);
    assert_int_equal(a->attempt, b->attempt);
}

static void test_comes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
        char text[OPAQUE_ID_SIZE];
        struct opaque_id back;

        opaque_id_write(&samples[i], text);
        assert_int_equal(strlen(text), LEN);
        assert_true(opaque_id_parse(text, &back));
        check_same(&back, &samples[i]);
    }
}

/* What webhooks bring back was sent by older versions, too: the text must not change. */
static void test_text_is_for_ever(void **state)
{
    char text[OPAQUE_ID_SIZE];

    (void)state;
    opaque_id_write(&samples[3], text);
    assert_string_equal(text, "t11tdz5xq60f6ept4x01bdtkqjsz98aqa6pr");
}

static void test_any_one_character_changed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
        for (size_t place = 0; place < LEN; place++)
            for (int c = 1; c < 256; c++) {
                char text[OPAQUE_ID_SIZE];
                struct opaque_id out;

                opaque_id_write(&samples[i], text);
                if (text[place] == (char)c)
                    continue;
                text[place] = (char)c;
                assert_false(opaque_id_parse(text, &out));
            }
}

static void test_cut_and_longer(void **state)
{
    char text[OPAQUE_ID_SIZE + 1], cut[OPAQUE_ID_SIZE + 1];
    struct opaque_id out;

    (void)state;
    opaque_id_write(&samples[3], text);
    for (size_t len = 0; len < LEN; len++) {
        memcpy(cut, text, len);
        cut[len] = '\0';
        assert_false(opaque_id_parse(cut, &out));
    }
    text[LEN] = '0';
    text[LEN + 1] = '\0';
    assert_false(opaque_id_parse(text, &out));
}

static void test_not_ours(void **state)
{
    struct opaque_id out;

    (void)state;
    assert_false(opaque_id_parse("", &out));
    assert_false(opaque_id_parse("j1/42", &out));
    assert_false(opaque_id_parse("order-4711-confirmation-of-the-24th-.", &out));
    assert_false(opaque_id_parse("t10000000000000000000000000000000000", &out));
}

/* Two characters that change places. */
static void test_swapped(void **state)
{
    char text[OPAQUE_ID_SIZE];
    struct opaque_id out;

    (void)state;
    opaque_id_write(&samples[3], text);
    for (size_t i = 2; i + 1 < LEN; i++) {
        char swapped[OPAQUE_ID_SIZE];

        memcpy(swapped, text, sizeof(swapped));
        swapped[i] = text[i + 1];
        swapped[i + 1] = text[i];
        if (text[i] != text[i + 1])
            assert_false(opaque_id_parse(swapped, &out));
    }
}

static size_t count_same(const char *a, const char *b)
{
    size_t same = 0;

    for (size_t i = 2; i < LEN; i++)
        same += a[i] == b[i];
    return same;
}

/* Of 34 characters about one in 32 is the same by chance; 10 have never been seen. */
static void test_attempts_do_not_look_alike(void **state)
{
    char first[OPAQUE_ID_SIZE], next[OPAQUE_ID_SIZE];
    struct opaque_id id = {1, 1, 1};

    (void)state;
    opaque_id_write(&id, first);
    for (id.attempt = 2; id.attempt < 1000; id.attempt++) {
        opaque_id_write(&id, next);
        assert_true(count_same(first, next) < 10);
    }
}

static void test_every_attempt_is_another(void **state)
{
    char before[OPAQUE_ID_SIZE] = "";
    char text[OPAQUE_ID_SIZE];
    struct opaque_id id = {7, 9, 0};
    struct opaque_id back;

    (void)state;
    for (unsigned attempt = 0; attempt <= UINT16_MAX; attempt++) {
        id.attempt = (uint16_t)attempt;
        opaque_id_write(&id, text);
        assert_string_not_equal(text, before);
        assert_true(opaque_id_parse(text, &back));
        check_same(&back, &id);
        memcpy(before, text, sizeof(before));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comes_back),
        cmocka_unit_test(test_text_is_for_ever),
        cmocka_unit_test(test_any_one_character_changed),
        cmocka_unit_test(test_cut_and_longer),
        cmocka_unit_test(test_not_ours),
        cmocka_unit_test(test_swapped),
        cmocka_unit_test(test_attempts_do_not_look_alike),
        cmocka_unit_test(test_every_attempt_is_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
