/* SPDX-License-Identifier: MIT
 *
 * outcome.h: what is known of a message, in the words of the contract.
 */
#ifndef CORE_OUTCOME_H
#define CORE_OUTCOME_H

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

/* The numbers are stored in the ledger: never change one. */
enum state {
    STATE_WAITING = 1,  /* not tried yet, or refused or surely not sent; has a next time */
    STATE_SENDING = 2,  /* intent is on disk; found at start-up it becomes unknown */
    STATE_ACCEPTED = 3, /* Graph answered with a wamid */
    STATE_FAILED = 4,   /* refused for good, or attempts used up */
    STATE_UNKNOWN = 5,  /* a request left, or may have, and no usable answer came */
    STATE_SKIPPED = 6,  /* never sent, by rule */
};
enum { STATE_COUNT = 7 }; /* for arrays indexed by state */

/* Why a message is where it is. Stored in the ledger: never change a number. */
enum reason {
    REASON_NONE = 0,
    REASON_REFUSED = 1,       /* Graph answered with an error object */
    REASON_ATTEMPTS_USED = 2, /* refused again and again; the last code is kept */
    REASON_NOT_SENT = 3,      /* surely not on the wire: connection, DNS, TLS */
    REASON_WITHDRAWN = 4,     /* intent taken back before the request started (stop, halt) */
    REASON_NO_ANSWER = 5,     /* on the wire; timeout, reset, closed, cut off */
    REASON_BAD_ANSWER = 6, /* on the wire; an answer that says nothing (5xx HTML, 200 without id) */
    REASON_UNSURE_ERROR = 7, /* Graph answered with 131000, or 1 with 5xx or is_transient */
    REASON_INTERRUPTED = 8,  /* `sending` found at start-up */
    REASON_OPTED_OUT = 9,
    REASON_EXPIRED = 10,
    REASON_INVALID = 11,
    REASON_CANCELLED = 12,
    REASON_NOT_DUE = 13,    /* not_before lies ahead */
    REASON_HELD = 14,       /* accepted, and held by Graph for quality assessment, or paused */
    REASON_RETRY = 15,      /* opened again by `retry` */
    REASON_TAKEN_OVER = 16, /* another worker had it, and may have sent it */
    REASON_WEBHOOK = 17,    /* it was unknown; a status webhook says that Graph accepted it */
    REASON_BY_HAND = 18,    /* it was unknown; the operator says that it was sent */
    REASON_GIVEN_UP = 19,   /* it was unknown; the operator gave it up */
};
enum { REASON_COUNT = 20 }; /* for arrays indexed by reason */

/* The words of the contract, "" for REASON_NONE and for numbers that we do not know. */
const char *state_name(enum state s);
const char *reason_name(enum reason r);
/* "accepted" -> STATE_ACCEPTED. False when there is no such word. */
bool state_parse(const char *word, enum state *out) MUST_CHECK;
bool state_is_final(enum state s);

enum {
    OUTCOME_WAMID_MAX = 256,
    OUTCOME_TITLE_MAX = 160,
    OUTCOME_DETAILS_MAX = 320,
    OUTCOME_TRACE_MAX = 64,
};

/* The result of an attempt, or of a rule. A plain value: copied. */
struct outcome {
    enum state state; /* waiting, accepted, failed, unknown or skipped */
    enum reason reason;
    int code;           /* Graph's error code, 0 when none */
    int http_status;    /* 0 when there was no answer */
    int64_t next_ms;    /* waiting: Unix milliseconds of the next try */
    int64_t latency_us; /* from the wire to the answer; 0 when not measured */
    bool counts;        /* the attempt counts against retry.max_attempts */
    char wamid[OUTCOME_WAMID_MAX];
    char title[OUTCOME_TITLE_MAX];     /* Graph's title, or our own sentence */
    char details[OUTCOME_DETAILS_MAX]; /* error_data.details */
    char trace[OUTCOME_TRACE_MAX];     /* fbtrace_id */
};

#endif
