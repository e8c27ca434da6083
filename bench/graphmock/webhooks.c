/* SPDX-License-Identifier: MIT
 *
 * Happy path:
 *   webhooks_accepted   the message waits in the delays for its first report
 *   on_report           the report joins the body; the message waits for its next one, or goes
 *   on_gathered, full   the body goes to the poster (poster.c)
 *
 * Failure modes:
 *   too many messages wait, the poster is full   counted as dropped; sends are not held up
 */
#include "webhooks.h"

#include "base/clock.h"
#include "base/mem.h"
#include "poster.h"
#include "webhook_body.h"

enum { BODY_MAX = 3 * 1024 * 1024, BODY_FULL = BODY_MAX - 8192 };

struct webhooks {
    const struct options *options;
    struct status_rules rules;
    struct latency delay;
    struct delays *delays;
    struct poster poster;
    struct webhook_body body;
    struct delay gather;
    struct list waiting; /* messages with reports to come */
    size_t waiting_count;
    struct random random;
    uint64_t statuses, lost, dropped;
};

struct message {
    struct list node;
    struct delay delay;
    struct webhooks *webhooks;
    struct course course;
    size_t next;
    uint64_t number;
    const char *phone_id;
    char digits[24];
    size_t opaque_len;
    char opaque[];
};

struct webhooks *webhooks_new(const struct options *options, struct err *e)
{
    struct webhooks *w = MEM_NEW(struct webhooks);

    w->options = options;
    w->random.state = options->seed;
    w->body.json = buf_new(BODY_MAX);
    list_init(&w->waiting);
    status_rules_init(&w->rules);
    for (size_t i = 0; i < options->statuses.count; i++)
        if (!status_rules_add(&w->rules, options->statuses.items[i], e))
            goto failed;
    if (!latency_parse(options->webhook_delay, &w->delay, e)) {
        (void)err_wrap(e, "--webhook-delay"); /* it is false */
        goto failed;
    }
    if (poster_init(&w->poster, options->webhook, options->app_secret, e))
        return w;
failed:
    mem_free(w);
    return NULL;
}

/* ---- Bodies. */

static bool chance(struct webhooks *w, double share)
{
    return random_to_unit(random_next(&w->random)) < share;
}

static void flush(struct webhooks *w)
{
    struct webhook_body *b = &w->body;

    delays_cancel(w->delays, &w->gather);
    webhook_body_end(b);
    if (chance(w, w->rules.forged))
        poster_add(&w->poster, &b->json, b->statuses, true);
    poster_add(&w->poster, &b->json, b->statuses, false);
    b->statuses = 0;
    buf_clear(&b->json);
}

static void on_gathered(struct delay *delay)
{
    flush(CONTAINER_OF(delay, struct webhooks, gather));
}

static struct slice told_opaque(const struct message *m, enum opaque_fault fault)
{
    struct slice whole = slice_of(m->opaque, m->opaque_len);
    struct slice half = slice_of(m->opaque, m->opaque_len / 2);

    switch (fault) {
    case OPAQUE_WHOLE:
        return whole;
    case OPAQUE_CUT:
        return slice_cut(&half, '\\'); /* never within an escape */
    case OPAQUE_MISSING:
        return slice_of("", 0);
    }
    return whole;
}

static enum spread draw_spread(struct webhooks *w)
{
    if (!chance(w, w->rules.spread))
        return SPREAD_NONE;
    return chance(w, 0.5) ? SPREAD_CHANGE : SPREAD_ENTRY;
}

static int64_t wall_s(int64_t stamp_us)
{
    return (clock_wall_ms() - (clock_mono_us() - stamp_us) / 1000) / 1000;
}

static void report(struct webhooks *w, const struct message *m, const struct report *r)
{
    const char *waba_id = w->options->waba_id;
    struct status_facts facts = {.status = r->status,
                                 .stamp_s = wall_s(r->stamp_us),
                                 .number = m->number,
                                 .digits = m->digits,
                                 .opaque = told_opaque(m, r->opaque),
                                 .phone_id = m->phone_id,
                                 .sender = w->options->sender,
                                 .waba_id = waba_id ? waba_id : "2049886399146120",
                                 .code = w->rules.code};

    webhook_body_add(&w->body, &facts, draw_spread(w));
    w->statuses++;
    if (w->body.statuses >= (size_t)w->rules.batch || w->body.json.len > BODY_FULL)
        flush(w);
    else if (w->body.statuses == 1)
        delays_add(w->delays, &w->gather, clock_mono_us() + w->rules.gather_ms * 1000);
}

/* ---- Messages. */

static void free_message(struct message *m)
{
    delays_cancel(m->webhooks->delays, &m->delay);
    list_remove(&m->node);
    m->webhooks->waiting_count--;
    mem_free(m);
}

static void wait_for_next(struct message *m)
{
    if (m->next < m->course.count)
        delays_add(m->webhooks->delays, &m->delay, m->course.reports[m->next].at_us);
    else
        free_message(m);
}

static void on_report(struct delay *delay)
{
    struct message *m = CONTAINER_OF(delay, struct message, delay);

    report(m->webhooks, m, &m->course.reports[m->next++]);
    wait_for_next(m);
}

void webhooks_accepted(struct webhooks *w, const struct accepted *a)
{
    struct random random = {.state = random_mix(w->options->seed ^ a->number)};
    struct message *m;

    if (w->waiting_count == WEBHOOKS_WAITING_MAX) {
        w->dropped++;
        return;
    }
    m = mem_alloc(sizeof(*m) + a->opaque.len);
    m->webhooks = w;
    m->delay.on_due = on_report;
    m->number = a->number;
    m->phone_id = a->phone_id;
    m->opaque_len = a->opaque.len;
    memcpy(m->opaque, a->opaque.len ? a->opaque.at : "", a->opaque.len);
    memcpy(m->digits, a->digits, strnlen(a->digits, sizeof(m->digits) - 1));
    m->course = course_draw(&w->rules, &w->delay, &a->times, &random);
    w->lost += m->course.lost;
    w->waiting_count++;
    list_append(&w->waiting, &m->node);
    wait_for_next(m);
}

/* ---- The outside. */

void webhooks_start(struct webhooks *w, struct uv_loop_s *loop, struct delays *delays)
{
    w->delays = delays;
    w->gather.on_due = on_gathered;
    poster_start(&w->poster, &w->rules, loop, delays);
}

static void drop_messages(struct webhooks *w)
{
    while (!list_is_empty(&w->waiting))
        free_message(LIST_ITEM(w->waiting.next, struct message, node));
}

void webhooks_forget(struct webhooks *w)
{
    drop_messages(w);
    delays_cancel(w->delays, &w->gather);
    buf_clear(&w->body.json);
    w->body.statuses = 0;
    w->random.state = w->options->seed;
    w->statuses = w->lost = w->dropped = 0;
    poster_forget(&w->poster);
}

void webhooks_write(const struct webhooks *w, struct json_writer *out)
{
    const struct histogram *times = &w->poster.answers;
    const struct poster_counts *c = &w->poster.counts;
    const struct {
        const char *key;
        uint64_t count;
    } rows[] = {{"waiting", w->waiting_count},
                {"queued", w->body.statuses + w->poster.posts},
                {"statuses", w->statuses},
                {"statuses_acknowledged", c->statuses_acknowledged},
                {"statuses_failed", c->statuses_failed},
                {"lost", w->lost},
                {"sent", c->bodies},
                {"acknowledged", c->acknowledged},
                {"retried", c->retried},
                {"failed", c->failed},
                {"dropped", w->dropped + c->dropped},
                {"forged", c->forged},
                {"deceived", c->deceived},
                {"answer_us_p50", (uint64_t)histogram_quantile(times, 0.5)},
                {"answer_us_p99", (uint64_t)histogram_quantile(times, 0.99)},
                {"answer_us_max", times->max},
                {"answers_over_1s", times->count - histogram_count_up_to(times, 1000000)}};

    json_begin(out, "webhooks", '{');
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        json_put_int(out, rows[i].key, (int64_t)rows[i].count);
    json_end(out, '}');
}

void webhooks_close(struct webhooks *w)
{
    poster_close(&w->poster);
}

void webhooks_free(struct webhooks *w)
{
    if (!w)
        return;
    if (w->delays) {
        drop_messages(w);
        poster_free(&w->poster);
    }
    buf_free(&w->body.json);
    mem_free(w);
}
