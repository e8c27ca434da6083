/* SPDX-License-Identifier: MIT
 *
 * lock.h: one writer: the file PATH.lock, locked by flock(2), tells who it is. Where the ledger is
 * reached through a symbolic link, it lies beside the ledger, so that all names of it are one lock.
 * The kernel lets go of it when the process ends, however it ends. The file itself stays.
 */
#ifndef LEDGER_LOCK_H
#define LEDGER_LOCK_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>

/* Locks `path`.lock; `holder` is what a second one is told. `*fd`: for lock_release. Where another
 * process has it: EXIT_TRY_LATER, with its pid, what it is and since when; where nobody can lock:
 * EXIT_CANT_CREATE. */
bool lock_take(const char *path, const char *holder, int *fd, struct err *e) MUST_CHECK;
void lock_release(int fd);
/* Has another process it? Also where that cannot be found out. It is tried, and let go at once. */
bool lock_is_taken(const char *path);

#endif
