/* SPDX-License-Identifier: MIT */
#include "io/redis_url.h"

#include "base/attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

struct good {
    const char *text;
    struct redis_url url;
};

static const struct good goods[] = {
    {"redis://host", {.host = "host", .port = "6379"}},
    {"redis://host:1", {.host = "host", .port = "1"}},
    {"redis://host:65535/7", {.host = "host", .port = "65535", .db = 7}},
    {"redis://host/", {.host = "host", .port = "6379"}},
    {"rediss://host", {.tls = true, .host = "host", .port = "6379"}},
    {"redis://[::1]", {.host = "::1", .port = "6379"}},
    {"redis://[fe80::1]:6380/2", {.host = "fe80::1", .port = "6380", .db = 2}},
    {"redis://:pw@host", {.host = "host", .port = "6379", .password = "pw"}},
    {"redis://u:pw@host", {.host = "host", .port = "6379", .user = "u", .password = "pw"}},
    {"redis://u@host", {.host = "host", .port = "6379", .user = "u"}},
    {"redis://u:a%40b%2fc%3A@host",
     {.host = "host", .port = "6379", .user = "u", .password = "a@b/c:"}},
    {"redis://u:a@b@host", {.host = "host", .port = "6379", .user = "u", .password = "a@b"}},
    {"redis://u:a:b@host", {.host = "host", .port = "6379", .user = "u", .password = "a:b"}},
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(goods); i++) {
        const struct redis_url *want = &goods[i].url;
        struct redis_url got;
        struct err e = {0};

        if (!redis_url_parse(goods[i].text, &got, &e))
            fail_msg("%s: %s", goods[i].text, e.text);
        assert_string_equal(got.host, want->host);
        assert_string_equal(got.port, want->port);
        assert_string_equal(got.user, want->user);
        assert_string_equal(got.password, want->password);
        assert_int_equal(got.db, want->db);
        assert_int_equal(got.tls, want->tls);
        assert_null(redis_url_check(goods[i].text));
    }
}

static void test_the_address_shows_no_password(void **state)
{
    static const char *const pairs[][2] = {
        {"redis://u:secret@host:1", "host:1"},
        {"redis://:secret@[::1]", "[::1]:6379"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        struct redis_url url;
        struct err e;
        char address[REDIS_ADDRESS_SIZE];

        assert_true(redis_url_parse(pairs[i][0], &url, &e));
        redis_url_address(&url, address);
        assert_string_equal(address, pairs[i][1]);
    }
}

static const char *const bads[] = {
    "",
    "host",
    "http://host",
    "redis://",
    "redis://:6379",
    "redis://secret@",
    "redis://host:",
    "redis://host:0",
    "redis://host:65536",
    "redis://host:63x",
    "redis://host:123456789",
    "redis://[::1",
    "redis://[::1]6379",
    "redis://host/x",
    "redis://host/-1",
    "redis://host/1/2",
    "redis://u:secret%4@host",
    "redis://u:secret%zz@host",
    "redis://u:secret%00@host",
    "redis://u:secret%@host",
};

/* The sentence never shows the password. */
static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bads); i++) {
        struct redis_url got;
        struct err e = {0};

        if (redis_url_parse(bads[i], &got, &e))
            fail_msg("%s is let through", bads[i]);
        assert_int_equal(e.code, EXIT_CONFIG);
        assert_null(strstr(e.text, "secret"));
        assert_non_null(strstr(e.text, "redis.url"));
        assert_non_null(strstr(e.text, "allowed"));
        assert_string_equal(redis_url_check(bads[i]), e.text + strlen("redis.url: "));
    }
}

static void test_too_long(void **state)
{
    static const char *const forms[] = {"redis://%s", "redis://%s@host", "redis://:%s@host"};
    char name[2000], text[2100];

    (void)state;
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        struct redis_url got;
        struct err e = {0};
        const char *at = strchr(forms[i], '%');
        size_t before = (size_t)(at - forms[i]);

        memcpy(text, forms[i], before);
        memcpy(text + before, name, sizeof(name) - 1);
        memcpy(text + before + sizeof(name) - 1, at + 2, strlen(at + 2) + 1);
        assert_false(redis_url_parse(text, &got, &e));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_the_address_shows_no_password),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
