/* SPDX-License-Identifier: MIT */
#include "ledger/lock.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { NOTE_MAX = 256, PATH_SIZE = 4096 };

/* The note is one line: "held by pid 4711 (tidings broadcast results.csv) since 2026-04-02...". */
static bool refuse(const char *path, int fd, struct err *e)
{
    char note[NOTE_MAX + 1];
    ssize_t len = pread(fd, note, NOTE_MAX, 0);

    if (len <= 0)
        return err_set(e, EXIT_TRY_LATER,
                       "ledger %s: held by another process; try again when it "
                       "has ended",
                       path);
    note[len] = '\0';
    note[strcspn(note, "\n")] = '\0';
    return err_set(e, EXIT_TRY_LATER, "ledger %s: %s; try again when it has ended", path, note);
}

static bool leave_note(int fd, const char *holder)
{
    char note[NOTE_MAX], since[CLOCK_TEXT_SIZE];
    int len;

    clock_text(clock_wall_ms(), since);
    len = snprintf(note, sizeof(note), "held by pid %ld (%.160s) since %s\n", (long)getpid(),
                   holder, since);
    return ftruncate(fd, 0) == 0 && pwrite(fd, note, (size_t)len, 0) == len;
}

static bool fail(const char *path, struct err *e)
{
    return err_set(e, EXIT_CANT_CREATE, "cannot lock %s.lock: %s", path, strerror(errno));
}

static bool make_own(const char *path, int fd, const char *holder, struct err *e)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && leave_note(fd, holder))
        return true;
    return errno == EWOULDBLOCK ? refuse(path, fd, e) : fail(path, e);
}

/* Beside the file that `path` leads to: SQLite, too, has its files there. False: too long. */
static bool lock_name(const char *path, char *out, size_t size)
{
    char *real = realpath(path, NULL); /* NULL: there is no ledger yet */
    int len = snprintf(out, size, "%s.lock", real ? real : path);

    mem_free(real);
    return (size_t)len < size;
}

bool lock_is_taken(const char *path)
{
    char name[PATH_SIZE];
    int fd;
    bool taken;

    if (!lock_name(path, name, sizeof(name)))
        return true;
    fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno != ENOENT;
    taken = flock(fd, LOCK_SH | LOCK_NB) != 0;
    lock_release(fd);
    return taken;
}

bool lock_take(const char *path, const char *holder, int *fd, struct err *e)
{
    char name[PATH_SIZE];

    if (!lock_name(path, name, sizeof(name)))
        return err_set(e, EXIT_CANT_CREATE, "the path of the ledger is too long: %.64s...", path);
    *fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*fd < 0)
        return fail(path, e);
    if (make_own(path, *fd, holder, e))
        return true;
    (void)close(*fd); /* the error is told already */
    return false;
}

void lock_release(int fd)
{
    (void)close(fd); /* this unlocks, whatever it says; the next holder writes its own note */
}
