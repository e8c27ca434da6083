/* SPDX-License-Identifier: MIT
 *
 * test_graph_client_server.h: a raw HTTP/1.1 server that misbehaves exactly as told.
 *
 * Model: a script of steps, one a request, over all connections in the order of arrival; the last
 * step repeats. Each connection is a thread. With `tls` it shows a certificate it made itself, for
 * localhost and 127.0.0.1, whose PEM is in `ca_path`.
 */
#ifndef TEST_GRAPH_CLIENT_SERVER_H
#define TEST_GRAPH_CLIENT_SERVER_H

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum after {
    KEEP,  /* wait for the next request */
    CLOSE, /* end the connection in order */
    RESET, /* end it with a TCP reset */
    GATED, /* as KEEP, but answer only when nobody else holds the server's `gate` */
};

struct step {
    const char *answer; /* NULL: none */
    size_t repeat;      /* then this many bytes of 'x' */
    enum after after;
};

enum { SERVER_CONNECTIONS = 256 };

struct server {
    const struct step *steps;
    size_t step_count;
    SSL_CTX *tls;
    char ca_path[64];
    char url[64];
    int fd;
    pthread_t acceptor;
    pthread_t threads[SERVER_CONNECTIONS];
    int fds[SERVER_CONNECTIONS];
    atomic_uint connections;
    atomic_uint requests; /* read whole */
    atomic_uint bytes;    /* of their bodies */
    pthread_mutex_t gate;
    pthread_mutex_t lock;
    char last[4096]; /* the last request */
};

struct server_conn {
    struct server *server;
    SSL *tls;
    int fd;
};

static inline int conn_read(struct server_conn *c, char *out, int len)
{
    return c->tls ? SSL_read(c->tls, out, len) : (int)recv(c->fd, out, (size_t)len, 0);
}

static inline void conn_write(struct server_conn *c, const char *bytes, size_t len)
{
    while (len) {
        int n = c->tls ? SSL_write(c->tls, bytes, (int)len)
                       : (int)send(c->fd, bytes, len, MSG_NOSIGNAL);

        if (n <= 0)
            return;
        bytes += n;
        len -= (size_t)n;
    }
}

static inline size_t body_length(const char *head)
{
    const char *length = strstr(head, "Content-Length: ");

    return length ? strtoul(length + 16, NULL, 10) : 0;
}

/* Reads one request, head and body; false at the end of the connection. */
static inline bool conn_read_request(struct server_conn *c)
{
    char request[4096];
    size_t len = 0, head = 0, body = 0;

    while (!head || len < head + body) {
        int n = conn_read(c, request + len, (int)(sizeof(request) - 1 - len));
        char *end;

        if (n <= 0)
            return false;
        len += (size_t)n;
        request[len] = '\0';
        end = strstr(request, "\r\n\r\n");
        head = end ? (size_t)(end - request) + 4 : 0;
        body = body_length(request);
    }
    pthread_mutex_lock(&c->server->lock);
    memcpy(c->server->last, request, len + 1);
    pthread_mutex_unlock(&c->server->lock);
    c->server->bytes += (unsigned)body;
    return true;
}

static inline void conn_answer(struct server_conn *c, const struct step *step)
{
    static const char filler[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

    if (step->answer)
        conn_write(c, step->answer, strlen(step->answer));
    for (size_t left = step->repeat; left >= 64; left -= 64)
        conn_write(c, filler, 64);
}

static inline bool conn_serve(struct server_conn *c)
{
    struct server *s = c->server;
    const struct linger now = {1, 0};
    const struct step *step;
    unsigned number;

    if (!conn_read_request(c))
        return false;
    number = s->requests++;
    step = &s->steps[number < s->step_count ? number : s->step_count - 1];
    if (step->after == GATED)
        pthread_mutex_lock(&s->gate);
    conn_answer(c, step);
    if (step->after == GATED)
        pthread_mutex_unlock(&s->gate);
    if (step->after == RESET)
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    return step->after == KEEP || step->after == GATED;
}

static inline void *conn_main(void *context)
{
    struct server_conn *c = context;
    bool ok = true;

    if (c->server->tls) {
        c->tls = SSL_new(c->server->tls);
        (void)SSL_set_fd(c->tls, c->fd);
        ok = SSL_accept(c->tls) == 1;
    }
    while (ok)
        ok = conn_serve(c);
    SSL_free(c->tls);
    (void)close(c->fd);
    free(c);
    return NULL;
}

static inline void *server_main(void *context)
{
    struct server *s = context;
    int fd;

    while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
        struct server_conn *c = calloc(1, sizeof(*c));
        unsigned number = s->connections++;

        *c = (struct server_conn){s, NULL, fd};
        s->fds[number] = fd;
        if (pthread_create(&s->threads[number], NULL, conn_main, c) != 0)
            abort();
    }
    return NULL;
}

static inline X509 *server_certificate(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    X509_EXTENSION *names =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");

    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    X509_add_ext(cert, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(cert, key, EVP_sha256());
    return cert;
}

static inline void server_use_tls(struct server *s)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = server_certificate(key);
    FILE *f;

    s->tls = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(s->tls, cert);
    SSL_CTX_use_PrivateKey(s->tls, key);
    snprintf(s->ca_path, sizeof(s->ca_path), "/tmp/test_graph_client.%d.pem", (int)getpid());
    f = fopen(s->ca_path, "w");
    PEM_write_X509(f, cert);
    fclose(f);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static inline void server_listen(struct server *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);

    s->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(s->fd, (struct sockaddr *)&a, len) != 0 || listen(s->fd, 128) != 0 ||
        getsockname(s->fd, (struct sockaddr *)&a, &len) != 0)
        abort();
    snprintf(s->url, sizeof(s->url), "%s://127.0.0.1:%d", s->tls ? "https" : "http",
             ntohs(a.sin_port));
}

static inline void server_start(struct server *s, const struct step *steps, size_t count, bool tls)
{
    memset(s, 0, sizeof(*s));
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_mutex_init(&s->gate, NULL);
    s->steps = steps;
    s->step_count = count;
    if (tls)
        server_use_tls(s);
    server_listen(s);
    if (pthread_create(&s->acceptor, NULL, server_main, s) != 0)
        abort();
}

static inline void server_stop(struct server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->acceptor, NULL);
    close(s->fd);
    for (unsigned i = 0; i < s->connections; i++) {
        shutdown(s->fds[i], SHUT_RDWR);
        pthread_join(s->threads[i], NULL);
    }
    if (s->tls) {
        SSL_CTX_free(s->tls);
        unlink(s->ca_path);
    }
}

#endif
