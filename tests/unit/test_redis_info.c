/* SPDX-License-Identifier: MIT */
#include "core/redis_info.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

static struct redis_info read_info(const char *text)
{
    struct redis_info info;

    redis_info_read(text, strlen(text), &info);
    return info;
}

static void test_lines_are_read(void **state)
{
    struct redis_info info =
        read_info("# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n"
                  "\r\nloading:0\r\naof_enabled:1\r\n"
                  "aof_last_write_status:ok\nrole:master\r\n"
                  "maxmemory_policy:noeviction");

    (void)state;
    assert_string_equal(info.version, "7.0.15");
    assert_string_equal(info.mode, "standalone");
    assert_string_equal(info.role, "master");
    assert_string_equal(info.loading, "0");
    assert_string_equal(info.aof, "1");
    assert_string_equal(info.aof_write, "ok");
    assert_string_equal(info.policy, "noeviction");
    assert_null(redis_info_misfit(&info));
    assert_null(redis_info_loses(&info));
    assert_null(redis_info_evicts(&info));
}

static void test_what_is_missing_or_absurd_is_not_judged(void **state)
{
    static const char *const texts[] = {
        "",
        "\n\n\r\n",
        "role",
        "xrole:slave\n",
        "redis_version:x\nrole:\n",
        "redis_version:6",
        "maxmemory_policy:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct redis_info info = read_info(texts[i]);

        assert_null(redis_info_misfit(&info));
        assert_null(redis_info_loses(&info));
        assert_null(redis_info_evicts(&info));
    }
}

static bool misfits(const char *text, const char *words)
{
    struct redis_info info = read_info(text);
    const char *said = redis_info_misfit(&info);

    return said && strstr(said, words);
}

static void test_misfits(void **state)
{
    (void)state;
    assert_true(misfits("redis_mode:cluster\r\n", "Cluster"));
    assert_true(misfits("redis_mode:sentinel\r\n", "Sentinel"));
    assert_true(misfits("role:slave\r\n", "replica"));
    assert_true(misfits("redis_version:6.0.16\r\n", "6.2"));
    assert_true(misfits("redis_version:5.9.1\r\n", "6.2"));
    assert_false(misfits("redis_version:6.2.0\r\n", ""));
    assert_false(misfits("redis_version:10.0.0\r\n", ""));
}

static void test_data_that_is_not_safe(void **state)
{
    struct redis_info off = read_info("aof_enabled:0\r\naof_last_write_status:ok\r\n");
    struct redis_info broken = read_info("aof_enabled:1\r\naof_last_write_status:err\r\n");
    struct redis_info lru = read_info("aof_enabled:1\r\nmaxmemory_policy:volatile-lru\r\n");

    (void)state;
    assert_non_null(strstr(redis_info_loses(&off), "appendonly"));
    assert_non_null(strstr(redis_info_loses(&broken), "could not be written"));
    assert_null(redis_info_loses(&lru));
    assert_non_null(redis_info_evicts(&lru));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_are_read),
        cmocka_unit_test(test_what_is_missing_or_absurd_is_not_judged),
        cmocka_unit_test(test_misfits),
        cmocka_unit_test(test_data_that_is_not_safe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
