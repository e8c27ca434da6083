/* SPDX-License-Identifier: MIT */
#include "answers.h"
#include "base/hash.h"
#include "graph_internal.h"
#include "payload.h"

/* One send on its way. */
struct send {
    const struct call *call;
    struct phone *phone;
    struct payload payload;
    uint64_t identity;
    struct fault_plan plan;
    struct refusal refusal;
    bool readable; /* the body is JSON; otherwise `refusal` says what is wrong */
};

static void plan_faults(struct send *s)
{
    struct graph *g = s->call->graph;
    const struct request *request = s->call->request;
    struct fault_facts facts = {
        .to = s->payload.digits,
        .send = g->stats.sends + g->stats.lost + 1,
        .attempt = stats_message(&g->stats, s->identity).received + 1,
        .nth = request->nth,
        .elapsed_us = graph_elapsed_us(g, request->now_us),
    };

    faults_plan(&g->faults, &facts, &s->plan);
    s->call->reply->delay_us += s->plan.slow_us;
    s->call->reply->retry_after_s = s->plan.retry_after_s;
    if (s->plan.last)
        s->call->reply->farewell = FAREWELL_CLOSE;
}

/* Faults that lose the message before Graph has seen it. */
static bool is_lost(struct send *s)
{
    static const enum ending endings[] = {[FAULT_CLOSE_UNREAD] = END_CLOSE_NOW,
                                          [FAULT_REFUSED] = END_REFUSED,
                                          [FAULT_HANG] = END_HANG};

    if (!s->plan.main || s->plan.main->kind > FAULT_HANG)
        return false;
    s->call->reply->ending = endings[s->plan.main->kind];
    s->call->graph->stats.lost++;
    return true;
}

static void write_html(struct reply *reply, int status)
{
    reply->status = status;
    reply->content_type = "text/html; charset=\"utf-8\"";
    buf_adds(&reply->body,
             "<!DOCTYPE html>\n<html lang=\"en\" id=\"facebook\">\n<head>\n<title>Facebook | "
             "Error</title>\n<meta charset=\"utf-8\">\n</head>\n<body>\n<h1>Sorry, something went "
             "wrong.</h1>\n<p>We're working on it and we'll get it fixed as soon as we can.</p>\n"
             "</body>\n</html>\n");
}

/* Faults that answer something else; the message may be accepted behind it. */
static bool is_misanswered(const struct send *s)
{
    const struct fault *f = s->plan.main;

    return f && f->kind >= FAULT_CODE && f->kind <= FAULT_EMPTY;
}

static void answer_code(struct send *s)
{
    const struct fault *f = s->plan.main;

    refuse_plainly(&s->refusal, f->arg);
    s->refusal.transient = f->transient;
    if (f->subcode)
        s->refusal.subcode = (int)f->subcode;
    graph_refuse(s->call, &s->refusal);
    if (f->status)
        s->call->reply->status = (int)f->status;
}

static void misanswer(struct send *s)
{
    const struct fault *f = s->plan.main;

    if (f->kind == FAULT_CODE)
        answer_code(s);
    else if (f->kind == FAULT_HTML)
        write_html(s->call->reply, (int)f->arg);
    else
        s->call->reply->status = (int)f->arg;
}

/* The message is accepted: what becomes of the answer? */
static void spoil_answer(struct send *s)
{
    struct reply *reply = s->call->reply;
    static const enum ending endings[] = {[FAULT_CLOSE] = END_CLOSE,
                                          [FAULT_CLOSE_REUSED] = END_CLOSE,
                                          [FAULT_CUT] = END_CUT,
                                          [FAULT_HANG_ACCEPTED] = END_HANG,
                                          [FAULT_RST] = END_RESET,
                                          [FAULT_NOID] = END_ANSWER,
                                          [FAULT_BIG] = END_ANSWER,
                                          [FAULT_GOAWAY] = END_ANSWER,
                                          [FAULT_GOAWAY_ABRUPT] = END_ANSWER};
    enum { BIG_BYTES = 10 * 1024 * 1024 };

    if (!s->plan.main || s->plan.main->kind < FAULT_CLOSE)
        return;
    reply->ending = endings[s->plan.main->kind];
    if (s->plan.main->kind == FAULT_GOAWAY)
        reply->farewell = FAREWELL_GOAWAY;
    if (s->plan.main->kind == FAULT_GOAWAY_ABRUPT)
        reply->farewell = FAREWELL_ABRUPT;
    if (s->plan.main->kind == FAULT_NOID) {
        buf_clear(&reply->body);
        buf_adds(&reply->body, "{\"messaging_product\":\"whatsapp\"}");
    }
    while (s->plan.main->kind == FAULT_BIG && reply->body.len < BIG_BYTES)
        buf_adds(&reply->body, "                                                               \n");
}

static void record(struct send *s, uint64_t number)
{
    struct graph *g = s->call->graph;
    int64_t since_start_us = s->call->request->now_us - g->stats.started_us;
    struct record facts = {.identity = s->identity,
                           .number = number,
                           .at_ms = (uint32_t)(since_start_us / 1000),
                           .phone = (uint16_t)(s->phone - g->stats.phones)};

    stats_accepted(&g->stats, s->phone, s->identity);
    if (!g->options->forget)
        journal_add(&g->journal, &facts, &s->payload);
}

/* Also of those whose answer is lost: it is what settles them. */
static void tell(struct send *s, uint64_t number)
{
    const struct request *request = s->call->request;
    struct accepted accepted = {.number = number,
                                .digits = s->payload.digits,
                                .phone_id = s->phone->id,
                                .opaque = s->payload.opaque};

    accepted.times.arrived_us = request->now_us;
    accepted.times.answered_us = request->now_us + s->call->reply->delay_us;
    webhooks_accepted(s->call->graph->webhooks, &accepted);
}

static void accept(struct send *s)
{
    char wamid[ANSWER_WAMID_SIZE];
    uint64_t number = random_next(&s->call->graph->random);
    struct acceptance a = {
        .to = s->payload.to, .digits = s->payload.digits, .wamid = wamid, .status = "accepted"};

    record(s, number);
    if (s->call->graph->webhooks)
        tell(s, number);
    if (is_misanswered(s)) {
        misanswer(s);
        return;
    }
    if (s->plan.held)
        a.status = "held_for_quality_assessment";
    if (s->plan.paused)
        a.status = "paused";
    answer_wamid(s->payload.digits, number, wamid);
    answer_accepted(&s->call->reply->body, &a);
    spoil_answer(s);
}

/* The throughput of the number; see graph.h for what counts. */
static bool check_throughput(struct send *s)
{
    uint64_t rate = s->call->graph->options->rate;
    int64_t now = s->call->request->now_us;
    size_t passed;

    if (rate && window_count(&s->phone->passed, now) >= rate) {
        stats_throttled(&s->call->graph->stats, now);
        refuse_plainly(&s->refusal, CODE_THROUGHPUT);
        return false;
    }
    passed = window_add(&s->phone->passed, now);
    if (passed > s->phone->highest_passed)
        s->phone->highest_passed = passed;
    return true;
}

static bool check_pair(struct send *s)
{
    struct graph *g = s->call->graph;
    struct hash_part parts[] = {{s->phone->id, strlen(s->phone->id)},
                                {s->payload.digits, strlen(s->payload.digits)}};

    if (g->pair.model == PAIR_OFF ||
        pair_pass(&g->pair, hash64_parts(parts, ARRAY_SIZE(parts)), s->call->request->now_us))
        return true;
    refuse_plainly(&s->refusal, CODE_PAIR);
    return false;
}

static bool check_all(struct send *s)
{
    struct graph *g = s->call->graph;

    return s->readable &&
           payload_check(&s->payload, &g->tokens, g->options->sender, &g->templates, &s->refusal) &&
           (s->payload.is_read_mark || (check_throughput(s) && check_pair(s)));
}

static void handle(struct send *s)
{
    if (!check_all(s))
        graph_refuse(s->call, &s->refusal);
    else if (s->payload.is_read_mark)
        buf_adds(&s->call->reply->body, "{\"success\":true}");
    else if (is_misanswered(s) && !s->plan.main->accepted)
        misanswer(s);
    else
        accept(s);
}

void graph_send(const struct call *c)
{
    struct send s = {.call = c};
    struct slice body = c->request->body;

    if (!graph_knows_phone(c->graph, c->path.node)) {
        graph_refuse_node(c, "post");
        return;
    }
    s.phone = stats_phone(&c->graph->stats, c->path.node);
    if (!s.phone) {
        graph_refuse_node(c, "post");
        return;
    }
    if (!slice_starts_like(c->request->content_type, "application/json"))
        body = slice_of("", 0); /* Graph would read a form, and find nothing in it */
    s.readable = payload_read(&s.payload, &c->graph->tokens, body, &s.refusal);
    s.identity = s.readable ? payload_identity(&s.payload, c->path.node) : 0;
    plan_faults(&s);
    if (is_lost(&s))
        return;
    stats_arrived(&c->graph->stats, s.phone, c->request->now_us);
    if (s.readable)
        stats_received(&c->graph->stats, s.identity);
    handle(&s);
}
