/* SPDX-License-Identifier: MIT
 *
 * sim_link.c: the two connections to Redis, the producer, and what befalls all of them.
 *
 * Happy path: a command is sent; after a while Redis has it and does it, with all that came before
 * on the same connection; after a while the reply is back. A read waits for entries to come.
 * Failure modes: a connection is lost, with commands that Redis never sees, or replies that nobody
 * sees, or both; it is half open: Redis serves a read that waits, to nobody; Redis crashes, and its
 * last moments with it; it answers errors for a while; group, stream or everything is deleted.
 */
#include "sim_world_internal.h"

#include "base/mem.h"

enum {
    MS = 1000,
    CUT_MAX = 20,          /* entries that a producer's MAXLEN takes */
    DOWN_MAX_US = 3000000, /* until a connection is there again */
    HALF_OPEN_OF = 2500,   /* of 10,000 lost connections */
    LOST_MAX_US = 1000000, /* how much of its last moments a crash loses */
    TROUBLE_MAX_US = 20000000,
    STRANGER_MAX = 30, /* entries that the other consumer reads at a time */
    STRANGER_ACTS = 40,
    RIVAL_MAX_MS = 60000,
    GONE_OF = 3000, /* of 10,000: what takes so much away is rare */
};

static int64_t now_ms(const struct world *w)
{
    return world_now(w).wall_ms;
}

static int64_t below_us(struct world *w, int64_t most_us)
{
    return (int64_t)sim_random_below(&w->random, (uint64_t)most_us) + 1;
}

/* ---- Sending. */

void link_send(struct world *w, const struct stream_command *command)
{
    enum stream_link which = stream_verb_link(command->verb);
    struct sim_link *link = &w->stream.links[which];
    struct sim_command *c = sim_command_new(command);
    struct sim_redis *r = &w->stream.redis;

    c->run = w->result->lives;
    c->me = sim_redis_name(r, w->stream.options.consumer);
    c->consumer = command->consumer ? sim_redis_name(r, command->consumer) : SIM_ANYBODY;
    rules_on_command(w, command);
    if (!link->is_up)
        sim_fail(&w->verdict, "I11: command %d was sent without a connection", command->verb);
    list_append(&link->commands, &c->node);
    if (!link->asked.at.place)
        world_schedule(w, &link->asked, EVENT_LINK_ASKED, below_us(w, w->config.redis_us));
}

/* ---- Redis has it. */

static struct sim_reply *execute(struct world *w, const struct sim_command *c, bool may_wait)
{
    struct sim_reply *reply;

    rules_on_asked(w, c);
    reply = sim_redis_execute(&w->stream.redis, c, now_ms(w), may_wait);
    world_trace(w, 900 + (uint64_t)c->verb, reply ? reply->pick_count + c->id_count : 0);
    return reply;
}

/* Nobody hears what came of it. */
static void execute_in_vain(struct world *w, const struct sim_command *c)
{
    sim_reply_free(execute(w, c, false));
}

static void answer_later(struct world *w, struct sim_link *link)
{
    if (!link->answered.at.place && !list_is_empty(&link->replies))
        world_schedule(w, &link->answered, EVENT_LINK_ANSWERED, below_us(w, w->config.redis_us));
}

/* False: it waits for entries, and the rest behind it. */
static bool execute_first(struct world *w, struct sim_link *link)
{
    struct sim_command *c = LIST_ITEM(link->commands.next, struct sim_command, node);
    bool may_wait = c->block_ms && (!link->wait_until_us || w->now_us < link->wait_until_us);
    struct sim_reply *reply = execute(w, c, may_wait);

    if (!reply) {
        if (!link->wait_until_us)
            link->wait_until_us = w->now_us + c->block_ms * MS;
        return false;
    }
    link->wait_until_us = 0;
    list_append(&link->replies, &reply->node);
    list_remove(&c->node);
    sim_command_free(c);
    return true;
}

static void on_asked(struct world *w, struct sim_link *link)
{
    bool goes_on = true;

    while (goes_on && !list_is_empty(&link->commands))
        goes_on = execute_first(w, link);
    if (!goes_on)
        world_schedule(w, &link->asked, EVENT_LINK_ASKED, link->wait_until_us - w->now_us);
    answer_later(w, link);
}

static void wake_reader(struct world *w)
{
    struct sim_link *link = &w->stream.links[LINK_READER];

    if (!link->wait_until_us)
        return;
    world_unschedule(w, &link->asked);
    world_schedule(w, &link->asked, EVENT_LINK_ASKED, 1);
}

/* ---- Replies are back. */

static void tell(struct world *w, const struct sim_reply *reply)
{
    struct stream_reply r = reply->plain;
    size_t count = reply->pick_count;
    struct sim_fields *texts = mem_alloc((count + 1) * sizeof(*texts));
    struct stream_raw *raws = mem_alloc((count + 1) * sizeof(*raws));

    for (size_t i = 0; i < count; i++) {
        const struct sim_pick *p = &reply->picks[i];

        raws[i] = (struct stream_raw){
            .lane = p->lane,
            .id = p->id,
            .is_gone = p->is_gone,
            .consumer = w->stream.redis.names[p->owner],
        };
        if (p->is_gone)
            continue;
        sim_source_fields(&w->source, p->row, &texts[i]);
        raws[i].fields = texts[i].fields;
        raws[i].field_count = texts[i].count;
    }
    if (r.verb >= STREAM_LOCK_TAKE && r.verb <= STREAM_LOCK_RENEW && !r.error)
        w->stream.knows_rival = r.holder;
    r.entries = raws;
    r.entry_count = count;
    stream_on_reply(w->stream.stream, &r, stream_side_now(w));
    for (size_t i = 0; i < count; i++)
        message_free(texts[i].message);
    mem_free(raws);
    mem_free(texts);
}

/* What it hears may make the stream drop the connection, and the rest with it. */
static void on_answered(struct world *w, struct sim_link *link)
{
    struct list *node;

    while ((node = list_pop(&link->replies))) {
        struct sim_reply *reply = LIST_ITEM(node, struct sim_reply, node);

        tell(w, reply);
        sim_reply_free(reply);
    }
}

/* ---- Connections come and go. */

static void forget(struct world *w, struct sim_link *link)
{
    struct list *node;

    world_unschedule(w, &link->up);
    world_unschedule(w, &link->asked);
    world_unschedule(w, &link->answered);
    link->is_up = false;
    w->stream.forgotten = 0;
    link->wait_until_us = 0;
    while ((node = list_pop(&link->commands)))
        sim_command_free(LIST_ITEM(node, struct sim_command, node));
    while ((node = list_pop(&link->replies)))
        sim_reply_free(LIST_ITEM(node, struct sim_reply, node));
}

/* What was written and not read yet: Redis reads the first few of it. */
static void execute_some(struct world *w, struct sim_link *link, bool all)
{
    while (!list_is_empty(&link->commands) && (all || world_chance(w, 7000))) {
        struct sim_command *c = LIST_ITEM(list_pop(&link->commands), struct sim_command, node);

        execute_in_vain(w, c);
        sim_command_free(c);
    }
}

/* The read that waits goes on to, for Redis does not know yet. */
static void leave_half_open(struct world *w, struct sim_link *link)
{
    struct sim_stream *s = &w->stream;

    if (s->half_open || list_is_empty(&link->commands) || !world_chance(w, HALF_OPEN_OF))
        return;
    world_count(w, FAULT_HALF_OPEN);
    s->half_open = LIST_ITEM(list_pop(&link->commands), struct sim_command, node);
    world_schedule(w, &s->half_open_event, EVENT_HALF_OPEN, below_us(w, STREAM_BLOCK_MS * MS));
}

static void lose(struct world *w, struct sim_link *link)
{
    if (link == &w->stream.links[LINK_READER])
        leave_half_open(w, link);
    execute_some(w, link, false);
    forget(w, link);
}

static void connect_later(struct world *w, enum stream_link which)
{
    int64_t most_us = world_chance(w, 5000) ? DOWN_MAX_US : DOWN_MAX_US / 100;

    world_schedule(w, &w->stream.links[which].up, EVENT_LINK_UP, below_us(w, most_us));
}

void link_drop(struct world *w, enum stream_link which)
{
    lose(w, &w->stream.links[which]);
    connect_later(w, which);
}

static void go_down(struct world *w, enum stream_link which)
{
    if (!w->stream.links[which].is_up)
        return;
    link_drop(w, which);
    stream_on_down(w->stream.stream, which, stream_side_now(w));
}

void link_open_all(struct world *w)
{
    for (unsigned which = 0; which < LINK_COUNT; which++) {
        struct sim_link *link = &w->stream.links[which];

        link->up.link = link->asked.link = link->answered.link = which;
        list_init(&link->commands);
        list_init(&link->replies);
        connect_later(w, which);
    }
}

void link_close_all(struct world *w, bool sound)
{
    for (unsigned which = 0; which < LINK_COUNT; which++) {
        struct sim_link *link = &w->stream.links[which];

        if (sound && which == LINK_WRITER)
            execute_some(w, link, true);
        lose(w, link);
    }
}

static void on_up(struct world *w, enum stream_link which)
{
    w->stream.links[which].is_up = true;
    stream_on_up(w->stream.stream, which, stream_side_now(w));
}

/* ---- The producer. */

static void forget_half_open(struct world *w)
{
    struct sim_stream *s = &w->stream;

    world_unschedule(w, &s->half_open_event);
    sim_command_free(s->half_open);
    s->half_open = NULL;
}

/* Redis serves those that wait in the order in which they came: this one first. */
static void serve_half_open(struct world *w)
{
    if (!w->stream.half_open)
        return;
    if (!w->stream.redis.trouble)
        execute_in_vain(w, w->stream.half_open);
    forget_half_open(w);
}

static void produce(struct world *w)
{
    struct sim_redis *r = &w->stream.redis;
    uint64_t lot = 1 + sim_random_below(&w->random, w->config.produce_lot);

    for (uint64_t i = 0; i < lot && r->now.next_row < w->source.row_count; i++) {
        enum stream_lane lane = world_chance(w, w->config.high_share) ? LANE_HIGH : LANE_NORMAL;

        if (world_chance(w, w->config.spoiled_share))
            sim_redis_add(r, lane, SIM_ROW_SPOILED, now_ms(w));
        sim_redis_add(r, lane, (int)r->now.next_row++, now_ms(w));
    }
    serve_half_open(w);
    if (r->now.next_row < w->source.row_count)
        world_schedule(w, &w->stream.produced, EVENT_PRODUCED, below_us(w, w->config.produce_us));
    wake_reader(w);
}

/* ---- Another consumer of the group. It reads for a while, and finishes some; then it is dead. */

static void act_as_other(struct world *w)
{
    struct sim_stream *s = &w->stream;
    enum stream_lane lane = world_chance(w, 7000) ? LANE_NORMAL : LANE_HIGH;
    unsigned count = 1 + (unsigned)sim_random_below(&w->random, STRANGER_MAX);

    if (world_chance(w, 7000) && sim_redis_read_by_other(&s->redis, lane, count, now_ms(w)))
        world_count(w, FAULT_STRANGER_READ);
    else if (sim_redis_done_by_other(&s->redis, lane, count / 2))
        world_count(w, FAULT_STRANGER_DONE);
    if (++s->stranger_acts < STRANGER_ACTS && !w->config.is_calm)
        world_schedule(w, &s->stranger, EVENT_STRANGER, below_us(w, w->config.stranger_us));
}

/* ---- What befalls Redis. */

static void begin_trouble(struct world *w, const char *trouble, bool only_adds)
{
    struct sim_stream *s = &w->stream;
    int64_t most_us = world_chance(w, 5000) ? TROUBLE_MAX_US : TROUBLE_MAX_US / 50;

    s->redis.trouble = trouble;
    s->redis.only_adds = only_adds;
    world_unschedule(w, &s->trouble_ends);
    world_schedule(w, &s->trouble_ends, EVENT_TROUBLE_ENDS, below_us(w, most_us));
    wake_reader(w);
}

static void draw_trouble(struct world *w)
{
    static const char *const troubles[] = {
        "OOM command not allowed when used memory > 'maxmemory'.",
        "READONLY You can't write against a read only replica.",
        "LOADING Redis is loading the dataset in memory",
        "MISCONF Errors writing to the AOF file",
    };
    uint64_t drawn = sim_random_below(&w->random, ARRAY_SIZE(troubles));

    world_count(w, FAULT_REDIS_TROUBLE);
    begin_trouble(w, troubles[drawn], drawn == 0);
}

/* What is on its disk now is what a crash soon will leave. */
static void draw_crash(struct world *w)
{
    if (w->stream.redis.has_saved)
        return;
    sim_redis_save(&w->stream.redis);
    world_schedule(w, &w->stream.crash, EVENT_REDIS_CRASHES, below_us(w, LOST_MAX_US));
}

static void on_crash(struct world *w)
{
    struct sim_stream *s = &w->stream;

    world_count(w, FAULT_REDIS_CRASH);
    for (unsigned which = 0; which < LINK_COUNT; which++)
        go_down(w, which);
    forget_half_open(w);
    sim_redis_crash(&s->redis);
    if (world_chance(w, 5000))
        begin_trouble(w, "LOADING Redis is loading the dataset in memory", false);
    world_unschedule(w, &s->produced);
    world_schedule(w, &s->produced, EVENT_PRODUCED, below_us(w, DOWN_MAX_US) + 2 * MS);
}

/* Redis tells a read that waits when its stream or group is gone. */
static void on_gone(struct world *w, enum fault fault)
{
    world_count(w, fault);
    wake_reader(w);
}

static void befall_lane(struct world *w, enum fault fault, enum stream_lane lane)
{
    struct sim_redis *r = &w->stream.redis;

    if (fault == FAULT_GROUP_GONE)
        sim_redis_drop_group(r, lane);
    else if (fault == FAULT_STREAM_GONE)
        sim_redis_delete(r, lane);
    else if (fault == FAULT_FLUSHED)
        sim_redis_flush(r);
    else
        sim_redis_cut(r, lane, 1 + (unsigned)sim_random_below(&w->random, CUT_MAX));
    on_gone(w, fault);
}

void link_misfortune(struct world *w)
{
    static const enum fault faults[] = {
        FAULT_REDIS_CRASH, FAULT_REDIS_CRASH, FAULT_REDIS_CRASH,   FAULT_REDIS_TROUBLE,
        FAULT_RIVAL,       FAULT_RIVAL,       FAULT_REDIS_TROUBLE, FAULT_REDIS_TROUBLE,
        FAULT_GROUP_GONE,  FAULT_GROUP_GONE,  FAULT_TRIMMED,       FAULT_TRIMMED,
        FAULT_STREAM_GONE, FAULT_FLUSHED,
    };
    enum fault fault = faults[sim_random_below(&w->random, ARRAY_SIZE(faults))];

    if (fault >= FAULT_STREAM_GONE && fault <= FAULT_FLUSHED && !world_chance(w, GONE_OF))
        return;
    if (fault == FAULT_REDIS_CRASH) {
        draw_crash(w);
    } else if (fault == FAULT_REDIS_TROUBLE) {
        draw_trouble(w);
    } else if (fault == FAULT_RIVAL) {
        world_count(w, fault);
        if (world_chance(w, 5000)) /* somebody deletes the lock for it */
            w->stream.redis.lock_lost = true;
        sim_redis_rival(&w->stream.redis, now_ms(w), below_us(w, RIVAL_MAX_MS));
    } else {
        befall_lane(w, fault, world_chance(w, 7000) ? LANE_NORMAL : LANE_HIGH);
    }
}

/* ---- Events. */

static void ask_or_lose(struct world *w, enum stream_link which)
{
    if (!world_chance(w, w->config.faults.links)) {
        on_asked(w, &w->stream.links[which]);
        return;
    }
    world_count(w, FAULT_LINK);
    go_down(w, which);
}

static void answer_or_lose(struct world *w, enum stream_link which)
{
    if (!world_chance(w, w->config.faults.links)) {
        on_answered(w, &w->stream.links[which]);
        return;
    }
    world_count(w, FAULT_LINK);
    go_down(w, which);
}

void link_handle(struct world *w, struct event *event)
{
    if (event->kind == EVENT_LINK_UP)
        on_up(w, event->link);
    else if (event->kind == EVENT_LINK_ASKED)
        ask_or_lose(w, event->link);
    else if (event->kind == EVENT_LINK_ANSWERED)
        answer_or_lose(w, event->link);
    else if (event->kind == EVENT_HALF_OPEN)
        serve_half_open(w);
    else if (event->kind == EVENT_PRODUCED)
        produce(w);
    else if (event->kind == EVENT_STRANGER)
        act_as_other(w);
    else if (event->kind == EVENT_REDIS_CRASHES)
        on_crash(w);
    else if (event->kind == EVENT_TROUBLE_ENDS)
        w->stream.redis.trouble = NULL;
}
