/* SPDX-License-Identifier: MIT
 *
 * stream_internal.h: what the parts of the stream source share. For stream*.c.
 *
 * The parts, each with what it decides:
 *     stream.c         when which part has its turn; the caller's side
 *     stream_read.c    what is read next; entries into messages, offered or dead
 *     stream_settle.c  results added, then entries acknowledged
 *     stream_errand.c  one thing at a time over the writer: lock and groups; when the rest is due
 *     stream_claim.c   entries that are pending under other names become ours
 *     stream_look.c    facts of group and stream; trimming; what was lost
 *     stream_fault.c   errors: what to do, when to try again, what to say
 */
#ifndef CORE_STREAM_INTERNAL_H
#define CORE_STREAM_INTERNAL_H

#include "core/redis_error.h"
#include "core/stream.h"
#include "core/stream_window.h"

enum {
    STREAM_SETTLING_MAX = 4096, /* entries settled and not acknowledged; above, reading stops */
    STREAM_OWN_PAGE = 100,      /* own pending entries read at a time, at least */
    STREAM_NAMED_MAX = 64,      /* unknown fields that are named */
};

/* What is tried again by itself after an error. What concerns one key waits by itself, that another
 * key goes on and says nothing about it: these begin with a lane's or a target's first. */
enum {
    EFFORT_READ,
    EFFORT_ERRAND,
    EFFORT_LANE,                           /* + lane: it is no stream */
    EFFORT_ACK = EFFORT_LANE + LANE_COUNT, /* + lane */
    EFFORT_ADD = EFFORT_ACK + LANE_COUNT,  /* + target */
    EFFORT_COUNT = EFFORT_ADD + TARGET_COUNT,
};

struct stream_retry {
    unsigned tries;                      /* errors in a row */
    int64_t until_ms;                    /* not before */
    const struct redis_error_rule *rule; /* of the last error; NULL: all is well */
    char error[STREAM_ERROR_SIZE];       /* the last one, with its key */
};

enum errand {
    ERRAND_NONE,
    ERRAND_LOCK,
    ERRAND_GROUP,
    ERRAND_FORMER_LIST, /* what a former name left pending */
    ERRAND_FORMER_TAKE,
    ERRAND_MISSING,    /* is what did not come when it was taken still in the stream? */
    ERRAND_LARGE_LIST, /* the id of an entry that is too large to be read */
    ERRAND_TAKEN_LIST, /* what we claimed before, and do not hold */
    ERRAND_TAKEN_TAKE,
    ERRAND_CLAIM_LIST, /* what others left idle */
    ERRAND_CLAIM_TAKE,
    ERRAND_KEEP,
    ERRAND_LOOK,
    ERRAND_FREE, /* the lock, at the end */
};

/* An entry on its way to one of our streams. */
struct add {
    struct list node;
    struct stream_entry *entry; /* to be acknowledged afterwards; NULL: none */
    bool has_cookie;
    uint64_t cookie;
    struct stream_add what; /* its bytes follow the struct */
};

/* The walk over a lane's pending entries, page by page. */
struct own_walk {
    struct stream_id after; /* the last one seen */
    bool done;
};

/* What the last look at a lane brought. -1: not known. */
struct lane_look {
    int64_t lag, length, pending, entries_read, added;
    struct stream_id delivered; /* the last */
    struct stream_id lowest;    /* pending */
    unsigned strange;           /* looks in a row that found it, and we do not hold it */
    struct stream_id first;     /* in the stream */
    struct stream_id last;      /* that was ever added */
    int64_t oldest_ms;
    int64_t groups;
    struct stream_id gap_at; /* the last delivered before a gap that was reported */
    int64_t gap_lost;
};

struct stream {
    struct stream_options options;
    struct stream_ports ports;
    char *lane_name[LANE_COUNT], *target_name[TARGET_COUNT], *lock_name;
    char **former_names; /* each, and its other one */
    size_t former_count;
    bool up[LINK_COUNT];
    struct stream_retry efforts[EFFORT_COUNT];
    bool worked; /* something was read: what Redis refuses from now on is waited out */
    bool refused, paused, draining, drained;

    /* Reading. */
    struct stream_window window;
    unsigned wanted;
    bool reading; /* a command of the reader has no answer yet */
    bool walking; /* and it is STREAM_READ_OWN */
    enum stream_lane asked_lane;
    bool asked_both;     /* lanes */
    unsigned asked;      /* its count */
    unsigned read_limit; /* fewer after a reply that was too large */
    bool high_seen;      /* the high lane was just found empty */
    struct own_walk own[LANE_COUNT];
    int64_t walk_again_ms; /* what is done by then is done once more; INT64_MAX: it was */
    bool large;            /* the next pending entry is too large to be read */
    enum stream_lane large_lane;
    struct stream_id large_after; /* it is the first above this */
    struct map *named;            /* hashes of unknown fields that were named */

    /* Settling. */
    struct list unsent[TARGET_COUNT], sent; /* struct add */
    unsigned adds;                          /* on all */
    unsigned publishing;                    /* of these, with a cookie */
    struct buf scratch;
    struct stream_id acks[STREAM_ACK_MAX];

    /* Errands. */
    enum errand errand;
    enum stream_lane errand_lane;
    int64_t errand_sent_ms;
    bool lock_known; /* it was ours once in this run */
    int64_t lock_until_ms, lock_at_ms;
    bool grouped[LANE_COUNT];
    bool made[LANE_COUNT]; /* say how many wait, at the next look */
    size_t former;         /* index of the one of former_names that is looked at */
    enum stream_lane former_lane;
    struct own_walk taken[LANE_COUNT];
    int64_t taken_at_ms; /* not before */
    int64_t claim_at_ms;
    enum stream_lane claim_lane;
    struct stream_id claim_after;
    bool claim_more; /* the last page of what is idle was full */
    int64_t keep_at_ms;
    struct stream_id picked[WINDOW_PAGE];
    size_t picked_count;
    bool picked_taken;             /* ERRAND_KEEP: they are pending under our other name */
    enum stream_lane missing_lane; /* of what was picked, what did not come */
    struct stream_id missing[WINDOW_PAGE];
    size_t missing_count;

    /* Looking. */
    int64_t look_at_ms;
    unsigned looks_soon; /* these follow without a pause */
    unsigned look_step;
    struct lane_look looks[LANE_COUNT];
    bool trim_refused;
    uint64_t complained;               /* whose refusal was noted, as bits (stream_fault.c) */
    char complaint[STREAM_ERROR_SIZE]; /* the last of these */

    struct stream_facts facts; /* the counters */
};

/* ---- stream_fault.c */

void stream_note(struct stream *s, enum stream_level level, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* Does what the error's rule says; the effort is tried again later. */
void stream_fault(struct stream *s, unsigned effort, const struct stream_reply *reply,
                  struct stream_now now);
/* The same, but of whose making the error is is not known yet: nothing is said. */
void stream_wait(struct stream *s, unsigned effort, struct stream_now now);
/* What may fail without harm: says so once for each verb and lane, until it goes well again. */
void stream_complain(struct stream *s, const struct stream_reply *reply);
void stream_complain_of_link(struct stream *s, enum stream_link link, const char *error);
void stream_verb_well(struct stream *s, enum stream_verb verb, enum stream_lane lane);
void stream_link_well(struct stream *s, enum stream_link link);
void stream_effort_well(struct stream *s, unsigned effort);
bool stream_may_try(const struct stream *s, unsigned effort, struct stream_now now);
bool stream_is_wrong_key(const struct stream_reply *reply);
/* The lane is no stream, when last asked. */
bool stream_lane_is_wrong(const struct stream *s, enum stream_lane lane);
/* Something is in a row of errors, among the efforts from `first` on and before `end`. */
bool stream_is_refused(const struct stream *s, unsigned first, unsigned end);
/* The error that matters most now; "": none. Borrowed until the next call. */
const char *stream_error_now(const struct stream *s);
void stream_refuse(struct stream *s, enum exit_code code, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* The groups must be made again: everything below begins anew. */
void stream_regroup(struct stream *s);

/* ---- stream.c */

void stream_send(struct stream *s, const struct stream_command *command);
/* The link goes down by our wish. */
void stream_drop(struct stream *s, enum stream_link link);

/* ---- stream_read.c */

void stream_offer(struct stream *s);
void stream_read_next(struct stream *s, struct stream_now now);
void stream_on_read(struct stream *s, const struct stream_reply *reply, struct stream_now now);
void stream_take(struct stream *s, const struct stream_raw *raw, bool taken_over,
                 struct stream_now now);
void stream_take_large(struct stream *s, const struct stream_raw *raw);
/* The reader's command has its answer, or will have none. */
void stream_reader_idle(struct stream *s);
/* Why nothing is read, NULL: nothing is in the way. */
const char *stream_read_obstacle(const struct stream *s, struct stream_now now);

/* ---- stream_settle.c */

void stream_settle_next(struct stream *s, struct stream_now now);
void stream_on_added(struct stream *s, const struct stream_reply *reply, struct stream_now now);
void stream_on_fetched(struct stream *s, const struct stream_reply *reply, struct stream_now now);
void stream_on_acked(struct stream *s, const struct stream_reply *reply, struct stream_now now);
/* Nothing that was sent will be answered: it is sent again. */
void stream_settle_again(struct stream *s);
void stream_bury(struct stream *s, struct stream_entry *entry, const struct stream_raw *raw,
                 const char *reason);
bool stream_is_settled(const struct stream *s);
void stream_settle_free(struct stream *s);

/* ---- stream_errand.c */

void stream_errand_next(struct stream *s, struct stream_now now);
void stream_on_errand(struct stream *s, const struct stream_reply *reply, struct stream_now now);
int64_t stream_errand_next_ms(const struct stream *s, struct stream_now now);
bool stream_lock_is_held(const struct stream *s, struct stream_now now);

/* ---- stream_claim.c */

/* What must be done before anything after it, and what may be done now; ERRAND_NONE: nothing. */
enum errand stream_claim_must(const struct stream *s, struct stream_now now);
enum errand stream_claim_may(struct stream *s, struct stream_now now);
/* When stream_claim_may has something, unless an event comes before. */
int64_t stream_claim_next_ms(const struct stream *s, struct stream_now now);
/* For these errands: the command; its answer, after which there may be another errand. */
void stream_claim_send(struct stream *s);
void stream_claim_answer(struct stream *s, enum errand errand, const struct stream_reply *reply,
                         struct stream_now now);
/* It went wrong, and waits until it is due again. */
void stream_claim_put_off(struct stream *s, enum errand errand, struct stream_now now);
/* What is pending under our other name, and not held, is looked for again. */
void stream_taken_again(struct stream *s);
/* What is pending under former names of ours is taken up anew. */
void stream_former_again(struct stream *s);

/* ---- stream_look.c */

void stream_look_start(struct stream *s);
void stream_look_step(struct stream *s, struct stream_now now);
void stream_on_look(struct stream *s, const struct stream_reply *reply, struct stream_now now);

#endif
