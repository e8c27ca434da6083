/* SPDX-License-Identifier: MIT
 *
 * opaque_id.h: what biz_opaque_callback_data says.
 *
 * Model: Graph gives this text back in every status webhook of the message. It names the ledger,
 * the attempt, and the message by a 64-bit keyless hash of its id, so that a webhook settles an
 * unknown message in any ledger that holds it. It holds no personal data, and looks random:
 * attempts of one message have nothing in common to the eye. 36 characters:
 *     "t1", then base32 of: ledger 64 bits, message hash 64 bits, attempt 16 bits, check 24 bits
 * One character changed, lost or added makes it not ours; of wholly other texts of this form one
 * in 2^24 would pass. That is no signature: the webhook's HMAC says who wrote it.
 */
#ifndef CORE_OPAQUE_ID_H
#define CORE_OPAQUE_ID_H

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

enum { OPAQUE_ID_SIZE = 40 }; /* bytes with the NUL, at least */

struct opaque_id {
    uint64_t ledger;       /* random, made once per ledger */
    uint64_t message_hash; /* struct message.id_hash */
    uint16_t attempt;      /* 1 is the first */
};

void opaque_id_write(const struct opaque_id *id, char out[OPAQUE_ID_SIZE]);
/* False when the text is not one of ours, cut or changed. */
bool opaque_id_parse(const char *text, struct opaque_id *out) MUST_CHECK;

#endif
