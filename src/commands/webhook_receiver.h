/* SPDX-License-Identifier: MIT
 *
 * webhook_receiver.h: Meta's status webhooks, from the port (webhook.listen) to the ledger.
 *
 * Model: GET /webhook is Meta's handshake. POST /webhook brings statuses: the signature over the
 * raw bytes is checked before anything is read; what the body says of our messages is put on
 * record, and only then answered with 200. Anything that Meta should send again gets another
 * status. Unknown messages are settled by it.
 * Lifetime: `on_recorded` comes on the loop, for each body; its items are borrowed during the call.
 * webhook_receiver_close: `on_closed` comes from the loop, and the receiver is freed. No body may
 * be with the ledger then, unless that is broken: stop it first, and wait until it is idle.
 * Failure: by webhook_receiver_open: EXIT_CONFIG and the like, the key named.
 */
#ifndef COMMANDS_WEBHOOK_RECEIVER_H
#define COMMANDS_WEBHOOK_RECEIVER_H

#include "commands/access.h"
#include "commands/settings.h"
#include "ledger/ledger_errand.h"

#include <uv.h>

struct webhook_receiver;

struct webhook_receiver_events {
    void *context;
    void (*on_recorded)(void *context, const struct ledger_status *items, size_t count);
};

struct webhook_counts_of {
    uint64_t bodies;   /* with a right signature */
    uint64_t rejected; /* with a wrong one, or none */
    uint64_t statuses[WEBHOOK_STATUS_COUNT];
    uint64_t unmatched; /* statuses of no message of this ledger */
    uint64_t settled;   /* messages that were unknown */
    uint64_t twins;     /* messages that Graph accepted twice */
};

struct webhook_receiver_options {
    uv_loop_t *loop;
    struct ledger *ledger;
    const struct settings *settings; /* read, not kept; webhook.listen must not be "off" */
    struct webhook_receiver_events events;
};
bool webhook_receiver_open(const struct webhook_receiver_options *options,
                           struct webhook_receiver **out, struct err *e) MUST_CHECK;
/* From now on these secrets; taken. */
void webhook_receiver_set_access(struct webhook_receiver *r, const struct access_webhook *access);
const char *webhook_receiver_address(const struct webhook_receiver *r);
const struct webhook_counts_of *webhook_receiver_counts(const struct webhook_receiver *r);
/* From now on every body gets 503: Meta sends it again. */
void webhook_receiver_stop(struct webhook_receiver *r);
bool webhook_receiver_is_idle(const struct webhook_receiver *r);
void webhook_receiver_close(struct webhook_receiver *r, void (*on_closed)(void *context),
                            void *context);

#endif
