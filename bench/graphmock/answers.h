/* SPDX-License-Identifier: MIT
 *
 * answers.h: Graph's JSON, as Graph writes it: '/' as \/ and everything beyond ASCII as lower-case
 * \uXXXX.
 */
#ifndef GRAPHMOCK_ANSWERS_H
#define GRAPHMOCK_ANSWERS_H

#include "base/buf.h"
#include "random.h"
#include "refusal.h"
#include "slice.h"

enum { ANSWER_WAMID_SIZE = 96, ANSWER_TRACE_SIZE = 24 };

/* "wamid." and base64 of what Graph puts there: the recipient, and 18 hex digits of `number`. */
void answer_wamid(const char *digits, uint64_t number, char out[ANSWER_WAMID_SIZE]);
/* A name for support: 'A' and 22 letters of URL-safe base64. */
void answer_trace(struct random *random, char out[ANSWER_TRACE_SIZE]);

/* The body of a 200; `to` is still escaped as the caller wrote it. */
struct acceptance {
    struct slice to;
    const char *digits;
    const char *wamid;
    const char *status; /* "accepted", ... */
};
void answer_accepted(struct buf *out, const struct acceptance *a);
void answer_refused(struct buf *out, const struct refusal *r, const char *trace);

/* Appends UTF-8 as a JSON string with its quotes. */
void answer_string(struct buf *out, const char *text);

#endif
