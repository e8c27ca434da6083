/* SPDX-License-Identifier: MIT */
#include "io/file_plan_temp.h"

#include "base/buf.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct temp_file {
    char *path;      /* where it will be */
    char *temp_path; /* where it is; NULL once committed */
    int fd;
};

static bool cannot(const struct temp_file *t, const char *what, struct err *e)
{
    return err_set(e, EXIT_CANT_CREATE, "%s: cannot be %s: %s", t->path, what, strerror(errno));
}

bool temp_file_new(const char *path, struct temp_file **out, struct err *e)
{
    struct temp_file *t = MEM_NEW(struct temp_file);
    struct buf temp_path = buf_new(PATH_MAX);

    buf_addf(&temp_path, "%s.XXXXXX", path);
    t->path = mem_strdup(path);
    t->temp_path = buf_take(&temp_path);
    t->fd = mkostemp(t->temp_path, O_CLOEXEC); /* mode 0600 */
    if (t->fd < 0) {
        (void)cannot(t, "made", e);
        temp_file_free(t);
        return false;
    }
    *out = t;
    return true;
}

void temp_file_free(struct temp_file *t)
{
    if (!t)
        return;
    if (t->fd >= 0) {
        (void)close(t->fd); /* nobody will read it */
        (void)unlink(t->temp_path);
    }
    mem_free(t->path);
    mem_free(t->temp_path);
    mem_free(t);
}

bool temp_file_write(struct temp_file *t, const void *bytes, size_t len, struct err *e)
{
    const char *next = bytes;

    while (len) {
        ssize_t put = write(t->fd, next, len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return cannot(t, "written", e);
        next += put;
        len -= (size_t)put;
    }
    return true;
}

bool temp_file_restart(struct temp_file *t, struct err *e)
{
    if (ftruncate(t->fd, 0) != 0 || lseek(t->fd, 0, SEEK_SET) != 0)
        return cannot(t, "written", e);
    return true;
}

/* The directory that holds the file, so that the new name is on disk too. */
static bool directory_sync(const struct temp_file *t)
{
    const char *slash = strrchr(t->path, '/');
    char *dir = slash == t->path ? mem_strdup("/")
                : slash          ? mem_strndup(t->path, (size_t)(slash - t->path))
                                 : mem_strdup(".");
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        (void)close(fd); /* nothing was written through it */
    mem_free(dir);
    return ok;
}

bool temp_file_commit(struct temp_file *t, struct err *e)
{
    bool written = fsync(t->fd) == 0;

    if (!written || rename(t->temp_path, t->path) != 0 || !directory_sync(t))
        return cannot(t, "written", e);
    (void)close(t->fd); /* fsync said what there was to say */
    t->fd = -1;
    return true;
}
