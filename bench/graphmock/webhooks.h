/* SPDX-License-Identifier: MIT
 *
 * webhooks.h: tells the owner's server what became of every accepted message, as Meta does.
 *
 * Model: webhooks_accepted draws the message's course (course.h); each report joins the body that
 * is being gathered; that goes to the poster when it is full, or has waited `gather_ms`. Chance is
 * a function of the seed and the message's number. Limits: WEBHOOKS_WAITING_MAX messages with
 * reports to come; beyond, a message has none and is counted as dropped. Lifetime: webhooks_close
 * before the loop ends, webhooks_free after.
 */
#ifndef GRAPHMOCK_WEBHOOKS_H
#define GRAPHMOCK_WEBHOOKS_H

#include "base/json.h"
#include "course.h"
#include "options.h"
#include "slice.h"

enum { WEBHOOKS_WAITING_MAX = 1000000 };

struct webhooks;
struct delays;
struct uv_loop_s;

/* One accepted message. Texts are borrowed during the call, but `phone_id` for good. */
struct accepted {
    struct course_times times;
    uint64_t number; /* of the wamid */
    const char *digits;
    const char *phone_id;
    struct slice opaque;
};

/* Returned: free with webhooks_free. NULL with `e` filled. */
struct webhooks *webhooks_new(const struct options *options, struct err *e) MUST_CHECK;
/* Before the first message. */
void webhooks_start(struct webhooks *w, struct uv_loop_s *loop, struct delays *delays);
void webhooks_accepted(struct webhooks *w, const struct accepted *message);
/* Forgets counts, and reports that were not brought yet. */
void webhooks_forget(struct webhooks *w);
/* The counts, as one JSON object under "webhooks". */
void webhooks_write(const struct webhooks *w, struct json_writer *out);
void webhooks_close(struct webhooks *w);
void webhooks_free(struct webhooks *w); /* NULL is fine */

#endif
