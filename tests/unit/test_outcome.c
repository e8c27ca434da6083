/* SPDX-License-Identifier: MIT */
#include "core/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

/* The contract's words, with the numbers that ledgers hold. */
static void test_states_have_the_contracts_words(void **state)
{
    static const struct {
        int number;
        const char *word;
        bool is_final;
    } words[] = {
        {1, "waiting", false}, {2, "sending", false}, {3, "accepted", true},
        {4, "failed", true},   {5, "unknown", false}, {6, "skipped", true},
    };
    enum state parsed;

    (void)state;
    assert_int_equal(ARRAY_SIZE(words), STATE_COUNT - 1);
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        enum state s = (enum state)words[i].number;

        assert_string_equal(state_name(s), words[i].word);
        assert_true(state_parse(words[i].word, &parsed));
        assert_int_equal(parsed, s);
        assert_int_equal(state_is_final(s), words[i].is_final);
    }
}

static void test_other_words_are_no_states(void **state)
{
    static const char *const words[] = {"", "Accepted", "accepted ", "sent", "acc"};
    enum state parsed;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        assert_false(state_parse(words[i], &parsed));
}

static void test_reasons_have_words(void **state)
{
    static const struct {
        int number;
        const char *word;
    } words[] = {
        {0, ""},           {1, "refused"},      {2, "attempts_used"},
        {3, "not_sent"},   {4, "withdrawn"},    {5, "no_answer"},
        {6, "bad_answer"}, {7, "unsure_error"}, {8, "interrupted"},
        {9, "opted_out"},  {10, "expired"},     {11, "invalid"},
        {12, "cancelled"}, {13, "not_due"},     {14, "held"},
        {15, "retry"},     {16, "taken_over"},  {17, "webhook"},
        {18, "by_hand"},   {19, "given_up"},
    };

    (void)state;
    assert_int_equal(ARRAY_SIZE(words), REASON_COUNT);
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        assert_string_equal(reason_name((enum reason)words[i].number), words[i].word);
}

/* A ledger that a later version wrote. */
static void test_unknown_numbers_have_no_word(void **state)
{
    (void)state;
    assert_string_equal(state_name((enum state)0), "");
    assert_string_equal(state_name((enum state)7), "");
    assert_string_equal(reason_name((enum reason)99), "");
    assert_false(state_is_final((enum state)7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states_have_the_contracts_words),
        cmocka_unit_test(test_other_words_are_no_states),
        cmocka_unit_test(test_reasons_have_words),
        cmocka_unit_test(test_unknown_numbers_have_no_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
