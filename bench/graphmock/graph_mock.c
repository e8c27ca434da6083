/* SPDX-License-Identifier: MIT
 *
 * /_mock: what the mock itself has to say. No token is needed, no latency or fault befalls it.
 */
#include "answers.h"
#include "base/json.h"
#include "base/text.h"
#include "graph_internal.h"

#include <stdio.h>
#include <sys/resource.h>

enum { LIST_DEFAULT = 100000, TO_SIZE = 32 };

static int64_t cpu_us(void)
{
    struct rusage use;

    (void)getrusage(RUSAGE_SELF, &use); /* cannot fail for ourselves */
    return (int64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000 + use.ru_utime.tv_usec +
           use.ru_stime.tv_usec;
}

static void put_count(struct json_writer *w, const char *key, uint64_t value)
{
    json_put_int(w, key, (int64_t)value);
}

static void write_codes(struct json_writer *w, const struct stats *s)
{
    char key[32];

    json_begin(w, "refused_by_code", '{');
    for (size_t i = 0; i < s->code_count; i++) {
        (void)snprintf(key, sizeof(key), "%lld", (long long)s->codes[i].code);
        put_count(w, key, s->codes[i].count);
    }
    json_end(w, '}');
}

static void write_faults(struct json_writer *w, const struct faults *f)
{
    json_begin(w, "faults", '[');
    for (size_t i = 0; i < f->count; i++) {
        json_begin(w, NULL, '{');
        json_put_string(w, "spec", f->items[i].spec);
        put_count(w, "hits", f->items[i].hits);
        json_end(w, '}');
    }
    json_end(w, ']');
}

static void write_phones(struct json_writer *w, const struct stats *s)
{
    json_begin(w, "phones", '[');
    for (size_t i = 0; i < s->phone_count; i++) {
        const struct phone *p = &s->phones[i];

        json_begin(w, NULL, '{');
        json_put_string(w, "id", p->id);
        put_count(w, "received", p->received);
        put_count(w, "accepted", p->accepted);
        put_count(w, "highest_second", p->highest_arrivals);
        put_count(w, "highest_passed_second", p->highest_passed);
        json_end(w, '}');
    }
    json_end(w, ']');
}

static void write_seconds(struct json_writer *w, const struct stats *s, int64_t now_us)
{
    int64_t last = s->first_us ? (now_us - s->first_us) / 1000000 : -1;

    json_begin(w, "per_second", '[');
    for (int64_t i = 0; i <= last && i < STATS_SECONDS_MAX; i++)
        put_count(w, NULL, s->seconds[i]);
    json_end(w, ']');
}

static void write_connections(struct json_writer *w, const struct stats *s)
{
    json_begin(w, "connections", '{');
    put_count(w, "made", s->connections);
    put_count(w, "http2", s->http2_connections);
    put_count(w, "failed_handshakes", s->failed_handshakes);
    put_count(w, "open", s->open);
    put_count(w, "most_open", s->most_open);
    json_end(w, '}');
}

static void write_stalls(struct json_writer *w, const struct stalls *s)
{
    json_begin(w, "stalls", '{');
    put_count(w, "count", s->count);
    json_put_int(w, "longest_ms", s->longest_us / 1000);
    put_count(w, "throttles", s->throttles);
    json_end(w, '}');
}

/* The largest over all numbers: what most tests want to know. */
static uint64_t highest_second(const struct stats *s)
{
    uint64_t highest = 0;

    for (size_t i = 0; i < s->phone_count; i++)
        if (s->phones[i].highest_arrivals > highest)
            highest = s->phones[i].highest_arrivals;
    return highest;
}

static void write_stats(const struct call *c)
{
    const struct stats *s = &c->graph->stats;
    struct json_writer w = {.out = &c->reply->body};

    json_begin(&w, NULL, '{');
    put_count(&w, "requests", s->requests);
    put_count(&w, "received", s->sends);
    put_count(&w, "accepted", s->accepted);
    put_count(&w, "refused", s->refused);
    put_count(&w, "lost", s->lost);
    put_count(&w, "messages", map_count(s->messages));
    put_count(&w, "received_again", s->received_again);
    put_count(&w, "accepted_again", s->accepted_again);
    put_count(&w, "highest_second", highest_second(s));
    write_codes(&w, s);
    write_faults(&w, &c->graph->faults);
    write_phones(&w, s);
    write_connections(&w, s);
    write_stalls(&w, &s->stalls);
    if (c->graph->webhooks)
        webhooks_write(c->graph->webhooks, &w);
    write_seconds(&w, s, c->request->now_us);
    json_put_int(&w, "cpu_us", cpu_us());
    json_put_int(&w, "uptime_ms", (c->request->now_us - s->started_us) / 1000);
    json_end(&w, '}');
    buf_addc(&c->reply->body, '\n');
}

static void put_raw_string(struct buf *out, const char *key, struct slice raw)
{
    buf_addf(out, "\"%s\":\"", key);
    buf_add(out, raw.at, raw.len);
    buf_adds(out, "\",");
}

static bool is_body(const struct tokens *t, const struct token *component)
{
    return slice_is_like(token_string(tokens_get(t, component, "type")), "body");
}

static void put_texts(struct buf *out, const struct tokens *t, const struct token *parameters)
{
    const struct token *item;

    if (!token_is(parameters, TOKEN_ARRAY))
        return;
    item = tokens_first(parameters);
    for (uint32_t i = 0; i < parameters->count; i++) {
        struct slice text = token_string(tokens_get(t, item, "text"));

        buf_adds(out, i ? ",\"" : "\"");
        buf_add(out, text.at, text.len);
        buf_addc(out, '"');
        item = tokens_after(t, item);
    }
}

/* The texts of the body's parameters, as an array. */
static void put_params(struct buf *out, const struct tokens *t, const struct token *components)
{
    const struct token *item;

    buf_adds(out, "\"params\":[");
    item = token_is(components, TOKEN_ARRAY) ? tokens_first(components) : NULL;
    for (uint32_t i = 0; item && i < components->count; i++) {
        if (is_body(t, item)) {
            put_texts(out, t, tokens_get(t, item, "parameters"));
            break;
        }
        item = tokens_after(t, item);
    }
    buf_adds(out, "],");
}

static void put_content(struct buf *out, struct tokens *t, struct slice content)
{
    const struct token *components;

    if (!tokens_read(t, content)) /* it was read before, so it can only be empty */
        return;
    put_raw_string(out, "template", token_string(tokens_get(t, tokens_root(t), "name")));
    put_raw_string(out, "lang",
                   token_string(tokens_get(t, tokens_get(t, tokens_root(t), "language"), "code")));
    components = tokens_get(t, tokens_root(t), "components");
    put_params(out, t, components);
    if (components) {
        buf_adds(out, "\"components\":");
        buf_add(out, components->text.at, components->text.len);
        buf_addc(out, ',');
    }
}

static void write_record(const struct call *c, const struct record *r)
{
    char wamid[ANSWER_WAMID_SIZE];
    struct buf *out = &c->reply->body;
    struct message_counts counts = stats_message(&c->graph->stats, r->identity);

    answer_wamid(r->digits, r->number, wamid);
    buf_addf(out, "%s{\"wamid\":\"%s\",\"to\":\"+%s\",\"phone_id\":\"%s\",",
             out->len > 2 ? ",\n" : "", wamid, r->digits, c->graph->stats.phones[r->phone].id);
    put_raw_string(out, "opaque", record_opaque(r));
    put_raw_string(out, "type", record_type(r));
    put_content(out, &c->graph->tokens, record_content(r));
    buf_addf(out, "\"received\":%u,\"accepted\":%u,\"at_ms\":%u}", counts.received, counts.accepted,
             r->at_ms);
}

static void write_messages(const struct call *c)
{
    const struct journal *j = &c->graph->journal;
    uint64_t offset = graph_query_number(c->path.query, "offset", 0);
    uint64_t limit = graph_query_number(c->path.query, "limit", LIST_DEFAULT);
    char to[TO_SIZE] = "";
    const char *digits = to;

    buf_adds(&c->reply->body, "[\n");
    if (graph_query_get(c->path.query, "to", to, sizeof(to)))
        digits += strspn(to, "+ ");
    for (size_t i = 0; i < j->count && limit > 0; i++) {
        if (*digits && strcmp(j->records[i]->digits, digits) != 0)
            continue;
        if (offset > 0) {
            offset--;
            continue;
        }
        write_record(c, j->records[i]);
        limit--;
    }
    buf_adds(&c->reply->body, "\n]\n");
}

static void reset(const struct call *c)
{
    struct graph *g = c->graph;

    stats_reset(&g->stats);
    journal_clear(&g->journal);
    faults_reset(&g->faults);
    if (g->webhooks)
        webhooks_forget(g->webhooks);
    map_clear(g->pair.pairs);
    g->random.state = g->options->seed;
    buf_adds(&c->reply->body, "{\"success\":true}\n");
}

void graph_mock(const struct call *c)
{
    bool is_get = c->request->method == METHOD_GET;
    bool is_post = c->request->method == METHOD_POST;

    c->reply->trace[0] = '\0';
    if (is_get && slice_is(c->path.edge, "stats")) {
        write_stats(c);
    } else if (is_get && slice_is(c->path.edge, "messages")) {
        write_messages(c);
    } else if (is_post && slice_is(c->path.edge, "reset")) {
        reset(c);
    } else {
        c->reply->status = 404;
        buf_adds(&c->reply->body, "{\"error\":\"GET /_mock/stats, GET /_mock/messages, POST "
                                  "/_mock/reset\"}\n");
    }
}
