/* SPDX-License-Identifier: MIT
 *
 * check_redis.h: what `check` asks Redis: is it reached, does it keep what producers add.
 */
#ifndef COMMANDS_CHECK_REDIS_H
#define COMMANDS_CHECK_REDIS_H

#include "commands/findings.h"
#include "commands/settings.h"

/* Nothing where redis.url is not set. Changes nothing in Redis. */
void check_redis(const struct settings *s, struct findings *f);

#endif
