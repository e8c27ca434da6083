/* SPDX-License-Identifier: MIT
 *
 * sim_world_internal.h: what the files of one simulated run share.
 *
 *   sim_world.c    time, and the lives of the process
 *   sim_ports.c    what the engine asks for, and the ledger's worker
 *   sim_wire.c     the client, the network and Graph
 *   sim_weather.c  faults that come with time
 *   sim_stream.c   between the stream and the engine, as commands/daemon_*.c
 *   sim_hooks.c    Meta's webhooks, and the product's receiver of them
 *   sim_link.c     the connections to Redis, and what befalls it
 *   sim_rules.c    the rules that are checked as things happen, and in the end
 *   sim_rules_stream.c  those of the stream
 *   sim_rules_hooks.c   those of webhooks
 */
#ifndef SIM_SIM_WORLD_INTERNAL_H
#define SIM_SIM_WORLD_INTERNAL_H

#include "base/heap.h"
#include "core/delivery.h"
#include "core/engine.h"
#include "core/stream.h"
#include "sim_hooks.h"
#include "sim_ledger.h"
#include "sim_redis.h"
#include "sim_world.h"

enum event_kind {
    EVENT_GATHERED,
    EVENT_COMMITTED,
    EVENT_CHECKPOINTED,
    EVENT_WIRED,
    EVENT_ANSWER,
    EVENT_HOLD_ENDS,
    EVENT_WEATHER_ENDS,
    EVENT_LINK_UP,
    EVENT_LINK_ASKED,    /* commands are at Redis */
    EVENT_LINK_ANSWERED, /* replies are back */
    EVENT_HALF_OPEN,     /* Redis serves a connection that is no more */
    EVENT_PRODUCED,
    EVENT_REDIS_CRASHES,
    EVENT_TROUBLE_ENDS,
    EVENT_BEAT,
    EVENT_POST,
    EVENT_STRANGER, /* another consumer does something */
};

struct event {
    struct heap_node at; /* key: microseconds */
    enum event_kind kind;
    struct flight *flight;
    enum stream_link link;
};

/* A request that the engine started: with the client. */
struct flight {
    struct list node;
    struct graph_request *request;
    struct event event;
    unsigned index; /* the message */
    unsigned attempt;
    enum fate fate;
    unsigned prereqs; /* how often the client asked whether it may write */
    bool wired;
    int code; /* of a refusal */
    int64_t started_us;
    int64_t wired_us;
};

/* Times of the last `limit` that a sender put on the wire, or that Graph let in: a ring. */
struct second {
    int64_t *times;
    uint64_t count;
    unsigned limit; /* 0: none */
};

/* Graph's windowed debt of a sender and the one busy recipient (core/pair_limit.h). */
struct busy_pair {
    bool is_used;
    int64_t start_us; /* of the window */
    unsigned count;
    unsigned late;     /* of them, those intended before it: after a restart they count there */
    int64_t slack_us;  /* that early the limiter may know it to begin */
    int64_t unsent_us; /* the last request that never left: it may have opened the limiter's */
};

enum weather { WEATHER_FINE, WEATHER_OUTAGE, WEATHER_BROWN_OUT, WEATHER_MAINTENANCE };

/* What was under way when the process ended. */
struct world_busy {
    unsigned in_flight;
    unsigned with_ledger; /* records */
    bool was_asked;       /* it ended by itself, its ledger sound */
};

/* A connection to Redis. */
struct sim_link {
    bool is_up;
    struct event up, asked, answered;
    struct list commands; /* on their way */
    struct list replies;
    int64_t wait_until_us; /* the first command waits for entries; 0: it does not */
};

enum { SIM_RENAMED_MAX = 4 };

/* The stream, and what commands/daemon_internal.h has beside it. */
struct sim_stream {
    struct sim_redis redis;
    struct sim_link links[LINK_COUNT];
    struct sim_command *half_open; /* a read that Redis serves although nobody is there */
    struct event half_open_event, produced, stranger, crash, trouble_ends, beat;
    unsigned stranger_acts;
    unsigned renamed; /* how often our name in the group was changed */

    /* The process, anew in each life. */
    struct stream *stream;
    struct stream_options options;
    struct message_defaults defaults;
    char owner[17];
    char run[21];
    char names[SIM_RENAMED_MAX + 1][SIM_NAME_SIZE]; /* ours, in the order of their use */
    const char *former[SIM_RENAMED_MAX];
    char taken[SIM_NAME_SIZE];
    struct ledger_due due;
    struct ledger_results results;
    struct ledger_told told;
    struct waiting *due_items;
    uint64_t *held;
    struct ledger_result *result_items;
    size_t given, published; /* of the page of results */
    bool due_asked, due_again, results_asked, results_again;
    bool outbox_is_empty; /* the last page was */
    bool has_offered;
    bool is_refused, is_draining, is_drained, is_complete;
    int64_t drain_until_us;
    bool knows_rival;   /* it was told that another daemon has the lock */
    unsigned forgotten; /* beats in which entries are pending that nobody reads */
};

struct world {
    const struct sim_options *options;
    struct sim_result *result;
    struct sim_config config;
    struct sim_verdict verdict;
    struct sim_random random;
    struct sim_source source;
    struct sim_ledger ledger;
    int64_t now_us;
    struct heap events;
    uint64_t steps;
    int64_t calm_at_us; /* the faults end; then: since when */

    /* The process, anew in each life. */
    struct engine *engine;
    unsigned next_row;      /* the source's place */
    unsigned owed;          /* asked of the source, not offered yet */
    uint64_t waiting_left;  /* messages of before that the engine has not been given */
    uint64_t waiting_after; /* the number of the last one given */
    bool has_intents;       /* handed over in this turn */
    bool is_stopping;
    bool must_stop;
    bool is_held;
    struct event gather_event;
    struct event commit_event;
    struct event hold_event;
    struct list flights;
    unsigned in_flight;

    /* The network and Graph. */
    enum weather weather;
    struct event weather_event;
    unsigned *accepted; /* by message: how often Graph accepted it */
    struct second wires[SIM_SENDERS];
    struct second doors[SIM_SENDERS];
    struct busy_pair pairs[SIM_SENDERS];
    struct sim_stream stream; /* where the source is one */
    struct sim_hooks hooks;   /* where the port is open */
};

/* ---- sim_world.c */

struct moment world_now(const struct world *w);
void world_trace(struct world *w, uint64_t what, uint64_t which);
void world_schedule(struct world *w, struct event *event, enum event_kind kind, int64_t in_us);
void world_unschedule(struct world *w, struct event *event);
bool world_chance(struct world *w, unsigned of_10000);
void world_count(struct world *w, enum fault fault);

/* ---- sim_ports.c */

struct engine_ports ports_of(struct world *w);
void ports_take_up_waiting(struct world *w);
void ports_begin_commit(struct world *w);
/* False: the process dies here. */
bool ports_on_commit(struct world *w);
bool ports_on_checkpoint(struct world *w);

/* ---- sim_wire.c */

void wire_start(struct world *w, struct graph_request *request);
void wire_on_wired(struct world *w, struct flight *f);
void wire_on_answer(struct world *w, struct flight *f);
/* Everything that is on the wire ends without an answer, now. */
void wire_lose_connections(struct world *w);
/* The process is gone. */
void wire_forget(struct world *w);

/* ---- sim_weather.c */

/* Draws what happens beside the plan at this step. */
void weather_step(struct world *w);
void weather_on_end(struct world *w);

/* ---- sim_stream.c */

void stream_side_init(struct world *w);
void stream_side_free(struct world *w);
/* The process begins, ends. */
void stream_side_open(struct world *w);
void stream_side_close(struct world *w, bool sound);
struct stream_now stream_side_now(struct world *w);
/* True when messages were offered. */
bool stream_side_turn(struct world *w);
int64_t stream_side_next_us(struct world *w);
void stream_side_settled(struct world *w, const struct engine_view *view);
void stream_side_known(struct world *w, const struct engine_view *view,
                       const struct record *record);
void stream_side_beat(struct world *w);
/* The engine has finished; has the stream? */
bool stream_side_is_done(struct world *w);
/* Webhooks were put on record. */
void stream_side_hooked(struct world *w);
/* Nothing is left anywhere. */
bool stream_side_is_complete(struct world *w);

/* ---- sim_link.c */

void link_send(struct world *w, const struct stream_command *command);
/* Connects after a while. */
void link_drop(struct world *w, enum stream_link link);
void link_open_all(struct world *w);
void link_close_all(struct world *w, bool sound);
void link_handle(struct world *w, struct event *event);
/* Something befalls Redis, drawn. */
void link_misfortune(struct world *w);

/* ---- sim_rules_stream.c */

void rules_on_command(struct world *w, const struct stream_command *c);
/* Redis is about to do it. */
void rules_on_asked(struct world *w, const struct sim_command *c);
/* Each beat. */
void rules_on_beat(struct world *w);
void rules_on_taken_over(struct world *w, const struct message *m);
/* How often another consumer of the group may have sent it. */
unsigned rules_by_other(const struct world *w, unsigned index);
/* Redis lost it before it could be read, or another consumer has finished it. */
bool rules_is_lost(const struct world *w, unsigned index);
void rules_on_stream_end(struct world *w);

/* ---- sim_rules_hooks.c */

/* A webhook of Meta's is answered with 200. */
void rules_on_heard(struct world *w, const struct sim_post *post);
void rules_on_hooks_end(struct world *w, unsigned index);
/* How often the message was accepted, for whichever ledger. */
unsigned rules_copies(const struct world *w, unsigned index);

/* ---- sim_rules.c */

void rules_on_wired(struct world *w, const struct flight *f);
void rules_on_unsent(struct world *w, const struct flight *f);
void rules_on_body(struct world *w, const struct flight *f);
void rules_on_told(struct world *w, const struct engine_view *view);
void rules_on_known(struct world *w, const struct engine_view *view);
/* I9, now and then; and that the run gets anywhere. */
void rules_on_step(struct world *w);
void rules_on_restart(struct world *w, const struct world_busy *busy);
void rules_at_end(struct world *w);

#endif
