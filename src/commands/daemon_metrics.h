/* SPDX-License-Identifier: MIT
 *
 * daemon_metrics.h: a daemon's status as Prometheus reads it: GET /metrics.
 *
 * Model: names begin with tidings_, base units (seconds, bytes), _total on counters. Labels are
 * from closed sets: outcome, reason, status, direction of closed words; code: Graph's, at most
 * STATUS_CODES_MAX and "other"; sender: the configured phone_ids. Never a number or an id of a
 * message. docs/metrics.md lists every family (unit.test_daemon_metrics holds the two together).
 */
#ifndef COMMANDS_DAEMON_METRICS_H
#define COMMANDS_DAEMON_METRICS_H

#include "commands/status.h"

void daemon_metrics_write(const struct daemon_status *s, struct buf *out);

#endif
