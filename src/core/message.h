/* SPDX-License-Identifier: MIT
 *
 * message.h: one template message to one person, and how named fields become one.
 *
 * Model: a source (CSV row, JSON object, stream entry, command line) hands over flat fields by
 * name; message_from_fields checks all of what Graph would refuse for its form, and builds the
 * message or says why not. A message is immutable from then on.
 *
 * Fields, by name:
 *     to                                   required; see phone.h
 *     id, template, lang, sender, broadcast, class_id, test_num, ref, not_before, expires_at
 *                                          optional; empty counts as not given, and so does time 0
 *     components                           Graph's own array, as JSON: wins over all that follows
 *     params                               body, as a JSON array (positional) or object (named) of
 *                                          texts and numbers; [] and {} mean no parameter
 *     p1 to p64                            body, positional, without a gap
 *     what defaults->params names          body, for messages of the default template only
 *     header                               the text header's parameter
 *     url_button_0 to url_button_9         a URL button's parameter, by the button's index
 *     quick_reply_0 to quick_reply_9       a quick-reply button's payload, by the button's index
 * Of the body's four forms the first that is given counts; what it beats is not looked at. A p, a
 * header or a button that is there must not be empty: Graph refuses that. So a file of several
 * templates gives `params` or `components` instead of leaving cells empty.
 *
 * `content` is the compact, canonical JSON of what fills the template, the form in which the ledger
 * keeps it and from which graph_payload renders Graph's components:
 *     (empty)                              no component
 *     ["Asha","Physics"]                   positional body parameters, and nothing else
 *     {"header":"text",                    text header parameter
 *      "body":[...]|{"name":"text"},       positional or named body parameters
 *      "url":{"0":"text"},                 URL button parameters by button index
 *      "reply":{"1":"payload"}}            quick-reply payloads by button index
 *     {"components":[...]}                 Graph's own array
 * The same input in another spelling (escapes, spaces, order of members) has the same content:
 * named parameters, and the members of every object in `components`, are sorted.
 */
#ifndef CORE_MESSAGE_H
#define CORE_MESSAGE_H

#include "base/attr.h"
#include "core/reject.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    MESSAGE_ID_MAX = 128,        /* bytes; the contract's limit */
    MESSAGE_LABEL_MAX = 128,     /* bytes of class_id, test_num, broadcast */
    MESSAGE_REF_MAX = 512,       /* bytes of ref */
    MESSAGE_TEMPLATE_MAX = 512,  /* graph-api: template name */
    MESSAGE_SENDER_MAX = 32,     /* digits; graph-api: 15 to 17 seen */
    MESSAGE_BODY_MAX = 1024,     /* characters of all body parameters: they fit the filled body */
    MESSAGE_PARAMS_MAX = 64,     /* parameters of one component */
    MESSAGE_CONTENT_MAX = 32768, /* bytes of `content` */
    MESSAGE_BUTTONS_MAX = 10,    /* graph-api: buttons of a template */
};

/* One named value as a source found it. Bytes are borrowed; values may hold anything, NUL too. */
struct field {
    const char *name;
    const char *value;
    size_t len;   /* bytes of `value` */
    bool is_json; /* `value` is JSON text (an array or object from JSONL); else plain text */
};

/* What fills in where a message says nothing. Borrowed by message_from_fields. */
struct message_defaults {
    const char *template_name; /* template.name */
    const char *lang;          /* template.lang */
    const char *sender;        /* whatsapp.phone_id */
    const char *broadcast;     /* the broadcast's name, or "" */
    /* Columns that fill the body, in order, for messages of the default template;
     * "name=COLUMN" makes it a named parameter. Where there are any, a message that gives its
     * parameters otherwise gives as many. */
    const char *const *params;
    size_t param_count;
};

/* A message. All strings are non-NULL, NUL-terminated, valid UTF-8, and live in the message. */
struct message {
    const char *id; /* idempotency key, 1 to MESSAGE_ID_MAX bytes */
    const char *to; /* E.164 with '+' */
    const char *template_name;
    const char *lang;
    const char *content;  /* see above */
    const char *class_id; /* labels, "" when not given */
    const char *test_num;
    const char *broadcast;
    const char *sender; /* phone_id */
    const char *ref;
    int64_t not_before_ms; /* Unix milliseconds; 0: at once */
    int64_t expires_at_ms; /* Unix milliseconds; 0: never */
    uint64_t id_hash;      /* hash64 of `id`: the ledger's key, and what the opaque id carries */
    uint64_t content_hash; /* hash64 over to, template, lang and content */
    uint64_t pair_hash;    /* hash_quick over sender and to: the pair limit's key */
};

/* How the id is made when no `id` field is given. */
enum id_rule {
    ID_FROM_CONTENT, /* files: hash of (broadcast, sender, to, template, lang, content) */
    ID_FROM_SOURCE,  /* streams and `send`: `source_id` is the id */
};

struct message_context {
    const struct message_defaults *defaults;
    enum id_rule id_rule;
    const char *source_id; /* for ID_FROM_SOURCE */
};

/* Builds a message from `count` fields. Unknown names are ignored (see message_field_is_known).
 * Returns it (free with message_free) or NULL with `why` filled. */
struct message *message_from_fields(const struct field *fields, size_t count,
                                    const struct message_context *context,
                                    struct reject *why) MUST_CHECK;

/* A message from values that were validated before (the ledger's rows). Strings are copied; NULL
 * counts as "". The hashes are computed. Returned: free with message_free. */
struct message *message_restore(const struct message *values) MUST_CHECK;

void message_free(struct message *m);

/* What is wrong with a value of `template`, `lang`, `sender`, `id`, a label or `ref`, and what is
 * allowed ("is no id; ..."), or NULL. That it may be empty says the caller. */
const char *message_value_fault(const char *field, const char *value) MUST_CHECK;

/* Is `name` a field of a message, or a column that the defaults' params name? */
bool message_field_is_known(const char *name, const struct message_defaults *defaults);

#endif
