/* SPDX-License-Identifier: MIT
 *
 * dispatch_internal.h: what the dispatch's files share.
 *
 *   dispatch.c          the loop: turns, signals, waiting messages of before, the end
 *   dispatch_ports.c    between the engine and the source, the ledger, the client, log and tally
 */
#ifndef COMMANDS_DISPATCH_INTERNAL_H
#define COMMANDS_DISPATCH_INTERNAL_H

#include "commands/dispatch.h"
#include "commands/event_log.h"
#include "io/graph_client.h"

struct dispatch {
    const struct settings *settings;
    struct dispatch_options options;
    uv_loop_t loop;
    uv_timer_t timer;       /* the engine's next deadline */
    uv_timer_t watch_timer; /* progress */
    uv_prepare_t prepare;   /* the engine's turn, before the loop sleeps */
    uv_signal_t sigint;
    uv_signal_t sigterm;
    uv_signal_t sighup;
    struct ledger *ledger;
    struct graph_client *client;
    struct engine *engine;
    struct event_log event_log;
    struct tally tally;
    struct halts halts;  /* as the loop ended */
    struct halt network; /* Graph is not there, with the engine's hint; HALT_NONE: it is */
    char trouble[OUTCOME_TITLE_MAX]; /* of the last request without a usable answer */
    struct dispatch_source source;
    struct dispatch_watch watch;
    const struct dispatch_service *service; /* NULL: a run that ends by itself */
    const struct ledger_filter *waiting_filter;
    int64_t waiting_due_by_ms; /* 0: all */
    uint64_t waiting_left;     /* waiting messages of before that the engine has not been given */
    uint64_t waiting_after;    /* the number of the last one given */
    bool has_intents;          /* handed over in this turn */
    unsigned owed;             /* asked of the source, not offered yet */
    uint64_t random_state;
    bool interrupted;
    int exit_signal; /* the second: ends when the drain is on record; 0: none came */
    bool ending;     /* the loop is closing down */
    bool failed;     /* `failure` holds */
    enum dispatch_end end;
    struct err failure;
};

/* The engine's ports, the client's and the ledger's callbacks. */
struct engine_ports dispatch_ports(struct dispatch *d);
struct graph_client_events dispatch_client_events(struct dispatch *d);
struct ledger_events dispatch_ledger_events(struct dispatch *d);
/* Offers what is owed to the engine. */
void dispatch_pull(struct dispatch *d, unsigned want);

#endif
