/* SPDX-License-Identifier: MIT
 *
 * graph_reply.h: what came of one request to Graph, and what it means for the message.
 *
 * Model: graph_client fills a struct exchange (facts of the transport and the raw answer).
 * graph_reply_read parses the body; graph_reply_judge applies the contract:
 *   - a wamid: accepted, whatever else happened (even a transport error beside it);
 *   - a Graph error object: a refusal, final or retried by the table, except the unsure codes;
 *   - a 5xx without an error object, a 2xx without a wamid, an answer cut off, none: unknown;
 *   - nothing written: surely not sent.
 */
#ifndef CORE_GRAPH_REPLY_H
#define CORE_GRAPH_REPLY_H

#include "core/error_policy.h"
#include "core/outcome.h"

enum { GRAPH_REPLY_MAX = 65536 }; /* bytes of an answer that we keep; more is cut off */

/* Facts of one request, from the transport. `body` is borrowed during the call. */
struct exchange {
    bool wired;      /* the point of no return was passed: the request may have left */
    bool complete;   /* the whole answer came */
    int http_status; /* 0: none */
    const char *body;
    size_t body_len;
    int64_t retry_after_ms; /* Retry-After, -1 when absent */
    int64_t latency_us;     /* from wire to the end of the answer */
    const char *error;      /* the transport's own sentence, "" when it had none */
    bool is_timeout;
    char api_version[16]; /* facebook-api-version, "" when absent */
};

enum reply_kind {
    REPLY_NONE,     /* no usable answer */
    REPLY_ACCEPTED, /* a wamid */
    REPLY_ERROR,    /* a Graph error object */
};

struct graph_reply {
    enum reply_kind kind;
    struct graph_error error; /* REPLY_ERROR */
    bool held;                /* message_status is not "accepted" */
    char wamid[OUTCOME_WAMID_MAX];
    char title[OUTCOME_TITLE_MAX];
    char details[OUTCOME_DETAILS_MAX];
    char trace[OUTCOME_TRACE_MAX];
};

/* Reads the answer, however broken it is. */
void graph_reply_read(const struct exchange *x, struct graph_reply *out);

enum verdict {
    VERDICT_ACCEPTED,
    VERDICT_REFUSED, /* look at the action */
    VERDICT_UNKNOWN,
    VERDICT_NOT_SENT, /* surely */
};

struct judgement {
    enum verdict verdict;
    enum action action;            /* VERDICT_REFUSED */
    const struct error_rule *rule; /* VERDICT_REFUSED, else NULL */
    enum reason reason;            /* for the record */
};

struct judgement graph_reply_judge(const struct exchange *x, const struct graph_reply *reply);

#endif
