/* SPDX-License-Identifier: MIT
 *
 * Statuses in any order and any number give the same end; and signatures.
 */
#include "base/attr.h"
#include "core/webhook_signature.h"
#include "core/webhook_status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { TOLD_MAX = 5 };

/* Every sequence of up to TOLD_MAX statuses, against the rule in words. */
static enum webhook_status expected(const enum webhook_status *told, size_t count)
{
    bool seen[WEBHOOK_STATUS_COUNT] = {false};

    for (size_t i = 0; i < count; i++)
        seen[told[i]] = true;
    if (seen[WEBHOOK_READ])
        return WEBHOOK_READ;
    if (seen[WEBHOOK_DELIVERED])
        return WEBHOOK_DELIVERED;
    if (seen[WEBHOOK_UNDELIVERED])
        return WEBHOOK_UNDELIVERED;
    return seen[WEBHOOK_SENT] ? WEBHOOK_SENT : WEBHOOK_NONE;
}

static void every_sequence(void **state)
{
    enum webhook_status told[TOLD_MAX];
    size_t sequences = 1;

    (void)state;
    for (size_t i = 0; i < TOLD_MAX; i++)
        sequences *= WEBHOOK_STATUS_COUNT;
    for (size_t n = 0; n < sequences; n++) {
        enum webhook_status known = WEBHOOK_NONE;
        size_t rest = n;

        for (size_t i = 0; i < TOLD_MAX; i++, rest /= WEBHOOK_STATUS_COUNT) {
            enum webhook_status before = known;

            told[i] = (enum webhook_status)(rest % WEBHOOK_STATUS_COUNT);
            known = webhook_status_merge(known, told[i]);
            assert_true(known >= before); /* it never goes back */
            assert_int_equal(webhook_status_merge(known, told[i]), known);
            assert_int_equal(known, expected(told, i + 1));
        }
    }
}

static void merges_of_merges(void **state)
{
    (void)state;
    for (int a = 0; a < WEBHOOK_STATUS_COUNT; a++) {
        for (int b = 0; b < WEBHOOK_STATUS_COUNT; b++) {
            enum webhook_status one = (enum webhook_status)a, two = (enum webhook_status)b;

            assert_int_equal(webhook_status_merge(one, two), webhook_status_merge(two, one));
            for (int c = 0; c < WEBHOOK_STATUS_COUNT; c++) {
                enum webhook_status three = (enum webhook_status)c;

                assert_int_equal(webhook_status_merge(webhook_status_merge(one, two), three),
                                 webhook_status_merge(one, webhook_status_merge(two, three)));
            }
        }
    }
}

static void words(void **state)
{
    enum webhook_status status;

    (void)state;
    assert_true(webhook_status_parse("sentry", 4, &status));
    assert_int_equal(status, WEBHOOK_SENT);
    assert_true(webhook_status_parse("failed", 6, &status));
    assert_string_equal(webhook_status_name(status), "undelivered");
    assert_true(webhook_status_parse("played", 6, &status));
    assert_string_equal(webhook_status_name(status), "read");
    assert_false(webhook_status_parse("sent", 3, &status));
    assert_false(webhook_status_parse("", 0, &status));
    assert_false(webhook_status_parse("undelivered", 11, &status)); /* ours, not Meta's */
    assert_string_equal(webhook_status_name(WEBHOOK_NONE), "");
    assert_string_equal(webhook_status_name((enum webhook_status)99), "");
}

static const char body[] = "{\"object\":\"whatsapp_business_account\",\"entry\":[]}";
/* Computed with another implementation (Python's hmac). */
#define RIGHT "dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756"

static bool is_signed(const char *header, const char *old, const char *new)
{
    struct webhook_secrets secrets = {{{old, old ? strlen(old) : 0}, {new, new ? strlen(new) : 0}}};

    return webhook_signature_ok(header, body, strlen(body), &secrets);
}

static void signatures(void **state)
{
    static const char *const wrong[] = {
        "",
        "sha256=",
        RIGHT,
        "sha1=" RIGHT,
        "sha256=" RIGHT "0",
        "sha256= " RIGHT,
        "sha256=0ec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756",
        "sha256=dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c63375",
        "sha256=zec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756",
    };

    (void)state;
    assert_true(is_signed("sha256=" RIGHT, "test_app_secret", NULL));
    assert_true(is_signed("sha256=" RIGHT, "other", "test_app_secret"));
    assert_true(is_signed("sha256=" RIGHT, "test_app_secret", "other"));
    assert_false(is_signed("sha256=" RIGHT, "other", "another"));
    assert_false(is_signed(NULL, "test_app_secret", NULL));
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_false(is_signed(wrong[i], "test_app_secret", "test_app_secret"));
}

#define EMPTY_KEY "704eb71c28bbe7c091ca5b8f9446c2bceec023435f33ff17e7fb9634d46333bc"

/* HMAC with an empty key: anybody can compute it. */
static void no_secret_fits_nothing(void **state)
{
    (void)state;
    assert_false(is_signed("sha256=" EMPTY_KEY, "", ""));
    assert_false(is_signed("sha256=" EMPTY_KEY, NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sequence),
        cmocka_unit_test(merges_of_merges),
        cmocka_unit_test(words),
        cmocka_unit_test(signatures),
        cmocka_unit_test(no_secret_fits_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
