/* SPDX-License-Identifier: MIT
 *
 * secret.h: bytes that nobody else may see: in locked memory while they live, wiped when they end.
 *
 * Model: the bytes are in pages of their own (sodium_malloc): guarded on both sides, kept out of
 * swap and of core dumps, read-only once they are complete. A struct secret has no %s: the only
 * form that may be printed is secret_mask's.
 * Lifetime: returned secrets are freed with secret_free, which wipes them.
 * Failure: memory that is gone ends the process (see mem.h). A system that locks no more memory
 * gives it unlocked: secret_is_locked tells, and the operator should hear of it.
 */
#ifndef SECRET_SECRET_H
#define SECRET_SECRET_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>

struct secret;

/* Copies `len` bytes into locked memory; the caller wipes its own. Returned: free with
 * secret_free. */
RETURNS_NON_NULL struct secret *secret_new(const void *bytes, size_t len);
void secret_free(struct secret *s); /* wiped; NULL is fine */

const char *secret_bytes(const struct secret *s); /* NUL-terminated; borrowed until secret_free */
size_t secret_len(const struct secret *s);
/* False when the system did not lock the memory (a warning for the operator). */
bool secret_is_locked(const struct secret *s);

/* For a secret that is made in place, so that no copy of it lies about: `size` bytes of zeros that
 * may be written through secret_room until secret_complete says how many of them count. */
RETURNS_NON_NULL struct secret *secret_open_room(size_t size);
unsigned char *secret_room(struct secret *s);
void secret_complete(struct secret *s, size_t len);
/* Reads `fd` to its end, but at most `max` bytes. False with errno. Returned: free with
 * secret_free. */
bool secret_read(int fd, size_t max, struct secret **out) MUST_CHECK;

enum { SECRET_MASKED_SIZE = 32 };
/* First 8 and last 3 characters; shorter than 24: masked whole. */
void secret_mask(const struct secret *s, char out[SECRET_MASKED_SIZE]);

/* Hardens the process: no core dumps, not dumpable (so nobody of the same user attaches to it or
 * reads its /proc files; open what is needed of /proc/self first), no new privileges. */
void secret_harden_process(void);

#endif
