/* SPDX-License-Identifier: MIT */
#include "tls.h"

#include "certificate.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const unsigned char protocols[] = "\x02h2\x08http/1.1";

/* The first of ours that the client offers too. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                   const unsigned char *offered, unsigned offered_len, void *context)
{
    unsigned char *chosen;

    (void)ssl;
    (void)context;
    if (SSL_select_next_proto(&chosen, out_len, protocols, sizeof(protocols) - 1, offered,
                              offered_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static bool openssl_failed(struct err *e, const char *what)
{
    char text[256];

    ERR_error_string_n(ERR_get_error(), text, sizeof(text));
    return err_set(e, EXIT_BUG, "%s: %s", what, text);
}

/* AES-128 first: it is the cheapest here, and the mock must not be what limits a benchmark. With
 * read_ahead a record costs one read instead of two; conn.c drains what is buffered. */
static bool make_context(struct tls *t, const struct certificates *c, struct err *e)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    t->context = context;
    if (!context || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                          "TLS_CHACHA20_POLY1305_SHA256") != 1 ||
        SSL_CTX_use_certificate(context, c->server) != 1 ||
        SSL_CTX_use_PrivateKey(context, c->key) != 1)
        return openssl_failed(e, "cannot set up TLS");
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);
    (void)SSL_CTX_set_num_tickets(context, 1); /* cannot fail */
    SSL_CTX_set_alpn_select_cb(context, on_alpn, NULL);
    return true;
}

/* Where ca.pem goes. */
static bool choose_dir(struct tls *t, const char *dir, struct err *e)
{
    const char *tmp = getenv("TMPDIR");

    if (dir) {
        if (mkdir(dir, 0700) != 0 && errno != EEXIST)
            return err_set(e, EXIT_CANT_CREATE, "--tls-dir %s: %s", dir, strerror(errno));
        (void)snprintf(t->ca_path, sizeof(t->ca_path), "%s/ca.pem", dir);
        return true;
    }
    (void)snprintf(t->own_dir, sizeof(t->own_dir), "%s/graphmock-XXXXXX",
                   tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(t->own_dir)) {
        err_set(e, EXIT_CANT_CREATE, "%s: %s", t->own_dir, strerror(errno));
        t->own_dir[0] = '\0';
        return false;
    }
    (void)snprintf(t->ca_path, sizeof(t->ca_path), "%s/ca.pem", t->own_dir);
    return true;
}

static bool write_ca(struct tls *t, X509 *ca, struct err *e)
{
    FILE *f = fopen(t->ca_path, "wb");
    bool written;

    if (!f)
        return err_set(e, EXIT_CANT_CREATE, "%s: %s", t->ca_path, strerror(errno));
    written = PEM_write_X509(f, ca) == 1;
    written = fclose(f) == 0 && written;
    return written || err_set(e, EXIT_CANT_CREATE, "%s: cannot write it", t->ca_path);
}

bool tls_init(struct tls *t, const char *dir, struct err *e)
{
    struct certificates c;
    bool ready;

    *t = (struct tls){0};
    if (!certificates_make(&c))
        return openssl_failed(e, "cannot make a certificate");
    ready = make_context(t, &c, e) && choose_dir(t, dir, e) && write_ca(t, c.ca, e);
    certificates_free(&c);
    if (!ready)
        tls_free(t);
    return ready;
}

void tls_free(struct tls *t)
{
    SSL_CTX_free(t->context);
    if (t->own_dir[0]) {
        (void)unlink(t->ca_path); /* at the end nobody is left to tell */
        (void)rmdir(t->own_dir);
    }
    *t = (struct tls){0};
}
