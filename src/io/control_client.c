/* SPDX-License-Identifier: MIT */
#include "io/control_client.h"

#include "base/clock.h"
#include "base/mem.h"
#include "io/control_socket.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { READ_SIZE = 65536 };

struct control_client {
    int fd;
    int pidfd; /* readable when the daemon's process has ended; -1: not to be had */
    char *path;
    int64_t end_us; /* of the call that runs; INT64_MAX: none */
};

static bool fail_connect(const char *path, int why, struct err *e)
{
    if (why == ENOENT || why == ECONNREFUSED)
        return err_set(e, EXIT_UNREACHABLE,
                       "no daemon is running: nobody listens on %s (control.socket)", path);
    if (why == EACCES || why == EPERM)
        return err_set(e, EXIT_NO_PERMISSION,
                       "the daemon's socket %s is another user's: only that user and root may ask",
                       path);
    return err_set(e, EXIT_UNREACHABLE, "cannot reach the daemon at %s: %s", path, strerror(why));
}

static int connect_to(int fd, const struct sockaddr_un *address)
{
    int result;

    do
        result = connect(fd, (const struct sockaddr *)(const void *)address, sizeof(*address));
    while (result != 0 && errno == EINTR);
    return result;
}

/* Who listens there, to wait for the end of the process: its locks go after its socket. */
static int open_pidfd(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid <= 0 ||
        peer.pid == getpid())
        return -1;
    return (int)syscall(SYS_pidfd_open, peer.pid, 0);
}

bool control_connect(const char *path, struct control_client **out, struct err *e)
{
    struct sockaddr_un address;
    int fd, why;

    if (!control_address(path, &address, e))
        return false;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect_to(fd, &address) != 0) {
        why = errno;
        if (fd >= 0)
            (void)close(fd); /* the error is told already */
        return fail_connect(path, why, e);
    }
    *out = MEM_NEW(struct control_client);
    (*out)->fd = fd;
    (*out)->pidfd = open_pidfd(fd);
    (*out)->path = mem_strdup(path);
    return true;
}

void control_disconnect(struct control_client *client)
{
    (void)close(client->fd); /* nothing is left to be said */
    if (client->pidfd >= 0)
        (void)close(client->pidfd); /* never written */
    mem_free(client->path);
    mem_free(client);
}

/* ---- Waiting. */

static void set_end(struct control_client *client, int64_t timeout_ms)
{
    client->end_us = timeout_ms < 0 ? INT64_MAX : clock_mono_us() + timeout_ms * 1000;
}

/* What poll may wait: -1 without end. Rounded up, so that the end is reached. */
static int wait_ms(const struct control_client *client)
{
    int64_t left;

    if (client->end_us == INT64_MAX)
        return -1;
    left = (client->end_us - clock_mono_us() + 999) / 1000;
    if (left < 0)
        return 0;
    return left < INT32_MAX ? (int)left : INT32_MAX;
}

/* False when time is up. */
static bool wait_on(const struct control_client *client, int fd, short events)
{
    struct pollfd waits = {fd, events, 0};
    int result;

    do
        result = poll(&waits, 1, wait_ms(client));
    while (result < 0 && errno == EINTR);
    return result != 0;
}

static bool wait_for(const struct control_client *client, short events)
{
    return wait_on(client, client->fd, events);
}

static bool fail_gone(const struct control_client *client, struct err *e)
{
    return err_set(e, EXIT_UNREACHABLE, "the daemon at %s went away before it answered",
                   client->path);
}

static bool fail_late(const struct control_client *client, struct err *e)
{
    return err_set(e, EXIT_UNREACHABLE, "the daemon at %s does not answer", client->path);
}

/* ---- A call. */

/* A daemon that has closed may have said why: that is read even where nothing can be sent. */
static bool send_all(struct control_client *client, const char *bytes, size_t len, struct err *e)
{
    ssize_t sent;

    while (len > 0) {
        if (!wait_for(client, POLLOUT))
            return fail_late(client, e);
        sent = send(client->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EINTR && errno != EAGAIN)
            return true;
        if (sent > 0) {
            bytes += sent;
            len -= (size_t)sent;
        }
    }
    return true;
}

/* One piece of the answer; `done` when it ended in a newline. */
static bool receive(struct control_client *client, struct buf *reply, bool *done, struct err *e)
{
    char piece[READ_SIZE];
    ssize_t got;

    if (!wait_for(client, POLLIN))
        return fail_late(client, e);
    got = recv(client->fd, piece, sizeof(piece), MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (got <= 0)
        return fail_gone(client, e);
    *done = piece[got - 1] == '\n';
    buf_add(reply, piece, (size_t)got - *done);
    return buf_ok(reply) ||
           err_set(e, EXIT_BUG, "the daemon at %s answers more than expected", client->path);
}

bool control_call(struct control_client *client, const char *request, struct buf *reply,
                  int64_t timeout_ms, struct err *e)
{
    bool done = false;

    set_end(client, timeout_ms);
    if (!send_all(client, request, strlen(request), e) || !send_all(client, "\n", 1, e))
        return false;
    while (!done) {
        if (!receive(client, reply, &done, e))
            return false;
    }
    return true;
}

/* False when time is up. What the daemon still says is thrown away. */
static bool wait_for_close(struct control_client *client)
{
    char piece[256];
    ssize_t got;

    do {
        if (!wait_for(client, POLLIN))
            return false;
        got = recv(client->fd, piece, sizeof(piece), MSG_DONTWAIT);
    } while (got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN)));
    return true;
}

bool control_wait_end(struct control_client *client, int64_t timeout_ms, struct err *e)
{
    set_end(client, timeout_ms);
    if (wait_for_close(client) && (client->pidfd < 0 || wait_on(client, client->pidfd, POLLIN)))
        return true;
    return err_set(e, EXIT_TRY_LATER, "the daemon at %s has not ended yet", client->path);
}
