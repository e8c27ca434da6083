/* SPDX-License-Identifier: MIT
 *
 * mem.h: memory for small objects whose size we choose ourselves.
 *
 * Failure: these never return NULL. When memory is gone the process says so and aborts: the ledger
 * makes that safe, at any moment. Whatever a peer sizes goes into a struct buf, which has a cap.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/attr.h"

/* Returned: free with mem_free. The memory is zeroed. */
RETURNS_NON_NULL void *mem_alloc(size_t size);
RETURNS_NON_NULL void *mem_realloc(void *old, size_t size);
RETURNS_NON_NULL char *mem_strdup(const char *text);
/* At most `len` bytes of `text`, and a NUL. */
RETURNS_NON_NULL char *mem_strndup(const char *text, size_t len);
void mem_free(void *memory);

/* For values of the standard library and others that come from malloc: aborts when NULL. */
RETURNS_NON_NULL void *mem_check(void *memory);

/* For the start of the program: few arenas, so that threads do not each keep memory of their own.
 */
void mem_configure(void);

#define MEM_NEW(type) ((type *)mem_alloc(sizeof(type)))

#endif
