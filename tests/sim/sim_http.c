/* SPDX-License-Identifier: MIT */
#include "sim_http.h"

#include "base/hash.h"
#include "base/mem.h"
#include "commands/access.h"

#include <string.h>

struct http_server {
    struct sim_port *port;
    struct http_options options;
};

static const char *const secrets[SIM_SECRETS] = {"the old app secret", "the new app secret"};

/* ---- The model's side. */

uv_loop_t *sim_port_loop(struct sim_port *p)
{
    return (uv_loop_t *)p;
}

void sim_port_give(struct sim_port *p, struct http_request *request)
{
    p->server->options.on_request(p->server->options.context, request);
}

void sim_port_end(struct sim_port *p)
{
    mem_free(p->server);
    p->server = NULL;
    p->on_closed(p->closed_context);
}

void sim_port_sign(struct http_request *request, unsigned which)
{
    unsigned char mac[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];

    hmac_sha256(secrets[which], strlen(secrets[which]), request->body, request->len, mac);
    hex_encode(mac, sizeof(mac), hex);
    (void)snprintf(request->signature, sizeof(request->signature), "sha256=%s", hex); /* it fits */
}

/* ---- io/http_server.h. */

bool http_server_open(uv_loop_t *loop, const struct http_options *options, struct http_server **out,
                      struct err *e)
{
    struct http_server *server = MEM_NEW(struct http_server);

    (void)e;
    server->port = (struct sim_port *)loop;
    server->options = *options;
    server->port->server = *out = server;
    return true;
}

const char *http_server_address(const struct http_server *server)
{
    return server->options.listen;
}

void http_server_close(struct http_server *server, void (*on_closed)(void *context), void *context)
{
    server->port->on_closed = on_closed;
    server->port->closed_context = context;
}

const char *http_request_method(const struct http_request *request)
{
    (void)request;
    return "POST";
}

const char *http_request_path(const struct http_request *request)
{
    (void)request;
    return "/webhook";
}

const char *http_request_query(const struct http_request *request, const char *name)
{
    (void)request;
    (void)name;
    return NULL;
}

const char *http_request_header(const struct http_request *request, const char *name)
{
    return strcmp(name, "X-Hub-Signature-256") == 0 ? request->signature : NULL;
}

const char *http_request_body(const struct http_request *request, size_t *len)
{
    *len = request->len;
    return request->body;
}

void http_respond(struct http_request *request, unsigned status, const char *content_type,
                  const void *body, size_t len)
{
    (void)content_type;
    (void)body;
    (void)len;
    request->on_answer(request, status);
}

/* ---- commands/access.h: a change-over from one secret to the other. */

bool access_webhook_open(const struct settings *s, struct access_webhook *out, struct err *e)
{
    (void)s;
    (void)e;
    *out = (struct access_webhook){0};
    for (size_t i = 0; i < SIM_SECRETS; i++) {
        out->secrets.items[i].bytes = secrets[i];
        out->secrets.items[i].len = strlen(secrets[i]);
    }
    return true;
}

void access_webhook_close(struct access_webhook *w)
{
    (void)w;
}

bool access_webhook_verifies(const struct access_webhook *w, const char *token)
{
    (void)w;
    (void)token;
    return false;
}
