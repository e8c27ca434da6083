/* SPDX-License-Identifier: MIT
 *
 * dispatch.h: the parts put together on one loop: a source, the engine, the ledger, the client.
 * `send`, `broadcast` and `retry` are this with another source.
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

struct dispatch_options {
    const struct settings *settings;
    const char *holder;    /* who we are, for the ledger's lock: "broadcast results.csv" */
    double rate;           /* RATE_UNLIMITED or a second; the settings' unless a flag says else */
    const char *broadcast; /* go on with waiting messages of this broadcast; NULL: of all */
};

/* Why the loop ended. */
enum dispatch_end {
    DISPATCH_FINISHED,    /* nothing is left */
    DISPATCH_INTERRUPTED, /* SIGINT or SIGTERM, and everything in flight came back */
    DISPATCH_HALTED,      /* halts; see dispatch_halts */
    DISPATCH_UNREACHABLE, /* Graph was not there for http.unreachable_after_s */
    DISPATCH_BROKEN,      /* the ledger, or the source: see the error */
};

/* Called every `interval_ms` while the loop runs. */
struct dispatch_watch {
    void *context;
    int64_t interval_ms; /* 0: never */
    void (*on_tick)(void *context, struct dispatch *d);
};

bool dispatch_open(const struct dispatch_options *options, struct dispatch **out,
                   struct err *e) MUST_CHECK;
/* Messages that wait in the ledger and that `filter` (borrowed until the end of the run) lets
 * through go first; `count`: how many there are now. Before dispatch_run. */
void dispatch_take_up(struct dispatch *d, const struct ledger_filter *filter, uint64_t count);
/* `token` is borrowed until dispatch_run returns. */
bool dispatch_run(struct dispatch *d, const struct secret *token,
                  const struct dispatch_source *source, const struct dispatch_watch *watch,
                  struct err *e) MUST_CHECK;
/* Why the loop ended. */
enum dispatch_end dispatch_end(const struct dispatch *d);
void dispatch_close(struct dispatch *d);

struct ledger *dispatch_ledger(struct dispatch *d);
struct tally *dispatch_tally(struct dispatch *d);
struct engine_counts dispatch_counts(const struct dispatch *d);
/* The halts when the loop ended, or now. */
const struct halts *dispatch_halts(const struct dispatch *d);
bool dispatch_is_draining(const struct dispatch *d);
bool dispatch_is_unreachable(const struct dispatch *d);
double dispatch_rate_allowed(struct dispatch *d); /* 0: unlimited */
unsigned dispatch_rate_actual(struct dispatch *d);
struct moment dispatch_now(void);

#endif
