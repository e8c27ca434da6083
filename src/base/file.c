/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* On disk, in its own folder: or a power cut could take it away with all that is in it. */
static bool make_folder(const char *folder)
{
    int why;

    if (mkdir(folder, 0700) != 0)
        return errno == EEXIST;
    if (file_sync_folder(folder))
        return true;
    why = errno;
    (void)rmdir(folder); /* made anew, and synced, by the next try */
    errno = why;
    return false;
}

bool file_make_folders(const char *path, struct err *e)
{
    char *folder = mem_strdup(path);
    bool made = true;

    for (char *slash = strchr(folder + 1, '/'); slash && made; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        made = make_folder(folder) ||
               err_set(e, EXIT_CANT_CREATE, "cannot create the folder %.300s: %s", folder,
                       strerror(errno));
        *slash = '/';
    }
    mem_free(folder);
    return made;
}

void file_hold_standard(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        /* The lowest one that is free is taken: this one. */
        if (fcntl(fd, F_GETFD) < 0)
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY); /* only a guard */
    }
}

static bool fail(const struct file_writer *w, const char *what, struct err *e)
{
    return err_set(e, EXIT_CANT_CREATE, "cannot %s %.300s: %s", what, w->path, strerror(errno));
}

/* The rename would put a file in the place of a device as well: of /dev/null, for root. */
static bool check_kind(const char *path, struct err *e)
{
    struct stat there;

    return stat(path, &there) != 0 || S_ISREG(there.st_mode) ||
           err_set(e, EXIT_CANT_CREATE, "cannot write %.300s: it is %s", path,
                   S_ISDIR(there.st_mode) ? "a folder" : "no regular file");
}

bool file_begin(struct file_writer *w, const char *path, mode_t mode, struct err *e)
{
    static const char ending[] = ".XXXXXX";

    *w = (struct file_writer){.fd = -1};
    if (!check_kind(path, e))
        return false;
    if (strlen(path) + sizeof(ending) > sizeof(w->temp))
        return err_set(e, EXIT_CANT_CREATE, "cannot create %.100s...: the path is too long", path);
    (void)snprintf(w->path, sizeof(w->path), "%s", path); /* both fit */
    (void)snprintf(w->temp, sizeof(w->temp), "%s%s", path, ending);
    w->fd = mkostemp(w->temp, O_CLOEXEC);
    if (w->fd < 0 || fchmod(w->fd, mode) != 0) {
        fail(w, "create", e);
        file_abandon(w);
        return false;
    }
    return true;
}

bool file_add(struct file_writer *w, const void *bytes, size_t len, struct err *e)
{
    const char *next = bytes;

    while (len > 0) {
        ssize_t written = write(w->fd, next, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail(w, "write", e);
        next += written;
        len -= (size_t)written;
    }
    return true;
}

bool file_sync_folder(const char *path)
{
    char copy[4096];
    int fd;
    bool ok;

    (void)snprintf(copy, sizeof(copy), "%s", path); /* a longer one: no folder */
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ok = fsync(fd) == 0;
    (void)close(fd); /* nothing was written through it */
    return ok;
}

static bool close_synced(struct file_writer *w, struct err *e)
{
    bool ok = fsync(w->fd) == 0;

    ok = close(w->fd) == 0 && ok;
    w->fd = -1;
    return ok || fail(w, "write", e);
}

bool file_commit(struct file_writer *w, struct err *e)
{
    if (!close_synced(w, e))
        return false;
    if (rename(w->temp, w->path) != 0)
        return fail(w, "write", e);
    w->temp[0] = '\0';
    return file_sync_folder(w->path) || fail(w, "sync the folder of", e);
}

bool file_commit_new(struct file_writer *w, struct err *e)
{
    if (!close_synced(w, e))
        return false;
    if (link(w->temp, w->path) != 0) /* unlike a rename it never takes the place of anything */
        return errno == EEXIST
                   ? err_set(e, EXIT_CANT_CREATE,
                             "%.300s exists already, and is never written over", w->path)
                   : fail(w, "create", e);
    (void)unlink(w->temp); /* a second name of the file is harmless */
    w->temp[0] = '\0';
    return file_sync_folder(w->path) || fail(w, "sync the folder of", e);
}

void file_abandon(struct file_writer *w)
{
    if (w->fd >= 0)
        (void)close(w->fd); /* it goes away anyway */
    w->fd = -1;
    if (*w->temp)
        (void)unlink(w->temp); /* a left-over is harmless */
    w->temp[0] = '\0';
}

bool file_write_whole(const char *path, const void *bytes, size_t len, struct err *e)
{
    struct file_writer w;
    bool ok = file_begin(&w, path, 0600, e) && file_add(&w, bytes, len, e) && file_commit(&w, e);

    file_abandon(&w);
    return ok;
}
