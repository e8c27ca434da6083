/* SPDX-License-Identifier: MIT */
#include "commands/check_redis.h"

#include "core/redis_info.h"
#include "io/redis_look.h"

#define KEEPS  "redis data"
#define RIGHTS "redis rights"

static void judge_data(const struct redis_info *info, struct findings *f)
{
    const char *loses = redis_info_loses(info), *evicts = redis_info_evicts(info);

    if (loses)
        findings_add(f, FINDING_WARNING, KEEPS, "%s", loses);
    if (evicts)
        findings_add(f, FINDING_WARNING, KEEPS, "maxmemory-policy is %s: %s", info->policy, evicts);
    if (loses || evicts)
        return;
    if (*info->aof && *info->policy)
        findings_add(f, FINDING_GOOD, KEEPS,
                     "is kept: appendonly yes, maxmemory-policy noeviction");
    else
        findings_add(f, FINDING_WARNING, KEEPS,
                     "Redis does not say whether it keeps it: see to appendonly yes and "
                     "maxmemory-policy noeviction");
}

static void judge(const struct redis_look *look, struct findings *f)
{
    struct redis_info info;
    const char *misfit;
    struct err e;

    if (*look->refusal) {
        findings_add(f, FINDING_GOOD, "redis", "%s answers", look->where);
        findings_add(f, FINDING_WARNING, KEEPS,
                     "whether it is kept is not known, INFO is refused (%.120s): give the user "
                     "+info, as conf/redis.acl does",
                     look->refusal);
        return;
    }
    redis_info_read(look->info.data, look->info.len, &info);
    misfit = redis_info_misfit(&info);
    if (misfit) {
        (void)err_set(&e, EXIT_CONFIG, "%s: %s", look->where, misfit);
        findings_fail(f, "redis", &e);
        return;
    }
    findings_add(f, FINDING_GOOD, "redis", "%s answers, version %s%s", look->where,
                 *info.version ? info.version : "unknown",
                 *info.loading == '1' ? "; it is still reading its data" : "");
    judge_data(&info, f);
}

static void judge_rights(const struct redis_look *look, struct findings *f)
{
    struct err e;

    if (!look->probe.missing.len) {
        findings_add(f, FINDING_GOOD, RIGHTS, "suffice for what the daemon asks");
        return;
    }
    redis_probe_describe(&look->probe, look->where, &e);
    findings_fail(f, RIGHTS, &e);
}

void check_redis(const struct settings *s, struct findings *f)
{
    const struct stream_options rights = {
        .stream = s->redis_stream,
        .group = s->redis_group,
        .phone_id = s->phone_id,
        .trim = s->redis_trim,
    };
    struct redis_look look = {
        .info = buf_new(REDIS_LOOK_BYTES),
        .rights = &rights,
    };
    struct err e;

    if (!*s->redis_url)
        return;
    if (redis_look(s->redis_url, &look, &e)) {
        judge(&look, f);
        judge_rights(&look, f);
    } else {
        findings_fail(f, "redis", &e);
    }
    buf_free(&look.info);
}
