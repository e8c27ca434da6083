/* SPDX-License-Identifier: MIT */
#include "io/notify.h"

#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { TEXT_SIZE = 1024 };

/* False when we were not started by systemd. */
static bool find_socket(struct sockaddr_un *out, socklen_t *size)
{
    const char *name = getenv("NOTIFY_SOCKET");
    size_t len = name ? strlen(name) : 0;

    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (len < 2 || (*name != '/' && *name != '@') || len >= sizeof(out->sun_path))
        return false;
    memcpy(out->sun_path, name, len);
    if (*name == '@')
        out->sun_path[0] = '\0'; /* abstract: the length ends it */
    *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (*name == '/'));
    return true;
}

static void notify(const char *text)
{
    struct sockaddr_un address;
    socklen_t size;
    int fd;

    if (!find_socket(&address, &size))
        return;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
                 (const struct sockaddr *)(const void *)&address, size); /* see notify.h */
    (void)close(fd);                                                     /* the same */
}

/* One assignment a line: a newline in the status would begin another. */
static void notify_with(const char *prefix, const char *status)
{
    char text[TEXT_SIZE];
    size_t begin = strlen(prefix);

    (void)snprintf(text, sizeof(text), "%sSTATUS=%s", prefix, status); /* cut is good enough */
    for (char *c = text + begin; *c; c++) {
        if (*c == '\n')
            *c = ' ';
    }
    notify(text);
}

void notify_ready(const char *status)
{
    notify_with("READY=1\n", status);
}

void notify_status(const char *status)
{
    notify_with("", status);
}

void notify_stopping(const char *status)
{
    notify_with("STOPPING=1\n", status);
}

void notify_reloading(void)
{
    char text[TEXT_SIZE];

    (void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_mono_us());
    notify(text);
}

void notify_watchdog(void)
{
    notify("WATCHDOG=1");
}

int64_t notify_watchdog_interval_ms(void)
{
    const char *usec = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    int64_t allowed, whose;

    if (!usec || !text_to_int(usec, 1, INT64_MAX, &allowed))
        return 0;
    if (pid && (!text_to_int(pid, 1, INT64_MAX, &whose) || whose != getpid()))
        return 0;
    return allowed / 2000 > 0 ? allowed / 2000 : 1;
}
