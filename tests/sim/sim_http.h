/* SPDX-License-Identifier: MIT
 *
 * sim_http.h: io/http_server.h and the secrets of commands/access.h, as the product's webhook
 * receiver gets them in the simulator: no sockets, no files.
 *
 * Model: the "loop" that the receiver is opened with is the port. A request is given to whoever
 * listens; its answer comes to `on_answer`, at once or later. Meta signs with one of two secrets.
 */
#ifndef SIM_SIM_HTTP_H
#define SIM_SIM_HTTP_H

#include "io/http_server.h"

enum { SIM_SECRETS = 2, SIM_SIGNATURE_SIZE = 80 };

struct http_request {
    const char *body;
    size_t len;
    char signature[SIM_SIGNATURE_SIZE];
    void *post; /* the caller's */
    void *world;
    void (*on_answer)(struct http_request *request, unsigned status);
};

struct sim_port {
    struct http_server *server; /* NULL: nobody listens */
    void (*on_closed)(void *context);
    void *closed_context;
};

uv_loop_t *sim_port_loop(struct sim_port *p);
void sim_port_give(struct sim_port *p, struct http_request *request);
/* Nobody listens any more: whoever did is told. */
void sim_port_end(struct sim_port *p);
/* As the one who knows the secret `which` signs. */
void sim_port_sign(struct http_request *request, unsigned which);

#endif
