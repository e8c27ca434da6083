/* SPDX-License-Identifier: MIT */
#include "ledger/lock.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { NOTE_MAX = 256, PATH_SIZE = 4096 };

static bool name_lock(const char *path, char out[PATH_SIZE])
{
    return snprintf(out, PATH_SIZE, "%s.lock", path) < PATH_SIZE;
}

/* The note is one line: "held by pid 4711 (tidings broadcast results.csv) since 2026-04-02...". */
static bool refuse(const char *path, int fd, struct err *e)
{
    char note[NOTE_MAX + 1];
    ssize_t len = pread(fd, note, NOTE_MAX, 0);

    (void)close(fd); /* nothing was written */
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
    return err_set(e, EXIT_CANT_CREATE, "cannot write %s.lock: %s", path, strerror(errno));
}

bool lock_is_taken(const char *path)
{
    char name[PATH_SIZE];
    int fd;
    bool taken;

    if (!name_lock(path, name))
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

    if (!name_lock(path, name))
        return err_set(e, EXIT_CANT_CREATE, "the path of the ledger is too long: %.64s...", path);
    *fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*fd < 0)
        return fail(path, e);
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0)
        return refuse(path, *fd, e);
    if (!leave_note(*fd, holder)) {
        fail(path, e);
        (void)close(*fd); /* the error is told already */
        return false;
    }
    return true;
}

void lock_release(int fd)
{
    (void)close(fd); /* this unlocks, whatever it says; the next holder writes its own note */
}
