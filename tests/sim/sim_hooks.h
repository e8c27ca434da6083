/* SPDX-License-Identifier: MIT
 *
 * sim_hooks.h: Meta's webhooks, and the product's receiver of them (commands/webhook_receiver.c).
 *
 * Model: whatever Graph accepts may be told of by statuses; they wait for each other or not, arrive
 * when they like, and are posted again until they are answered with 200.
 */
#ifndef SIM_SIM_HOOKS_H
#define SIM_SIM_HOOKS_H

#include "commands/webhook_receiver.h"
#include "sim_http.h"
#include "sim_random.h"

struct world;
struct flight;
struct event;
struct posting;

/* What Meta has done, by message: what the rules know, and the ledger must. */
struct sim_truth {
    unsigned char heard;      /* 1 << status: of ours, answered with 200 */
    unsigned char said;       /* 1 << status: of ours, ever written */
    bool is_foreign;          /* another ledger's has its id, and statuses tell of it */
    unsigned heard_of;        /* the newest attempt of which statuses were answered with 200 */
    enum webhook_status last; /* the highest that was heard */
};

struct sim_hooks {
    struct sim_port port;
    struct webhook_receiver *receiver; /* of this life */
    struct sim_random random;
    struct list posts; /* all that are not done */
    unsigned post_count;
    struct posting *gathering; /* the newest, while others may join it */
    struct sim_truth *truth;
    int64_t wait_until_us; /* of this life; 0: it does not wait yet */
};

void hooks_init(struct world *w);
void hooks_free(struct world *w);
/* The process begins, ends. */
void hooks_open(struct world *w);
void hooks_close(struct world *w);

/* Graph has seen a body, and accepted it or not. */
void hooks_on_body(struct world *w, const struct flight *f, bool is_accepted);
/* The client has its answer, or knows that it will have none. */
void hooks_on_answer(struct world *w, const struct flight *f);
/* A post is due. */
void hooks_on_post(struct world *w, struct event *event);

/* Nothing is on its way any more, or it was waited for long enough: nothing will come then. */
bool hooks_are_quiet(struct world *w);
/* From now on nothing is taken; true when nothing is with the ledger. */
bool hooks_are_stopped(struct world *w);

#endif
