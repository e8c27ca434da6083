/* SPDX-License-Identifier: MIT */
#include "io/redis_probe.h"

#include "core/redis_rights.h"

void redis_probe_ask(struct redis_probe *p, const struct stream_options *options,
                     struct redis *redis, int64_t wait_ms)
{
    *p = (struct redis_probe){.options = options};
    p->missing = buf_over(p->memory, sizeof(p->memory));
    p->asked = redis_rights_ask(options, redis_out(redis));
    redis_written(redis, p->asked, wait_ms);
}

bool redis_probe_take(struct redis_probe *p, const struct redis_value *value)
{
    unsigned i = p->answered++;

    if (value->kind == REDIS_ERROR && redis_rights_take(p->options, i, value->text, &p->missing))
        p->is_vital = true;
    return p->answered == p->asked;
}

void redis_probe_describe(const struct redis_probe *p, const char *where, struct err *e)
{
    (void)err_set(e, EXIT_NO_PERMISSION,
                  "%.100s: the user in redis.url may not use %.200s; conf/redis.acl has the line "
                  "that gives what tidings needs",
                  where, buf_text(&p->missing));
}
