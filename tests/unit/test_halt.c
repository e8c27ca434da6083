/* SPDX-License-Identifier: MIT */
#include "core/halt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

static const struct message asha = {.sender = "111", .template_name = "results", .lang = "en_US"};
static const struct message ravi = {.sender = "222", .template_name = "results", .lang = "hi"};

static struct halt halt_for(enum halt_kind kind, const struct message *m)
{
    return (struct halt){.kind = kind, .subject = halt_subject(kind, m), .until_us = INT64_MAX};
}

static void test_wide_kinds_cover_everything(void **state)
{
    static const enum halt_kind wide[] = {HALT_TOKEN,    HALT_ACCOUNT,  HALT_NETWORK,
                                          HALT_OPERATOR, HALT_DISABLED, HALT_WINDOW};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wide); i++) {
        struct halts h = {0};
        struct halt halt = halt_for(wide[i], &asha);

        assert_null(halt_of_all(&h));
        assert_null(halt_covers(&h, &asha));
        assert_true(halt_raise(&h, &halt));
        assert_int_equal(halt_covers(&h, &asha)->kind, wide[i]);
        assert_int_equal(halt_covers(&h, &ravi)->kind, wide[i]);
        assert_int_equal(halt_of_all(&h)->kind, wide[i]);
    }
}

static void test_a_sender_stops_alone(void **state)
{
    struct halts h = {0};
    struct halt halt = halt_for(HALT_SENDER, &asha);
    struct message same = {.sender = "111", .template_name = "other", .lang = "hi"};

    (void)state;
    assert_true(halt_raise(&h, &halt));
    assert_non_null(halt_covers(&h, &asha));
    assert_non_null(halt_covers(&h, &same));
    assert_null(halt_covers(&h, &ravi));
    assert_null(halt_of_all(&h));
}

static void test_a_template_stops_in_one_language(void **state)
{
    struct halts h = {0};
    struct halt halt = halt_for(HALT_TEMPLATE, &asha);
    struct message same = {.sender = "222", .template_name = "results", .lang = "en_US"};
    struct message cut = {.sender = "222", .template_name = "resultsen", .lang = "_US"};

    (void)state;
    assert_true(halt_raise(&h, &halt));
    assert_non_null(halt_covers(&h, &same));
    assert_null(halt_covers(&h, &ravi));
    assert_null(halt_covers(&h, &cut));
}

static void test_raised_again_is_one_that_lasts_longer(void **state)
{
    struct halts h = {0};
    struct halt brief = halt_for(HALT_SENDER, &asha);
    struct halt lasting = brief;

    (void)state;
    brief.until_us = 100;
    brief.since_ms = 1;
    lasting.code = 133010;
    lasting.since_ms = 2;
    assert_true(halt_raise(&h, &brief));
    assert_false(halt_raise(&h, &lasting));
    assert_int_equal(h.count, 1);
    assert_int_equal(h.items[0].until_us, INT64_MAX);
    assert_int_equal(h.items[0].code, 133010);
    assert_int_equal(h.items[0].since_ms, 1);
    assert_false(halt_raise(&h, &brief));
    assert_int_equal(h.items[0].code, 133010);
}

static void test_clear_takes_one_kind(void **state)
{
    struct halts h = {0};
    struct halt sender = halt_for(HALT_SENDER, &asha);
    struct halt other = halt_for(HALT_SENDER, &ravi);
    struct halt token = halt_for(HALT_TOKEN, &asha);

    (void)state;
    (void)halt_raise(&h, &sender); /* new: the count tells */
    (void)halt_raise(&h, &token);
    (void)halt_raise(&h, &other);
    assert_int_equal(h.count, 3);
    halt_clear(&h, HALT_SENDER);
    assert_int_equal(h.count, 1);
    assert_int_equal(h.items[0].kind, HALT_TOKEN);
    halt_clear(&h, HALT_TOKEN);
    assert_int_equal(h.count, 0);
}

static void test_halts_end_by_themselves(void **state)
{
    struct halts h = {0};
    struct halt brief = halt_for(HALT_SENDER, &asha);
    struct halt lasting = halt_for(HALT_TEMPLATE, &asha);

    (void)state;
    brief.until_us = 100;
    (void)halt_raise(&h, &brief); /* new: the count tells */
    (void)halt_raise(&h, &lasting);
    halt_expire(&h, 99);
    assert_int_equal(h.count, 2);
    halt_expire(&h, 100);
    assert_int_equal(h.count, 1);
    assert_int_equal(h.items[0].kind, HALT_TEMPLATE);
}

/* No flood of senders and templates takes the room of a halt that stops everything. */
static void test_too_many_narrow_halts_widen(void **state)
{
    struct halts h = {0};
    struct halt narrow = {.until_us = INT64_MAX};
    struct halt token = halt_for(HALT_TOKEN, &asha);

    (void)state;
    for (uint64_t i = 1; i <= 1000; i++) {
        narrow.subject = i;
        narrow.kind = i % 2 ? HALT_SENDER : HALT_TEMPLATE;
        assert_int_equal(halt_raise(&h, &narrow), i <= HALT_NARROW_MAX + 2);
    }
    assert_int_equal(h.count, HALT_NARROW_MAX + 2);
    assert_int_equal(halt_of_all(&h)->kind, HALT_SENDER);
    assert_string_equal(halt_of_all(&h)->what, "everything: more than 56 senders are stopped");
    for (unsigned kind = HALT_TOKEN; kind < HALT_KIND_COUNT; kind++) {
        token.kind = kind;
        if (kind != HALT_SENDER && kind != HALT_TEMPLATE)
            assert_true(halt_raise(&h, &token));
    }
    assert_true(h.count <= HALT_MAX);
    halt_clear(&h, HALT_SENDER);
    halt_clear(&h, HALT_TEMPLATE);
    assert_int_equal(h.count, HALT_KIND_COUNT - 3); /* none, and the two cleared */
}

static void test_kinds_have_names(void **state)
{
    (void)state;
    for (unsigned kind = HALT_NONE; kind < HALT_KIND_COUNT; kind++)
        assert_true(strlen(halt_name(kind)) > 0);
    assert_string_equal(halt_name(HALT_TOKEN), "token");
    assert_string_equal(halt_name(HALT_WINDOW), "window");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wide_kinds_cover_everything),
        cmocka_unit_test(test_a_sender_stops_alone),
        cmocka_unit_test(test_a_template_stops_in_one_language),
        cmocka_unit_test(test_raised_again_is_one_that_lasts_longer),
        cmocka_unit_test(test_clear_takes_one_kind),
        cmocka_unit_test(test_halts_end_by_themselves),
        cmocka_unit_test(test_too_many_narrow_halts_widen),
        cmocka_unit_test(test_kinds_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
