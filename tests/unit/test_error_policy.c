/* SPDX-License-Identifier: MIT */
#include "core/error_policy.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

/* Every code of Meta's list and what a send does that meets it, written down apart from the table:
 * subcode 0, HTTP 400, not transient. */
struct expected {
    int code;
    enum action action;
};

static const struct expected expected[] = {
    /* authorisation and account */
    {0, ACTION_HALT_TOKEN},
    {3, ACTION_HALT_ACCOUNT},
    {10, ACTION_HALT_TOKEN},
    {102, ACTION_HALT_TOKEN},
    {104, ACTION_HALT_TOKEN},
    {190, ACTION_HALT_TOKEN},
    {200, ACTION_HALT_TOKEN},
    {368, ACTION_HALT_ACCOUNT},
    {130497, ACTION_FAIL},
    {131031, ACTION_HALT_ACCOUNT},
    {131005, ACTION_HALT_TOKEN},
    {131042, ACTION_HALT_ACCOUNT},
    {131044, ACTION_NOT_FOR_SENDS},
    {131045, ACTION_HALT_SENDER},
    {133010, ACTION_HALT_SENDER},
    {131037, ACTION_HALT_SENDER},
    {134011, ACTION_HALT_ACCOUNT},
    {33, ACTION_HALT_SENDER},
    {141002, ACTION_HALT_TEMPLATE},
    /* throttling */
    {4, ACTION_SLOW_SENDER},
    {17, ACTION_SLOW_SENDER},
    {32, ACTION_SLOW_SENDER},
    {341, ACTION_SLOW_SENDER},
    {613, ACTION_SLOW_SENDER},
    {80007, ACTION_SLOW_SENDER},
    {130429, ACTION_SLOW_SENDER},
    {131048, ACTION_HALT_SENDER},
    {131056, ACTION_SLOW_PAIR},
    {131064, ACTION_HALT_ACCOUNT},
    {133016, ACTION_NOT_FOR_SENDS},
    /* transient and unknown */
    {1, ACTION_RETRY_ONCE},
    {2, ACTION_RETRY},
    {131000, ACTION_UNKNOWN},
    {131016, ACTION_RETRY},
    {131057, ACTION_HOLD_SENDER},
    {133004, ACTION_RETRY},
    {2494100, ACTION_HOLD_SENDER},
    {135000, ACTION_RETRY_ONCE},
    /* request and payload */
    {100, ACTION_FAIL},
    {131008, ACTION_FAIL},
    {131009, ACTION_FAIL},
    {131021, ACTION_FAIL},
    {131030, ACTION_FAIL},
    {131051, ACTION_FAIL},
    {131052, ACTION_NOT_FOR_SENDS},
    {131053, ACTION_FAIL},
    {131055, ACTION_FAIL},
    {131059, ACTION_NOT_FOR_SENDS},
    {131062, ACTION_FAIL},
    {131063, ACTION_HALT_TEMPLATE},
    {506, ACTION_FAIL},
    {803, ACTION_HALT_SENDER},
    {2500, ACTION_HALT_ACCOUNT},
    {130501, ACTION_FAIL},
    {1752041, ACTION_NOT_FOR_SENDS},
    /* recipient */
    {130403, ACTION_FAIL_SUPPRESS},
    {130472, ACTION_FAIL},
    {131026, ACTION_FAIL},
    {131036, ACTION_FAIL},
    {131047, ACTION_FAIL},
    {131049, ACTION_DEFER},
    {131050, ACTION_FAIL_SUPPRESS},
    {137000, ACTION_FAIL},
    {139200, ACTION_FAIL},
    /* template */
    {132000, ACTION_FAIL_MISMATCH},
    {132001, ACTION_HALT_TEMPLATE},
    {132005, ACTION_FAIL},
    {132007, ACTION_HALT_TEMPLATE},
    {132008, ACTION_FAIL},
    {132012, ACTION_FAIL_MISMATCH},
    {132015, ACTION_HALT_TEMPLATE},
    {132016, ACTION_HALT_TEMPLATE},
    {132018, ACTION_FAIL},
    {132068, ACTION_HALT_TEMPLATE},
    {132069, ACTION_HALT_TEMPLATE},
    {134100, ACTION_FAIL},
    {134101, ACTION_HOLD_TEMPLATE},
    {134102, ACTION_HALT_TEMPLATE},
    {134103, ACTION_HALT_TEMPLATE},
    /* registration and management */
    {133000, ACTION_NOT_FOR_SENDS},
    {133001, ACTION_NOT_FOR_SENDS},
    {133002, ACTION_NOT_FOR_SENDS},
    {133003, ACTION_NOT_FOR_SENDS},
    {133005, ACTION_NOT_FOR_SENDS},
    {133006, ACTION_NOT_FOR_SENDS},
    {133007, ACTION_NOT_FOR_SENDS},
    {133008, ACTION_NOT_FOR_SENDS},
    {133009, ACTION_NOT_FOR_SENDS},
    {133011, ACTION_NOT_FOR_SENDS},
    {133012, ACTION_NOT_FOR_SENDS},
    {133013, ACTION_NOT_FOR_SENDS},
    {133014, ACTION_NOT_FOR_SENDS},
    {133015, ACTION_NOT_FOR_SENDS},
    {2388019, ACTION_NOT_FOR_SENDS},
    {2388039, ACTION_NOT_FOR_SENDS},
    {2388040, ACTION_NOT_FOR_SENDS},
    {2388047, ACTION_NOT_FOR_SENDS},
    {2388072, ACTION_NOT_FOR_SENDS},
    {2388073, ACTION_NOT_FOR_SENDS},
    {2388293, ACTION_NOT_FOR_SENDS},
    {2388299, ACTION_NOT_FOR_SENDS},
    {200005, ACTION_NOT_FOR_SENDS},
    {200006, ACTION_NOT_FOR_SENDS},
    {200007, ACTION_NOT_FOR_SENDS},
    {2593107, ACTION_NOT_FOR_SENDS},
    {2593108, ACTION_NOT_FOR_SENDS},
};

static const int subcodes[] = {0, 33, 458, 463, 467, 2446079, 2494055, -1};
static const int statuses[] = {0,   200, 301, 400, 401, 403, 404, 408, 409,
                               429, 499, 500, 502, 503, 504, 599, 600};

static bool is_5xx(int status)
{
    return status >= 500 && status < 600;
}

/* What the contract says of a code in whatever company it comes. */
static enum action contract(const struct expected *row, const struct graph_error *e)
{
    if (e->code == 1 && (is_5xx(e->http_status) || e->is_transient))
        return ACTION_UNKNOWN;
    if (e->code == 100 && e->subcode == 33)
        return ACTION_HALT_SENDER;
    return row->action;
}

static void check_company(const struct expected *row, int subcode, int status, bool transient)
{
    struct graph_error e = {row->code, subcode, status, transient};
    enum action action = error_policy_action(&e);

    if (action != contract(row, &e))
        print_error("%d/%d http %d transient %d: %s\n", e.code, e.subcode, status, transient,
                    action_name(action));
    assert_int_equal(action, contract(row, &e));
    assert_int_equal(error_policy_find(&e)->code, row->code);
}

static void test_every_code_in_every_company(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(subcodes); j++) {
            for (size_t k = 0; k < ARRAY_SIZE(statuses); k++) {
                check_company(&expected[i], subcodes[j], statuses[k], false);
                check_company(&expected[i], subcodes[j], statuses[k], true);
            }
        }
    }
}

static bool is_expected(int code)
{
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        if (expected[i].code == code)
            return true;
    }
    return false;
}

static void test_the_table_holds_these_codes_and_no_others(void **state)
{
    size_t count;
    const struct error_rule *table = error_policy_table(&count);
    size_t whole_codes = 0;

    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_true(is_expected(table[i].code));
        whole_codes += table[i].subcode == 0;
    }
    assert_int_equal(whole_codes, ARRAY_SIZE(expected));
}

static void test_the_table_ascends(void **state)
{
    size_t count;
    const struct error_rule *table = error_policy_table(&count);

    (void)state;
    for (size_t i = 1; i < count; i++)
        assert_true(table[i - 1].code < table[i].code || (table[i - 1].code == table[i].code &&
                                                          table[i - 1].subcode < table[i].subcode));
}

/* A title is short; a hint is a whole sentence that fits where it is shown. */
static void test_every_row_can_be_shown(void **state)
{
    size_t count;
    const struct error_rule *table = error_policy_table(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        const char *title = table[i].title;
        const char *hint = table[i].hint;

        assert_in_range(strlen(title), 10, 70);
        assert_true(isupper((unsigned char)title[0]));
        assert_int_not_equal(title[strlen(title) - 1], '.');
        assert_in_range(strlen(hint), 20, 250);
        assert_true(isupper((unsigned char)hint[0]));
        assert_int_equal(hint[strlen(hint) - 1], '.');
        assert_null(strstr(hint, "  "));
        assert_null(strchr(hint, '\n'));
    }
}

static void test_subcodes_of_the_token_have_hints_of_their_own(void **state)
{
    static const int own[] = {458, 459, 460, 463, 464, 467};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
        struct graph_error e = {.code = 190, .subcode = own[i], .http_status = 401};

        assert_int_equal(error_policy_find(&e)->subcode, own[i]);
        assert_int_equal(error_policy_action(&e), ACTION_HALT_TOKEN);
    }
}

static void check_unknown(int code, int status, bool transient, enum action action)
{
    struct graph_error e = {code, 0, status, transient};
    const struct error_rule *rule = error_policy_find(&e);

    assert_int_equal(rule->code, 0);
    assert_string_equal(rule->title, "");
    assert_true(strlen(rule->hint) > 20);
    if (rule->action != action)
        print_error("%d http %d: %s\n", code, status, action_name(rule->action));
    assert_int_equal(rule->action, action);
    assert_int_equal(error_policy_action(&e), action);
}

static void test_unknown_codes_go_by_their_range(void **state)
{
    static const struct {
        int first, last;
        enum action action;
    } ranges[] = {
        {5, 9, ACTION_HALT_TOKEN},
        {201, 299, ACTION_HALT_TOKEN},
        {133017, 133999, ACTION_HALT_SENDER},
        {2388000, 2388018, ACTION_NOT_FOR_SENDS},
        {2388300, 2388999, ACTION_NOT_FOR_SENDS},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
        for (int code = ranges[i].first; code <= ranges[i].last; code++) {
            check_unknown(code, 400, false, ranges[i].action);
            check_unknown(code, 500, true, ranges[i].action);
        }
    }
}

static void test_other_unknown_codes_are_refusals(void **state)
{
    static const int codes[] = {-1, 11, 199, 300, 131099, 132999, 134000, 999999999};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        check_unknown(codes[i], 400, false, ACTION_FAIL);
        check_unknown(codes[i], 200, false, ACTION_FAIL);
        check_unknown(codes[i], 400, true, ACTION_RETRY);
        check_unknown(codes[i], 503, false, ACTION_RETRY);
    }
}

static void test_every_action_has_a_name_and_a_sentence(void **state)
{
    (void)state;
    for (unsigned a = 0; a < ACTION_COUNT; a++) {
        const char *text = action_text(a);

        assert_true(strlen(action_name(a)) > 3);
        assert_int_equal(text[strlen(text) - 1], '.');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_in_every_company),
        cmocka_unit_test(test_the_table_holds_these_codes_and_no_others),
        cmocka_unit_test(test_the_table_ascends),
        cmocka_unit_test(test_every_row_can_be_shown),
        cmocka_unit_test(test_subcodes_of_the_token_have_hints_of_their_own),
        cmocka_unit_test(test_unknown_codes_go_by_their_range),
        cmocka_unit_test(test_other_unknown_codes_are_refusals),
        cmocka_unit_test(test_every_action_has_a_name_and_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
