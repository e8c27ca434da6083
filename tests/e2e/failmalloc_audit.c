/* SPDX-License-Identifier: MIT
 *
 * failmalloc_audit.c: for the tests: the N-th allocation fails (failmalloc.h). To be named in
 * LD_AUDIT, where a sanitizer has its allocator inside the program (clang's), before which no
 * preloaded library comes: the dynamic linker asks it for every function that a library calls from
 * another. It does not see the program's own, nor what a library has by a pointer, as libcurl,
 * libuv and hiredis have.
 */
#include "failmalloc.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdint.h>

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    int *(*errno_location)(void); /* ours is another C library's: an auditor has its own */
    struct failmalloc order;
} real;

static bool fails(void)
{
    if (!failmalloc_meet(&real.order))
        return false;
    if (real.errno_location)
        *real.errno_location() = ENOMEM;
    return true;
}

static void *audited_malloc(size_t size)
{
    return fails() ? NULL : real.malloc(size);
}

static void *audited_calloc(size_t count, size_t size)
{
    return fails() ? NULL : real.calloc(count, size);
}

static void *audited_realloc(void *old, size_t size)
{
    return fails() ? NULL : real.realloc(old, size);
}

unsigned la_version(unsigned version)
{
    failmalloc_read(&real.order);
    return version < LAV_CURRENT ? version : LAV_CURRENT;
}

unsigned la_objopen(struct link_map *map, Lmid_t space, uintptr_t *cookie)
{
    (void)map;
    (void)space;
    (void)cookie;
    return LA_FLG_BINDTO | LA_FLG_BINDFROM;
}

/* The address that the caller shall use for `name`. */
static uintptr_t stand_before(uintptr_t at, const char *name)
{
    if (strcmp(name, "malloc") == 0) {
        real.malloc = (void *(*)(size_t))at;
        return (uintptr_t)audited_malloc;
    }
    if (strcmp(name, "calloc") == 0) {
        real.calloc = (void *(*)(size_t, size_t))at;
        return (uintptr_t)audited_calloc;
    }
    if (strcmp(name, "realloc") == 0) {
        real.realloc = (void *(*)(void *, size_t))at;
        return (uintptr_t)audited_realloc;
    }
    if (strcmp(name, "__errno_location") == 0)
        real.errno_location = (int *(*)(void))at;
    return at;
}

/* The linker's interface, not ours: symbol, its index, both cookies, flags, name. */
#define BINDING                                                                         \
    Elf64_Sym *symbol, unsigned index, uintptr_t *from, uintptr_t *to, unsigned *flags, \
        const char *name

uintptr_t la_symbind64(BINDING)
{
    (void)index;
    (void)from;
    (void)to;
    (void)flags;
    return stand_before(symbol->st_value, name);
}
