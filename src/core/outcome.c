/* SPDX-License-Identifier: MIT */
#include "core/outcome.h"

#include <string.h>

static const char *const state_names[STATE_COUNT] = {
    [STATE_WAITING] = "waiting", [STATE_SENDING] = "sending", [STATE_ACCEPTED] = "accepted",
    [STATE_FAILED] = "failed",   [STATE_UNKNOWN] = "unknown", [STATE_SKIPPED] = "skipped",
};

static const char *const reason_names[REASON_COUNT] = {
    [REASON_NONE] = "",
    [REASON_REFUSED] = "refused",
    [REASON_ATTEMPTS_USED] = "attempts_used",
    [REASON_NOT_SENT] = "not_sent",
    [REASON_WITHDRAWN] = "withdrawn",
    [REASON_NO_ANSWER] = "no_answer",
    [REASON_BAD_ANSWER] = "bad_answer",
    [REASON_UNSURE_ERROR] = "unsure_error",
    [REASON_INTERRUPTED] = "interrupted",
    [REASON_OPTED_OUT] = "opted_out",
    [REASON_EXPIRED] = "expired",
    [REASON_INVALID] = "invalid",
    [REASON_CANCELLED] = "cancelled",
    [REASON_NOT_DUE] = "not_due",
    [REASON_HELD] = "held",
    [REASON_RETRY] = "retry",
    [REASON_TAKEN_OVER] = "taken_over",
    [REASON_WEBHOOK] = "webhook",
    [REASON_BY_HAND] = "by_hand",
    [REASON_GIVEN_UP] = "given_up",
};

/* The numbers come from a file: one that a later version wrote may be new to us. */
const char *state_name(enum state s)
{
    unsigned number = s;

    return number < STATE_COUNT && state_names[number] ? state_names[number] : "";
}

const char *reason_name(enum reason r)
{
    unsigned number = r;

    return number < REASON_COUNT ? reason_names[number] : "";
}

bool state_parse(const char *word, enum state *out)
{
    for (unsigned s = STATE_WAITING; s < STATE_COUNT; s++) {
        if (strcmp(word, state_names[s]) == 0) {
            *out = s;
            return true;
        }
    }
    return false;
}

bool state_is_final(enum state s)
{
    return s == STATE_ACCEPTED || s == STATE_FAILED || s == STATE_SKIPPED;
}
