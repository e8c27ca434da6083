/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "ledger/db.h"
#include "ledger/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

/* Values go through a real statement: SELECT ?1. */
static int setup(void **state)
{
    sqlite3 *handle;
    sqlite3_stmt *echo;

    assert_int_equal(sqlite3_open(":memory:", &handle), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(handle, "SELECT ?1", -1, &echo, NULL), SQLITE_OK);
    *state = echo;
    return 0;
}

static int teardown(void **state)
{
    sqlite3 *handle = sqlite3_db_handle(*state);

    (void)sqlite3_finalize(*state);
    return sqlite3_close(handle);
}

static void check_type(sqlite3_stmt *echo, int type, int bytes)
{
    assert_int_equal(sqlite3_column_type(echo, 0), type);
    if (type == SQLITE_BLOB)
        assert_int_equal(sqlite3_column_bytes(echo, 0), bytes);
}

static void check_id(sqlite3_stmt *echo, const char *id, int type)
{
    char out[MESSAGE_ID_MAX + 1];
    struct pack scratch;

    pack_bind_id(echo, 1, id, &scratch);
    assert_int_equal(sqlite3_step(echo), SQLITE_ROW);
    check_type(echo, type, 16);
    pack_column_id(echo, 0, out);
    assert_string_equal(out, id);
    (void)sqlite3_reset(echo);
}

static void test_ids(void **state)
{
    char longest[MESSAGE_ID_MAX + 1];

    memset(longest, 'a', MESSAGE_ID_MAX);
    longest[MESSAGE_ID_MAX] = '\0';
    check_id(*state, "0123456789abcdef0123456789abcdef", SQLITE_BLOB);
    check_id(*state, "0123456789ABCDEF0123456789ABCDEF", SQLITE_TEXT);
    check_id(*state, "0123456789abcdef0123456789abcde", SQLITE_TEXT);
    check_id(*state, "0123456789abcdef0123456789abcdef0", SQLITE_TEXT);
    check_id(*state, "0123456789abcdef0123456789abcdeg", SQLITE_TEXT);
    check_id(*state, "order 7/\xc3\xa9", SQLITE_TEXT);
    check_id(*state, "42", SQLITE_TEXT);
    check_id(*state, longest, SQLITE_TEXT);
}

static void check_phone(sqlite3_stmt *echo, const char *phone, int type)
{
    char out[PHONE_SIZE];

    pack_bind_phone(echo, 1, phone);
    assert_int_equal(sqlite3_step(echo), SQLITE_ROW);
    check_type(echo, type, 0);
    pack_column_phone(echo, 0, out);
    assert_string_equal(out, phone);
    (void)sqlite3_reset(echo);
}

static void test_phones(void **state)
{
    check_phone(*state, "+919800000001", SQLITE_INTEGER);
    check_phone(*state, "+999999999999999", SQLITE_INTEGER);
    check_phone(*state, "+1", SQLITE_INTEGER);
    check_phone(*state, "+0123", SQLITE_TEXT);
    check_phone(*state, "919800000001", SQLITE_TEXT);
    check_phone(*state, "+91 980", SQLITE_TEXT);
    check_phone(*state, "+", SQLITE_TEXT);
}

static void check_wamid(sqlite3_stmt *echo, const char *wamid, int type, int bytes)
{
    char out[OUTCOME_WAMID_MAX];
    struct pack scratch;

    pack_bind_wamid(echo, 1, wamid, &scratch);
    assert_int_equal(sqlite3_step(echo), SQLITE_ROW);
    check_type(echo, type, bytes);
    pack_column_wamid(echo, 0, out);
    assert_string_equal(out, wamid);
    (void)sqlite3_reset(echo);
}

static void test_wamids(void **state)
{
    char longest[OUTCOME_WAMID_MAX];

    check_wamid(*state,
                "wamid.HBgMOTE5ODEyMzQ1NjIxFQIAERgSQ0FGRTAxMjM0NTY3ODlBQkNERQA=", SQLITE_BLOB, 41);
    check_wamid(*state, "wamid.AA==", SQLITE_BLOB, 1);
    check_wamid(*state, "wamid.AAA=", SQLITE_BLOB, 2);
    check_wamid(*state, "wamid.+/9A", SQLITE_BLOB, 3);
    check_wamid(*state, "wamid.AB==", SQLITE_TEXT, 0); /* bits that the bytes do not hold */
    check_wamid(*state, "wamid.AAB=", SQLITE_TEXT, 0);
    check_wamid(*state, "wamid.AA=A", SQLITE_TEXT, 0);
    check_wamid(*state, "wamid.====", SQLITE_TEXT, 0);
    check_wamid(*state, "wamid.=A==", SQLITE_TEXT, 0);
    check_wamid(*state, "wamid.AA==AAAA", SQLITE_TEXT, 0);
    check_wamid(*state, "wamid.AAA", SQLITE_TEXT, 0);
    check_wamid(*state, "wamid.A_-A", SQLITE_TEXT, 0);
    check_wamid(*state, "wamid.", SQLITE_TEXT, 0);
    check_wamid(*state, "gBEGkYaYJ", SQLITE_TEXT, 0);
    memset(longest, 'A', sizeof(longest));
    memcpy(longest, "wamid.", 6);
    longest[6 + 248] = '\0';
    check_wamid(*state, longest, SQLITE_BLOB, 186);
}

static void test_nothing_is_null(void **state)
{
    char out[OUTCOME_WAMID_MAX];
    struct pack scratch;
    sqlite3_stmt *echo = *state;

    pack_bind_wamid(echo, 1, "", &scratch);
    assert_int_equal(sqlite3_step(echo), SQLITE_ROW);
    check_type(echo, SQLITE_NULL, 0);
    pack_column_wamid(echo, 0, out);
    assert_string_equal(out, "");
}

#define WITH_ECHO(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ECHO(test_ids),
        WITH_ECHO(test_phones),
        WITH_ECHO(test_wamids),
        WITH_ECHO(test_nothing_is_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
