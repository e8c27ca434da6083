/* SPDX-License-Identifier: MIT
 *
 * redis_reply.h: Redis' replies as values, built by hiredis' reader in memory of our own.
 *
 * Model: all values of a reply lie in one arena, which is emptied when the next reply begins: no
 * allocation for each value. Texts end in a NUL that `len` does not count, and may hold others.
 * Lifetime: a reply's values are good until redis_arena_clear.
 * Failure: an arena holds up to REDIS_ARENA_MAX bytes; a reply that wants more fails in the reader.
 */
#ifndef IO_REDIS_REPLY_H
#define IO_REDIS_REPLY_H

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

enum { REDIS_ARENA_MAX = 128 << 20 };

enum redis_kind { REDIS_NIL, REDIS_TEXT, REDIS_ERROR, REDIS_INT, REDIS_LIST };

struct redis_value {
    enum redis_kind kind;
    size_t len; /* bytes of a text or error, items of a list */
    union {
        const char *text; /* REDIS_TEXT, REDIS_ERROR */
        int64_t number;
        struct redis_value *items;
    };
};

struct redis_arena;

struct redis_arena *redis_arena_new(void);
void redis_arena_free(struct redis_arena *a);
void redis_arena_clear(struct redis_arena *a);

struct redisReader;
/* Makes a reader of hiredis build values in `a`. */
void redis_arena_attach(struct redis_arena *a, struct redisReader *reader);

/* The value's text, "" when it is none. */
const char *redis_value_text(const struct redis_value *v);
/* Item `i` of a list, a nil where there is none. Never NULL. */
const struct redis_value *redis_value_item(const struct redis_value *v, size_t i);
/* How many items; 0 when it is no list. */
size_t redis_value_count(const struct redis_value *v);
/* The value behind `name` in a list of names and values, a nil where there is none. */
const struct redis_value *redis_value_get(const struct redis_value *v, const char *name);
/* A number, or a text that is one; `otherwise` when it is none. */
int64_t redis_value_number(const struct redis_value *v, int64_t otherwise);

#endif
