/* SPDX-License-Identifier: MIT
 *
 * test_notify.c: what systemd hears, on a real datagram socket.
 */
#include "io/notify.h"

#include "base/clock.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
/* After what it needs. */
#include <cmocka.h>

struct systemd {
    int fd;
    char name[108]; /* as in NOTIFY_SOCKET */
    char heard[2048];
};

static void listen_as(struct systemd *s, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(name);

    memcpy(address.sun_path, name, len);
    if (*name == '@')
        address.sun_path[0] = '\0';
    s->fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_true(s->fd >= 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
                     0);
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
}

static const char *hear(struct systemd *s)
{
    ssize_t len = recv(s->fd, s->heard, sizeof(s->heard) - 1, MSG_DONTWAIT);

    s->heard[len > 0 ? len : 0] = '\0';
    return s->heard;
}

static void say_everything(struct systemd *s)
{
    int64_t usec;

    notify_ready("sending\nMAINPID=1");
    assert_string_equal(hear(s), "READY=1\nSTATUS=sending MAINPID=1");
    notify_status("42 in flight");
    assert_string_equal(hear(s), "STATUS=42 in flight");
    notify_stopping("draining");
    assert_string_equal(hear(s), "STOPPING=1\nSTATUS=draining");
    notify_watchdog();
    assert_string_equal(hear(s), "WATCHDOG=1");
    notify_reloading();
    assert_int_equal(sscanf(hear(s), "RELOADING=1\nMONOTONIC_USEC=%" SCNd64, &usec), 1);
    assert_in_range(usec, 1, clock_mono_us());
    assert_string_equal(hear(s), "");
}

static void test_an_abstract_socket(void **state)
{
    struct systemd s = {.fd = -1};

    (void)state;
    (void)snprintf(s.name, sizeof(s.name), "@tidings-test-%ld", (long)getpid());
    listen_as(&s, s.name);
    say_everything(&s);
    assert_int_equal(close(s.fd), 0);
    notify_ready("nobody hears it");
}

static void test_a_socket_with_a_path(void **state)
{
    struct systemd s = {.fd = -1};

    (void)state;
    (void)snprintf(s.name, sizeof(s.name), "/tmp/tidings-test-notify-%ld", (long)getpid());
    listen_as(&s, s.name);
    say_everything(&s);
    assert_int_equal(close(s.fd) + unlink(s.name), 0);
    notify_ready("nobody hears it");
}

static void test_without_systemd_nothing_happens(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    notify_ready("nobody");
    assert_int_equal(setenv("NOTIFY_SOCKET", "relative", 1), 0);
    notify_ready("nobody");
    assert_int_equal(setenv("NOTIFY_SOCKET", "", 1), 0);
    notify_ready("nobody");
}

static void watchdog_is(const char *usec, const char *pid, int64_t ms)
{
    assert_int_equal(usec ? setenv("WATCHDOG_USEC", usec, 1) : unsetenv("WATCHDOG_USEC"), 0);
    assert_int_equal(pid ? setenv("WATCHDOG_PID", pid, 1) : unsetenv("WATCHDOG_PID"), 0);
    assert_int_equal(notify_watchdog_interval_ms(), ms);
}

static void test_the_watchdogs_interval(void **state)
{
    char self[32];

    (void)state;
    (void)snprintf(self, sizeof(self), "%ld", (long)getpid());
    watchdog_is(NULL, NULL, 0);
    watchdog_is("30000000", NULL, 15000);
    watchdog_is("30000000", self, 15000);
    watchdog_is("30000000", "1", 0);
    watchdog_is("30000000", "x", 0);
    watchdog_is("x", self, 0);
    watchdog_is("1", self, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_abstract_socket),
        cmocka_unit_test(test_a_socket_with_a_path),
        cmocka_unit_test(test_without_systemd_nothing_happens),
        cmocka_unit_test(test_the_watchdogs_interval),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
