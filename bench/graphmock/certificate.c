/* SPDX-License-Identifier: MIT */
#include "certificate.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

enum { VALID_S = 7 * 86400, SKEW_S = 3600, VERSION_3 = 2 };

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    bool added;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    added = extension && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool set_serial(X509 *cert)
{
    uint64_t serial = 0;

    if (RAND_bytes((unsigned char *)&serial, sizeof(serial)) != 1)
        return false;
    return ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1) == 1;
}

static bool set_name(X509 *cert, const char *name)
{
    return X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                                      (const unsigned char *)name, -1, -1, 0) == 1;
}

/* All that the two certificates have in common, unsigned. */
static X509 *start(const char *name, EVP_PKEY *key)
{
    X509 *cert = X509_new();

    if (cert && X509_set_version(cert, VERSION_3) == 1 && set_serial(cert) &&
        set_name(cert, name) && X509_gmtime_adj(X509_getm_notBefore(cert), -SKEW_S) &&
        X509_gmtime_adj(X509_getm_notAfter(cert), VALID_S) && X509_set_pubkey(cert, key) == 1)
        return cert;
    X509_free(cert);
    return NULL;
}

static bool make_ca(struct certificates *c)
{
    c->ca_key = EVP_EC_gen("P-256");
    c->ca = c->ca_key ? start("graphmock test CA", c->ca_key) : NULL;
    return c->ca && X509_set_issuer_name(c->ca, X509_get_subject_name(c->ca)) == 1 &&
           add_extension(c->ca, c->ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
           add_extension(c->ca, c->ca, NID_key_usage, "critical,keyCertSign,cRLSign") &&
           add_extension(c->ca, c->ca, NID_subject_key_identifier, "hash") &&
           X509_sign(c->ca, c->ca_key, EVP_sha256()) > 0;
}

static bool make_server(struct certificates *c)
{
    c->key = EVP_EC_gen("P-256");
    c->server = c->key ? start("graphmock", c->key) : NULL;
    return c->server && X509_set_issuer_name(c->server, X509_get_subject_name(c->ca)) == 1 &&
           add_extension(c->server, c->ca, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(c->server, c->ca, NID_key_usage, "critical,digitalSignature") &&
           add_extension(c->server, c->ca, NID_ext_key_usage, "serverAuth") &&
           add_extension(c->server, c->ca, NID_subject_alt_name,
                         "IP:127.0.0.1,IP:::1,DNS:localhost") &&
           add_extension(c->server, c->ca, NID_authority_key_identifier, "keyid") &&
           X509_sign(c->server, c->ca_key, EVP_sha256()) > 0;
}

bool certificates_make(struct certificates *c)
{
    *c = (struct certificates){0};
    if (make_ca(c) && make_server(c))
        return true;
    certificates_free(c);
    return false;
}

void certificates_free(struct certificates *c)
{
    X509_free(c->ca);
    X509_free(c->server);
    EVP_PKEY_free(c->ca_key);
    EVP_PKEY_free(c->key);
    *c = (struct certificates){0};
}
