/* SPDX-License-Identifier: MIT
 *
 * sim_hooks.c: from what Graph accepted to the product's receiver, and again.
 *
 * Happy path: a message is accepted; its statuses go into posts; a post arrives, is signed, goes
 * through the receiver into the ledger, is answered with 200, and is done.
 * Failure modes:
 *   - statuses are missing, doubled, out of order, before our own answer, without callback data;
 *   - they are of strangers, of another ledger's message with an id of ours, or forged;
 *   - the connection is lost, before or after; the body is cut; the process is away, or dies with
 *     it; 503: it is posted again, later and later.
 */
#include "sim_world_internal.h"

#include "base/buf.h"
#include "base/mem.h"
#include "core/opaque_id.h"
#include "core/webhook.h"

#include <string.h>

enum {
    OWN_STATUSES = 3,
    AGAIN_MS = 500, /* doubled each time */
    AGAIN_DOUBLES = 7,
    FULL_AFTER_FACTS = SIM_POST_FACTS,
};

struct posting {
    struct sim_post post;
    struct event event;
    struct http_request request;
    struct buf body;
    bool is_spoiled; /* on this way */
    bool is_answered;
};

static bool happens(struct world *w, unsigned of_10000)
{
    return of_10000 && sim_random_chance(&w->hooks.random, of_10000);
}

static uint64_t below(struct world *w, uint64_t most)
{
    return sim_random_below(&w->hooks.random, most);
}

/* ---- Posts. */

static void done(struct world *w, struct posting *p)
{
    if (w->hooks.gathering == p)
        w->hooks.gathering = NULL;
    world_unschedule(w, &p->event);
    list_remove(&p->post.node);
    w->hooks.post_count--;
    buf_free(&p->body);
    mem_free(p);
}

static int64_t delay_us(struct world *w)
{
    int64_t most_us = happens(w, 100) ? 10 * w->config.hook_us : w->config.hook_us;

    return 200 + (int64_t)below(w, (uint64_t)most_us);
}

static struct posting *begin(struct world *w)
{
    struct posting *p = MEM_NEW(struct posting);

    p->body = buf_new(WEBHOOK_BODY_MAX);
    list_append(&w->hooks.posts, &p->post.node);
    w->hooks.post_count++;
    world_schedule(w, &p->event, EVENT_POST, delay_us(w));
    return p;
}

static void add(struct world *w, const struct sim_fact *fact)
{
    struct sim_hooks *h = &w->hooks;
    bool joins = h->gathering && happens(w, w->config.hook_company);
    struct posting *p = joins ? h->gathering : begin(w);

    p->post.facts[p->post.count++] = *fact;
    h->gathering = p->post.count < FULL_AFTER_FACTS ? p : NULL;
}

static void again(struct world *w, struct posting *p)
{
    unsigned doubles = p->post.tries < AGAIN_DOUBLES ? p->post.tries : AGAIN_DOUBLES;

    p->post.tries++;
    world_schedule(w, &p->event, EVENT_POST,
                   1000 * (int64_t)(AGAIN_MS + below(w, (uint64_t)AGAIN_MS << doubles)));
}

/* ---- What Meta writes. */

static void fault(struct world *w, struct sim_fact *f, unsigned of_10000, enum fact_kind kind)
{
    if (f->kind != FACT_OURS || !happens(w, of_10000))
        return;
    f->kind = kind;
    f->opaque[kind == FACT_BARE ? 0 : below(w, strlen(f->opaque))] = '\0';
    world_count(w, kind == FACT_BARE ? FAULT_HOOK_BARE : FAULT_HOOK_CUT);
}

/* A status goes out once, twice or never. */
static void say(struct world *w, struct sim_fact fact)
{
    if (happens(w, w->config.faults.hook_missing)) {
        world_count(w, FAULT_HOOK_MISSING);
        return;
    }
    fault(w, &fact, w->config.faults.hook_bare, FACT_BARE);
    fault(w, &fact, w->config.faults.hook_cut, FACT_CUT);
    if (fact.kind == FACT_OURS)
        w->hooks.truth[fact.index].said |= (unsigned char)(1u << fact.status);
    add(w, &fact);
    if (!happens(w, w->config.faults.hook_doubled))
        return;
    world_count(w, FAULT_HOOK_DOUBLED);
    add(w, &fact);
}

static void say_all(struct world *w, struct sim_fact fact)
{
    static const enum webhook_status stories[][OWN_STATUSES] = {
        {WEBHOOK_SENT, WEBHOOK_DELIVERED, WEBHOOK_READ},
        {WEBHOOK_SENT, WEBHOOK_DELIVERED},
        {WEBHOOK_DELIVERED, WEBHOOK_UNDELIVERED},
        {WEBHOOK_SENT, WEBHOOK_UNDELIVERED},
        {WEBHOOK_SENT, WEBHOOK_UNDELIVERED},
        {WEBHOOK_SENT},
        {WEBHOOK_READ, WEBHOOK_DELIVERED},
        {WEBHOOK_UNDELIVERED},
    };
    static const int codes[] = {131049, 131026, 130472, 131026};
    const enum webhook_status *story = stories[below(w, ARRAY_SIZE(stories))];

    for (int i = 0; i < OWN_STATUSES && story[i] != WEBHOOK_NONE; i++) {
        fact.status = story[i];
        fact.code = story[i] == WEBHOOK_UNDELIVERED ? codes[below(w, ARRAY_SIZE(codes))] : 0;
        say(w, fact);
        fact.at_ms += 1000 * (int64_t)below(w, 3);
    }
}

static void write_opaque(struct sim_fact *f, uint64_t ledger, uint64_t message_hash)
{
    const struct opaque_id id = {ledger, message_hash, (uint16_t)f->attempt};

    opaque_id_write(&id, f->opaque);
}

static uint64_t hash_of(const struct world *w, unsigned index)
{
    struct message *m = sim_source_message(&w->source, index, 0);
    uint64_t hash = m->id_hash;

    message_free(m);
    return hash;
}

/* Statuses of others: each with a signature of Meta's but the forged ones. */
static void say_of_others(struct world *w, struct sim_fact f)
{
    const struct sim_faults *c = &w->config.faults;
    uint64_t ours = store_facts(w->ledger.store)->id;

    if (happens(w, c->hook_strangers)) {
        world_count(w, FAULT_HOOK_STRANGER);
        f.kind = FACT_STRANGER;
        write_opaque(&f, happens(w, 5000) ? ours : ours + 1, sim_random_next(&w->hooks.random));
        say_all(w, f);
    }
    if (happens(w, c->hook_foreign)) {
        world_count(w, FAULT_HOOK_FOREIGN);
        f.kind = FACT_FOREIGN;
        w->hooks.truth[f.index].is_foreign = true;
        write_opaque(&f, ours + 1, hash_of(w, f.index));
        say_all(w, f);
    }
    if (happens(w, c->hook_forged)) {
        struct posting *p = begin(w);

        world_count(w, FAULT_HOOK_FORGED);
        f.kind = FACT_OURS;
        f.status = WEBHOOK_READ;
        f.index = (unsigned)below(w, w->options->messages);
        write_opaque(&f, ours, hash_of(w, f.index));
        p->post.is_forged = true;
        p->post.facts[p->post.count++] = f;
    }
}

/* The callback data as Graph saw it. */
static void read_opaque(const struct flight *f, char out[OPAQUE_ID_SIZE])
{
    static const char key[] = "\"biz_opaque_callback_data\":\"";
    const char *at = memmem(f->request->body, f->request->body_len, key, sizeof(key) - 1);

    out[0] = '\0';
    if (!at)
        return;
    at += sizeof(key) - 1;
    (void)snprintf(out, OPAQUE_ID_SIZE, "%.*s", (int)strcspn(at, "\""), at); /* it fits */
}

void hooks_on_body(struct world *w, const struct flight *f, bool is_accepted)
{
    struct sim_fact fact = {
        .kind = FACT_OURS,
        .index = f->index,
        .attempt = f->attempt,
        .at_ms = world_now(w).wall_ms / 1000 * 1000,
    };

    if (!w->config.has_hooks)
        return;
    say_of_others(w, fact);
    if (!is_accepted || (f->fate == FATE_ACCEPT && !happens(w, w->config.hook_share)))
        return;
    read_opaque(f, fact.opaque);
    say_all(w, fact);
}

void hooks_on_answer(struct world *w, const struct flight *f)
{
    if (w->config.has_hooks && f->wired && w->hooks.truth[f->index].heard_of == f->attempt)
        world_count(w, FAULT_HOOK_EARLY);
}

/* ---- On the wire. */

static const char *word_of(const struct sim_fact *f)
{
    if (f->status == WEBHOOK_UNDELIVERED)
        return "failed";
    return f->status == WEBHOOK_READ && f->index % 5 == 0 ? "played"
                                                          : webhook_status_name(f->status);
}

static void write_fact(struct buf *out, const struct sim_fact *f)
{
    buf_addf(out, "{\"id\":\"wamid.m%u.", f->index);
    if (f->kind == FACT_FOREIGN)
        buf_addc(out, 'f');
    else
        buf_add_int(out, f->attempt);
    buf_addf(out, "\",\"status\":\"%s\",\"timestamp\":\"%lld\",\"recipient_id\":\"9198\"",
             word_of(f), (long long)(f->at_ms / 1000));
    if (f->kind != FACT_BARE)
        buf_addf(out, ",\"biz_opaque_callback_data\":\"%s\"", f->opaque);
    if (f->status == WEBHOOK_UNDELIVERED)
        buf_addf(out, ",\"errors\":[{\"code\":%d,\"title\":\"no\"}]", f->code);
    buf_addc(out, '}');
}

static void write_body(struct buf *out, const struct sim_post *post)
{
    static const char change[] =
        "{\"value\":{\"metadata\":{\"phone_number_id\":\"100\"},\"statuses\":[";
    static const char *const between[] = {
        ",", "]},\"field\":\"messages\"},",
        "]},\"field\":\"messages\"}]},{\"id\":\"2\",\"changes\":["};

    buf_clear(out);
    buf_adds(out,
             "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\",\"changes\":[");
    buf_adds(out, change);
    for (unsigned i = 0; i < post->count; i++) {
        unsigned how = i ? post->facts[i].index % ARRAY_SIZE(between) : 0;

        if (i)
            buf_adds(out, between[how]);
        if (how)
            buf_adds(out, change);
        write_fact(out, &post->facts[i]);
    }
    buf_adds(out, "]},\"field\":\"messages\"}]}]}");
}

static void on_heard(struct world *w, const struct sim_post *post)
{
    rules_on_heard(w, post);
    for (unsigned i = 0; i < post->count; i++) {
        const struct sim_fact *f = &post->facts[i];
        struct sim_truth *t = &w->hooks.truth[f->index];

        if (f->kind != FACT_OURS)
            continue;
        t->heard |= (unsigned char)(1u << f->status);
        t->heard_of = f->attempt > t->heard_of ? f->attempt : t->heard_of;
        t->last = f->status > t->last ? f->status : t->last;
        w->result->statuses++;
    }
}

/* The receiver's answer. */
static void on_response(struct http_request *request, unsigned status)
{
    struct posting *p = request->post;
    struct world *w = request->world;

    if (p->is_answered)
        sim_fail(&w->verdict, "I10: a webhook is answered twice");
    p->is_answered = true;
    if (p->post.errand)
        sim_ledger_take_back(&p->post);
    world_trace(w, 970, status * 100 + p->post.count);
    if (status == 200)
        w->result->hooks++;
    if (p->post.is_forged || p->is_spoiled) {
        if (status != 401)
            sim_fail(&w->verdict, "I10: a webhook that Meta did not write is answered with %u",
                     status);
    } else if (status == 200) {
        on_heard(w, &p->post);
    } else if (status == 503) {
        world_count(w, FAULT_HOOK_REFUSED);
    } else {
        sim_fail(&w->verdict, "I10: a webhook of Meta's is answered with %u", status);
    }
    if (status == 200 && happens(w, w->config.faults.hook_links)) {
        world_count(w, FAULT_HOOK_UNHEARD);
        again(w, p);
    } else if (status == 200 || p->post.is_forged) {
        done(w, p);
    } else {
        again(w, p);
    }
}

static void deliver(struct world *w, struct posting *p)
{
    write_body(&p->body, &p->post);
    p->request = (struct http_request){
        .body = p->body.data,
        .len = p->body.len,
        .post = p,
        .world = w,
        .on_answer = on_response,
    };
    p->is_answered = false;
    p->is_spoiled = happens(w, w->config.faults.hook_spoiled);
    sim_port_sign(&p->request, (unsigned)below(w, SIM_SECRETS));
    if (p->post.is_forged)
        p->request.signature[10] = p->request.signature[10] == '0' ? '1' : '0';
    if (p->is_spoiled) {
        world_count(w, FAULT_HOOK_SPOILED);
        p->request.len = below(w, p->request.len);
    }
    w->ledger.posting = p->post.is_forged || p->is_spoiled ? NULL : &p->post;
    sim_port_give(&w->hooks.port, &p->request);
    w->ledger.posting = NULL;
}

void hooks_on_post(struct world *w, struct event *event)
{
    struct posting *p = CONTAINER_OF(event, struct posting, event);

    if (w->hooks.gathering == p)
        w->hooks.gathering = NULL;
    if (w->weather == WEATHER_OUTAGE || !w->hooks.port.server ||
        happens(w, w->config.faults.hook_links)) {
        world_count(w, FAULT_HOOK_LINK);
        again(w, p);
        return;
    }
    deliver(w, p);
}

/* ---- The receiver, and its joints: as in commands/daemon.c and commands/webhook_wait.c. */

static void on_recorded(void *context, const struct ledger_status *items, size_t count)
{
    struct world *w = context;

    if (w->config.is_stream)
        stream_side_hooked(w);
    for (size_t i = 0; i < count; i++)
        if (items[i].was_waiting)
            engine_forget(w->engine, items[i].number, world_now(w));
}

void hooks_open(struct world *w)
{
    static char listen[] = "the model";
    const struct settings settings = {.webhook_listen = listen};
    const struct webhook_receiver_options options = {
        .loop = sim_port_loop(&w->hooks.port),
        .ledger = sim_ledger_handle(&w->ledger),
        .settings = &settings,
        .events = {w, on_recorded},
    };
    struct err e = {0};

    w->hooks.wait_until_us = 0;
    if (w->config.has_hooks && !webhook_receiver_open(&options, &w->hooks.receiver, &e))
        sim_fail(&w->verdict, "the receiver does not open: %s", e.text);
}

static void on_closed(void *context)
{
    (void)context;
}

/* Nobody will answer it: the process is gone, or its ledger is broken. What it had in memory is
 * freed for it. */
static void orphan(struct world *w, struct posting *p)
{
    struct ledger_statuses *statuses = CONTAINER_OF(p->post.errand, struct ledger_statuses, errand);

    world_count(w, FAULT_HOOK_ORPHANED);
    mem_free(statuses->items);
    mem_free(p->post.errand->context);
    sim_ledger_take_back(&p->post);
    again(w, p);
}

void hooks_close(struct world *w)
{
    struct sim_hooks *h = &w->hooks;

    if (!h->receiver)
        return;
    for (struct list *node = h->posts.next; node != &h->posts; node = node->next) {
        struct posting *p = CONTAINER_OF(node, struct posting, post.node);

        if (p->post.errand)
            orphan(w, p);
    }
    webhook_receiver_close(h->receiver, on_closed, NULL);
    sim_port_end(&h->port);
    h->receiver = NULL;
}

bool hooks_are_quiet(struct world *w)
{
    struct sim_hooks *h = &w->hooks;
    struct list *next;

    if (!w->config.has_hooks || !h->post_count)
        return true;
    if (!h->wait_until_us)
        h->wait_until_us = w->now_us + w->config.hook_wait_us;
    if (w->now_us < h->wait_until_us)
        return false;
    for (struct list *node = h->posts.next; node != &h->posts; node = next) {
        struct posting *p = CONTAINER_OF(node, struct posting, post.node);

        next = node->next;
        if (!p->post.errand)
            done(w, p);
    }
    return true;
}

bool hooks_are_stopped(struct world *w)
{
    if (!w->hooks.receiver)
        return true;
    webhook_receiver_stop(w->hooks.receiver);
    return w->ledger.is_broken || webhook_receiver_is_idle(w->hooks.receiver);
}

void hooks_init(struct world *w)
{
    w->hooks.random = (struct sim_random){w->options->seed ^ 0x2545f4914f6cdd1du};
    w->hooks.truth = mem_alloc(w->options->messages * sizeof(struct sim_truth));
    list_init(&w->hooks.posts);
}

void hooks_free(struct world *w)
{
    struct list *next;

    for (struct list *node = w->hooks.posts.next; node != &w->hooks.posts; node = next) {
        next = node->next;
        done(w, CONTAINER_OF(node, struct posting, post.node));
    }
    mem_free(w->hooks.truth);
}
