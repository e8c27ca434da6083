/* SPDX-License-Identifier: MIT */
#include "core/redis_error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

struct expectation {
    const char *text;
    enum redis_reaction reaction;
};

/* As Redis 7.0 says them. */
static const struct expectation expectations[] = {
    {"NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option",
     REDIS_REGROUP},
    {"NOGROUP the consumer group this client was blocked on no longer exists", REDIS_REGROUP},
    {"UNBLOCKED the stream key no longer exists", REDIS_REGROUP},
    {"UNBLOCKED force unblock from blocking operation, instance state changed (master -> "
     "replica?)",
     REDIS_RECONNECT},
    {"READONLY You can't write against a read only replica.", REDIS_RECONNECT},
    {"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
     REDIS_RECONNECT},
    {"LOADING Redis is loading the dataset in memory", REDIS_WAIT},
    {"BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
     REDIS_WAIT},
    {"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to "
     "disk.",
     REDIS_WAIT},
    {"OOM command not allowed when used memory > 'maxmemory'.", REDIS_WAIT},
    {"NOREPLICAS Not enough good replicas to write.", REDIS_WAIT},
    {"BUSYGROUP Consumer Group name already exists", REDIS_EXISTS},
    {"MOVED 3999 127.0.0.1:6381", REDIS_CLUSTER},
    {"ASK 3999 127.0.0.1:6381", REDIS_CLUSTER},
    {"TRYAGAIN Multiple keys request during rehashing of slot", REDIS_CLUSTER},
    {"CROSSSLOT Keys in request don't hash to the same slot", REDIS_CLUSTER},
    {"CLUSTERDOWN Hash slot not served", REDIS_CLUSTER},
    {"CLUSTERDOWN The cluster is down", REDIS_CLUSTER},
    {"WRONGTYPE Operation against a key holding the wrong kind of value", REDIS_WRONG_KEY},
    {"NOAUTH Authentication required.", REDIS_DENIED},
    {"WRONGPASS invalid username-password pair or user is disabled.", REDIS_DENIED},
    {"NOPERM this user has no permissions to run the 'xadd' command", REDIS_DENIED},
    {"DENIED Redis is running in protected mode because protected mode is enabled", REDIS_DENIED},
    {"ERR invalid password", REDIS_DENIED},
    {"ERR AUTH <password> called without any password configured for the default user. Are you "
     "sure your configuration is correct?",
     REDIS_DENIED},
    {"ERR Protocol error: unauthenticated multibulk length", REDIS_DENIED},
    {"ERR DB index is out of range", REDIS_MISUSE},
    {"ERR unknown command 'XAUTOCLAIM', with args beginning with: ", REDIS_MISUSE},
    {"ERR unknown subcommand 'STREAM'. Try XINFO HELP.", REDIS_MISUSE},
    {"ERR syntax error", REDIS_MISUSE},
    {"ERR wrong number of arguments for 'xpending' command", REDIS_MISUSE},
    {"ERR The XGROUP subcommand requires the key to exist.", REDIS_REGROUP},
    {"ERR no such key", REDIS_REGROUP},
    {"ERR max number of clients reached", REDIS_RECONNECT},
    {"ERR This instance has cluster support disabled", REDIS_MISUSE},
    {"ERR something new", REDIS_WAIT},
    {"NEWWORD something new", REDIS_WAIT},
    {"", REDIS_WAIT},
    {"OOMS is another word", REDIS_WAIT},
};

static void test_what_redis_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(expectations); i++) {
        if (redis_error_rule(expectations[i].text)->reaction != expectations[i].reaction)
            fail_msg("%s", expectations[i].text);
    }
}

static bool is_expected(const struct redis_error_rule *rule)
{
    for (size_t i = 0; i < ARRAY_SIZE(expectations); i++)
        if (redis_error_rule(expectations[i].text) == rule)
            return true;
    return false;
}

/* No rule is hidden by one above it, or goes untested; each says something. */
static void test_the_table_is_whole(void **state)
{
    size_t count;
    const struct redis_error_rule *rules = redis_error_rules(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        if (!is_expected(&rules[i]))
            fail_msg("%s %s", rules[i].kind, rules[i].detail ? rules[i].detail : "");
        assert_true(strlen(rules[i].advice) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_redis_says),
        cmocka_unit_test(test_the_table_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
