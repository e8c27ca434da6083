/* SPDX-License-Identifier: MIT
 *
 * sim_told.h: what webhooks make of a row of the ledger's mirror.
 *
 * Model: a set, not a story: the highest status, the earliest time of each, every wamid that is
 * known. The same facts in any order, any number of times, leave the same.
 */
#ifndef SIM_SIM_TOLD_H
#define SIM_SIM_TOLD_H

#include "core/outcome.h"
#include "ledger/ledger_query.h"
#include "sim_post.h"

enum { SIM_WAMIDS = 8 }; /* Graph accepts a message at most as often */

struct sim_told_row {
    enum webhook_status status;
    int64_t at_ms[WEBHOOK_STATUS_COUNT];
    int code;                          /* of undelivered */
    unsigned short wamids[SIM_WAMIDS]; /* that are known, by attempt; 0: another ledger's */
    unsigned wamid_count;
    bool is_kept;    /* told while an attempt was under way: what becomes of that is accepted */
    bool by_webhook; /* it is accepted by a webhook, maybe before the source heard of the rest */
};

/* Does it speak of a message that stands there? */
bool sim_told_applies(const struct sim_fact *f, enum state state);
/* It does: where the message stands then. */
enum state sim_told_take(struct sim_told_row *t, const struct sim_fact *f, enum state state);
/* Graph's answer to an attempt has a wamid. */
void sim_told_answer(struct sim_told_row *t, unsigned attempt);
/* Copies that are known beside the first. */
unsigned sim_told_twins(const struct sim_told_row *t);
/* Is this what is on record? */
bool sim_told_is(const struct sim_told_row *t, const struct ledger_delivery *found);

#endif
