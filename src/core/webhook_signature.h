/* SPDX-License-Identifier: MIT
 *
 * webhook_signature.h: did Meta write this body? X-Hub-Signature-256 is "sha256=" and the
 * HMAC-SHA256 of the raw bytes, as 64 hex digits, keyed with the app secret.
 */
#ifndef CORE_WEBHOOK_SIGNATURE_H
#define CORE_WEBHOOK_SIGNATURE_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>

/* During a change-over two secrets are right: the old one and the new one. */
enum { WEBHOOK_SECRETS_MAX = 2 };

struct webhook_secrets {
    struct {
        const void *bytes; /* borrowed */
        size_t len;        /* 0: none; it fits nothing */
    } items[WEBHOOK_SECRETS_MAX];
};

/* `header` is its value as it came, NULL when there was none. The time it takes tells nothing of
 * the secrets. */
bool webhook_signature_ok(const char *header, const void *body, size_t len,
                          const struct webhook_secrets *secrets) MUST_CHECK;

#endif
