/* SPDX-License-Identifier: MIT
 *
 * poster_answer.h: what a receiver of webhooks answers: its status, and when the answer is whole.
 */
#ifndef GRAPHMOCK_POSTER_ANSWER_H
#define GRAPHMOCK_POSTER_ANSWER_H

#include "base/attr.h"
#include "base/buf.h"

#include <stdbool.h>

struct poster_answer {
    int status; /* 0: no HTTP */
    bool last;  /* nothing more can come on this connection */
};

/* True once it is whole. A body is known by its Content-Length; chunked ones are not waited for:
 * the connection is closed behind the header. */
bool poster_answer_read(const struct buf *bytes, struct poster_answer *out) MUST_CHECK;

#endif
