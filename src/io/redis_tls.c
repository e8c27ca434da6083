/* SPDX-License-Identifier: MIT */
#include "io/redis_tls.h"

#ifdef TIDINGS_REDIS_TLS

#include "base/mem.h"

#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <hiredis/hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct redis_tls {
    SSL_CTX *context;
    char *host;
};

static const char *openssl_error(void)
{
    const char *text = ERR_reason_error_string(ERR_get_error());

    return text ? text : "unknown error";
}

struct redis_tls *redis_tls_new(const char *host, struct err *e)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    struct redis_tls *t;

    if (!context || SSL_CTX_set_default_verify_paths(context) != 1) {
        (void)err_set(e, EXIT_CONFIG, "TLS: %s", openssl_error()); /* always false */
        SSL_CTX_free(context);
        return NULL;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    t = MEM_NEW(struct redis_tls);
    t->context = context;
    t->host = mem_strdup(host);
    return t;
}

void redis_tls_free(struct redis_tls *t)
{
    if (!t)
        return;
    SSL_CTX_free(t->context);
    mem_free(t->host);
    mem_free(t);
}

static bool is_address(const char *host)
{
    unsigned char unused[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, unused) == 1 || inet_pton(AF_INET6, host, unused) == 1;
}

/* The certificate must be for this host. */
static bool expect_host(SSL *ssl, char *host)
{
    if (is_address(host))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

bool redis_tls_start(struct redis_tls *t, struct redisContext *hiredis, struct err *e)
{
    SSL *ssl = SSL_new(t->context);

    if (!ssl || !expect_host(ssl, t->host)) {
        SSL_free(ssl);
        return err_set(e, EXIT_UNREACHABLE, "TLS: %s", openssl_error());
    }
    if (redisInitiateSSL(hiredis, ssl) == REDIS_OK) /* it has the SSL now */
        return true;
    SSL_free(ssl); /* it has not */
    return err_set(e, EXIT_UNREACHABLE, "TLS: %s", hiredis->errstr);
}

#else

struct redis_tls *redis_tls_new(const char *host, struct err *e)
{
    (void)host;
    /* Always false. */
    (void)err_set(e, EXIT_CONFIG,
                  "redis.url: rediss:// needs TLS, which this system's hiredis has not (1.0 and "
                  "newer have it); redis:// is allowed, over a private network or a tunnel");
    return NULL;
}

void redis_tls_free(struct redis_tls *t)
{
    (void)t;
}

bool redis_tls_start(struct redis_tls *t, struct redisContext *hiredis, struct err *e)
{
    (void)t;
    (void)hiredis;
    return err_set(e, EXIT_CONFIG, "TLS: is not built in");
}

#endif
