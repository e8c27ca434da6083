/* SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
}

void *mem_check(void *memory)
{
    if (!memory)
        out_of_memory(0);
    return memory;
}

void *mem_alloc(size_t size)
{
    void *memory = calloc(1, size ? size : 1);

    if (!memory)
        out_of_memory(size);
    return memory;
}

void *mem_realloc(void *old, size_t size)
{
    void *memory = realloc(old, size ? size : 1);

    if (!memory)
        out_of_memory(size);
    return memory;
}

char *mem_strndup(const char *text, size_t len)
{
    size_t used = strnlen(text, len);
    char *copy = mem_alloc(used + 1);

    memcpy(copy, text, used);
    return copy;
}

char *mem_strdup(const char *text)
{
    return mem_strndup(text, strlen(text));
}

void mem_free(void *memory)
{
    free(memory);
}
