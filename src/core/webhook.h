/* SPDX-License-Identifier: MIT
 *
 * webhook.h: the body of a webhook of Meta's -> what it says of our messages.
 *
 * Model: a body holds entries (one an account), these hold changes, those of the field "messages"
 * hold statuses; up to 1,000 in one body. Each status that has a wamid and one of Meta's words
 * (webhook_status.h) is one fact. Everything else is counted and passed over: unknown fields and
 * words, other kinds of changes (inbound messages, template updates, account alerts). The order
 * within the body is kept, and means nothing.
 * Whether Meta wrote the body is asked before (webhook_signature.h).
 * Lifetime: `on_fact` is called from inside the call; all that a fact names is borrowed until it
 * returns.
 * Failure: a body that is no JSON object, or longer than WEBHOOK_BODY_MAX: false, and nothing was
 * told. No memory is taken, so there is nothing else that could be too much.
 */
#ifndef CORE_WEBHOOK_H
#define CORE_WEBHOOK_H

#include "base/err.h"
#include "core/outcome.h"
#include "core/webhook_status.h"

enum {
    WEBHOOK_BODY_MAX = 3 * 1024 * 1024, /* Meta's own limit */
    WEBHOOK_OPAQUE_MAX = 513,           /* Meta takes 512 characters; ours are 36 ASCII ones */
    WEBHOOK_ID_MAX = 64,
};

/* Texts are "" where the webhook has none. */
struct webhook_fact {
    enum webhook_status status; /* never WEBHOOK_NONE */
    int64_t at_ms;              /* Unix milliseconds (whole seconds), 0 when not told */
    int code;                   /* WEBHOOK_UNDELIVERED: Graph's error code, 0 when not told */
    char wamid[OUTCOME_WAMID_MAX];
    char recipient[WEBHOOK_ID_MAX];  /* digits, mostly; may differ from the `to` of the send */
    char opaque[WEBHOOK_OPAQUE_MAX]; /* biz_opaque_callback_data; "" also when it is longer */
    char title[OUTCOME_TITLE_MAX];
    char details[OUTCOME_DETAILS_MAX];
    const char *phone_id; /* the sender */
    const char *waba_id;  /* entry.id: recorded, not judged */
};

struct webhook_counts {
    uint64_t facts;
    uint64_t passed_over; /* statuses without a wamid, or with a word that we do not know */
    uint64_t other;       /* changes without statuses, or of another field */
};

struct webhook_reader {
    void (*on_fact)(void *context, const struct webhook_fact *fact);
    void *context;
    struct webhook_counts counts; /* added to by each body */
};

bool webhook_read(struct webhook_reader *r, const char *body, size_t len, struct err *e) MUST_CHECK;

#endif
