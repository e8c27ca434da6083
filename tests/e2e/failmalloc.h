/* SPDX-License-Identifier: MIT
 *
 * failmalloc.h: which allocation of a process fails, as its environment says:
 *
 *   FAILMALLOC=N[+]          the N-th allocation of the process fails; with '+' all from then on
 *   FAILMALLOC_COUNT=FILE    how many there were, written as it goes: the file's size
 */
#ifndef FAILMALLOC_H
#define FAILMALLOC_H

#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct failmalloc {
    unsigned long from;
    bool on;
    int count_fd;
    atomic_ulong calls;
};

static inline void failmalloc_read(struct failmalloc *f)
{
    const char *order = getenv("FAILMALLOC");
    const char *count = getenv("FAILMALLOC_COUNT");

    f->count_fd = -1;
    if (order) {
        f->from = strtoul(order, NULL, 10);
        f->on = strchr(order, '+') != NULL;
    }
    if (count)
        f->count_fd = open(count, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

/* True when this one shall fail. */
static inline bool failmalloc_meet(struct failmalloc *f)
{
    unsigned long n = atomic_fetch_add(&f->calls, 1) + 1;

    if (f->count_fd >= 0)
        (void)!ftruncate(f->count_fd, (off_t)n);
    return f->from != 0 && (n == f->from || (n > f->from && f->on));
}

#endif
