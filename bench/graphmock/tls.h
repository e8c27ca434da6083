/* SPDX-License-Identifier: MIT
 *
 * tls.h: the server's side of TLS, with a certificate made for this run alone.
 *
 * Model: an own CA (EC P-256) signs a certificate for 127.0.0.1, ::1 and localhost; both are valid
 * for a week and their keys never leave memory. The CA's certificate is written as ca.pem to the
 * directory given, or to a new one under $TMPDIR that tls_free removes.
 */
#ifndef GRAPHMOCK_TLS_H
#define GRAPHMOCK_TLS_H

#include "base/err.h"

#include <openssl/ssl.h>

enum { TLS_PATH_MAX = 1024 };

struct tls {
    SSL_CTX *context;
    char ca_path[TLS_PATH_MAX];
    char own_dir[TLS_PATH_MAX - 16]; /* the directory to remove; "": none */
};

/* `dir` may be NULL. */
bool tls_init(struct tls *t, const char *dir, struct err *e) MUST_CHECK;
void tls_free(struct tls *t);

#endif
