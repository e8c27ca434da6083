/* SPDX-License-Identifier: MIT
 *
 * error_policy.h: one table: Graph's error code -> what tidings does, what to tell the operator.
 *
 * The table's source is Meta's error-code page (developers.facebook.com, WhatsApp, support/
 * error-codes, as of September 2026) and its Graph API guide; docs/error-codes.md is made from it.
 * Decisions go by the code, never by the HTTP status: Meta says so, and its statuses mislead (a
 * missing permission comes as 500, a throttle as 400).
 *
 * An error object is a refusal, even beside a 5xx, with two exceptions in which Graph may have
 * acted (ACTION_UNKNOWN): code 131000, and code 1 with a 5xx or is_transient.
 * Codes that are not in the table:
 *   0 to 10, 200 to 299   as an invalid token: Meta keeps these ranges for authorisation
 *   133xxx                as a number that is not registered
 *   2388xxx               as template management
 *   others                the message is failed; with a 5xx or is_transient it is tried again first
 */
#ifndef CORE_ERROR_POLICY_H
#define CORE_ERROR_POLICY_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a refusal makes us do. */
enum action {
    ACTION_FAIL,          /* this message is finished: failed */
    ACTION_FAIL_SUPPRESS, /* the same; do not send this kind to this recipient again */
    ACTION_FAIL_MISMATCH, /* the same; many in a row with one template stop the template */
    ACTION_DEFER,         /* failed; a resend only helps after a day or more */
    ACTION_RETRY,         /* backoff with jitter, counts as an attempt */
    ACTION_RETRY_ONCE,    /* one more try, then failed */
    ACTION_SLOW_SENDER,   /* throttled: cut this sender's rate, try again; uses no attempt up */
    ACTION_SLOW_PAIR,     /* this recipient only: wait 4^n seconds; uses no attempt up */
    ACTION_HOLD_SENDER,   /* the number is in maintenance: hold it for a minute; uses none up */
    ACTION_HOLD_TEMPLATE, /* the template is syncing: hold it for ten minutes; uses none up */
    ACTION_HALT_TOKEN,    /* everything with this token stops; the message waits */
    ACTION_HALT_ACCOUNT,  /* everything stops: app or business account; the message waits */
    ACTION_HALT_SENDER,   /* everything from this phone_id stops; the message waits */
    ACTION_HALT_TEMPLATE, /* everything with this template and language stops; the message waits */
    ACTION_UNKNOWN,       /* Graph may have acted: unknown */
    ACTION_NOT_FOR_SENDS, /* management only; on a send it halts the sender */
};
enum { ACTION_COUNT = ACTION_NOT_FOR_SENDS + 1 }; /* for arrays indexed by action */

struct error_rule {
    int code;    /* Graph's error.code */
    int subcode; /* error.error_subcode this row is for; 0: any */
    enum action action;
    const char *title; /* Meta's meaning, short */
    const char *hint;  /* what the operator should do, one sentence; how it goes on is not in it */
};

/* What an error object said, as far as the decision needs it. */
struct graph_error {
    int code;
    int subcode;
    int http_status;
    bool is_transient;
};

/* The rule for a synchronous refusal of a send: the row of code and subcode, else of the code, else
 * the rule for codes that the table does not know, whose `code` is 0 and `title` "". Never NULL. */
RETURNS_NON_NULL const struct error_rule *error_policy_find(const struct graph_error *error);

/* The action for this refusal. It differs from the rule's for code 1 alone (see above). */
enum action error_policy_action(const struct graph_error *error);

/* The whole table, in ascending order of code, then of subcode. (In error_table.c.) */
const struct error_rule *error_policy_table(size_t *count);
const char *action_name(enum action a);
/* One sentence: what tidings does on this action. */
const char *action_text(enum action a);

#endif
