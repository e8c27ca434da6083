/* SPDX-License-Identifier: MIT */
#include "sim_config.h"

#include "base/attr.h"

static const char *const fate_names[FATE_COUNT] = {
    [FATE_ACCEPT] = "accepted",
    [FATE_NOT_SENT] = "not sent",
    [FATE_LOST_REQUEST] = "request lost",
    [FATE_LOST_ANSWER] = "answer lost",
    [FATE_CUT_ANSWER] = "answer cut",
    [FATE_HTML] = "502 without an error object",
    [FATE_REFUSE] = "refused",
    [FATE_UNSURE] = "131000",
    [FATE_ACCEPT_AND_FAIL] = "accepted beside a transport error",
    [FATE_DEAD_CONNECTION] = "connection dead after the request",
    [FATE_HALT] = "refused, and something halted",
};

static const char *const fault_names[FAULT_COUNT] = {
    [FAULT_KILL] = "process killed",
    [FAULT_POWER_CUT] = "power cut",
    [FAULT_DIED_IN_COMMIT] = "died in a commit",
    [FAULT_DIED_IN_OPEN] = "died in an open",
    [FAULT_DIED_IN_CLOSE] = "died in a close",
    [FAULT_DIED_IN_CHECKPOINT] = "died in a checkpoint",
    [FAULT_DISK_ERROR] = "disk error",
    [FAULT_DISK_FULL] = "disk full",
    [FAULT_STOP] = "stopped",
    [FAULT_HOLD] = "held",
    [FAULT_STALL] = "stalled",
    [FAULT_OUTAGE] = "outage",
    [FAULT_BROWN_OUT] = "brown-out",
    [FAULT_MAINTENANCE] = "only 502s",
    [FAULT_GOAWAY] = "connections lost at once",
    [FAULT_THROTTLE] = "throttled",
    [FAULT_PAIR] = "recipient refused",
    [FAULT_LINK] = "Redis connection lost",
    [FAULT_HALF_OPEN] = "Redis connection half open",
    [FAULT_REDIS_CRASH] = "Redis crashed",
    [FAULT_REDIS_TROUBLE] = "Redis errors",
    [FAULT_GROUP_GONE] = "group destroyed",
    [FAULT_STREAM_GONE] = "stream deleted",
    [FAULT_FLUSHED] = "Redis flushed",
    [FAULT_TRIMMED] = "stream trimmed",
    [FAULT_RIVAL] = "another daemon",
    [FAULT_STRANGER_READ] = "read by another consumer",
    [FAULT_STRANGER_DONE] = "acknowledged by another consumer",
    [FAULT_RENAMED] = "consumer renamed",
    [FAULT_HOOK_MISSING] = "webhook missing",
    [FAULT_HOOK_DOUBLED] = "webhook twice",
    [FAULT_HOOK_EARLY] = "webhook before our answer",
    [FAULT_HOOK_BARE] = "webhook without callback data",
    [FAULT_HOOK_CUT] = "webhook with cut callback data",
    [FAULT_HOOK_STRANGER] = "webhook of a stranger",
    [FAULT_HOOK_FOREIGN] = "webhook of another ledger",
    [FAULT_HOOK_FORGED] = "webhook forged",
    [FAULT_HOOK_SPOILED] = "webhook body cut",
    [FAULT_HOOK_LINK] = "webhook connection lost",
    [FAULT_HOOK_UNHEARD] = "webhook answer lost",
    [FAULT_HOOK_REFUSED] = "webhook refused for now",
    [FAULT_HOOK_ORPHANED] = "webhook under way at the end",
};

const char *fate_name(enum fate fate)
{
    return fate_names[fate];
}

const char *fault_name(enum fault fault)
{
    return fault_names[fault];
}

/* One of `count` values. */
static unsigned one_of(struct sim_random *r, const unsigned *values, size_t count)
{
    return values[sim_random_below(r, count)];
}
#define ONE_OF(r, ...) \
    one_of(r, (const unsigned[]){__VA_ARGS__}, ARRAY_SIZE(((const unsigned[]){__VA_ARGS__})))

static void draw_engine(struct sim_config *c, struct sim_random *r)
{
    unsigned rate = ONE_OF(r, RATE_UNLIMITED, 5, 20, 20, 80, 200, 1000, 5000);

    c->limit = rate;
    c->engine = (struct engine_options){
        .rate = {rate, ONE_OF(r, 0, 1, 1, 10), 10000, ONE_OF(r, 0, 1000000, 3000000)},
        .retry = {1 + (unsigned)sim_random_below(r, 6), 100, 20000},
        .resend_unknown = sim_random_chance(r, 3000),
        .intent_ahead_us = ONE_OF(r, 0, 50000, 50000, 50000, 1000000),
        .max_in_flight = ONE_OF(r, 1, 20, 100, 1000, 1000),
    };
    c->graph_limit = rate && sim_random_chance(r, 2500) ? (rate * 7 + 9) / 10 : 0;
}

static void draw_faults(struct sim_faults *f, struct sim_random *r)
{
    *f = (struct sim_faults){
        .pair_refusals = ONE_OF(r, 0, 0, 0, 5, 50),
        .crashes = ONE_OF(r, 0, 0, 20, 100, 500),
        .power_cuts = ONE_OF(r, 0, 5000, 10000),
        .in_commit = ONE_OF(r, 0, 0, 10, 80),
        .in_open = ONE_OF(r, 0, 0, 500, 3000),
        .disk_errors = ONE_OF(r, 0, 0, 0, 20, 100),
        .stops = ONE_OF(r, 0, 30, 300),
        .holds = ONE_OF(r, 0, 20, 200),
        .stalls = ONE_OF(r, 0, 0, 30, 300),
        .weather = ONE_OF(r, 0, 0, 30, 200),
    };
    for (int fate = FATE_ACCEPT + 1; fate < FATE_COUNT; fate++)
        f->weight[fate] = ONE_OF(r, 0, 0, 5, 50, 500);
    f->weight[FATE_HALT] = ONE_OF(r, 0, 5, 30);
}

static void draw_source(struct sim_config *c, struct sim_random *r)
{
    c->hot_share = ONE_OF(r, 0, 100, 500);
    c->repeat_share = ONE_OF(r, 0, 50, 1000);
    c->reuse_share = ONE_OF(r, 0, 2000);
    c->later_share = ONE_OF(r, 0, 0, 100, 1000);
    c->expiry_share = ONE_OF(r, 0, 0, 100, 4000);
}

/* By chance of its own: the seeds of files go on as they went before there were streams. */
static void draw_stream(struct sim_config *c, struct sim_random *r)
{
    c->is_stream = sim_random_chance(r, 5000);
    if (!c->is_stream)
        return;
    c->engine.tell_known = true;
    c->spoiled_share = ONE_OF(r, 0, 50, 500);
    c->high_share = ONE_OF(r, 0, 1000, 5000);
    c->produce_us = ONE_OF(r, 1000, 50000, 500000, 4000000);
    c->produce_lot = ONE_OF(r, 1, 20, 300, 3000);
    c->redis_us = ONE_OF(r, 200, 1000, 20000);
    c->faults.links = ONE_OF(r, 0, 0, 20, 200);
    c->faults.redis = ONE_OF(r, 0, 0, 100, 1000);
}

/* By chance of its own, as the stream. */
static void draw_company(struct sim_config *c, struct sim_random *r)
{
    c->claim_idle_ms = 120000;
    c->has_company = c->is_stream && sim_random_chance(r, 2500);
    if (!c->has_company)
        return;
    c->claim_idle_ms = ONE_OF(r, 1000, 5000, 120000);
    c->stranger_us = ONE_OF(r, 1000, 100000, 3000000);
}

/* By chance of its own, as the stream. */
static void draw_hooks(struct sim_config *c, struct sim_random *r)
{
    struct sim_faults *f = &c->faults;

    c->has_hooks = sim_random_chance(r, 6000);
    if (!c->has_hooks)
        return;
    c->hook_share = ONE_OF(r, 0, 200, 1000, 5000);
    c->hook_company = ONE_OF(r, 0, 5000, 9000, 9900);
    c->hook_us = ONE_OF(r, 1000, 100000, 1000000, 20000000, 600000000);
    c->hook_wait_us = INT64_C(1000000) * ONE_OF(r, 0, 60, 3600, 3600);
    f->hook_missing = ONE_OF(r, 0, 0, 500, 5000);
    f->hook_doubled = ONE_OF(r, 0, 500, 3000);
    f->hook_bare = ONE_OF(r, 0, 0, 500);
    f->hook_cut = ONE_OF(r, 0, 0, 500);
    f->hook_links = ONE_OF(r, 0, 0, 200, 2000);
    f->hook_spoiled = ONE_OF(r, 0, 0, 200);
    f->hook_forged = ONE_OF(r, 0, 50, 300);
    f->hook_strangers = ONE_OF(r, 0, 50, 300);
    f->hook_foreign = ONE_OF(r, 0, 50, 300);
}

void sim_config_calm(struct sim_config *c)
{
    c->faults = (struct sim_faults){0};
    c->graph_limit = 0;
    c->is_calm = true;
}

void sim_config_draw(struct sim_config *c, struct sim_random *r)
{
    *c = (struct sim_config){
        .latency_us = ONE_OF(r, 1000, 20000, 100000, 300000, 600000),
        .commit_us = ONE_OF(r, 300, 8000, 8000, 60000),
        .gather_us = ONE_OF(r, 0, 5000, 20000),
        .batch_max = ONE_OF(r, 1, 16, 256, 4096, 4096, 4096),
        .run_size = ONE_OF(r, 1, 50, 700, 32768),
        .checkpoints = ONE_OF(r, 0, 100, 500, 2000),
    };
    draw_engine(c, r);
    draw_faults(&c->faults, r);
    draw_source(c, r);
    draw_stream(c, &(struct sim_random){r->state ^ 0x5851f42d4c957f2du});
    draw_hooks(c, &(struct sim_random){r->state ^ 0x14057b7ef767814fu});
    draw_company(c, &(struct sim_random){r->state ^ 0x2545f4914f6cdd1du});
    if (sim_random_chance(r, 500)) {
        sim_config_calm(c);
        c->has_company = false;
    }
}

enum fate sim_fate(const struct sim_faults *f, struct sim_random *r)
{
    uint64_t drawn = sim_random_below(r, 10000);

    for (int fate = FATE_ACCEPT + 1; fate < FATE_COUNT; fate++) {
        if (drawn < f->weight[fate])
            return (enum fate)fate;
        drawn -= f->weight[fate];
    }
    return FATE_ACCEPT;
}

int64_t sim_latency_us(const struct sim_config *c, struct sim_random *r)
{
    int64_t jitter = (int64_t)sim_random_below(r, (uint64_t)c->latency_us + 1);

    return c->latency_us / 2 + jitter + (sim_random_chance(r, 100) ? 10 * c->latency_us : 0);
}

int sim_refusal_code(struct sim_random *r)
{
    static const int codes[] = {130429, 131026, 131056, 131016, 2,      4,
                                131049, 131008, 132000, 130472, 135000, 1};

    return codes[sim_random_below(r, ARRAY_SIZE(codes))];
}

int sim_halt_code(struct sim_random *r)
{
    static const int codes[] = {190, 131031, 131042, 132001, 132015, 133010, 131057, 134101};

    return codes[sim_random_below(r, ARRAY_SIZE(codes))];
}
