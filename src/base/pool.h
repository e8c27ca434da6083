/* SPDX-License-Identifier: MIT
 *
 * pool.h: small pieces of memory for one thread, quickly. For mem.c alone.
 *
 * Model: pieces come in classes of size. Each class has a list of free pieces, last in first out,
 * and cuts new ones from 64 KB of address space of its own; a page that nobody wrote to costs
 * nothing, so a 16 KB buffer with a short request in it takes 4 KB. Requests of libcurl and
 * messages come and go in thousands a second, in other sizes each time: here that costs a tenth of
 * what a general allocator takes, and does not fragment.
 * Lifetime: the thread that opens the pool takes from it; any thread may give back. What was taken
 * once stays with its class: the pool is as large as its busiest moment.
 * Failure: NULL for other threads, for large pieces, when the address space is used up, and always
 * under a sanitizer or before pool_open: mem.c asks malloc then.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>

/* Once, at the start of the program. */
void pool_open(void);
/* At least `size` bytes, not zeroed. */
void *pool_take(size_t size) MUST_CHECK;
/* False: it is none of the pool's. */
bool pool_give(void *memory) MUST_CHECK;
/* How much fits into the piece; 0: it is none of the pool's. */
size_t pool_size(const void *memory);

#endif
