/* SPDX-License-Identifier: MIT
 *
 * dispatch.h: the parts put together on one loop: a source, the engine, the ledger, the client.
 * `send`, `broadcast` and `retry` are this with another source; `run`, the daemon, is this with a
 * service: a source that comes and goes, and never ends by itself.
 *
 * Lifetime: dispatch_open opens the ledger and what is needed to send, dispatch_run runs the loop
 * until everything is done or something stops it, dispatch_close frees. Between open and run, and
 * between run and close, the ledger may be asked (ledger.h).
 */
#ifndef COMMANDS_DISPATCH_H
#define COMMANDS_DISPATCH_H

#include "commands/settings.h"
#include "commands/tally.h"
#include "ledger/ledger.h"
#include "ledger/ledger_query.h"
#include "secret/token.h"

struct dispatch;

/* Where new messages come from. */
struct dispatch_source {
    void *context;
    /* The next message (taken by the engine), NULL at the end. */
    bool (*next)(void *context, struct message **out, struct err *e);
};
/* The `next` of a run whose messages all wait in the ledger. */
bool dispatch_no_message(void *context, struct message **out, struct err *e);

struct dispatch_options {
    const struct settings *settings;
    const char *holder; /* who we are, for the ledger's lock: "broadcast results.csv" */
    double rate;        /* RATE_UNLIMITED or a second; the settings' unless a flag says else */
};

/* What a process does that does not end by itself. All of it runs on the loop; none of it may end
 * the dispatch from inside a call. Views are borrowed during the call. */
struct dispatch_service {
    void *context;
    /* Everything is set up; the loop begins. When it fails, on_end is called all the same. */
    bool (*on_begin)(void *context, struct err *e);
    /* Offer up to `want` messages, now or later (engine_offer). */
    void (*pull)(void *context, unsigned want);
    /* An outcome is on disk, the custody of a waiting message too (then the view has its ref for
     * the last time). */
    void (*on_settled)(void *context, const struct engine_view *view);
    /* The id was known (the view has what is known of it) or reused; see record.h. */
    void (*on_known)(void *context, const struct engine_view *view, const struct record *record);
    /* Before the engine's turn. */
    void (*on_turn)(void *context);
    /* SIGHUP. */
    void (*on_reload)(void *context);
    /* Asked while the engine has drained: is nothing left to tell? */
    bool (*is_done)(void *context);
    /* Close every handle of yours on the loop. */
    void (*on_end)(void *context);
};

/* Why the loop ended. */
enum dispatch_end {
    DISPATCH_FINISHED,    /* nothing is left */
    DISPATCH_INTERRUPTED, /* SIGINT or SIGTERM, and everything in flight came back */
    DISPATCH_HALTED,      /* halts; see dispatch_halts */
    DISPATCH_UNREACHABLE, /* Graph was not there for http.unreachable_after_s */
    DISPATCH_BROKEN,      /* the ledger, or the source: see the error */
};

/* What goes along with a run that ends by itself. Of on_begin, is_done and on_end, which are as a
 * service's, all or none. */
struct dispatch_watch {
    void *context;
    int64_t interval_ms; /* of on_tick; 0: never */
    void (*on_tick)(void *context);
    bool (*on_begin)(void *context, struct err *e);
    bool (*is_done)(void *context);
    void (*on_end)(void *context);
    /* These two are as a service's; NULL: not wanted. */
    void (*on_settled)(void *context, const struct engine_view *view);
    void (*on_known)(void *context, const struct engine_view *view, const struct record *record);
};

bool dispatch_open(const struct dispatch_options *options, struct dispatch **out,
                   struct err *e) MUST_CHECK;
/* Messages that wait in the ledger and that `filter` (borrowed until the end of the run; as
 * waiting_filter's) lets through go first; `count`: how many there are now, `due_by_ms`: those that
 * are due by then (wall clock), 0: all. Before dispatch_run. */
void dispatch_take_up(struct dispatch *d, const struct ledger_filter *filter, uint64_t count,
                      int64_t due_by_ms);
/* `token` is borrowed until dispatch_run returns. */
bool dispatch_run(struct dispatch *d, const struct secret *token,
                  const struct dispatch_source *source, const struct dispatch_watch *watch,
                  struct err *e) MUST_CHECK;
/* The same with a service (borrowed until it returns), until it is stopped. */
bool dispatch_serve(struct dispatch *d, const struct secret *token,
                    const struct dispatch_service *service, struct err *e) MUST_CHECK;
/* From now on with these settings and this token (borrowed as before): the engine's numbers, and a
 * new client; the old one finishes what it has. False: nothing changed. */
bool dispatch_reload(struct dispatch *d, const struct settings *settings,
                     const struct secret *token, struct err *e) MUST_CHECK;
/* As SIGTERM: drain, and end. */
void dispatch_stop(struct dispatch *d);
/* Why the loop ended. */
enum dispatch_end dispatch_end(const struct dispatch *d);
/* DISPATCH_BROKEN: EXIT_LEDGER_IO, or what the source's error has. */
enum exit_code dispatch_failure(const struct dispatch *d);
void dispatch_close(struct dispatch *d);

struct ledger *dispatch_ledger(struct dispatch *d);
struct tally *dispatch_tally(struct dispatch *d);
struct engine_counts dispatch_counts(const struct dispatch *d);
/* The halts when the loop ended. */
const struct halts *dispatch_halts(const struct dispatch *d);
const struct halts *dispatch_halts_now(const struct dispatch *d);
/* Graph cannot be reached or does not answer: the halt of it (the engine's have none), whose hint
 * has the last error. False: it is there, and *out is empty. */
bool dispatch_network_halt(const struct dispatch *d, struct halt *out);
struct engine *dispatch_engine(struct dispatch *d);
uv_loop_t *dispatch_loop(struct dispatch *d);
bool dispatch_is_draining(const struct dispatch *d); /* from the signal, or the stop, on */
bool dispatch_is_unreachable(const struct dispatch *d);
/* 0: unlimited. Before the first message what is configured for a sender. */
double dispatch_rate_allowed(struct dispatch *d);
unsigned dispatch_rate_actual(struct dispatch *d);
struct moment dispatch_now(void);

#endif
