/* SPDX-License-Identifier: MIT */
#include "core/redis_info.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { OLDEST_MAJOR = 6, OLDEST_MINOR = 2 };

/* A value that is too long is none of those that are looked for. */
static void take_value(const char *value, size_t len, char *out, size_t size)
{
    if (len < size)
        text_copy(out, size, value, len);
}

static void take_line(const char *line, size_t len, struct redis_info *out)
{
    const struct {
        const char *name;
        char *value;
        size_t size;
    } wanted[] = {
        {"redis_version:", out->version, sizeof(out->version)},
        {"redis_mode:", out->mode, sizeof(out->mode)},
        {"role:", out->role, sizeof(out->role)},
        {"loading:", out->loading, sizeof(out->loading)},
        {"aof_enabled:", out->aof, sizeof(out->aof)},
        {"aof_last_write_status:", out->aof_write, sizeof(out->aof_write)},
        {"maxmemory_policy:", out->policy, sizeof(out->policy)},
    };

    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        size_t name = strlen(wanted[i].name);

        if (len >= name && memcmp(line, wanted[i].name, name) == 0)
            take_value(line + name, len - name, wanted[i].value, wanted[i].size);
    }
}

void redis_info_read(const char *text, size_t len, struct redis_info *out)
{
    const char *end = text + len;

    *out = (struct redis_info){0};
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline ? newline : end;

        take_line(text, (size_t)(stop - text) - (stop > text && stop[-1] == '\r'), out);
        text = stop + 1;
    }
}

static bool is_too_old(const char *version)
{
    int major, minor;

    return sscanf(version, "%4d.%4d", &major, &minor) == 2 &&
           (major < OLDEST_MAJOR || (major == OLDEST_MAJOR && minor < OLDEST_MINOR));
}

const char *redis_info_misfit(const struct redis_info *info)
{
    if (strcmp(info->mode, "cluster") == 0)
        return "Redis Cluster is not followed; give redis.url a single server";
    if (strcmp(info->mode, "sentinel") == 0)
        return "this is a Sentinel, not a server with data; give redis.url the server";
    if (strcmp(info->role, "slave") == 0)
        return "this is a replica, which takes no writes; give redis.url its master";
    if (is_too_old(info->version))
        return "this Redis is too old; 6.2 or newer is wanted";
    return NULL;
}

const char *redis_info_loses(const struct redis_info *info)
{
    if (strcmp(info->aof_write, "err") == 0)
        return "its append-only file could not be written the last time: Redis' log says why";
    if (strcmp(info->aof, "0") == 0)
        return "appendonly is no: a restart of Redis loses what was added since its last snapshot; "
               "set appendonly yes";
    return NULL;
}

const char *redis_info_evicts(const struct redis_info *info)
{
    if (!*info->policy || strcmp(info->policy, "noeviction") == 0)
        return NULL;
    return "Redis throws messages away when its memory is short; set maxmemory-policy noeviction";
}
