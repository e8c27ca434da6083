/* SPDX-License-Identifier: MIT
 *
 * ledger_errand.h: what a process that does not end asks of its ledger, and changes in it, while
 * records go on being committed.
 *
 * Model: an errand runs on the ledger's worker, in the transaction of the next commit, after that
 * commit's records. It comes back on the loop once that commit is on disk, after the records.
 * Errands run in the order in which they were handed over.
 * Lifetime: the struct and what it points to are borrowed until on_done, which may hand it over
 * again or free it. What an errand returns is the caller's from then on.
 * Failure: none by errand: an error breaks the ledger, and no errand comes back any more. It is
 * then the caller's to free what it has out.
 */
#ifndef LEDGER_LEDGER_ERRAND_H
#define LEDGER_LEDGER_ERRAND_H

#include "base/buf.h"
#include "core/opaque_id.h"
#include "core/webhook_status.h"
#include "ledger/ledger.h"

struct store;

struct ledger_errand {
    struct list node; /* the ledger's while it has the errand */
    bool (*work)(struct store *s, struct ledger_errand *errand,
                 struct err *e); /* set by the call */
    void (*on_done)(struct ledger_errand *errand);
    void *context;
};

/* Messages that wait and are due, of all broadcasts that are not paused or cancelled, in turn;
 * those due first come first. */
struct ledger_due {
    struct ledger_errand errand;
    int64_t by_ms;        /* wall clock: due by then */
    const uint64_t *held; /* numbers that the caller has in memory: left out. Ascending */
    size_t held_count;
    struct waiting *items; /* the caller's, room for `max` */
    size_t max;
    size_t count; /* result */
    bool more;    /* result: there are others that are due */
};
void ledger_ask_due(struct ledger *l, struct ledger_due *due);

/* New messages that wait from now on: the ledger has them before the one who gave them is told. */
struct ledger_intake_item {
    struct message *message;  /* only read */
    enum admission admission; /* result */
    enum state known;         /* result: where the ledger knew the message already */
    bool elsewhere;           /* result: the same, of another broadcast; as record.h has it */
};
struct ledger_intake {
    struct ledger_errand errand;
    struct ledger_intake_item *items;
    size_t count;
    int64_t at_ms;
};
void ledger_take_in(struct ledger *l, struct ledger_intake *intake);

/* Failed or unknown messages become waiting, due at once (`retry`, `reconcile --resend`). */
struct ledger_reopening {
    struct ledger_errand errand;
    const uint64_t *numbers; /* those that are in none of `states` any more, and those of a
                              * cancelled broadcast, are left alone */
    size_t count;
    unsigned states; /* 1 << STATE_FAILED, 1 << STATE_UNKNOWN */
    int64_t at_ms;
    size_t opened; /* result */
};
void ledger_open_again(struct ledger *l, struct ledger_reopening *reopening);

/* A broadcast is put on record, or changes; a name that is not on record yet becomes so. Leaving
 * out the hashes leaves those on record as they are. A cancelled one is left alone: that is final.
 * So is "", which no broadcast is called. */
struct ledger_broadcast_change {
    struct ledger_errand errand;
    const char *name;
    unsigned from; /* 1 << state: in any other it is left alone; 0: from any */
    enum broadcast_state state;
    const unsigned char *file_hash; /* 32 bytes, or NULL */
    const unsigned char *plan_hash; /* the same */
    enum broadcast_state before;    /* result; 0: it was not on record */
    bool is_known;                  /* result: it was, or messages name it */
};
void ledger_change_broadcast(struct ledger *l, struct ledger_broadcast_change *change);

/* Broadcasts with messages that are not finished, the newest first. */
struct ledger_unfinished_item {
    char name[MESSAGE_LABEL_MAX + 1];
    struct ledger_broadcast broadcast; /* state 0: it was never put on record by itself */
};
struct ledger_unfinished {
    struct ledger_errand errand;
    struct ledger_unfinished_item *items; /* the caller's, room for `max` */
    size_t max;
    size_t count;  /* result */
    uint64_t more; /* result: those that had no room */
};
void ledger_ask_unfinished(struct ledger *l, struct ledger_unfinished *unfinished);

/* Waiting messages of a broadcast (NULL: of all) are skipped for good: cancelled. At most `max`. */
struct ledger_cancelling {
    struct ledger_errand errand;
    const char *broadcast;
    int64_t at_ms;
    size_t max;
    struct buf *ids; /* gets their ids, each with its NUL; borrowed; NULL: not wanted */
    size_t count;    /* result; below `max`: none is left */
};
void ledger_cancel_waiting(struct ledger *l, struct ledger_cancelling *cancelling);

/* What webhooks say of messages (core/webhook.h). */
struct ledger_status {
    bool has_opaque; /* the callback data is one of ours */
    struct opaque_id opaque;
    enum webhook_status status;
    int64_t at_ms; /* Meta's clock; 0: not told */
    int code;      /* of undelivered */
    char wamid[OUTCOME_WAMID_MAX];
    char title[OUTCOME_TITLE_MAX];
    uint64_t number; /* result: the message; 0: none of this ledger's, nothing was changed */
    char id[MESSAGE_ID_MAX + 1]; /* result: its id, where it was settled or is a twin; else "" */
    bool settled;                /* result: it was unknown (or what else), and is accepted now */
    bool was_waiting;            /* result: and it waited to be sent again */
    bool twin;                   /* result: Graph accepted it twice; told once */
};
struct ledger_statuses {
    struct ledger_errand errand;
    struct ledger_status *items;
    size_t count;
    int64_t at_ms; /* wall clock */
};
void ledger_put_statuses(struct ledger *l, struct ledger_statuses *statuses);

/* Unknown messages are settled by hand (`reconcile`): accepted (REASON_BY_HAND) or failed
 * (REASON_GIVEN_UP). */
struct ledger_settling {
    struct ledger_errand errand;
    const uint64_t *numbers; /* those that are not unknown any more are left alone */
    size_t count;
    enum state to; /* STATE_ACCEPTED or STATE_FAILED */
    int64_t at_ms;
    size_t settled; /* result */
};
void ledger_settle_by_hand(struct ledger *l, struct ledger_settling *settling);

/* What is to be told: results (core/outcome.h: accepted, failed, unknown, skipped), and statuses.
 */
struct ledger_result {
    uint64_t seq;               /* ascending */
    struct message *message;    /* returned: free with message_free; NULL: a status of no message */
    enum webhook_status status; /* WEBHOOK_NONE: it is a result */
    struct outcome outcome;     /* result: the newest; status: its code and wamid */
    unsigned attempts;
    int64_t at_ms;
};
struct ledger_results {
    struct ledger_errand errand;
    uint64_t after; /* those above this seq */
    struct ledger_result *items;
    size_t max;
    size_t count; /* result */
};
void ledger_ask_results(struct ledger *l, struct ledger_results *results);

/* Results up to `seq` were told. */
struct ledger_told {
    struct ledger_errand errand;
    uint64_t seq;
};
void ledger_forget_results(struct ledger *l, struct ledger_told *told);

/* Everything is held by the operator since then (wall clock), or not: 0. Survives a restart. */
struct ledger_hold {
    struct ledger_errand errand;
    int64_t since_ms;
};
void ledger_put_hold(struct ledger *l, struct ledger_hold *hold);

/* The entries of the streams up to these, by lane, are cancelled for good. */
struct ledger_giving_up {
    struct ledger_errand errand;
    struct stream_id upto[LANE_COUNT];
};
void ledger_put_given_up(struct ledger *l, struct ledger_giving_up *giving_up);

#endif
