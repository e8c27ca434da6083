/* SPDX-License-Identifier: MIT
 *
 * sim_redis.h: a Redis as core/stream_command.h sees it: two streams and their groups, the lock,
 * and what was added to the results and to the dead.
 *
 * Model: an entry is unread, pending (under a name) or acknowledged, and is in its stream or was
 * trimmed. Ids ascend, so that a lane is an array. A snapshot is what is on Redis' disk: a
 * crash goes back to it. What was lost for good (trimmed, deleted, flushed before it was
 * acknowledged) is excused, message by message.
 * Failure: Redis' own errors, as texts in the reply.
 */
#ifndef SIM_SIM_REDIS_H
#define SIM_SIM_REDIS_H

#include "core/outcome.h"
#include "core/stream_command.h"
#include "sim_source.h"

enum { SIM_ROW_SPOILED = -1 }; /* an entry that is no message */

enum entry_state { ENTRY_UNREAD, ENTRY_PENDING, ENTRY_ACKED };

/* The consumers of the group: the other one is the first; then ours, in the order of their use. */
enum { SIM_NAMES_MAX = 32, SIM_NAME_SIZE = 32, SIM_STRANGER = 0, SIM_ANYBODY = SIM_NAMES_MAX };

struct sim_entry {
    struct stream_id id;
    int row; /* of the source */
    enum entry_state state;
    bool is_gone;        /* trimmed or deleted */
    bool is_dead;        /* it is on PREFIX:dead, too */
    bool was_acked;      /* once; a group that is made anew delivers it again */
    bool was_read;       /* before the group forgot it: whoever reads it now sends it again */
    unsigned char owner; /* under whose name it is pending */
    int64_t idle_at_ms;  /* since then nobody has touched it */
};

struct sim_lane {
    struct sim_entry *entries;
    unsigned count, cap;
    unsigned base; /* what is below was deleted with the stream */
    unsigned next; /* the first that the group has not delivered */
    unsigned pending;
    bool has_stream, has_group;
};

/* What PREFIX:result and PREFIX:status say of a message. */
struct sim_told {
    unsigned count;    /* of results */
    unsigned statuses; /* 1 << status */
    enum state state;  /* of the highest `at` */
    int64_t at_ms;
};

enum sim_holder { LOCK_FREE, LOCK_OURS, LOCK_RIVAL };

struct sim_lock {
    enum sim_holder holder;
    uint64_t run;
    int64_t until_ms;
    bool is_fair; /* the rival took it when ours had ended */
};

/* All that a crash of Redis may set back. */
struct sim_data {
    struct sim_lane lanes[LANE_COUNT];
    struct sim_told *told; /* by message */
    struct sim_lock lock;
    unsigned next_row; /* the producer's place: it adds again what was lost */
    unsigned spoiled;  /* entries that are no message */
};

void sim_data_free(struct sim_data *d);

struct sim_redis {
    const struct sim_source *source;
    struct sim_data now, saved;
    bool has_saved;
    unsigned messages;
    bool *lost_entry;    /* by message: an entry of it was lost before it was acknowledged */
    bool *twice_added;   /* by message: more than one entry was added of it */
    bool *lost_result;   /* by message: a result of it was */
    int64_t stays_until; /* ms: the rival keeps the lock */
    bool lock_lost;      /* Redis has lost our lock: we may believe to have it */
    char names[SIM_NAMES_MAX][SIM_NAME_SIZE];
    unsigned name_count;
    bool *was_others; /* by message: the other consumer had an entry of it, once */
    bool
        *sent_by_other; /* by message: it may have sent it, and Redis has not lost that it had it */
    const char *trouble; /* the error that is answered now; NULL: none */
    bool only_adds;      /* it is answered to additions alone */
};

/* A command as it travels. */
struct sim_command {
    struct list node;
    enum stream_verb verb;
    enum stream_lane lane;
    struct stream_id after;
    unsigned count;
    int64_t block_ms;
    bool one_lane;
    uint64_t run;      /* whose it is */
    unsigned me;       /* name of who sent it */
    unsigned consumer; /* name in it */
    int64_t idle_ms;
    size_t id_count;
    struct stream_id *ids;
    enum stream_target target;
    struct stream_id dead; /* TARGET_DEAD: which entry */
    unsigned index;        /* TARGET_RESULT, TARGET_STATUS: the message, and what is said of it */
    enum state state;
    unsigned statuses; /* 1 << status */
    int64_t at_ms;
};

struct sim_pick {
    enum stream_lane lane;
    unsigned place; /* in the lane */
    bool is_gone;
    int row;
    unsigned owner;
    struct stream_id id;
};

/* A reply as it travels. */
struct sim_reply {
    struct list node;
    struct stream_reply plain; /* without entries */
    struct sim_pick *picks;
    size_t pick_count;
};

void sim_redis_init(struct sim_redis *r, const struct sim_source *source, unsigned messages);
void sim_redis_free(struct sim_redis *r);

/* The number of a consumer's name. */
unsigned sim_redis_name(struct sim_redis *r, const char *name);
/* `run`, `me` and `consumer` are the caller's to set. */
struct sim_command *sim_command_new(const struct stream_command *c);
void sim_command_free(struct sim_command *c);
void sim_reply_free(struct sim_reply *r);

/* NULL when it waits for entries (STREAM_READ_NEW, while `may_wait`). Returned: free with
 * sim_reply_free. */
struct sim_reply *sim_redis_execute(struct sim_redis *r, const struct sim_command *c,
                                    int64_t now_ms, bool may_wait);
/* NULL: not there. */
struct sim_entry *sim_redis_find(struct sim_redis *r, enum stream_lane lane, struct stream_id id);
void sim_redis_add(struct sim_redis *r, enum stream_lane lane, int row, int64_t now_ms);
/* Everything that was ever added is acknowledged or gone. */
bool sim_redis_is_drained(const struct sim_redis *r);

/* ---- What befalls it. */

void sim_redis_save(struct sim_redis *r);
/* Back to what was saved. */
void sim_redis_crash(struct sim_redis *r);
void sim_redis_delete(struct sim_redis *r, enum stream_lane lane);
void sim_redis_flush(struct sim_redis *r);
void sim_redis_drop_group(struct sim_redis *r, enum stream_lane lane);
/* A producer's MAXLEN: the lowest `count` that are there go. */
void sim_redis_cut(struct sim_redis *r, enum stream_lane lane, unsigned count);
/* The other consumer reads up to `count`, and sends each other of them; returns how many. */
unsigned sim_redis_read_by_other(struct sim_redis *r, enum stream_lane lane, unsigned count,
                                 int64_t now_ms);
/* It acknowledges up to `count` of its own. */
unsigned sim_redis_done_by_other(struct sim_redis *r, enum stream_lane lane, unsigned count);
/* What is pending under names of ours. */
unsigned sim_redis_pending_ours(const struct sim_redis *r);
/* Another daemon asks for the lock. */
void sim_redis_rival(struct sim_redis *r, int64_t now_ms, int64_t stay_ms);

#endif
