/* SPDX-License-Identifier: MIT
 *
 * status_rules.h: what becomes of messages after they were accepted, and what goes wrong with the
 * webhooks that say so. `--status KEY=VALUE[,KEY=VALUE...]`, any number of times.
 */
#ifndef GRAPHMOCK_STATUS_RULES_H
#define GRAPHMOCK_STATUS_RULES_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

/* Shares are from 0 to 1. */
struct status_rules {
    /* messages */
    double delivered; /* of those that did not fail */
    double read;      /* of those delivered */
    double failed;
    int64_t code; /* with which they fail */
    /* statuses */
    double duplicated, lost, late, no_opaque, cut_opaque;
    double reordered; /* messages whose statuses come the wrong way round */
    double early;     /* messages whose `sent` comes before the answer to the send */
    int64_t late_ms;
    /* bodies */
    double spread; /* statuses that begin a change or an entry of their own in the body */
    double forged; /* bodies that are preceded by a copy with a wrong signature */
    int64_t batch; /* statuses in a body, at most */
    int64_t gather_ms;
    /* delivery */
    int64_t connections, timeout_ms;
    int64_t retry_ms; /* before the first repetition; doubles each time */
    int64_t retries;
};

void status_rules_init(struct status_rules *r);
bool status_rules_add(struct status_rules *r, const char *spec, struct err *e) MUST_CHECK;
/* Appends the manual of KEY. */
void status_rules_help(struct buf *out);

#endif
