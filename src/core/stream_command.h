/* SPDX-License-Identifier: MIT
 *
 * stream_command.h: what the stream source asks of Redis, and what comes back, as plain values.
 *
 * Model: the source decides (core/stream.h), its port sends (io/redis_commands.h, or a simulated
 * Redis). There are two links: the reader's commands may block, so that everything else goes over
 * the writer. Each link answers in the order in which it was asked. There are two lanes, each a
 * stream of its own: STREAM:high and STREAM. A reply repeats its command's verb, lane and id count.
 * Lifetime: what commands and replies point to is borrowed during the call.
 */
#ifndef CORE_STREAM_COMMAND_H
#define CORE_STREAM_COMMAND_H

#include "core/message.h"
#include "core/stream_id.h"

enum stream_lane { LANE_HIGH, LANE_NORMAL };
enum { LANE_COUNT = 2 };

enum stream_link { LINK_READER, LINK_WRITER };
enum { LINK_COUNT = 2 };

enum stream_verb {
    /* The reader's. */
    STREAM_READ_OWN,  /* our own pending entries of `lane` after `after`, up to `count` */
    STREAM_READ_HIGH, /* new entries of the high lane, up to `count`, at once */
    STREAM_READ_NEW,  /* new entries, up to `count` of each lane, or of `lane` when one_lane says
                       * so; waits up to block_ms for one */
    /* The writer's. */
    STREAM_LOCK_TAKE,    /* take the lock, if it is free or has our owner; says who holds it */
    STREAM_LOCK_RENEW,   /* the same, unless it has our owner but another run */
    STREAM_LOCK_FREE,    /* give it back, if it is ours */
    STREAM_GROUP_MAKE,   /* make the group of `lane` at 0, and its stream */
    STREAM_ACK,          /* `ids` of `lane` are done; says how many were pending */
    STREAM_ADD,          /* add `add` to its stream */
    STREAM_FETCH,        /* the entry `after` of `lane`, as it stands in the stream */
    STREAM_LIST_PENDING, /* entries of `lane` from `after` on that are pending under `consumer`
                          * (NULL: any), idle for idle_ms, up to `count`: ids and consumers */
    STREAM_CLAIM,        /* `ids` of `lane`, if idle for idle_ms, become `consumer`'s: entries */
    STREAM_KEEP,         /* `ids` of `lane` become `consumer`'s; their idle time starts again */
    STREAM_LOOK_GROUP,   /* facts of the group */
    STREAM_LOOK_PENDING, /* how many are pending, and the lowest */
    STREAM_LOOK_STREAM,  /* facts of the stream */
    STREAM_LOOK_NEXT,    /* the first entry after `after` */
    STREAM_TRIM,         /* drop entries of `lane` below `after` */
};
enum { STREAM_VERB_COUNT = STREAM_TRIM + 1 };

enum stream_target { TARGET_RESULT, TARGET_STATUS, TARGET_DEAD };
enum { TARGET_COUNT = 3 };

/* An entry to be added: its fields, ready for the wire (resp_bytes of name, value, ...). */
struct stream_add {
    enum stream_target target;
    unsigned texts; /* names and values */
    size_t len;
    const char *bytes;
};

struct stream_command {
    enum stream_verb verb;
    enum stream_lane lane;
    bool one_lane; /* STREAM_READ_NEW: the other is not asked for */
    struct stream_id after;
    unsigned count;
    int64_t block_ms;
    int64_t idle_ms;
    const char *consumer;
    const struct stream_id *ids;
    size_t id_count;
    const struct stream_add *add;
};

/* An entry as Redis gives it. */
struct stream_raw {
    enum stream_lane lane;
    struct stream_id id;
    bool is_gone;         /* trimmed or deleted while it was pending: there are no fields */
    const char *fault;    /* why the fields make no sense, NULL when they do */
    const char *consumer; /* STREAM_LIST_PENDING: who has it */
    const struct field *fields;
    size_t field_count;
};

struct stream_reply {
    enum stream_verb verb;
    enum stream_lane lane;
    size_t id_count;
    const char *error; /* Redis' error; NULL: none */
    const struct stream_raw *entries;
    size_t entry_count;
    const char *holder;    /* STREAM_LOCK_*: who has the lock, NULL: we */
    int64_t number;        /* STREAM_ACK, STREAM_TRIM: how many; STREAM_LOOK_PENDING: pending;
                          * STREAM_LOOK_STREAM: entries in it; STREAM_LOOK_GROUP: how many groups
                          * read the stream */
    struct stream_id id;   /* STREAM_LOOK_PENDING: the lowest; STREAM_LOOK_STREAM: the first;
                          * STREAM_LOOK_GROUP: the last that was delivered */
    struct stream_id last; /* STREAM_LOOK_STREAM: the last that was ever added */
    bool is_missing;       /* STREAM_LOOK_GROUP: the group is not there */
    int64_t lag;           /* STREAM_LOOK_GROUP: entries not delivered yet, -1: not known */
    int64_t counted; /* STREAM_LOOK_GROUP: entries read so far; STREAM_LOOK_STREAM: entries ever
                          * added; -1: not known */
};

/* Which link a verb goes over. */
enum stream_link stream_verb_link(enum stream_verb verb);

#endif
