/* SPDX-License-Identifier: MIT */
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

/* The expected digests of these tests come from Python's hashlib and from RFC 4231. */
static void test_hash64_never_changes(void **state)
{
    const struct hash_part parts[] = {{"ab", 2}, {"c", 1}};
    const struct hash_part other[] = {{"a", 1}, {"bc", 2}};
    char hex[33];

    (void)state;
    assert_true(hash64("abc", 3) == UINT64_C(3138212647195331279));
    assert_true(hash64_parts(parts, 2) == UINT64_C(17063491624948803144));
    assert_true(hash64_parts(parts, 2) != hash64_parts(other, 2));
    assert_true(hash64_parts(parts, 2) != hash64_parts(parts, 1));
    hash128_hex(parts, 2, hex);
    assert_string_equal(hex, "4826ed043ab3cdec576d8541fa5d5a80");
    assert_true(hash64("", 0) != 0);
}

static void test_sha256_in_pieces(void **state)
{
    struct sha256 s;
    unsigned char digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];

    (void)state;
    sha256_start(&s);
    sha256_add(&s, "a", 1);
    sha256_add(&s, "bc", 2);
    sha256_end(&s, digest);
    hex_encode(digest, sizeof(digest), hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* RFC 4231, test case 2. */
static void test_hmac(void **state)
{
    static const unsigned char mac[SHA256_SIZE] = {
        0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24,
        0x26, 0x08, 0x95, 0x75, 0xc7, 0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27,
        0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43,
    };
    static const char text[] = "what do ya want for nothing?";
    unsigned char wrong[SHA256_SIZE];

    (void)state;
    hmac_sha256("Jefe", 4, text, strlen(text), wrong);
    assert_memory_equal(wrong, mac, sizeof(mac));
    assert_true(hmac_sha256_verify("Jefe", 4, text, strlen(text), mac));
    assert_false(hmac_sha256_verify("Jeff", 4, text, strlen(text), mac));
    assert_false(hmac_sha256_verify("Jefe", 4, text, strlen(text) - 1, mac));
    for (size_t i = 0; i < sizeof(wrong); i++) {
        memcpy(wrong, mac, sizeof(wrong));
        wrong[i] ^= 1;
        assert_false(hmac_sha256_verify("Jefe", 4, text, strlen(text), wrong));
    }
}

static void test_hex(void **state)
{
    static const unsigned char bytes[] = {0x00, 0x9f, 0xA0, 0xff};
    unsigned char back[sizeof(bytes)];
    char text[2 * sizeof(bytes) + 1];

    (void)state;
    hex_encode(bytes, sizeof(bytes), text);
    assert_string_equal(text, "009fa0ff");
    assert_true(hex_decode("009FA0fF", back, sizeof(back)));
    assert_memory_equal(back, bytes, sizeof(bytes));
    assert_false(hex_decode("009fa0f", back, sizeof(back)));
    assert_false(hex_decode("", back, sizeof(back)));
    assert_false(hex_decode("009fa0f/", back, sizeof(back)));
    assert_false(hex_decode("009fa0g0", back, sizeof(back)));
    assert_false(hex_decode("-09fa0f0", back, sizeof(back)));
}

static void test_random_bytes_differ(void **state)
{
    unsigned char a[16] = {0};
    unsigned char b[16] = {0};

    (void)state;
    random_bytes(a, sizeof(a));
    random_bytes(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash64_never_changes),
        cmocka_unit_test(test_sha256_in_pieces),
        cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_random_bytes_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
