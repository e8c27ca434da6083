/* SPDX-License-Identifier: MIT
 *
 * control_client.h: a command's side of the control socket (control.h). Blocking.
 *
 * Model: connect, ask and be answered as often as you like, disconnect. Signals interrupt nothing
 * (what a handler should stop, the caller looks at between calls), a daemon that goes away raises
 * no SIGPIPE. Times are milliseconds; CONTROL_FOREVER waits without end.
 * Failure: EXIT_UNREACHABLE: nobody listens, the daemon went away, or it did not answer in time;
 * EXIT_NO_PERMISSION: the socket is another user's; EXIT_CONFIG: its path is too long. After a call
 * that failed only control_disconnect is allowed.
 */
#ifndef IO_CONTROL_CLIENT_H
#define IO_CONTROL_CLIENT_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

struct control_client;

enum { CONTROL_FOREVER = -1 };

bool control_connect(const char *path, struct control_client **out, struct err *e) MUST_CHECK;
/* Sends `request` (one JSON object, no newline) and waits for its answer, which is appended to
 * `reply` without its newline. */
bool control_call(struct control_client *client, const char *request, struct buf *reply,
                  int64_t timeout_ms, struct err *e) MUST_CHECK;
/* Waits until the daemon has ended: it has closed the connection and, where the system tells (not
 * across the border of a container), its process is gone and its ledger free. EXIT_TRY_LATER when
 * it has not after `timeout_ms`; then another wait is allowed. */
bool control_wait_end(struct control_client *client, int64_t timeout_ms, struct err *e) MUST_CHECK;
void control_disconnect(struct control_client *client);

#endif
