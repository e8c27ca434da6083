/* SPDX-License-Identifier: MIT
 *
 * redis_info.h: what a Redis says of itself (INFO), and whether a stream of messages is safe there.
 *
 * Model: INFO is lines of NAME:VALUE; what is missing or longer than its member is "". Only what is
 * said is judged: an older or a managed Redis may leave lines out.
 */
#ifndef CORE_REDIS_INFO_H
#define CORE_REDIS_INFO_H

#include "base/attr.h"

#include <stddef.h>

struct redis_info {
    char version[32]; /* "7.0.15" */
    char mode[16];    /* "standalone", "cluster", "sentinel" */
    char role[16];    /* "master", "slave" */
    char loading[4];  /* "1": its data is being read */
    char aof[4];      /* "1": appendonly yes */
    char aof_write[8];
    char policy[32]; /* maxmemory-policy */
};

/* `len` bytes of `text`, which need not be sound. */
void redis_info_read(const char *text, size_t len, struct redis_info *out);

/* Each: a sentence for the operator, static; NULL: nothing of the kind is wrong with it. */

/* `run` cannot work with it. */
const char *redis_info_misfit(const struct redis_info *info);
/* `run` works, but a restart or a power cut of Redis can lose what producers added. */
const char *redis_info_loses(const struct redis_info *info);
/* `run` works, but Redis may throw messages away when its memory is short. */
const char *redis_info_evicts(const struct redis_info *info);

#endif
