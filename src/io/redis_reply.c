/* SPDX-License-Identifier: MIT */
#include "io/redis_reply.h"

#include "base/mem.h"
#include "base/text.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdalign.h>
#include <string.h>

enum { CHUNK_SIZE = 64 << 10 };

struct chunk {
    struct chunk *next;
    size_t size;
    size_t used;
    alignas(max_align_t) char bytes[];
};

struct redis_arena {
    struct chunk *chunks; /* the newest first */
    size_t total;         /* bytes of all */
};

static const struct redis_value nil = {.kind = REDIS_NIL};

/* ---- The arena. */

static void add_chunk(struct redis_arena *a, size_t size)
{
    struct chunk *chunk = mem_check(mem_realloc(NULL, sizeof(struct chunk) + size));

    *chunk = (struct chunk){.next = a->chunks, .size = size};
    a->chunks = chunk;
    a->total += size;
}

struct redis_arena *redis_arena_new(void)
{
    struct redis_arena *a = MEM_NEW(struct redis_arena);

    add_chunk(a, CHUNK_SIZE);
    return a;
}

static void drop_chunk(struct redis_arena *a)
{
    struct chunk *chunk = a->chunks;

    a->chunks = chunk->next;
    a->total -= chunk->size;
    mem_free(chunk);
}

void redis_arena_free(struct redis_arena *a)
{
    if (!a)
        return;
    while (a->chunks)
        drop_chunk(a);
    mem_free(a);
}

/* The first chunk is kept. */
void redis_arena_clear(struct redis_arena *a)
{
    while (a->chunks->next)
        drop_chunk(a);
    a->chunks->used = 0;
}

/* NULL when the arena is full. Aligned for any value; not zeroed. */
static void *take(struct redis_arena *a, size_t size)
{
    size_t wanted = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct chunk *chunk = a->chunks;

    if (size > REDIS_ARENA_MAX)
        return NULL;
    if (wanted > chunk->size - chunk->used) {
        size_t more = wanted > CHUNK_SIZE ? wanted : CHUNK_SIZE;

        if (a->total + more > REDIS_ARENA_MAX)
            return NULL;
        add_chunk(a, more);
        chunk = a->chunks;
    }
    chunk->used += wanted;
    return chunk->bytes + chunk->used - wanted;
}

/* ---- What hiredis' reader calls: a value in its parent's list, or at the top. */

static struct redis_value *place_of(const redisReadTask *task)
{
    if (task->parent) {
        struct redis_value *list = task->parent->obj;

        return &list->items[task->idx];
    }
    return take(task->privdata, sizeof(struct redis_value));
}

static void *put(const redisReadTask *task, struct redis_value value)
{
    struct redis_value *v = place_of(task);

    if (v)
        *v = value;
    return v;
}

static void *create_string(const redisReadTask *task, char *bytes, size_t len)
{
    char *copy = take(task->privdata, len + 1);

    if (!copy)
        return NULL;
    memcpy(copy, bytes, len);
    copy[len] = '\0';
    return put(task, (struct redis_value){
                         .kind = task->type == REDIS_REPLY_ERROR ? REDIS_ERROR : REDIS_TEXT,
                         .len = len,
                         .text = copy,
                     });
}

static void *create_list(const redisReadTask *task, size_t count)
{
    struct redis_value *items;

    if (count > REDIS_ARENA_MAX / sizeof(struct redis_value))
        return NULL;
    items = take(task->privdata, count * sizeof(struct redis_value));
    if (!items)
        return NULL;
    memset(items, 0, count * sizeof(struct redis_value));
    return put(task, (struct redis_value){.kind = REDIS_LIST, .len = count, .items = items});
}

static void *create_integer(const redisReadTask *task, long long number)
{
    return put(task, (struct redis_value){.kind = REDIS_INT, .number = number});
}

static void *create_nil(const redisReadTask *task)
{
    return put(task, nil);
}

/* The arena has it. */
static void free_object(void *object)
{
    (void)object;
}

#if HIREDIS_MAJOR >= 1
/* RESP3's, which we do not ask for: the reader fails. */
static void *create_double(const redisReadTask *task, double number, char *text, size_t len)
{
    (void)task;
    (void)number;
    (void)text;
    (void)len;
    return NULL;
}

static void *create_bool(const redisReadTask *task, int value)
{
    (void)task;
    (void)value;
    return NULL;
}
#define create_array create_list
#else
static void *create_array(const redisReadTask *task, int count)
{
    return create_list(task, count > 0 ? (size_t)count : 0);
}
#endif

static const redisReplyObjectFunctions functions = {
    .createString = create_string,
    .createArray = create_array,
    .createInteger = create_integer,
#if HIREDIS_MAJOR >= 1
    .createDouble = create_double,
    .createBool = create_bool,
#endif
    .createNil = create_nil,
    .freeObject = free_object,
};

void redis_arena_attach(struct redis_arena *a, struct redisReader *reader)
{
    reader->fn = (redisReplyObjectFunctions *)(uintptr_t)&functions; /* hiredis only reads it */
    reader->privdata = a;
}

/* ---- Looking at values. */

const char *redis_value_text(const struct redis_value *v)
{
    return v->kind == REDIS_TEXT || v->kind == REDIS_ERROR ? v->text : "";
}

size_t redis_value_count(const struct redis_value *v)
{
    return v->kind == REDIS_LIST ? v->len : 0;
}

const struct redis_value *redis_value_item(const struct redis_value *v, size_t i)
{
    return i < redis_value_count(v) ? &v->items[i] : &nil;
}

const struct redis_value *redis_value_get(const struct redis_value *v, const char *name)
{
    for (size_t i = 0; i + 1 < redis_value_count(v); i += 2)
        if (strcmp(redis_value_text(&v->items[i]), name) == 0)
            return &v->items[i + 1];
    return &nil;
}

int64_t redis_value_number(const struct redis_value *v, int64_t otherwise)
{
    int64_t number;

    if (v->kind == REDIS_INT)
        return v->number;
    return text_to_int(redis_value_text(v), INT64_MIN, INT64_MAX, &number) ? number : otherwise;
}
