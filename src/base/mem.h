/* SPDX-License-Identifier: MIT
 *
 * mem.h: memory for small objects whose size we choose ourselves.
 *
 * Failure: these never return NULL. When memory is gone the process says so and aborts: the ledger
 * makes that safe, at any moment. Whatever a peer sizes goes into a struct buf, which has a cap.
 * mem_free takes what malloc gave, too; free must not be given what comes from here.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/attr.h"

/* Returned: free with mem_free. The memory is zeroed. */
RETURNS_NON_NULL void *mem_alloc(size_t size);
RETURNS_NON_NULL void *mem_array(size_t count, size_t size);
/* The same, not zeroed. */
RETURNS_NON_NULL void *mem_raw(size_t size);
RETURNS_NON_NULL void *mem_realloc(void *old, size_t size);
RETURNS_NON_NULL char *mem_strdup(const char *text);
/* At most `len` bytes of `text`, and a NUL. */
RETURNS_NON_NULL char *mem_strndup(const char *text, size_t len);
void mem_free(void *memory);

/* For values of the standard library and others that come from malloc: aborts when NULL. */
RETURNS_NON_NULL void *mem_check(void *memory);

/* For the start of the program: the main thread gets its pool (pool.h), and malloc few arenas, so
 * that threads do not each keep memory of their own. */
void mem_configure(void);

/* Before the long part of a run: gives back what only its beginning needed. Among it are the pages
 * of libraries that only their own start-up read: 4 of 12 MB, the half of it of some that libcurl
 * brings along. (A debugger's breakpoints of before are lost.) */
void mem_let_go(void);

#define MEM_NEW(type) ((type *)mem_alloc(sizeof(type)))

#endif
