/* SPDX-License-Identifier: MIT */
#include "ledger/pack.h"

#include "base/hash.h"
#include "base/text.h"
#include "ledger/db.h"

#include <stdio.h>
#include <string.h>

enum { ID_HEX = 32, ID_BYTES = 16 };

static const char WAMID_PREFIX[] = "wamid.";
static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* ---- Digits. */

/* Digits and their values plus one, by their bytes; all others have none. */
static const unsigned char HEX_VALUES[256] = {
    ['0'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ['a'] = 11, 12, 13, 14, 15, 16,
};
static const unsigned char BASE64_VALUES[256] = {
    ['A'] = 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,         12,         13,
    14,         15, 16, 17, 18, 19, 20, 21, 22, 23, 24,         25,         26,
    ['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37,         38,         39,
    40,         41, 42, 43, 44, 45, 46, 47, 48, 49, 50,         51,         52,
    ['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, ['+'] = 63, ['/'] = 64,
};

/* -1: it is no digit. */
static int digit_value(const unsigned char values[256], char c)
{
    return values[(unsigned char)c] - 1;
}

/* ---- Ids. */

static bool pack_id(const char *id, unsigned char out[ID_BYTES])
{
    for (size_t i = 0; i < ID_HEX; i++) {
        int value = digit_value(HEX_VALUES, id[i]); /* also ends at the NUL of a shorter one */

        if (value < 0)
            return false;
        out[i / 2] = (unsigned char)(i % 2 ? out[i / 2] | value : value << 4);
    }
    return id[ID_HEX] == '\0';
}

void pack_bind_id(sqlite3_stmt *statement, int at, const char *id, struct pack *scratch)
{
    if (pack_id(id, scratch->bytes))
        (void)sqlite3_bind_blob(statement, at, scratch->bytes, ID_BYTES, SQLITE_STATIC);
    else
        db_bind_text(statement, at, id);
}

static void column_copy(sqlite3_stmt *statement, int at, char *out, size_t size)
{
    const char *text = db_text(statement, at);

    text_copy(out, size, text, strlen(text));
}

void pack_column_id(sqlite3_stmt *statement, int at, char out[MESSAGE_ID_MAX + 1])
{
    if (sqlite3_column_type(statement, at) == SQLITE_BLOB &&
        sqlite3_column_bytes(statement, at) == ID_BYTES)
        hex_encode(sqlite3_column_blob(statement, at), ID_BYTES, out);
    else
        column_copy(statement, at, out, MESSAGE_ID_MAX + 1);
}

/* ---- Phone numbers. */

void pack_bind_phone(sqlite3_stmt *statement, int at, const char *phone)
{
    int64_t digits = 0;
    size_t len = strlen(phone);
    bool fits = len >= 2 && len <= 1 + PHONE_DIGITS_MAX && phone[0] == '+' && phone[1] != '0';

    for (size_t i = 1; fits && i < len; i++) {
        fits = phone[i] >= '0' && phone[i] <= '9';
        digits = digits * 10 + (phone[i] - '0');
    }
    if (fits)
        (void)sqlite3_bind_int64(statement, at, digits);
    else
        db_bind_text(statement, at, phone);
}

void pack_column_phone(sqlite3_stmt *statement, int at, char out[PHONE_SIZE])
{
    if (sqlite3_column_type(statement, at) == SQLITE_INTEGER)
        (void)snprintf(out, PHONE_SIZE, "+%lld", (long long)sqlite3_column_int64(statement, at));
    else
        column_copy(statement, at, out, PHONE_SIZE);
}

/* ---- Wamids. */

/* Four digits, of which the last `pad` are '='; 24 bits, or -1. */
static int32_t quad_value(const char *digits, unsigned pad)
{
    int32_t bits = 0;

    for (unsigned i = 0; i < 4; i++) {
        int value = i < 4 - pad ? digit_value(BASE64_VALUES, digits[i]) : 0;

        if (value < 0)
            return -1;
        bits = bits << 6 | value;
    }
    /* Bits behind the last byte would be lost: not canonical. */
    return bits & ((1 << (8 * pad)) - 1) ? -1 : bits;
}

static unsigned padding_of(const char *text, size_t len)
{
    if (text[len - 1] != '=')
        return 0;
    return text[len - 2] == '=' ? 2 : 1;
}

/* Bytes, or 0 when `text` is not canonical base64. */
static size_t base64_decode(const char *text, unsigned char *out)
{
    size_t len = strlen(text);

    if (len == 0 || len % 4)
        return 0;
    for (size_t i = 0; i < len; i += 4) {
        unsigned pad = i + 4 == len ? padding_of(text, len) : 0;
        int32_t bits = quad_value(text + i, pad);

        if (bits < 0)
            return 0;
        for (unsigned j = 0; j < 3; j++)
            out[i / 4 * 3 + j] = (unsigned char)(bits >> (16 - 8 * j));
    }
    return len / 4 * 3 - padding_of(text, len);
}

static void base64_encode(const unsigned char *bytes, size_t len, char *out)
{
    for (size_t i = 0; i < len; i += 3) {
        size_t have = len - i < 3 ? len - i : 3;
        uint32_t bits = 0;

        for (size_t j = 0; j < 3; j++)
            bits = bits << 8 | (j < have ? bytes[i + j] : 0U);
        for (size_t j = 0; j < 4; j++)
            *out++ = j <= have ? BASE64[bits >> (18 - 6 * j) & 63] : '=';
    }
    *out = '\0';
}

void pack_bind_wamid(sqlite3_stmt *statement, int at, const char *wamid, struct pack *scratch)
{
    size_t prefix = strlen(WAMID_PREFIX), len = 0;

    if (strncmp(wamid, WAMID_PREFIX, prefix) == 0)
        len = base64_decode(wamid + prefix, scratch->bytes);
    if (len)
        (void)sqlite3_bind_blob(statement, at, scratch->bytes, (int)len, SQLITE_STATIC);
    else
        db_bind_text(statement, at, wamid);
}

void pack_column_wamid(sqlite3_stmt *statement, int at, char out[OUTCOME_WAMID_MAX])
{
    const size_t prefix = strlen(WAMID_PREFIX);
    bool is_packed = sqlite3_column_type(statement, at) == SQLITE_BLOB; /* before it is read */
    size_t len = (size_t)sqlite3_column_bytes(statement, at);

    if (!is_packed || prefix + (len + 2) / 3 * 4 >= OUTCOME_WAMID_MAX) {
        column_copy(statement, at, out, OUTCOME_WAMID_MAX);
        return;
    }
    memcpy(out, WAMID_PREFIX, prefix);
    base64_encode(sqlite3_column_blob(statement, at), len, out + prefix);
}
