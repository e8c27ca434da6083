/* SPDX-License-Identifier: MIT
 *
 * refusal.h: Graph says no: the code, what is written beside it, and the HTTP status it comes with.
 *
 * Statuses and titles are those of Meta's error-code page (December 2025, the last that had an HTTP
 * column); throttles come as 400 there and as 429 elsewhere, so their status is a flag's choice.
 */
#ifndef GRAPHMOCK_REFUSAL_H
#define GRAPHMOCK_REFUSAL_H

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    CODE_OAUTH = 190,
    CODE_NO_TOKEN = 104,
    CODE_INVALID = 100,
    CODE_UNKNOWN_PATH = 2500,
    CODE_THROUGHPUT = 130429,
    CODE_MISSING = 131008,
    CODE_VALUE = 131009,
    CODE_SELF = 131021,
    CODE_TYPE = 131051,
    CODE_PAIR = 131056,
    CODE_PARAM_COUNT = 132000,
    CODE_NO_TEMPLATE = 132001,
    CODE_TOO_LONG = 132005,
    CODE_PARAM_FORMAT = 132012,
    CODE_PARAM_SPACE = 132018,
};

struct refusal {
    int64_t code;
    int subcode; /* 0: none */
    int status;
    bool transient;
    bool is_method; /* type GraphMethodException instead of OAuthException */
    char message[384];
    char details[384]; /* "": no error_data */
};

/* `code` with its usual status and title, and these details. Returns false, so that a check can end
 * with `return refuse(...)`. */
bool refuse(struct refusal *r, int64_t code, const char *details, ...) PRINTF_LIKE(3, 4);
/* The same for codes whose message is prose of its own. */
bool refuse_prose(struct refusal *r, int64_t code, const char *message, ...) PRINTF_LIKE(3, 4);
/* The code with its usual details. */
void refuse_plainly(struct refusal *r, int64_t code);
/* Its title, without the number. */
const char *refusal_title(int64_t code);
/* Is it one that says "slow down"? */
bool refusal_is_throttle(int64_t code);

#endif
