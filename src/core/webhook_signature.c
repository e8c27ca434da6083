/* SPDX-License-Identifier: MIT */
#include "core/webhook_signature.h"

#include "base/hash.h"

#include <string.h>

bool webhook_signature_ok(const char *header, const void *body, size_t len,
                          const struct webhook_secrets *secrets)
{
    static const char prefix[] = "sha256=";
    unsigned char expected[SHA256_SIZE];
    bool ok = false;

    if (!header || strncmp(header, prefix, sizeof(prefix) - 1) != 0)
        return false;
    header += sizeof(prefix) - 1;
    if (strlen(header) != 2 * sizeof(expected) || !hex_decode(header, expected, sizeof(expected)))
        return false;
    for (size_t i = 0; i < WEBHOOK_SECRETS_MAX; i++) {
        if (secrets->items[i].len > 0)
            ok |= hmac_sha256_verify(secrets->items[i].bytes, secrets->items[i].len, body, len,
                                     expected);
    }
    return ok;
}
