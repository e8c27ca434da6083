/* SPDX-License-Identifier: MIT
 *
 * attr.h: the few compiler attributes we use, under names that say what they are for.
 */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#include <stddef.h>

/* The caller must look at the result. A (void) cast needs a comment that says why. */
#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define NO_RETURN         __attribute__((noreturn))
#define RETURNS_NON_NULL  __attribute__((returns_nonnull))

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* The struct `type` whose member `member` is at `pointer`. */
#define CONTAINER_OF(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
