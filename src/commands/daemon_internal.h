/* SPDX-License-Identifier: MIT
 *
 * daemon_internal.h: what the daemon's files share.
 *
 *   daemon.c           the command: parts opened, served, closed in order
 *   daemon_stream.c    between the stream and the engine
 *   daemon_custody.c   messages that wait in the ledger, and results that wait to be told
 *   daemon_control.c   what is asked over the control socket
 *   daemon_cancel.c    `cancel` without a name
 *   daemon_status.c    what an operator may know, and the admin port
 *   daemon_reload.c    SIGHUP: settings and token read again
 */
#ifndef COMMANDS_DAEMON_INTERNAL_H
#define COMMANDS_DAEMON_INTERNAL_H

#include "commands/command.h"
#include "commands/holds.h"
#include "commands/status.h"
#include "commands/webhook_receiver.h"
#include "io/control.h"
#include "io/http_server.h"
#include "io/redis_source.h"

enum {
    DAEMON_DUE_MAX = 512,      /* waiting messages read at a time */
    DAEMON_HELD_MAX = 16384,   /* numbers in memory that are left out of such a page */
    DAEMON_RESULTS_MAX = 256,  /* results read from the outbox at a time */
    DAEMON_HEARTBEAT_MS = 500, /* watchdog, loop lag, and the look for what has become due */
};

/* The messages that wait in the ledger, a page at a time, into the engine. */
struct due_feed {
    struct ledger_due due;
    struct waiting *items;
    uint64_t *held;
    bool asked;             /* a page is on its way */
    bool again;             /* there may be more */
    unsigned cancellations; /* when it was asked for (holds.h) */
};

/* The ledger's outbox, a page at a time, to Redis. */
struct outbox {
    struct ledger_results results;
    struct ledger_result *items;
    struct ledger_told told;
    size_t given;     /* of the page, to the stream */
    size_t published; /* of these, confirmed */
    bool asked;       /* a page, or its end, is on its way */
    bool again;       /* there may be more */
};

/* `cancel` without a name, until it is in force. */
struct cancelling {
    struct holds_done done; /* fn NULL: none is under way */
    uint64_t looks;         /* at Redis that there must have been */
    int64_t until_us;       /* they are waited for; 0: not (any more) */
    bool is_marked;         /* what waits in the streams is given up */
    struct ledger_giving_up mark;
};

struct daemon {
    struct call call;
    struct settings *settings; /* as they are now */
    struct settings *reloaded; /* the memory of the above after a reload; NULL: the call's */
    struct secret *token;
    struct secret *plain_token; /* WHATSAPP_TOKEN, once it was needed; kept for reloads */
    struct dispatch *dispatch;
    struct holds holds;
    struct message_defaults defaults;
    const char **params; /* of the defaults */
    struct redis_source *stream;
    struct ledger_consumers consumers;
    const char *former[LEDGER_CONSUMERS_MAX];
    char holder[160];                 /* who we are, for the lock in Redis and for status */
    char owner[17];                   /* the ledger's id */
    struct webhook_receiver *webhook; /* NULL: webhook.listen is off */
    struct control *control;
    struct http_server *admin;
    uv_timer_t heartbeat;
    uv_timer_t watchdog;
    bool has_timers;
    struct cancelling cancelling;
    struct stream_id given_up[LANE_COUNT]; /* entries of the streams up to these are cancelled */
    struct due_feed feed;
    struct outbox outbox;
    unsigned orders; /* control requests that wait for the ledger */
    struct ledger_unfinished unfinished;
    struct ledger_unfinished_item *unfinished_items; /* as of the last look */
    bool unfinished_asked;
    struct status_broadcast broadcasts[STATUS_BROADCASTS_MAX];
    size_t broadcast_count;
    uint64_t broadcasts_more;
    bool is_stopping; /* the drain has begun, and it was said */
    bool draining;    /* the engine has drained; what it leaves behind is seen to */
    bool is_drained;  /* the stream has nothing to settle any more */
    int64_t drain_until_us;
    struct err refused; /* by the stream; code 0: not */
    int64_t started_ms;
    enum daemon_state state;
    enum daemon_state told; /* the state that log and systemd know */
    int64_t state_since_ms;
    int64_t lag_us; /* the heartbeat's */
    int64_t beat_us;
    bool reload_failed;
    uint64_t handed_over[ADMISSION_REUSED + 1]; /* over the control socket, by what they were */
    struct redis_source_facts facts;
    struct daemon_status status; /* made anew for each look: too large for the stack */
};

/* ---- daemon_stream.c */

bool daemon_stream_open(struct daemon *d, struct err *e) MUST_CHECK;
void daemon_stream_pull(struct daemon *d, unsigned want);
void daemon_stream_settled(struct daemon *d, const struct engine_view *view);
void daemon_stream_known(struct daemon *d, const struct engine_view *view,
                         const struct record *record);
/* What messages of the stream are filled in with, from the settings. */
void daemon_set_defaults(struct daemon *d);

/* ---- daemon_custody.c */

void daemon_feed_begin(struct daemon *d);
void daemon_feed_end(struct daemon *d);
/* Asks for what is due, where the engine has room. */
void daemon_feed_turn(struct daemon *d);
void daemon_outbox_turn(struct daemon *d);
/* Asks for the broadcasts that are not finished. */
void daemon_ask_unfinished(struct daemon *d);
void daemon_outbox_published(struct daemon *d, uint64_t seq);
/* Nothing of both is on its way. */
bool daemon_feed_is_idle(const struct daemon *d);

/* ---- daemon_control.c */

void daemon_on_request(void *context, struct control_request *request, const struct json *body);

/* ---- daemon_cancel.c */

/* All that waits, in the ledger and in the streams. False when that is under way already. */
bool daemon_cancel_all(struct daemon *d, struct holds_done done) MUST_CHECK;
void daemon_cancel_turn(struct daemon *d);
bool daemon_is_given_up(const struct daemon *d, const struct stream_entry *entry);

/* ---- daemon_status.c */

void daemon_look(struct daemon *d);
void daemon_on_http(void *context, struct http_request *request);

/* ---- daemon_reload.c */

/* The token of these settings: token.file, else WHATSAPP_TOKEN, which is taken out of the
 * environment once and stays with the daemon. Returned: give back with daemon_drop_token. */
bool daemon_open_token(struct daemon *d, const struct settings *s, struct secret **token,
                       struct err *e) MUST_CHECK;
void daemon_drop_token(const struct daemon *d, struct secret *token);
void daemon_reload(struct daemon *d);

#endif
