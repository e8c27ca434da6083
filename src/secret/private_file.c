/* SPDX-License-Identifier: MIT */
#include "secret/private_file.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- reading ---- */

static bool open_failed(const struct private_file *file, int error, struct err *e)
{
    const char *path = file->path;

    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return err_set(e, EXIT_NO_INPUT, "%s: there is no such file; make it with: %s", path,
                       file->maker);
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
        return open_failed(file, errno, e);
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
        return open_failed(file, errno, e);
    ok = read_open_file(file, fd, out, e);
    close(fd);
    return ok;
}

/* ---- writing ---- */

bool private_file_write(const char *path, enum private_write how, const struct secret *content,
                        struct err *e)
{
    struct file_writer w;
    bool ok = file_begin(&w, path, S_IRUSR | S_IWUSR, e) &&
              file_add(&w, secret_bytes(content), secret_len(content), e) &&
              (how == PRIVATE_NEW ? file_commit_new(&w, e) : file_commit(&w, e));

    file_abandon(&w);
    return ok;
}
