/* SPDX-License-Identifier: MIT
 *
 * sim_post.h: a webhook of Meta's: some statuses, posted until they are answered with 200.
 *
 * Model: a fact is one status of one attempt, or something that looks like one. What its kind says
 * of the ledger is the whole contract: FACT_OURS is of our message, FACT_FOREIGN settles it only
 * where it is unknown, the rest changes nothing.
 */
#ifndef SIM_SIM_POST_H
#define SIM_SIM_POST_H

#include "base/heap.h"
#include "base/list.h"
#include "core/opaque_id.h"
#include "core/webhook_status.h"

#include <stdint.h>

struct ledger_errand;

enum fact_kind {
    FACT_OURS,
    FACT_BARE,     /* its callback data is missing */
    FACT_CUT,      /* its callback data is cut */
    FACT_STRANGER, /* another program's message, or a ledger's of before */
    FACT_FOREIGN,  /* another ledger's message with the id of one of ours */
};

struct sim_fact {
    enum fact_kind kind;
    unsigned index; /* the message */
    unsigned attempt;
    enum webhook_status status;
    int64_t at_ms;
    int code; /* of WEBHOOK_UNDELIVERED */
    char opaque[OPAQUE_ID_SIZE];
};

enum { SIM_POST_FACTS = 24 };

struct sim_post {
    struct list node; /* of all that are not done */
    struct list of_ledger;
    struct ledger_errand *errand; /* it is with the ledger; else NULL */
    struct sim_fact facts[SIM_POST_FACTS];
    unsigned count;
    unsigned tries;
    bool is_forged; /* not by Meta: its signature is wrong */
};

#endif
