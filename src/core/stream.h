/* SPDX-License-Identifier: MIT
 *
 * stream.h: the stream source's decisions: when to read what, what to acknowledge, what to do about
 * each thing that can happen to Redis. No I/O, no clock, no random: all are arguments.
 *
 * Model: entries are read from two lanes, the high one first, and held until the caller settles
 * them; only then are they acknowledged, after their result was added. In order:
 *     the lock (one daemon for a stream, group and phone number); the group of each lane; what
 *     former names of ours left pending becomes ours; our own pending entries from the lowest on,
 *     in pages; then new ones. What was claimed from others and not settled comes beside these.
 * Whatever breaks, the same order begins again where it must: after a new connection the own
 * pending entries are read again (a reply may have been lost), those that are held are recognised
 * by their id; and once more when Redis gives nothing to the old connection any longer. What was
 * sent and not confirmed (results, acknowledgements) is sent again.
 *
 * Held entries: read minus acknowledged. They are bounded by what the caller wants and holds: never
 * more is asked for than it wants, plus STREAM_READ_MAX where both lanes fill at the same moment.
 *
 * Lifetime: stream_new to stream_free. Ports are called from inside stream_turn and the stream_on_*
 * calls, never from inside the caller's (want, settle, ...); these are followed by stream_turn.
 * Ports must not call back, except that on_message, on_published may call want, settle, reject,
 * publish.
 * Failure: none by call. What a person must know is a note; what makes it pointless to go on is
 * on_refused, once.
 */
#ifndef CORE_STREAM_H
#define CORE_STREAM_H

#include "base/err.h"
#include "core/stream_command.h"
#include "core/stream_result.h"

enum {
    STREAM_READ_MAX = 500,        /* entries asked for at a time */
    STREAM_ENTRY_MAX = 65536,     /* bytes of an entry's names and values; above: dead */
    STREAM_ACK_MAX = 1000,        /* ids of one acknowledgement */
    STREAM_PUBLISH_MAX = 2000,    /* results and statuses given and not confirmed */
    STREAM_BLOCK_MS = 2000,       /* how long Redis waits for a new entry */
    STREAM_WALK_AGAIN_MS = 3000,  /* beyond it no read of a dead connection waits */
    STREAM_LOCK_MS = 30000,       /* life of the lock; renewed three times in it */
    STREAM_LOOK_MS = 5000,        /* between looks at the group and its stream */
    STREAM_BACKOFF_MIN_MS = 100,  /* bound of the first wait after an error */
    STREAM_BACKOFF_MAX_MS = 5000, /* bound of any */
    STREAM_ERROR_SIZE = 256,
};

/* Everything is borrowed until stream_free. */
struct stream_options {
    const char *where;  /* what Redis is called in messages: "Redis HOST:PORT"; NULL: "Redis" */
    const char *stream; /* "tidings:send" */
    const char *group;
    const char *consumer; /* our name in the group */
    bool is_new_name;  /* the ledger knows of no run under `consumer`: what is pending under it at
                       * the start may be another ledger's. It is ours all the same; a warning */
    const char *taken; /* our other name: under it stays what was claimed from others, and so is
                        * known for that by whoever reads it next. NULL: nothing is claimed */
    const char *const *former; /* names that this ledger has used before */
    size_t former_count;
    const char *owner;    /* of the lock: the ledger's identity, without spaces. A lock with our
                           * owner is a dead run's, and taken over */
    const char *run;      /* of the lock: this run, random, without spaces */
    const char *holder;   /* of the lock: who we are, for people */
    const char *phone_id; /* names the lock */
    bool trim;
    int64_t result_maxlen;
    bool claim;
    int64_t claim_idle_ms;
    const struct message_defaults *defaults;
};

struct stream_now {
    int64_t mono_ms;
    int64_t wall_ms;
    uint64_t random; /* fresh bits, for jitter */
};

struct stream;
struct stream_entry; /* names a held entry, from on_message until it is settled or rejected */

enum stream_level { STREAM_ERROR, STREAM_WARN, STREAM_INFO, STREAM_DEBUG };

struct stream_ports {
    void *context;
    /* Send it; stream_on_reply follows, unless the link goes down before. */
    void (*send)(void *context, const struct stream_command *command);
    /* The link is no good: close it and connect anew. stream_on_down is not called for it. */
    void (*drop)(void *context, enum stream_link link);
    /* `m` is taken by the callee. `taken_over`: from another's name, which may have sent it. */
    void (*on_message)(void *context, struct message *m, struct stream_entry *entry,
                       bool taken_over);
    /* What was given with this cookie is in Redis. */
    void (*on_published)(void *context, uint64_t cookie);
    /* Another daemon holds the lock (EXIT_TRY_LATER), or Redis refuses for good and has from the
     * start. Nothing more is done. */
    void (*on_refused)(void *context, const struct err *why);
    /* After stream_drain: nothing is held, everything is acknowledged and published. */
    void (*on_drained)(void *context);
    /* For the log. */
    void (*on_note)(void *context, enum stream_level level, const char *text);
};

struct stream *stream_new(const struct stream_options *options, const struct stream_ports *ports);
/* Held entries stay pending in Redis. */
void stream_free(struct stream *s);

/* ---- The world's side. */

void stream_on_up(struct stream *s, enum stream_link link, struct stream_now now);
/* Its outstanding commands have no answer. */
void stream_on_down(struct stream *s, enum stream_link link, struct stream_now now);
/* Redis refused the link before it was up: its error. */
void stream_on_link_refused(struct stream *s, enum stream_link link, const char *error);
/* A reply of the reader was larger than the link takes; the link is down (stream_on_down follows).
 */
void stream_on_too_large(struct stream *s);
void stream_on_reply(struct stream *s, const struct stream_reply *reply, struct stream_now now);
/* Gives the lock back; a reply follows. */
bool stream_free_lock(struct stream *s) MUST_CHECK;
/* Does what is due. */
void stream_turn(struct stream *s, struct stream_now now);
/* When it has something to do next (monotonic ms); INT64_MAX: only an event can bring it. */
int64_t stream_next_ms(const struct stream *s, struct stream_now now);

/* ---- The caller's side. */

/* `n` more messages may be offered. */
void stream_want(struct stream *s, unsigned n);
/* The entry's outcome, or its custody, is on disk: it may be acknowledged once `result` was added.
 * NULL: nothing to publish. Borrowed during the call. */
void stream_settle(struct stream *s, struct stream_entry *entry,
                   const struct stream_result *result);
/* The entry is no message of ours (its id was used before for another): to PREFIX:dead. */
void stream_reject(struct stream *s, struct stream_entry *entry, const char *reason);
/* Without an entry. on_published says when they are in Redis. Must have room. */
void stream_publish_result(struct stream *s, const struct stream_result *result, uint64_t cookie);
void stream_publish_status(struct stream *s, const struct stream_status *status, uint64_t cookie);
bool stream_has_room(const struct stream *s);
/* Reads nothing while paused. */
void stream_pause(struct stream *s, bool paused);
/* Reads nothing any more; entries not offered yet stay pending. */
void stream_drain(struct stream *s);
/* The caller will settle nothing more: entries it has are forgotten, and stay pending in Redis. */
void stream_forget_offered(struct stream *s);
/* Replaces the defaults for what is read from now on. */
void stream_set_defaults(struct stream *s, const struct message_defaults *defaults);
/* What may change while it runs. */
void stream_set_policy(struct stream *s, bool trim, bool claim, int64_t claim_idle_ms);

/* Looks at lag, length and the like now, twice: one may be under way, with old answers. */
void stream_look_soon(struct stream *s);
/* Where the entry is from. */
struct stream_id stream_entry_id(const struct stream_entry *entry, enum stream_lane *lane);

struct stream_facts {
    const char *reading; /* in words (docs/metrics.md names them); "reading" when all is well */
    bool is_refused;     /* Redis refuses what reading needs, for a lane at least */
    bool is_well;        /* Redis refuses nothing that must be done */
    bool lock_held;
    unsigned held;       /* entries read and not acknowledged */
    unsigned queued;     /* of these, not offered yet */
    unsigned publishing; /* results, statuses and dead entries not confirmed */
    int64_t lag;         /* entries not delivered yet, of both lanes; -1: not known */
    int64_t length;      /* entries in the streams; -1: not known */
    int64_t pending;     /* of the whole group; -1: not known */
    int64_t oldest_ms;   /* Unix ms of the oldest entry not delivered; 0: none */
    uint64_t read;       /* entries, since the start */
    uint64_t acked;
    uint64_t dead;
    uint64_t lost_pending;             /* trimmed or deleted while pending */
    uint64_t lost_unread;              /* trimmed or deleted before they were delivered */
    uint64_t claimed;                  /* from other consumers */
    uint64_t published;                /* results, with and without an entry, and statuses */
    uint64_t regrouped;                /* groups that were lost, and made anew while running */
    struct stream_id last[LANE_COUNT]; /* the entry that was added last, as of the last look */
    uint64_t looks; /* how often lag, length, pending and oldest_ms were all asked for */
    char last_error[STREAM_ERROR_SIZE]; /* of Redis, while it lasts; "": none */
};
void stream_look(const struct stream *s, struct stream_now now, struct stream_facts *out);

#endif
