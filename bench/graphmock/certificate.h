/* SPDX-License-Identifier: MIT
 *
 * certificate.h: makes a CA and a server certificate signed by it.
 */
#ifndef GRAPHMOCK_CERTIFICATE_H
#define GRAPHMOCK_CERTIFICATE_H

#include "base/attr.h"

#include <openssl/x509.h>
#include <stdbool.h>

struct certificates {
    EVP_PKEY *ca_key, *key;
    X509 *ca, *server;
};

/* False (and nothing to free) when OpenSSL fails; its error queue says why. */
bool certificates_make(struct certificates *c) MUST_CHECK;
void certificates_free(struct certificates *c);

#endif
