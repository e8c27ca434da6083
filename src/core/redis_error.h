/* SPDX-License-Identifier: MIT
 *
 * redis_error.h: what to do about an error that Redis answers.
 *
 * Model: an error's first word is its kind ("NOGROUP No such key ..."); a few kinds need a look at
 * the rest, and so do the errors of kind ERR. The wording moves between versions, so no more than
 * that is looked at. What is not in the table is waited out.
 */
#ifndef CORE_REDIS_ERROR_H
#define CORE_REDIS_ERROR_H

#include "base/attr.h"

#include <stddef.h>

enum redis_reaction {
    REDIS_WAIT,      /* keep the connection, ask again later */
    REDIS_REGROUP,   /* the group or its stream is gone: make it again */
    REDIS_RECONNECT, /* not on this server: drop the connection, resolve the name again */
    REDIS_CLUSTER,   /* a cluster, which we do not follow: as REDIS_RECONNECT */
    REDIS_DENIED,    /* password, user or rights: a person must act */
    REDIS_MISUSE,    /* the key's type, or a command that this Redis has not: a person must act */
    REDIS_WRONG_KEY, /* this key holds something else: a person must act; other keys go on */
    REDIS_EXISTS,    /* what we wanted to make is there: fine */
};

struct redis_error_rule {
    const char *kind;   /* the first word */
    const char *detail; /* must be in the rest; NULL: whatever it says */
    enum redis_reaction reaction;
    const char *advice; /* what the operator should know: the end of a sentence */
};

/* The rule for an error's text. Never NULL; borrowed, static. */
RETURNS_NON_NULL const struct redis_error_rule *redis_error_rule(const char *text);
/* All of them, for tests. */
const struct redis_error_rule *redis_error_rules(size_t *count);

#endif
