/* SPDX-License-Identifier: MIT
 *
 * test_ledger_settled.h: a ledger a test, into which messages go as they stand: they wait, or an
 * attempt is concluded.
 */
#ifndef TEST_LEDGER_SETTLED_H
#define TEST_LEDGER_SETTLED_H

#include "test_ledger_support.h"

static const struct outcome ACCEPTED = {
    .state = STATE_ACCEPTED, .http_status = 200, .counts = true, .wamid = "wamid.A"};
static const struct outcome FAILED = {
    .state = STATE_FAILED, .reason = REASON_REFUSED, .code = 131026, .counts = true};
static const struct outcome UNKNOWN = {
    .state = STATE_UNKNOWN, .reason = REASON_NO_ANSWER, .counts = true};
static const struct outcome REFUSED = {.state = STATE_WAITING,
                                       .reason = REASON_REFUSED,
                                       .code = 131056,
                                       .next_ms = 9000,
                                       .counts = true};

static inline int setup(void **state)
{
    *state = box_new();
    return 0;
}

static inline int teardown(void **state)
{
    box_free(*state);
    return 0;
}

/* Message `id` of `broadcast` waits until `due_ms`. Returns its number. */
static inline uint64_t wait_in(struct box *b, const char *broadcast, const char *id, int64_t due_ms)
{
    struct message *m = message_in(broadcast, id);
    struct record r = {.kind = RECORD_ADMIT, .message = m, .at_ms = 1000, .due_ms = due_ms};

    box_do(b, &r);
    message_free(m);
    return r.number;
}

/* It is sent once, with that outcome. */
static inline uint64_t conclude_in(struct box *b, const char *broadcast, const char *id,
                                   const struct outcome *o)
{
    struct message *m = message_in(broadcast, id);
    struct record r = admit(b, m, true);

    conclude(b, &r, 1, o);
    message_free(m);
    return r.number;
}

#endif
