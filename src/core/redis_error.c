/* SPDX-License-Identifier: MIT */
#include "core/redis_error.h"

#include <stdbool.h>
#include <string.h>

#define NO_CLUSTER "Redis Cluster is not followed; give redis.url a single server"

/* The first that fits counts. Provoked and read on Redis 7.0. */
static const struct redis_error_rule rules[] = {
    {"NOGROUP", NULL, REDIS_REGROUP, "the group is made again"},
    {"UNBLOCKED", "no longer exists", REDIS_REGROUP, "the stream and its group are made again"},
    {"UNBLOCKED", NULL, REDIS_RECONNECT,
     "the server's role has changed; its name is resolved again"},
    {"READONLY", NULL, REDIS_RECONNECT, "this is a replica; the name is resolved again"},
    {"MASTERDOWN", NULL, REDIS_RECONNECT,
     "a replica without its master; the name is resolved again"},
    {"LOADING", NULL, REDIS_WAIT, "Redis is starting"},
    {"BUSY", NULL, REDIS_WAIT, "a script is running"},
    {"MISCONF", NULL, REDIS_WAIT, "Redis cannot save to its disk, and takes no writes"},
    {"OOM", NULL, REDIS_WAIT, "Redis has no memory left; give it more, or less to keep"},
    {"NOREPLICAS", NULL, REDIS_WAIT, "too few replicas are there for Redis to take writes"},
    {"BUSYGROUP", NULL, REDIS_EXISTS, "the group is there"},
    {"MOVED", NULL, REDIS_CLUSTER, NO_CLUSTER},
    {"ASK", NULL, REDIS_CLUSTER, NO_CLUSTER},
    {"TRYAGAIN", NULL, REDIS_CLUSTER, NO_CLUSTER},
    {"CROSSSLOT", NULL, REDIS_CLUSTER, NO_CLUSTER},
    {"CLUSTERDOWN", NULL, REDIS_CLUSTER, NO_CLUSTER},
    {"WRONGTYPE", NULL, REDIS_WRONG_KEY,
     "this key holds something else: delete or rename it, or choose another redis.stream"},
    {"NOAUTH", NULL, REDIS_DENIED, "a password is needed: redis://[USER]:PASSWORD@HOST"},
    {"WRONGPASS", NULL, REDIS_DENIED, "the user or the password in redis.url is wrong"},
    {"NOPERM", NULL, REDIS_DENIED,
     "the user's rights do not suffice; conf/redis.acl has the line that gives them"},
    {"DENIED", NULL, REDIS_DENIED, "Redis lets in only its own host; see protected-mode"},
    {"ERR", "invalid password", REDIS_DENIED, "the password in redis.url is wrong"},
    {"ERR", "AUTH", REDIS_DENIED, "redis.url has a user or password that this Redis does not know"},
    {"ERR", "unauthenticated", REDIS_DENIED, "a password is needed: redis://[USER]:PASSWORD@HOST"},
    {"ERR", "DB index", REDIS_MISUSE, "redis.url names a database that this Redis has not"},
    {"ERR", "unknown command", REDIS_MISUSE,
     "this Redis is too old, or has the command renamed; 6.2 or newer is wanted"},
    {"ERR", "unknown subcommand", REDIS_MISUSE, "this Redis is too old; 6.2 or newer is wanted"},
    {"ERR", "syntax error", REDIS_MISUSE, "this Redis is too old; 6.2 or newer is wanted"},
    {"ERR", "wrong number of arguments", REDIS_MISUSE,
     "this Redis is too old; 6.2 or newer is wanted"},
    {"ERR", "requires the key to exist", REDIS_REGROUP, "the stream and its group are made again"},
    {"ERR", "no such key", REDIS_REGROUP, "the stream and its group are made again"},
    {"ERR", "max number of clients", REDIS_RECONNECT, "Redis has as many clients as it takes"},
    {"ERR", "cluster support disabled", REDIS_MISUSE, "this Redis is no cluster"},
    {"ERR", NULL, REDIS_WAIT, "tried again later"},
};

static const struct redis_error_rule other = {"", NULL, REDIS_WAIT, "tried again later"};

static bool fits(const struct redis_error_rule *rule, const char *text)
{
    size_t kind = strlen(rule->kind);

    if (strncmp(text, rule->kind, kind) != 0 || (text[kind] != ' ' && text[kind] != '\0'))
        return false;
    return !rule->detail || strstr(text + kind, rule->detail);
}

const struct redis_error_rule *redis_error_rule(const char *text)
{
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
        if (fits(&rules[i], text))
            return &rules[i];
    return &other;
}

const struct redis_error_rule *redis_error_rules(size_t *count)
{
    *count = ARRAY_SIZE(rules);
    return rules;
}
