/* SPDX-License-Identifier: MIT
 *
 * sim_config.h: what one seed makes of a run: configuration and faults, all drawn before it begins
 * ("swarm": in each run some faults are off, some extreme).
 */
#ifndef SIM_SIM_CONFIG_H
#define SIM_SIM_CONFIG_H

#include "core/engine.h"
#include "sim_random.h"

/* What a request meets. */
enum fate {
    FATE_ACCEPT,
    FATE_NOT_SENT,        /* the connection fails before the first byte */
    FATE_LOST_REQUEST,    /* on the wire; Graph never sees it; no answer */
    FATE_LOST_ANSWER,     /* Graph accepts it; no answer comes, or too late */
    FATE_CUT_ANSWER,      /* Graph accepts it; the answer is cut off */
    FATE_HTML,            /* an edge answers 502; Graph accepted it or not */
    FATE_REFUSE,          /* an error object; the code is drawn */
    FATE_UNSURE,          /* 131000: Graph acted or not */
    FATE_ACCEPT_AND_FAIL, /* a whole answer beside a transport error */
    FATE_DEAD_CONNECTION, /* a kept connection dies after Graph read the request: a client without
                           * a guard sends it again by itself */
    FATE_HALT,            /* refused by a code that stops everything, a sender or a template */
    FATE_COUNT,
};
const char *fate_name(enum fate fate);

/* What else goes wrong. */
enum fault {
    FAULT_KILL,           /* the process is gone, the machine stays */
    FAULT_POWER_CUT,      /* the machine is gone */
    FAULT_DIED_IN_COMMIT, /* either, in the middle of a commit */
    FAULT_DIED_IN_OPEN,   /* either, while the ledger recovers */
    FAULT_DIED_IN_CLOSE,  /* either, while it closes */
    FAULT_DIED_IN_CHECKPOINT,
    FAULT_DISK_ERROR, /* a write or sync fails */
    FAULT_DISK_FULL,
    FAULT_STOP,        /* SIGTERM */
    FAULT_HOLD,        /* the operator holds, and lets go */
    FAULT_STALL,       /* the process stands still for a while */
    FAULT_OUTAGE,      /* nothing can be reached for a while */
    FAULT_BROWN_OUT,   /* nothing is answered for a while */
    FAULT_MAINTENANCE, /* every answer is a 502 for a while */
    FAULT_GOAWAY,      /* what is on the wire loses its connection */
    FAULT_THROTTLE,    /* 130429: more than Graph's own limit in its second */
    FAULT_PAIR,        /* 131056 without a reason that we could see */
    /* Of the stream. */
    FAULT_LINK,          /* a connection to Redis is lost: commands or replies with it */
    FAULT_HALF_OPEN,     /* and Redis serves what it asked for a while */
    FAULT_REDIS_CRASH,   /* the last moments are lost */
    FAULT_REDIS_TROUBLE, /* errors for a while */
    FAULT_GROUP_GONE,
    FAULT_STREAM_GONE,
    FAULT_FLUSHED, /* everything is gone */
    FAULT_TRIMMED, /* a producer's MAXLEN */
    FAULT_RIVAL,   /* another daemon wants the lock */
    /* Of webhooks. */
    FAULT_HOOK_MISSING,  /* a status is never posted */
    FAULT_HOOK_DOUBLED,  /* a status is posted twice */
    FAULT_HOOK_EARLY,    /* it is here before our own answer */
    FAULT_HOOK_BARE,     /* without callback data */
    FAULT_HOOK_CUT,      /* with callback data that is cut */
    FAULT_HOOK_STRANGER, /* of no message of ours */
    FAULT_HOOK_FOREIGN,  /* of another ledger's message that has the id of one of ours */
    FAULT_HOOK_FORGED,   /* not by Meta */
    FAULT_HOOK_SPOILED,  /* its body is cut on its way */
    FAULT_HOOK_LINK,     /* the connection is lost before we have it */
    FAULT_HOOK_UNHEARD,  /* the connection is lost before Meta has our answer */
    FAULT_HOOK_REFUSED,  /* 503: not now */
    FAULT_HOOK_ORPHANED, /* the process is gone before it answered: committed or not */
    /* Of company in the group. */
    FAULT_STRANGER_READ, /* another consumer has read entries, and sent some of them */
    FAULT_STRANGER_DONE, /* it acknowledges some */
    FAULT_RENAMED,       /* the process has another name than before */
    FAULT_COUNT,
};
const char *fault_name(enum fault fault);

/* Faults by time: chances are of 1,000,000 steps unless they say otherwise. */
struct sim_faults {
    unsigned weight[FATE_COUNT]; /* of 10,000 requests; the rest is FATE_ACCEPT */
    unsigned pair_refusals;      /* of 10,000 requests */
    unsigned crashes;
    unsigned power_cuts;  /* of 10,000 crashes */
    unsigned in_commit;   /* of 10,000 commits: the process dies in it */
    unsigned in_open;     /* of 10,000 opens; closes and checkpoints, too */
    unsigned disk_errors; /* of 10,000 commits */
    unsigned stops;
    unsigned holds;
    unsigned stalls;
    unsigned weather; /* outages, brown-outs, maintenance, lost connections */
    unsigned links;   /* of 10,000 exchanges with Redis: the connection is lost */
    unsigned redis;   /* what befalls Redis */
    /* Of 10,000 statuses, of their bodies, of accepted messages. */
    unsigned hook_missing, hook_doubled, hook_bare, hook_cut;
    unsigned hook_links, hook_spoiled, hook_forged;
    unsigned hook_strangers, hook_foreign;
};

struct sim_config {
    struct engine_options engine; /* ledger_id and last_attempt_ms are the ledger's */
    struct sim_faults faults;
    int64_t latency_us;     /* median */
    int64_t commit_us;      /* most of a usual commit */
    int64_t gather_us;      /* how long outcomes wait for company */
    unsigned batch_max;     /* records of a commit */
    size_t run_size;        /* key_index.h */
    unsigned checkpoints;   /* of 10,000 commits: one follows that the ledger did not want */
    unsigned limit;         /* what the contract allows in a sliding second; 0: unlimited */
    unsigned graph_limit;   /* what Graph allows; 0: unlimited */
    unsigned hot_share;     /* of 10,000 messages: those to one recipient */
    unsigned repeat_share;  /* of 10,000 rows: a row of before again */
    unsigned reuse_share;   /* of 10,000 repeated rows: with other content */
    unsigned later_share;   /* of 10,000 messages: not_before */
    unsigned expiry_share;  /* of 10,000 messages: expires_at */
    bool is_stream;         /* the source is a stream, else a file */
    unsigned spoiled_share; /* of 10,000 entries: those that are no message */
    unsigned high_share;    /* of 10,000 entries: those of the high lane */
    int64_t produce_us;     /* most of the time between two lots of the producer */
    unsigned produce_lot;   /* most entries of a lot */
    int64_t redis_us;       /* most of the time a command takes, and again its reply */
    bool has_company;       /* another consumer reads, too, and stops; we claim, and change names */
    int64_t claim_idle_ms;
    int64_t stranger_us;   /* most of the time between two acts of the other consumer */
    bool has_hooks;        /* the webhook port is open */
    unsigned hook_share;   /* of 10,000 messages that went well: those that statuses tell of */
    unsigned hook_company; /* of 10,000 statuses: those that go out with the one before */
    int64_t hook_us;       /* most of the time a status takes, mostly */
    int64_t hook_wait_us;  /* when all is sent: how long statuses are waited for */
    bool is_calm;          /* no faults at all: all must be accepted soon */
};

void sim_config_draw(struct sim_config *c, struct sim_random *r);
/* Faults end: what is left must come to its end. */
void sim_config_calm(struct sim_config *c);

enum fate sim_fate(const struct sim_faults *f, struct sim_random *r);
int64_t sim_latency_us(const struct sim_config *c, struct sim_random *r);
/* Graph error codes: of a refusal that says "not accepted", of one that stops something, of one
 * that is unsure. */
int sim_refusal_code(struct sim_random *r);
int sim_halt_code(struct sim_random *r);

#endif
