/* SPDX-License-Identifier: MIT */
#include "io/control_socket.h"

#include "io/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(CONTROL_PATH_MAX + 1 == sizeof(((struct sockaddr_un *)0)->sun_path),
               "the longest path is the system's");

bool control_address(const char *path, struct sockaddr_un *out, struct err *e)
{
    size_t len = strlen(path);

    if (len > CONTROL_PATH_MAX)
        return err_set(e, EXIT_CONFIG,
                       "control.socket: the path is %zu bytes long, the system allows %d: %s", len,
                       CONTROL_PATH_MAX, path);
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(out->sun_path, path, len + 1);
    return true;
}

static bool fail(const char *path, struct err *e)
{
    return err_set(e, EXIT_CANT_CREATE, "control.socket: cannot listen on %s: %s", path,
                   strerror(errno));
}

static bool bind_private(int fd, const struct sockaddr_un *address)
{
    /* Linux gives the file the mode of the socket: it is private from its first moment. */
    return fchmod(fd, 0600) == 0 &&
           bind(fd, (const struct sockaddr *)(const void *)address, sizeof(*address)) == 0;
}

/* Does anybody listen there? ECONNREFUSED says that nobody does. */
static bool is_stale(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool refused;

    if (fd < 0)
        return false;
    refused = connect(fd, (const struct sockaddr *)(const void *)address, sizeof(*address)) != 0 &&
              errno == ECONNREFUSED;
    (void)close(fd); /* nothing was written */
    return refused;
}

static bool remove_stale(const struct sockaddr_un *address, struct err *e)
{
    const char *path = address->sun_path;
    struct stat found;

    if (lstat(path, &found) != 0)
        return errno == ENOENT || fail(path, e);
    if (!S_ISSOCK(found.st_mode))
        return err_set(e, EXIT_CANT_CREATE,
                       "control.socket: %s is there and no socket; remove it or choose another "
                       "path",
                       path);
    if (!is_stale(address))
        return err_set(e, EXIT_TRY_LATER,
                       "control.socket: another daemon listens on %s; end it, or choose another "
                       "path",
                       path);
    return unlink(path) == 0 || errno == ENOENT || fail(path, e);
}

static bool bind_or_replace(int fd, const struct sockaddr_un *address, struct err *e)
{
    if (bind_private(fd, address))
        return true;
    if (errno != EADDRINUSE)
        return fail(address->sun_path, e);
    return remove_stale(address, e) && (bind_private(fd, address) || fail(address->sun_path, e));
}

bool control_bind(const char *path, int *fd, struct control_file *file, struct err *e)
{
    struct sockaddr_un address;
    struct stat made = {0};

    if (!control_address(path, &address, e))
        return false;
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return fail(path, e);
    if (!bind_or_replace(*fd, &address, e)) {
        (void)close(*fd); /* the error is told already */
        return false;
    }
    (void)lstat(path, &made); /* unknown: the file stays when we end */
    *file = (struct control_file){made.st_dev, made.st_ino};
    return true;
}

void control_unlink(const char *path, const struct control_file *file)
{
    struct stat found;

    if (lstat(path, &found) == 0 && found.st_dev == file->device && found.st_ino == file->inode)
        (void)unlink(path); /* what stays is found stale by the next daemon */
}

bool control_peer_is_allowed(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}
