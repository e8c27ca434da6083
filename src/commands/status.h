/* SPDX-License-Identifier: MIT
 *
 * status.h: what an operator may know of a running daemon, in one value, and its two forms: one
 * JSON object (`tidings status --json`, GET /api/status) and text for people.
 *
 * Model: the daemon fills the struct from its parts at one moment; zero is a good start: what is
 * left 0, NULL or "" does not exist, or is not known, and is left out of the text. Counters run
 * since the daemon started. Sums of senders, where nothing else is said.
 * Lifetime: a value for the moment; pointers are borrowed by whoever gets the struct.
 */
#ifndef COMMANDS_STATUS_H
#define COMMANDS_STATUS_H

#include "base/buf.h"
#include "base/histogram.h"
#include "base/json.h"
#include "core/halt.h"
#include "core/message.h"
#include "core/outcome.h"

#include <sys/types.h>

enum {
    STATUS_CODES_MAX = 64,      /* Graph codes counted by themselves; more go to `codes_other` */
    STATUS_BROADCASTS_MAX = 32, /* unfinished ones, newest first */
    STATUS_SENDERS_MAX = 16,
    STATUS_TEXT_MAX = 1 << 17, /* bytes of either form: give the buffer that much */
};

/* In words, the strongest that holds. */
enum daemon_state {
    DAEMON_RUNNING,
    DAEMON_STARTING,     /* not ready yet */
    DAEMON_PAUSED,       /* by the operator: everything */
    DAEMON_DISABLED,     /* the kill switch */
    DAEMON_HALTED,       /* a halt of everything: token, account */
    DAEMON_NETWORK_DOWN, /* Graph cannot be reached or does not answer; probes go out */
    DAEMON_REDIS_DOWN,   /* nothing new can be read */
    DAEMON_DRAINING,     /* takes nothing new, finishes what is in flight, ends */
};
enum { DAEMON_STATE_COUNT = DAEMON_DRAINING + 1 };

struct status_code {
    int code; /* Graph's */
    uint64_t count;
};

struct status_sender {
    char phone_id[MESSAGE_SENDER_MAX + 1];
    double allowed; /* messages a second; 0: unlimited */
    double actual;  /* in the last second */
    uint64_t throttles;
};

struct status_broadcast {
    char name[MESSAGE_LABEL_MAX + 1];
    const char *state; /* open, paused, complete, cancelled */
    uint64_t total;    /* messages; 0: not known yet */
    uint64_t counts[STATE_COUNT];
};

struct status_redis {
    bool configured;
    bool connected;
    bool usable;         /* connected, and Redis refuses nothing that must be done */
    const char *state;   /* in words: "reading", "reconnecting", "refused": docs/metrics.md */
    int64_t lag;         /* entries not read yet; -1: Redis does not know */
    int64_t pending;     /* entries read and not acknowledged */
    double oldest_age_s; /* of the oldest entry that was not read yet; 0: none */
    uint64_t read;       /* entries */
    uint64_t acked;
    uint64_t dead;         /* entries to the dead stream */
    uint64_t lost_pending; /* trimmed or deleted while pending: never sent */
    uint64_t lost_unread;  /* trimmed or deleted before they were read */
    uint64_t groups_lost;  /* and made anew */
    uint64_t published;    /* to the result stream */
    const char *error;     /* the last one, while it lasts */
};

struct status_ledger {
    const char *path;
    uint64_t commits;
    uint64_t records;
    int64_t last_us;
    int64_t worst_us;
    int64_t bytes;                  /* of the files */
    const struct histogram *commit; /* microseconds a commit; may be NULL */
};

struct status_webhooks {
    bool listening;
    uint64_t statuses[4]; /* sent, delivered, read, undelivered */
    uint64_t bodies;      /* accepted requests */
    uint64_t rejected;    /* bad or missing signature */
    uint64_t unmatched;   /* statuses of no message of this ledger */
    uint64_t settled;     /* messages that were unknown, or waited to be sent again */
    uint64_t twins;       /* messages that Graph accepted twice */
};

struct daemon_status {
    const char *kind; /* of process: daemon, broadcast, send, retry */
    enum daemon_state state;
    const char *version;
    pid_t pid;
    int64_t now_ms;     /* wall clock of this look */
    int64_t started_ms; /* wall clock */
    int64_t since_ms;   /* wall clock: since when `state` holds */

    uint64_t states[STATE_COUNT]; /* reached since the start: accepted, failed, unknown, skipped */
    uint64_t duplicates;          /* ids that were known already */
    uint64_t rejected;            /* entries that can be no message, and reused ids */
    uint64_t attempts;            /* requests that reached the wire */
    uint64_t retries;             /* attempts after the first of a message */
    uint64_t throttles;
    uint64_t unanswered;       /* requests that left, or may have, and were not answered */
    uint64_t connect_failures; /* attempts that surely did not leave: connection, DNS, TLS */
    uint64_t unknown_total;    /* unknown in the ledger now */
    struct status_code codes[STATUS_CODES_MAX];
    unsigned code_count;
    uint64_t codes_other;

    unsigned in_flight;
    uint64_t waiting;    /* for a later try, in memory or the ledger */
    uint64_t parked;     /* held by a halt of their sender or template */
    double rate_allowed; /* messages a second; 0: unlimited */
    double rate_actual;  /* in the last second */
    struct status_sender senders[STATUS_SENDERS_MAX];
    unsigned sender_count;

    const struct halts *halts;        /* may be NULL */
    struct halt network;              /* HALT_NONE: Graph is there */
    const struct histogram *latency;  /* microseconds from the wire to the answer; may be NULL */
    const struct histogram *lateness; /* microseconds behind the planned moment; may be NULL */
    int64_t loop_lag_us;              /* how late the last heartbeat was (daemon.c) */
    uint64_t log_dropped;             /* lines */

    struct status_redis redis;
    struct status_ledger ledger;
    struct status_webhooks webhooks;
    struct status_broadcast broadcasts[STATUS_BROADCASTS_MAX];
    unsigned broadcast_count;
    uint64_t broadcasts_more; /* unfinished ones that had no room */

    bool reload_failed; /* the last SIGHUP's configuration was refused */
};

/* "running", "network down": for people and for JSON. */
const char *daemon_state_name(enum daemon_state state);
/* Counts one answer with this Graph code. */
void status_count_code(struct daemon_status *s, int code);
/* One compact JSON object that begins {"v":1,"ok":true,. */
void status_json(const struct daemon_status *s, struct buf *out);
/* The same for people: several lines. `colour`: with ANSI colours. It reads what status_json wrote
 * (a daemon's answer); fields that are not there are left out, so versions may differ. */
void status_text(const struct json *status, bool colour, struct buf *out);
/* The same in one line. */
void status_line(const struct json *status, struct buf *out);

#endif
