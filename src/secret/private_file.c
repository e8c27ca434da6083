/* SPDX-License-Identifier: MIT */
#include "secret/private_file.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- reading ---- */

static bool open_failed(const char *path, int error, struct err *e)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return err_set(e, EXIT_NO_INPUT, "%s: there is no such file", path);
    case ELOOP:
        return err_set(e, EXIT_CONFIG, "%s: is a symbolic link; name the file itself", path);
    case ENXIO: /* a socket */
        return err_set(e, EXIT_CONFIG, "%s: is not a regular file", path);
    case EACCES:
    case EPERM:
        return err_set(e, EXIT_NO_PERMISSION, "%s: this user (uid %u) may not read it", path,
                       (unsigned)geteuid());
    }
    return err_set(e, EXIT_CONFIG, "%s: cannot be opened: %s", path, strerror(error));
}

static bool check_kind(const char *path, const struct stat *st, struct err *e)
{
    if (S_ISDIR(st->st_mode))
        return err_set(e, EXIT_CONFIG, "%s: is a directory, not a file", path);
    if (!S_ISREG(st->st_mode))
        return err_set(e, EXIT_CONFIG, "%s: is not a regular file", path);
    return true;
}

static bool check_privacy(const struct private_file *file, const struct stat *st, struct err *e)
{
    bool of_root = st->st_uid == 0;
    mode_t forbidden = S_IRWXG | S_IRWXO;

    if (!of_root && st->st_uid != geteuid())
        return err_set(e, EXIT_CONFIG,
                       "%s: belongs to uid %u; it must belong to root or to this user: "
                       "chown %u '%s'",
                       file->path, (unsigned)st->st_uid, (unsigned)geteuid(), file->path);
    if (file->is_credential && of_root)
        forbidden &= ~(mode_t)S_IRGRP;
    if (st->st_mode & forbidden)
        return err_set(e, EXIT_CONFIG, "%s: others can get at it (mode %04o): chmod 600 '%s'",
                       file->path, (unsigned)(st->st_mode & 07777), file->path);
    return true;
}

static bool check_size(const struct private_file *file, const struct stat *st, struct err *e)
{
    if (st->st_size == 0)
        return err_set(e, EXIT_CONFIG, "%s: is empty", file->path);
    if ((uintmax_t)st->st_size > file->size_max)
        return err_set(e, EXIT_CONFIG, "%s: has %jd bytes; at most %zu are right", file->path,
                       (intmax_t)st->st_size, file->size_max);
    return true;
}

static bool read_open_file(const struct private_file *file, int fd, struct secret **out,
                           struct err *e)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return open_failed(file->path, errno, e);
    if (!check_kind(file->path, &st, e) || !check_privacy(file, &st, e) ||
        !check_size(file, &st, e))
        return false;
    if (!secret_read(fd, (size_t)st.st_size, out))
        return err_set(e, EXIT_CONFIG, "%s: cannot be read: %s", file->path, strerror(errno));
    return true;
}

bool private_file_read(const struct private_file *file, struct secret **out, struct err *e)
{
    /* O_NONBLOCK: the opening of a FIFO must not wait for its writer. */
    int fd = open(file->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool ok;

    if (fd < 0)
        return open_failed(file->path, errno, e);
    ok = read_open_file(file, fd, out, e);
    close(fd);
    return ok;
}

/* ---- writing ---- */

/* A file that is being written: under a name of its own in the folder of its target. */
struct draft {
    int folder;
    const char *name; /* of the target, in the folder */
    char draft_name[NAME_MAX + 1];
};

static bool write_failed(const char *path, const char *what, struct err *e)
{
    return err_set(e, EXIT_CANT_CREATE, "%s: cannot be written (%s: %s)", path, what,
                   strerror(errno));
}

static bool open_folder(const char *path, struct draft *d, struct err *e)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? mem_strndup(path, (size_t)(slash - path) + 1) : mem_strdup(".");

    d->name = slash ? slash + 1 : path;
    (void)snprintf(d->draft_name, sizeof(d->draft_name), ".tidings-%08x%08x.tmp",
                   randombytes_random(), randombytes_random());
    d->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->folder < 0)
        (void)err_set(e, EXIT_CANT_CREATE, "%s: the folder '%s' cannot be opened: %s", path, folder,
                      strerror(errno));
    mem_free(folder);
    return d->folder >= 0;
}

static bool write_all(int fd, const unsigned char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, bytes, len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        bytes += put;
        len -= (size_t)put;
    }
    return true;
}

static bool write_draft(const struct draft *d, const void *bytes, size_t len)
{
    int fd = openat(d->folder, d->draft_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    S_IRUSR | S_IWUSR);
    bool ok;
    int error;

    if (fd < 0)
        return false;
    /* fchmod: a umask could have taken away what the owner needs. */
    ok = fchmod(fd, S_IRUSR | S_IWUSR) == 0 && write_all(fd, bytes, len) && fsync(fd) == 0;
    error = errno;
    if (close(fd) != 0 && ok)
        return false;
    errno = error;
    return ok;
}

/* Gives the draft its name. A link, unlike a rename, never takes the place of anything. */
static bool place_draft(const struct draft *d, enum private_write how)
{
    if (how == PRIVATE_REPLACE)
        return renameat(d->folder, d->draft_name, d->folder, d->name) == 0;
    return linkat(d->folder, d->draft_name, d->folder, d->name, 0) == 0 &&
           unlinkat(d->folder, d->draft_name, 0) == 0;
}

static bool write_in_folder(const char *path, const struct draft *d, enum private_write how,
                            const struct secret *content, struct err *e)
{
    bool placed;

    if (!write_draft(d, secret_bytes(content), secret_len(content)))
        return write_failed(path, "writing", e);
    placed = place_draft(d, how);
    if (!placed && errno == EEXIST)
        return err_set(e, EXIT_CANT_CREATE, "%s: exists, and is never written over", path);
    if (!placed)
        return write_failed(path, "naming", e);
    if (fsync(d->folder) != 0)
        return write_failed(path, "syncing its folder", e);
    return true;
}

bool private_file_write(const char *path, enum private_write how, const struct secret *content,
                        struct err *e)
{
    struct draft d;
    bool ok;

    if (!open_folder(path, &d, e))
        return false;
    ok = write_in_folder(path, &d, how, content, e);
    if (!ok)
        (void)unlinkat(d.folder, d.draft_name, 0); /* may not have been made */
    close(d.folder);
    return ok;
}
