/* SPDX-License-Identifier: MIT
 *
 * graph_reply.h: what came of one request to Graph, and what it means for the message.
 *
 * Model: graph_client fills a struct exchange (facts of the transport and the raw answer).
 * graph_reply_read reads the body; graph_reply_judge applies the contract, first match first:
 *   - a wamid: accepted, whatever else happened (even a transport error or a 500 beside it);
 *   - a Graph error object: a refusal, final or retried by the table, except the unsure codes,
 *     which are unknown; it counts also beside a 2xx, and beside a transport error;
 *   - nothing written: surely not sent;
 *   - a complete 429 without an error object: a throttle. It is the one status that only says that
 *     the request was turned away at the door, by whatever stands in front of Graph;
 *   - all else: unknown. A 5xx without an error object, a 2xx without a wamid, an answer cut off,
 *     none; also a 3xx and other 4xx without an error object: no word of Graph's says that it did
 *     not act.
 *
 * What is an answer: one whole JSON object as base/json.h reads it (UTF-8, no key twice, at most
 * GRAPH_REPLY_MAX bytes). Of one that is cut off nothing is used. A wamid is the string at
 * messages[0].id, 1 to 255 printable ASCII characters. A Graph error object is an object at `error`
 * with a `code` that is a whole number, or one as text (gateways write it so); all else in it may
 * be missing or of another type. Text is cut to fit, and loses its control characters, because it
 * is shown on terminals.
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

/* Texts are "" where the answer had none. */
struct graph_reply {
    enum reply_kind kind;
    struct graph_error error; /* REPLY_ERROR */
    bool held;                /* message_status is there and not "accepted" */
    char wamid[OUTCOME_WAMID_MAX];
    char title[OUTCOME_TITLE_MAX]; /* `message` without "(#code)"; the table's where it is empty */
    char details[OUTCOME_DETAILS_MAX]; /* error_data.details, error_data or error_user_msg */
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
    enum action action;            /* VERDICT_REFUSED; else ACTION_UNKNOWN */
    const struct error_rule *rule; /* VERDICT_REFUSED, else NULL */
    enum reason reason;            /* for the record */
};

struct judgement graph_reply_judge(const struct exchange *x, const struct graph_reply *reply);

#endif
