/* SPDX-License-Identifier: MIT */
#include "io/listener.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024, PORT_MAX = 65535 };

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static bool fail_text(const char *text, struct err *e)
{
    return err_set(e, EXIT_CONFIG,
                   "\"%.80s\" is no address to listen on; it is ADDR:PORT, as in 127.0.0.1:9464 or "
                   "[::1]:9464",
                   text);
}

static socklen_t size_of(const union address *a)
{
    return a->any.sa_family == AF_INET6 ? sizeof(a->v6) : sizeof(a->v4);
}

/* The host without brackets; 0 when there is none. */
static size_t copy_host(const char *text, const char *colon, char *host, size_t size)
{
    size_t len = (size_t)(colon - text);

    if (len >= 2 && text[0] == '[' && colon[-1] == ']') {
        text++;
        len -= 2;
    }
    if (len >= size)
        return 0;
    text_copy(host, size, text, len);
    return len;
}

static bool parse(const char *text, union address *out, struct err *e)
{
    const char *colon = strrchr(text, ':');
    char host[INET6_ADDRSTRLEN];
    int64_t port;

    *out = (union address){0};
    if (!colon || !copy_host(text, colon, host, sizeof(host)) ||
        !text_to_int(colon + 1, 0, PORT_MAX, &port))
        return fail_text(text, e);
    if (*text != '[' && inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons((uint16_t)port);
        return true;
    }
    if (*text != '[' || inet_pton(AF_INET6, host, &out->v6.sin6_addr) != 1)
        return fail_text(text, e);
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_port = htons((uint16_t)port);
    return true;
}

bool listener_text_ok(const char *text)
{
    union address a;

    return parse(text, &a, NULL);
}

static bool bind_and_listen(int fd, const union address *a)
{
    int on = 1;

    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
           bind(fd, &a->any, size_of(a)) == 0 && listen(fd, BACKLOG) == 0;
}

static void write_address(int fd, char out[LISTENER_TEXT_SIZE])
{
    union address a = {0};
    socklen_t size = sizeof(a);
    char host[INET6_ADDRSTRLEN] = "";

    (void)getsockname(fd, &a.any, &size); /* cannot fail on a bound socket */
    if (a.any.sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &a.v6.sin6_addr, host, sizeof(host)); /* has room */
        (void)snprintf(out, LISTENER_TEXT_SIZE, "[%s]:%u", host, ntohs(a.v6.sin6_port));
    } else {
        (void)inet_ntop(AF_INET, &a.v4.sin_addr, host, sizeof(host)); /* has room */
        (void)snprintf(out, LISTENER_TEXT_SIZE, "%s:%u", host, ntohs(a.v4.sin_port));
    }
}

bool listener_open(const char *text, int *fd, char address[LISTENER_TEXT_SIZE], struct err *e)
{
    union address a;

    if (!parse(text, &a, e))
        return false;
    *fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd >= 0 && bind_and_listen(*fd, &a)) {
        write_address(*fd, address);
        return true;
    }
    err_set(e, EXIT_CANT_CREATE, "cannot listen on %s: %s", text, strerror(errno));
    if (*fd >= 0)
        (void)close(*fd); /* the error is told already */
    return false;
}
