/* SPDX-License-Identifier: MIT
 *
 * notify.h: telling systemd how the service is (sd_notify(3)), without its library.
 *
 * Model: each call sends one datagram to $NOTIFY_SOCKET, a path or, after '@', an abstract name.
 * Without the variable nothing happens: we were not started that way.
 * Lifetime: no state; the environment is read each time.
 * Failure: none is told: what systemd does not hear it finds out by its own timeouts. Never blocks.
 */
#ifndef IO_NOTIFY_H
#define IO_NOTIFY_H

#include <stdint.h>

/* We are up (again, after a reload), and this is what `systemctl status` shows. */
void notify_ready(const char *status);
void notify_status(const char *status);
/* The configuration is read again; notify_ready follows when it is done. */
void notify_reloading(void);
void notify_stopping(const char *status);
/* We are alive. */
void notify_watchdog(void);
/* How often notify_watchdog should be called: half of what systemd allows. 0: never, it does not
 * watch this process. */
int64_t notify_watchdog_interval_ms(void);

#endif
