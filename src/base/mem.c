/* SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include "base/pool.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    POOLED_MAX = 1024, /* our own larger ones are few, or for a while only */
    PAGE = 4096,
};

static NO_RETURN void out_of_memory(size_t size)
{
    fprintf(stderr, "tidings: out of memory (%zu bytes); what is recorded is safe in the ledger\n",
            size);
    abort();
}

void mem_configure(void)
{
    (void)mallopt(M_ARENA_MAX, 1);            /* a hint */
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 20); /* the same */
    pool_open();
}

/* Code and constants are read back from their file when they are needed. What is written to, the
 * relocated tables too, lies in writable segments. */
static int let_go_of_object(struct dl_phdr_info *object, size_t size, void *context)
{
    (void)size;
    (void)context;
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        uintptr_t begin = (uintptr_t)object->dlpi_addr + segment->p_vaddr;
        uintptr_t page = begin & ~(uintptr_t)(PAGE - 1);

        if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W))
            (void)madvise((void *)page, segment->p_memsz + (begin - page),
                          MADV_DONTNEED); /* it may refuse */
    }
    return 0;
}

void mem_let_go(void)
{
    (void)malloc_trim(0); /* whether or not there was something */
    (void)dl_iterate_phdr(let_go_of_object, NULL);
}

void *mem_check(void *memory)
{
    if (!memory)
        out_of_memory(0);
    return memory;
}

static RETURNS_NON_NULL void *taken(void *memory, size_t size)
{
    if (!memory)
        out_of_memory(size);
    return memory;
}

void *mem_raw(size_t size)
{
    void *memory = pool_take(size);

    return memory ? memory : taken(malloc(size ? size : 1), size);
}

void *mem_alloc(size_t size)
{
    void *memory = size <= POOLED_MAX ? pool_take(size) : NULL;

    return memory ? memset(memory, 0, size) : taken(calloc(1, size ? size : 1), size);
}

void *mem_array(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        out_of_memory(SIZE_MAX);
    return memset(mem_raw(count * size), 0, count * size);
}

void *mem_realloc(void *old, size_t size)
{
    size_t had = pool_size(old);
    void *memory;

    if (had >= size && had)
        return old;
    if (old && !had)
        return taken(realloc(old, size ? size : 1), size);
    memory = mem_raw(size);
    if (had)
        memcpy(memory, old, had);
    mem_free(old);
    return memory;
}

char *mem_strndup(const char *text, size_t len)
{
    size_t used = strnlen(text, len);
    char *copy = mem_raw(used + 1);

    memcpy(copy, text, used);
    copy[used] = '\0';
    return copy;
}

char *mem_strdup(const char *text)
{
    return mem_strndup(text, strlen(text));
}

void mem_free(void *memory)
{
    if (memory && !pool_give(memory))
        free(memory);
}
