/* SPDX-License-Identifier: MIT
 *
 * webhook_status.h: what webhooks say of an accepted message.
 *
 * Model: statuses come in any order and any number of times. They are ordered so that the larger of
 * two always holds; so whatever the order, the end is the same. `undelivered` (Meta's "failed")
 * says more than `sent`, but a delivery that happened all the same (several devices) says more
 * still. Meta's "played" is `read`.
 */
#ifndef CORE_WEBHOOK_STATUS_H
#define CORE_WEBHOOK_STATUS_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>

/* The numbers are stored in the ledger, and their order is the rule: never change one. */
enum webhook_status {
    WEBHOOK_NONE = 0,
    WEBHOOK_SENT = 1,
    WEBHOOK_UNDELIVERED = 2,
    WEBHOOK_DELIVERED = 3,
    WEBHOOK_READ = 4,
};
enum { WEBHOOK_STATUS_COUNT = 5 }; /* for arrays indexed by status */

/* What is known after `told`, when `known` was known before. */
enum webhook_status webhook_status_merge(enum webhook_status known, enum webhook_status told);
/* The words of the contract; "" for WEBHOOK_NONE and for numbers that we do not know. */
const char *webhook_status_name(enum webhook_status status);
/* Meta's word. False when it is none of a message's. */
bool webhook_status_parse(const char *word, size_t len, enum webhook_status *out) MUST_CHECK;

#endif
