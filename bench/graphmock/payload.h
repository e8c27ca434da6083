/* SPDX-License-Identifier: MIT
 *
 * payload.h: the body of POST /{phone_id}/messages, read and judged as Graph does.
 *
 * Lifetime: all texts are borrowed from the body, still escaped as JSON.
 */
#ifndef GRAPHMOCK_PAYLOAD_H
#define GRAPHMOCK_PAYLOAD_H

#include "templates.h"

enum { PAYLOAD_DIGITS_SIZE = 24, PAYLOAD_TO_MAX = 64, PAYLOAD_OPAQUE_MAX = 512 };

struct payload {
    struct slice to;
    char digits[PAYLOAD_DIGITS_SIZE]; /* of `to`: Graph's wa_id */
    struct slice opaque;              /* biz_opaque_callback_data */
    struct slice type;
    const struct token *content; /* the object named as the type, or NULL */
    bool is_read_mark;           /* {"status":"read","message_id":...}: no message at all */
};

/* Reads what is there into `out`, which is usable (if empty) even when this returns false: then
 * `tokens` was not JSON and `r` says so. */
bool payload_read(struct payload *out, struct tokens *tokens, struct slice body,
                  struct refusal *r) MUST_CHECK;
/* `sender` is the sending number, digits only. False with `r` filled when Graph refuses it. */
bool payload_check(const struct payload *p, const struct tokens *tokens, const char *sender,
                   const struct templates *templates, struct refusal *r) MUST_CHECK;
/* The same message has the same number: sender, recipient, type and content, but not the callback
 * data, in which a sender may count its attempts. */
uint64_t payload_identity(const struct payload *p, struct slice phone_id);

#endif
