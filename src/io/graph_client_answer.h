/* SPDX-License-Identifier: MIT
 *
 * graph_client_answer.h: an answer as it comes in from libcurl, and the sentence about one that did
 * not.
 *
 * Model: the body is kept up to its buffer's cap, headers are read up to 64 KiB; what is longer
 * ends the transfer, with what came so far kept: a wamid may be in it.
 */
#ifndef IO_GRAPH_CLIENT_ANSWER_H
#define IO_GRAPH_CLIENT_ANSWER_H

#include "base/buf.h"

#include <curl/curl.h>

enum { ANSWER_HEADERS_MAX = 65536, ANSWER_SENTENCE_MAX = 512 };

struct client_answer {
    struct buf body;
    size_t header_bytes;
    const char *refused;  /* why we ended the transfer, or NULL */
    char api_version[16]; /* facebook-api-version */
};

/* Has `easy` give its answer to `a`, which is borrowed until the handle is cleaned up. */
void client_answer_attach(struct client_answer *a, CURL *easy);
/* Ready for the next answer; memory of an unusual size is given back. */
void client_answer_clear(struct client_answer *a);

/* What is said about a transfer that failed with `code`. */
struct client_failure {
    CURLcode code;
    bool wired;
    const char *peer;   /* host:port */
    const char *detail; /* libcurl's own words, may be "" */
};
/* One sentence: what failed, with whom, why. */
void client_failure_text(const struct client_failure *f, CURL *easy, char out[ANSWER_SENTENCE_MAX]);

#endif
