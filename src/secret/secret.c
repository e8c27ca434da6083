/* SPDX-License-Identifier: MIT */
#include "secret/secret.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* What of a token may be shown, and from which length on there is enough left to hide. */
enum { MASK_HEAD = 8, MASK_TAIL = 3, MASK_WHOLE_BELOW = 24 };

struct secret {
    unsigned char *bytes; /* sodium_malloc: size + 1, for the NUL */
    size_t size;
    size_t len;
    bool is_locked;
};

struct secret *secret_open_room(size_t size)
{
    struct secret *s = MEM_NEW(struct secret);

    (void)mem_check(sodium_init() < 0 ? NULL : s); /* fails only where there is no randomness */
    s->size = size;
    s->bytes = mem_check(sodium_malloc(size + 1));
    /* sodium_malloc locks too, but does not tell whether it could. */
    s->is_locked = sodium_mlock(s->bytes, size + 1) == 0;
    sodium_memzero(s->bytes, size + 1);
    return s;
}

unsigned char *secret_room(struct secret *s)
{
    return s->bytes;
}

void secret_complete(struct secret *s, size_t len)
{
    assert(len <= s->size);
    sodium_memzero(s->bytes + len, s->size - len + 1);
    s->len = len;
    (void)sodium_mprotect_readonly(s->bytes); /* a shield, not a need */
}

struct secret *secret_new(const void *bytes, size_t len)
{
    struct secret *s = secret_open_room(len);

    if (len > 0)
        memcpy(s->bytes, bytes, len);
    secret_complete(s, len);
    return s;
}

bool secret_read(int fd, size_t max, struct secret **out)
{
    struct secret *s = secret_open_room(max);
    size_t len = 0;
    ssize_t got = 1;

    while (len < max && got != 0) {
        got = read(fd, s->bytes + len, max - len);
        if (got < 0 && errno != EINTR) {
            secret_free(s);
            return false;
        }
        len += got > 0 ? (size_t)got : 0;
    }
    secret_complete(s, len);
    *out = s;
    return true;
}

void secret_free(struct secret *s)
{
    if (!s)
        return;
    sodium_free(s->bytes); /* wipes */
    mem_free(s);
}

const char *secret_bytes(const struct secret *s)
{
    return (const char *)s->bytes;
}

size_t secret_len(const struct secret *s)
{
    return s->len;
}

bool secret_is_locked(const struct secret *s)
{
    return s->is_locked;
}

void secret_mask(const struct secret *s, char out[SECRET_MASKED_SIZE])
{
    const char *text = secret_bytes(s);

    if (s->len < MASK_WHOLE_BELOW)
        (void)snprintf(out, SECRET_MASKED_SIZE, "***");
    else
        (void)snprintf(out, SECRET_MASKED_SIZE, "%.*s...%s", MASK_HEAD, text,
                       text + s->len - MASK_TAIL);
}

void secret_harden_process(void)
{
    const struct rlimit none = {0, 0};

    /* Each is one more wall, and none is worth refusing to work for. */
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}
