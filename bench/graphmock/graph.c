/* SPDX-License-Identifier: MIT */
#include "graph.h"

#include "answers.h"
#include "base/text.h"
#include "graph_internal.h"

#include <stdio.h>

/* Served to calls that name no version, and to those that name one which has expired. */
static const char oldest_usable[] = "v21.0";

static bool add_all(struct graph *g, struct err *e)
{
    const struct options *o = g->options;

    for (size_t i = 0; i < o->templates.count; i++)
        if (!templates_add(&g->templates, o->templates.items[i], e))
            return false;
    for (size_t i = 0; i < o->faults.count; i++)
        if (!faults_add(&g->faults, o->faults.items[i], e))
            return false;
    if (!latency_parse(o->latency, &g->latency, e))
        return err_wrap(e, "--latency");
    g->webhooks = o->webhook ? webhooks_new(o, e) : NULL;
    return g->webhooks || !o->webhook;
}

bool graph_init(struct graph *g, const struct options *options, int64_t now_us, struct err *e)
{
    g->options = options;
    g->random.state = options->seed;
    g->faults.seed = options->seed;
    g->pair.pairs = map_new_for(STATS_ROOM);
    if (options->pair)
        g->pair.model = strcmp(options->pair, "gcra") == 0 ? PAIR_GCRA : PAIR_DEBT;
    templates_init(&g->templates);
    stats_init(&g->stats, now_us);
    if (add_all(g, e))
        return true;
    graph_free(g);
    return false;
}

void graph_free(struct graph *g)
{
    webhooks_free(g->webhooks);
    templates_free(&g->templates);
    map_free(g->pair.pairs);
    stats_free(&g->stats);
    journal_clear(&g->journal);
}

uint64_t graph_elapsed_us(const struct graph *g, int64_t now_us)
{
    return g->stats.first_us ? (uint64_t)(now_us - g->stats.first_us) : 0;
}

static struct fault *brownout(struct graph *g, int64_t now_us)
{
    return g->stats.first_us ? faults_brownout(&g->faults, graph_elapsed_us(g, now_us)) : NULL;
}

int64_t graph_quiet_until_us(struct graph *g, int64_t now_us)
{
    const struct fault *f = brownout(g, now_us);

    return f ? g->stats.first_us + (int64_t)f->span_us.to : 0;
}

void graph_refuse(const struct call *c, const struct refusal *r)
{
    uint64_t throttle = c->graph->options->throttle_status;

    c->reply->status = throttle && refusal_is_throttle(r->code) ? (int)throttle : r->status;
    answer_refused(&c->reply->body, r, c->reply->trace);
    stats_refused(&c->graph->stats, r->code);
}

void graph_refuse_node(const struct call *c, const char *verb)
{
    struct refusal r;
    struct slice node = c->path.node;

    (void)refuse_prose(&r, CODE_INVALID,
                       "Unsupported %s request. Object with ID '%.*s' does not exist, cannot be "
                       "loaded due to missing permissions, or does not support this operation. "
                       "Please read the Graph API documentation at "
                       "https://developers.facebook.com/docs/graph-api",
                       verb, (int)(node.len > 64 ? 64 : node.len), node.at);
    r.subcode = 33;
    r.is_method = true;
    graph_refuse(c, &r);
}

void graph_refuse_path(const struct call *c)
{
    struct refusal r;
    struct slice target = c->request->target;
    struct slice path = slice_cut(&target, '?');

    path = c->path.version.len && graph_version_is_known(c->path.version)
               ? slice_after(path, c->path.version.len + 1)
               : path;
    (void)refuse_prose(&r, CODE_UNKNOWN_PATH, "Unknown path components: %.*s",
                       (int)(path.len > 200 ? 200 : path.len), path.at);
    graph_refuse(c, &r);
}

bool graph_knows_phone(const struct graph *g, struct slice id)
{
    if (g->options->phone_ids.count == 0)
        return slice_is_digits(id) && id.len < PHONE_ID_SIZE;
    for (size_t i = 0; i < g->options->phone_ids.count; i++)
        if (slice_is(id, g->options->phone_ids.items[i]))
            return true;
    return false;
}

/* The token of "Bearer TOKEN", or of ?access_token=TOKEN. Empty when there is none. */
static struct slice find_token(const struct call *c, char *room, size_t size)
{
    struct slice header = c->request->authorization;

    if (slice_starts_like(header, "Bearer "))
        return slice_after(header, strlen("Bearer "));
    if (slice_starts_like(header, "OAuth "))
        return slice_after(header, strlen("OAuth "));
    if (graph_query_get(c->path.query, "access_token", room, size))
        return slice_text(room);
    return slice_of("", 0);
}

static bool check_token(const struct call *c)
{
    enum { TOKEN_MAX = 1024 };
    char room[TOKEN_MAX];
    const char *right = c->graph->options->token;
    struct slice token = find_token(c, room, sizeof(room));
    struct refusal r;

    if (token.len > 0 && (!right || slice_is(token, right)))
        return true;
    if (token.len == 0) {
        (void)refuse_prose(&r, CODE_NO_TOKEN,
                           "An access token is required to request this resource.");
        c->reply->challenge = "OAuth \"Facebook Platform\" \"invalid_request\" \"An access token "
                              "is required to request this resource.\"";
    } else {
        (void)refuse_prose(&r, CODE_OAUTH,
                           "Invalid OAuth access token - Cannot parse access token");
        c->reply->challenge = "OAuth \"Facebook Platform\" \"invalid_token\" \"Invalid OAuth "
                              "access token - Cannot parse access token\"";
    }
    graph_refuse(c, &r);
    return false;
}

static void set_version(struct reply *reply, struct slice version)
{
    bool too_old = version.len == 0 ||
                   (version.len == strlen(oldest_usable) &&
                    memcmp(version.at, oldest_usable, version.len) < 0) ||
                   version.len < strlen(oldest_usable);

    if (too_old)
        version = slice_text(oldest_usable);
    text_copy(reply->version, sizeof(reply->version), version.at, version.len);
}

static void route(const struct call *c)
{
    const struct graph_path *path = &c->path;
    bool is_post = c->request->method == METHOD_POST;

    if (path->version.len && !graph_version_is_known(path->version)) {
        graph_refuse_path(c);
        return;
    }
    set_version(c->reply, path->version);
    if (path->node.len == 0 || path->rest.len > 0)
        graph_refuse_path(c);
    else if (is_post && slice_is(path->edge, "messages"))
        graph_send(c);
    else if (c->request->method == METHOD_GET)
        graph_read(c);
    else if (path->edge.len > 0 && slice_is_digits(path->node))
        graph_refuse_path(c);
    else
        graph_refuse_node(c, "post");
}

void graph_answer(struct graph *g, const struct request *request, struct reply *reply)
{
    struct call call = {.graph = g, .request = request, .reply = reply};
    struct fault *quiet;

    graph_path_read(&call.path, request->target);
    answer_trace(&g->random, reply->trace);
    if (slice_is(call.path.node, "_mock")) {
        graph_mock(&call);
        return;
    }
    g->stats.requests++;
    if (!g->stats.first_us)
        g->stats.first_us = request->now_us;
    reply->delay_us = latency_draw_us(&g->latency, &g->random);
    quiet = brownout(g, request->now_us);
    if (quiet) {
        quiet->hits++;
        g->stats.lost++;
        reply->ending = END_HANG;
    } else if (check_token(&call)) {
        route(&call);
    }
}
