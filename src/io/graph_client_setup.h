/* SPDX-License-Identifier: MIT
 *
 * graph_client_setup.h: what all requests of a client have in common: where Graph is, how it is
 * spoken to, and the header with the token.
 *
 * Model: TLS 1.2 or newer with the peer verified, no redirects, no proxy, no .netrc; http only
 * because the configuration lets it through for loopback. The token is copied once, into locked
 * memory that no core dump shows, as one header line that libcurl borrows; it is wiped at the end.
 * (libcurl copies it into the requests it writes; those copies are out of reach.)
 * Lifetime: easy handles borrow the setup until they are cleaned up.
 */
#ifndef IO_GRAPH_CLIENT_SETUP_H
#define IO_GRAPH_CLIENT_SETUP_H

#include "base/err.h"
#include "io/graph_client.h"

#include <curl/curl.h>

/* Streams of an HTTP/2 connection: the least that RFC 9113 recommends a server to allow, and what
 * libcurl takes as its own ceiling. */
enum { SETUP_STREAMS = 100 };

#define CONTENT_TYPE "Content-Type: application/json"
#define USER_AGENT   "User-Agent: tidings"

struct client_setup {
    char *base;       /* "https://graph.facebook.com/v22.0" */
    char peer[280];   /* "graph.facebook.com:443", for sentences */
    char *ca_file;    /* NULL: the system's */
    bool multiplexes; /* HTTP/2 over TLS */
    long timeout_ms;
    long connect_timeout_ms;
    char *authorization; /* locked memory */
    size_t locked_size;
    char content_type[sizeof(CONTENT_TYPE)];
    char user_agent[sizeof(USER_AGENT)];
    struct curl_slist headers[3]; /* of the three lines above */
};

bool client_setup_open(struct client_setup *s, const struct graph_client_options *options,
                       struct err *e) MUST_CHECK;
void client_setup_close(struct client_setup *s);

/* A handle with everything set but its URL, body and callbacks. Returned: free with
 * curl_easy_cleanup. */
CURL *client_setup_easy(struct client_setup *s);

#endif
