/* SPDX-License-Identifier: MIT */
#include "base/pool.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define POOL_IS_OFF 1 /* a sanitizer knows only what it allocates itself */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define POOL_IS_OFF 1
#endif
#endif
#ifndef POOL_IS_OFF
#define POOL_IS_OFF 0
#endif

enum {
    SPAN = 65536, /* what a class gets at a time */
    SPANS = 2048, /* 128 MB of address space */
    STEP = 16,    /* between the small classes; also what malloc aligns to */
    SMALL = 1024, /* the largest small class */
    SMALL_CLASSES = SMALL / STEP,
};

/* libcurl's easy handle has 5.4 KB, its upload buffer 16. */
static const unsigned short large_sizes[] = {1280, 1536, 2048, 2560,  3072,  4096,
                                             5632, 8192, 9216, 12288, 16384, 20480};

enum { CLASSES = SMALL_CLASSES + ARRAY_SIZE(large_sizes) };

struct piece {
    struct piece *next; /* free */
};

/* libcurl's hooks for memory know no context: so this is a variable. */
static struct {
    char *base; /* of the address space; NULL: there is no pool */
    struct piece *free[CLASSES];
    char *fresh[CLASSES]; /* not cut yet */
    size_t fresh_left[CLASSES];
    size_t spans;                     /* given to classes */
    unsigned char class_of[SPANS];    /* of those */
    _Atomic(struct piece *) returned; /* by other threads */
} pool;

static _Thread_local bool is_owner;

static size_t size_of_class(unsigned class)
{
    return class < SMALL_CLASSES ? (class + 1) * (size_t)STEP : large_sizes[class - SMALL_CLASSES];
}

static unsigned class_of_size(size_t size)
{
    unsigned class = SMALL_CLASSES;

    if (size <= SMALL)
        return size ? (unsigned)(size - 1) / STEP : 0;
    while (class < CLASSES && size_of_class(class) < size)
        class ++;
    return class;
}

static bool is_ours(const void *memory)
{
    return pool.base && (uintptr_t)memory - (uintptr_t)pool.base < (size_t)SPANS * SPAN;
}

static unsigned class_of_piece(const void *memory)
{
    return pool.class_of[((uintptr_t)memory - (uintptr_t)pool.base) / SPAN];
}

void pool_open(void)
{
    void *space;

    if (POOL_IS_OFF || pool.base)
        return;
    space = mmap(NULL, (size_t)SPANS * SPAN, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (space == MAP_FAILED)
        return;
    (void)madvise(space, (size_t)SPANS * SPAN, MADV_NOHUGEPAGE); /* a hint: pages one by one */
    pool.base = space;
    is_owner = true;
}

static void put(void *memory)
{
    struct piece *piece = memory;
    unsigned class = class_of_piece(memory);

    piece->next = pool.free[class];
    pool.free[class] = piece;
}

static void take_back_returned(void)
{
    struct piece *piece = atomic_exchange(&pool.returned, NULL);

    while (piece) {
        struct piece *next = piece->next;

        put(piece);
        piece = next;
    }
}

static bool add_span(unsigned class)
{
    if (pool.spans == SPANS)
        return false;
    pool.fresh[class] = pool.base + pool.spans * SPAN;
    pool.fresh_left[class] = SPAN;
    pool.class_of[pool.spans++] = (unsigned char)class;
    return true;
}

static void *cut(unsigned class)
{
    size_t size = size_of_class(class);
    char *piece;

    if (pool.fresh_left[class] < size && !add_span(class))
        return NULL;
    piece = pool.fresh[class];
    pool.fresh[class] += size;
    pool.fresh_left[class] -= size;
    return piece;
}

void *pool_take(size_t size)
{
    unsigned class;
    struct piece *piece;

    if (!is_owner || (class = class_of_size(size)) == CLASSES)
        return NULL;
    if (!pool.free[class] && atomic_load_explicit(&pool.returned, memory_order_relaxed))
        take_back_returned();
    piece = pool.free[class];
    if (!piece)
        return cut(class);
    pool.free[class] = piece->next;
    return piece;
}

bool pool_give(void *memory)
{
    struct piece *piece = memory;

    if (!is_ours(memory))
        return false;
    if (is_owner) {
        put(memory);
        return true;
    }
    piece->next = atomic_load(&pool.returned);
    while (!atomic_compare_exchange_weak(&pool.returned, &piece->next, piece))
        continue;
    return true;
}

size_t pool_size(const void *memory)
{
    return is_ours(memory) ? size_of_class(class_of_piece(memory)) : 0;
}
