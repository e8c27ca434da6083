/* SPDX-License-Identifier: MIT */
#include "core/phone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

static void accepted(const char *text, const char *expected)
{
    char out[PHONE_SIZE];
    const char *why = "";

    if (!phone_parse(text, strlen(text), out, &why))
        fail_msg("'%s' is refused: %s", text, why);
    assert_string_equal(out, expected);
}

static void refused(const char *text, size_t len, const char *reason)
{
    char out[PHONE_SIZE];
    const char *why = "";

    if (phone_parse(text, len, out, &why))
        fail_msg("'%.*s' is taken as %s", (int)len, text, out);
    assert_string_equal(why, reason);
}

#define REFUSED(text, reason) refused(text, sizeof(text) - 1, reason)

static void test_forms_that_are_taken(void **state)
{
    (void)state;
    accepted("+919800000001", "+919800000001");
    accepted("+91 98000 00001", "+919800000001");
    accepted("+91-98000-00001", "+919800000001");
    accepted("+91.98000.00001", "+919800000001");
    accepted("+91 (98000) 00001", "+919800000001");
    accepted("+91 [98000] 00001", "+919800000001");
    accepted("(+91) 98000 00001", "+919800000001");
    accepted("  +919800000001  ", "+919800000001");
    accepted("+ 9 1 9 8 0 0 0 0 0 0 0 1", "+919800000001");
    accepted("+1 (650) 555-1234", "+16505551234");
}

static void test_forms_that_are_refused(void **state)
{
    (void)state;
    REFUSED("", "is empty");
    REFUSED("+", "has no digits");
    REFUSED(" ", "has no digits");
    REFUSED("()-. []", "has no digits");
    REFUSED("919800000001", "has no '+' and country code");
    REFUSED("(980) 000-0001", "has no '+' and country code");
    REFUSED("00919800000001", "has no '+' and country code");
    REFUSED("12ab", "has letters");
    REFUSED("+91980000000x", "has letters");
    REFUSED("+919800000001 ext 2", "has letters");
    REFUSED("++919800000001", "has a '+' that is not the first");
    REFUSED("91+9800000001", "has a '+' that is not the first");
    REFUSED("+91+9800000001", "has a '+' that is not the first");
    REFUSED("+919800000001+", "has a '+' that is not the first");
    REFUSED("+09800000001", "begins with 0, which no country code does");
    REFUSED("+0", "begins with 0, which no country code does");
    REFUSED("+919800000001\n", "has a character that no phone number has");
    REFUSED("+9198\t00000001", "has a character that no phone number has");
    REFUSED("+91/9800000001", "has a character that no phone number has");
    REFUSED("+919800000001\0", "has a character that no phone number has");
    REFUSED("+91\xC2\xA0"
            "9800000001",
            "has a character that no phone number has"); /* non-breaking space */
    REFUSED("+91\xE2\x80\x93"
            "9800000001",
            "has a character that no phone number has"); /* en dash */
    REFUSED("\xEF\xBC\x8B"
            "919800000001",
            "has a character that no phone number has"); /* full-width plus */
}

static void test_every_count_of_digits(void **state)
{
    (void)state;
    for (size_t digits = 1; digits <= 40; digits++) {
        char text[64] = "+";

        memset(text + 1, '7', digits);
        if (digits < PHONE_DIGITS_MIN)
            refused(text, digits + 1, "has fewer than 8 digits");
        else if (digits > PHONE_DIGITS_MAX)
            refused(text, digits + 1, "has more than 15 digits");
        else
            accepted(text, text);
    }
}

static void test_every_byte_inside_a_number(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char text[] = "+919800?00001";
        char out[PHONE_SIZE];
        const char *why;
        bool is_digit = byte >= '0' && byte <= '9';
        bool is_separator = byte && strchr(" .-()[]", byte);

        text[7] = (char)byte;
        assert_int_equal(phone_parse(text, sizeof(text) - 1, out, &why), is_digit || is_separator);
        if (is_separator)
            assert_string_equal(out, "+91980000001");
    }
}

static void test_separators_at_every_place(void **state)
{
    static const char number[] = "+919800000001";

    (void)state;
    for (size_t place = 0; place < sizeof(number); place++)
        for (const char *separator = " .-()[]"; *separator; separator++) {
            char text[sizeof(number) + 2] = {0};

            memcpy(text, number, place);
            text[place] = *separator;
            memcpy(text + place + 1, number + place, sizeof(number) - 1 - place);
            accepted(text, number);
        }
}

static void test_every_first_digit(void **state)
{
    char text[] = "+?19800000001";

    (void)state;
    for (char digit = '1'; digit <= '9'; digit++) {
        text[1] = digit;
        accepted(text, text);
    }
}

static void masked(const char *phone, const char *expected)
{
    char out[PHONE_MASKED_SIZE];

    phone_mask(phone, out);
    assert_string_equal(out, expected);
}

static void test_masks(void **state)
{
    (void)state;
    masked("+919812345621", "+9198******21");
    masked("+12345678", "+1234**78");
    masked("+123456789012345", "+1234*********45");
    masked("", "");
    masked("+12345", "******"); /* too short to show anything */
    masked("+123456", "*******");
    masked("0123456789012345678901234567890123456789", "01234************************90");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms_that_are_taken),
        cmocka_unit_test(test_forms_that_are_refused),
        cmocka_unit_test(test_every_count_of_digits),
        cmocka_unit_test(test_every_byte_inside_a_number),
        cmocka_unit_test(test_separators_at_every_place),
        cmocka_unit_test(test_every_first_digit),
        cmocka_unit_test(test_masks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
