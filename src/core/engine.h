/* SPDX-License-Identifier: MIT
 *
 * engine.h: the life of every message that is not finished; the only room that changes a state.
 *
 * Model: sources offer messages, the ledger records, the client sends. The engine decides when each
 * of these happens. It does no I/O and knows no clock: what it needs of the world are its ports,
 * and every call brings the time along. A delivery is a message on its way; it is in one stage, on
 * one list (core/delivery.h has the table of stages and allowed moves).
 *
 * What it promises (docs/architecture.md names the test that holds each):
 *   - no request starts before its intent came back from the ledger;
 *   - no source hears of a message before its outcome came back;
 *   - a message goes again only when its record says refused, surely not sent, or unknown with
 *     `resend`;
 *   - at the wire, no sliding second holds more than the rate; no pair gets more than its limit.
 *
 * Lifetime: engine_new to engine_free; ports are called from inside engine_turn and the engine_on_*
 * calls, and must not call back into the engine, except `pull`, which may offer. All memory is
 * bounded by the options and the constants below.
 * Failure: none by call. A broken ledger stops everything (engine_on_ledger_broken).
 */
#ifndef CORE_ENGINE_H
#define CORE_ENGINE_H

#include "core/graph_reply.h"
#include "core/graph_request.h"
#include "core/halt.h"
#include "core/message.h"
#include "core/rate_limit.h"
#include "core/record.h"
#include "core/retry.h"

enum {
    ENGINE_WAITING_MAX = 4096, /* deliveries in memory that wait for a later try */
    ENGINE_PARKED_MAX = 1024,  /* deliveries that a halt of their sender or template holds */
    ENGINE_OFFERED_MAX = 2048, /* deliveries that a source offered and that are not admitted yet */
    ENGINE_AHEAD_MAX = 4096,   /* intents on disk or on their way there */
    ENGINE_SENDERS_MAX = 256,  /* senders with a pace of their own */
};

struct moment {
    int64_t mono_us; /* for pacing and deadlines */
    int64_t wall_ms; /* for records */
};

/* A message on its way, as the ports see it. Borrowed during the call. */
struct engine_view {
    const struct message *message;
    void *ref;        /* what the source gave with it */
    bool in_custody;  /* the ledger had it: its outbox tells the outcome, whatever `ref` says */
    uint64_t number;  /* the ledger's; 0 before it is admitted */
    unsigned attempt; /* the newest */
    int64_t late_us;  /* on_started: behind its turn, as foreseen when its intent was made */
    int64_t at_ms;    /* on_settled: of the outcome, as it is on record */
    const struct outcome *outcome; /* NULL where there is none yet */
};

struct engine_ports {
    void *world;
    /* Offer up to `want` messages, now (engine_offer) or later. */
    void (*pull)(void *world, unsigned want);
    /* Make it durable; it comes back by engine_on_recorded. */
    void (*record)(void *world, struct record *record);
    /* May the client take one more? */
    bool (*has_room)(void *world);
    /* Send it; engine_on_wired and engine_on_answer follow. */
    void (*request)(void *world, struct graph_request *request);
    uint64_t (*random)(void *world);
    /* Facts for log, progress and results. */
    void (*on_started)(void *world, const struct engine_view *view);
    void (*on_answer)(void *world, const struct engine_view *view, const struct exchange *x,
                      const struct judgement *j);
    /* The outcome (waiting, too) is on disk. */
    void (*on_settled)(void *world, const struct engine_view *view);
    /* The id was known or reused: nothing was stored. */
    void (*on_known)(void *world, const struct engine_view *view, const struct record *record);
    void (*on_halt)(void *world, const struct halt *halt, bool raised);
};

struct engine_options {
    struct rate_limit_options rate; /* for each sender */
    struct retry_options retry;
    bool resend_unknown;     /* retry.ambiguous = resend */
    bool tell_known;         /* on_known wants what is known of the message */
    int64_t intent_ahead_us; /* how far intents may be on disk before their turn */
    unsigned max_in_flight;
    uint64_t ledger_id; /* goes into biz_opaque_callback_data */
    /* Wall clock: no attempt of a former run got on the wire later; 0: none. Nothing starts before
     * its sliding second is over. */
    int64_t last_attempt_ms;
};

struct engine;

struct engine *engine_new(const struct engine_options *options, const struct engine_ports *ports,
                          struct moment now);
/* Forgets everything in memory; what is recorded stays recorded. Nothing may be in flight. */
void engine_free(struct engine *e);

/* A new message from a source: taken. `ref` comes back in the views, until the message is in the
 * ledger's custody, or done. Only as much as was pulled. */
void engine_offer(struct engine *e, struct message *message, void *ref);
/* The same for one that another worker may have sent already: it is put on record as unknown. */
void engine_offer_taken_over(struct engine *e, struct message *message, void *ref);
/* The same for one that is cancelled already: it is put on record, and skipped. */
void engine_offer_given_up(struct engine *e, struct message *message, void *ref);
/* A message that waits in the ledger's custody: `message` is taken. */
struct engine_waiting {
    struct message *message;
    uint64_t number;
    unsigned attempt; /* the last one made */
    unsigned tries;   /* those that counted */
    int64_t due_ms;   /* wall clock */
};
/* One that it has already is left out: there is never a second delivery of a message. So is one of
 * a broadcast that is stopped. */
void engine_resume(struct engine *e, const struct engine_waiting *waiting, struct moment now);
/* Does it have this message of the ledger's custody in memory? */
bool engine_holds(const struct engine *e, uint64_t number);
/* The numbers of those that wait in memory, at most `max`, ascending. Returns how many. */
size_t engine_held(const struct engine *e, uint64_t *numbers, size_t max);
/* For the recipient's limit; in the order of the outcomes. */
void engine_restore_pair(struct engine *e, const struct past_attempt *attempt, struct moment now);
/* How many more waiting messages it can take. */
unsigned engine_waiting_room(const struct engine *e);
/* The source has no more. */
void engine_source_ended(struct engine *e);

/* Does what is due: admits, starts, pulls. Call it when engine_next_us has come, and after events.
 */
void engine_turn(struct engine *e, struct moment now);
/* When engine_turn has something to do next (monotonic); INT64_MAX: only an event can bring it. */
int64_t engine_next_us(struct engine *e, struct moment now);

void engine_on_recorded(struct engine *e, struct list *records, struct moment now);
void engine_on_ledger_broken(struct engine *e);
void engine_on_wired(struct engine *e, struct graph_request *request, struct moment now);
void engine_on_answer(struct engine *e, struct graph_request *request, const struct exchange *x,
                      struct moment now);

/* A hold of everything that somebody wants (halt_is_wanted), and its end. */
void engine_hold(struct engine *e, enum halt_kind kind, const char *why, struct moment now);
void engine_release(struct engine *e, struct moment now);
/* Nothing of this broadcast (NULL: of any, or of none) goes out, until engine_go_broadcast: what
 * waits in memory is left to the ledger, and new messages of it go there at once. Everything else
 * goes on. */
void engine_stop_broadcast(struct engine *e, const char *broadcast, struct moment now);
void engine_go_broadcast(struct engine *e, const char *broadcast);
/* What the source offered, and is not in flight, is skipped; what is in the ledger's custody is the
 * ledger's to cancel. */
void engine_give_up_offered(struct engine *e);
/* The message is settled in the ledger, and does not wait any more. */
void engine_forget(struct engine *e, uint64_t number, struct moment now);
/* Somebody did something about it (a new token, `resume`): what the halts of this kind held goes
 * on. */
void engine_clear_halts(struct engine *e, enum halt_kind kind, struct moment now);
/* A reload: ledger_id, last_attempt_ms and tell_known stay as they are. */
void engine_configure(struct engine *e, const struct engine_options *options, struct moment now);
/* Takes nothing new, takes back what has not started, lets the rest finish. For good. */
void engine_drain(struct engine *e, struct moment now);

struct engine_counts {
    unsigned busy;      /* with the ledger or the client: must come back */
    unsigned in_flight; /* started and not answered */
    unsigned waiting;   /* wait in memory for a later try */
    unsigned parked;    /* held by a halt of their sender or template */
    unsigned offered;   /* offered, not admitted */
    uint64_t throttles; /* ACTION_SLOW_SENDER answers */
    uint64_t retries;   /* attempts after the first of a message */
    uint64_t attempts;  /* requests started */
};
struct engine_counts engine_counts(const struct engine *e);
/* Everything is done: the source has ended and nothing is left in memory. */
bool engine_is_finished(const struct engine *e);
/* Nothing is left that can go on by itself: what is not busy is stopped by halts without an end. */
bool engine_is_stuck(const struct engine *e);
/* One sender, for the operator. */
struct engine_sender {
    const char *phone_id;
    double allowed;  /* a second; 0: unlimited */
    unsigned actual; /* in the last second */
    uint64_t throttles;
};
/* Up to `max` of them; returns how many. */
size_t engine_senders(struct engine *e, struct engine_sender *senders, size_t max,
                      struct moment now);
const struct halts *engine_halts(const struct engine *e);
/* Since when nothing could be reached or answered (monotonic us); 0: it can. */
int64_t engine_unreachable_since_us(const struct engine *e);
/* For how long (us), from the first request that could not be sent, however few there were
 * (health.h); 0: it can be reached, or nothing was tried. */
int64_t engine_unreachable_for_us(const struct engine *e, struct moment now);
/* Allowed and actual rate, summed over the senders. `allowed` is 0 when unlimited. */
double engine_rate_allowed(struct engine *e, struct moment now);
unsigned engine_rate_actual(struct engine *e, struct moment now);

#endif
