/* SPDX-License-Identifier: MIT
 *
 * webhook_body.h: a body of status webhooks as Meta writes it, status by status: '/' escaped,
 * timestamps as text, a `conversation` with `sent`.
 *
 * Model: statuses of one number gather in one change; another number, or SPREAD_CHANGE and
 * SPREAD_ENTRY, begin a new one.
 */
#ifndef GRAPHMOCK_WEBHOOK_BODY_H
#define GRAPHMOCK_WEBHOOK_BODY_H

#include "base/buf.h"
#include "course.h"
#include "slice.h"

enum spread { SPREAD_NONE, SPREAD_CHANGE, SPREAD_ENTRY };

/* What one status says. All texts are borrowed during the call. */
struct status_facts {
    enum status status;
    int64_t stamp_s; /* Unix seconds */
    uint64_t number; /* of the wamid */
    const char *digits;
    struct slice opaque; /* escaped as JSON; "": none */
    const char *phone_id, *sender, *waba_id;
    int64_t code; /* STATUS_FAILED */
};

struct webhook_body {
    struct buf json;
    size_t statuses;
    char phone_id[24]; /* of the change that is open */
};

void webhook_body_add(struct webhook_body *b, const struct status_facts *facts, enum spread spread);
/* Closes all brackets; the JSON is whole. */
void webhook_body_end(struct webhook_body *b);

#endif
