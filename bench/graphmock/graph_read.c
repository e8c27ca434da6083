/* SPDX-License-Identifier: MIT
 *
 * The read-only calls that `tidings check` makes: the number, the account, its templates, the
 * token, and who that is.
 */
#include "answers.h"
#include "graph_internal.h"

#include <stdio.h>

enum { FIELDS_SIZE = 512 };

struct field {
    const char *name;
    const char *json; /* its value */
    bool by_default;  /* given when no fields are asked for */
};

static const struct field phone_fields[] = {
    {"verified_name", "\"Sunrise Academy\"", true},
    {"display_phone_number", NULL, true},
    {"quality_rating", "\"GREEN\"", true},
    {"code_verification_status", "\"VERIFIED\"", true},
    {"status", "\"CONNECTED\"", false},
    {"name_status", "\"APPROVED\"", false},
    {"account_mode", "\"LIVE\"", false},
    {"platform_type", "\"CLOUD_API\"", true},
    {"throughput", NULL, true},
    {"whatsapp_business_manager_messaging_limit", "\"TIER_UNLIMITED\"", false},
    {"messaging_limit_tier", "\"TIER_UNLIMITED\"", false},
    {"quality_score", "{\"score\":\"GREEN\"}", false},
    {"health_status",
     "{\"can_send_message\":\"AVAILABLE\",\"entities\":[{\"entity_type\":\"WABA\",\"id\":\"2\","
     "\"can_send_message\":\"AVAILABLE\"},{\"entity_type\":\"BUSINESS\",\"id\":\"3\","
     "\"can_send_message\":\"AVAILABLE\"},{\"entity_type\":\"APP\",\"id\":\"4\","
     "\"can_send_message\":\"AVAILABLE\"}]}",
     false},
    {"is_official_business_account", "false", false},
    {"is_pin_enabled", "true", false},
};

static const struct field account_fields[] = {
    {"name", "\"Sunrise Academy\"", true},
    {"currency", "\"INR\"", false},
    {"timezone_id", "\"71\"", true},
    {"account_review_status", "\"APPROVED\"", false},
    {"business_verification_status", "\"verified\"", false},
    {"marketing_messages_onboarding_status", "\"ELIGIBLE\"", false},
};

/* A kind of node: what it is called in errors, and what it has. */
struct node {
    const char *type;
    const struct field *fields;
    size_t count;
};

static const struct node phone_node = {"WhatsAppBusinessPhoneNumber", phone_fields,
                                       ARRAY_SIZE(phone_fields)};
static const struct node account_node = {"WhatsAppBusinessAccount", account_fields,
                                         ARRAY_SIZE(account_fields)};

static const struct field *find_field(const struct node *n, struct slice name)
{
    for (size_t i = 0; i < n->count; i++)
        if (slice_is(name, n->fields[i].name))
            return &n->fields[i];
    return NULL;
}

static void write_throughput(const struct call *c, struct buf *out)
{
    uint64_t rate = c->graph->options->rate;

    buf_addf(out, "{\"level\":\"%s\"}", rate > 0 && rate <= 80 ? "STANDARD" : "HIGH");
}

static void write_field(const struct call *c, const struct field *f)
{
    struct buf *out = &c->reply->body;

    buf_addf(out, "\"%s\":", f->name);
    if (f->json)
        buf_adds(out, f->json);
    else if (strcmp(f->name, "throughput") == 0)
        write_throughput(c, out);
    else
        buf_addf(out, "\"+%s\"", c->graph->options->sender);
    buf_addc(out, ',');
}

/* All fields of the comma-separated list; false and a refusal when there is one that is unknown. */
static bool write_asked(const struct call *c, const struct node *n, const char *list)
{
    struct slice rest = slice_text(list);
    struct refusal r;

    while (rest.len > 0) {
        struct slice name = slice_cut(&rest, ',');
        const struct field *f = find_field(n, name);

        if (f) {
            write_field(c, f);
        } else if (!slice_is(name, "id")) {
            buf_clear(&c->reply->body);
            (void)refuse_prose(&r, CODE_INVALID,
                               "(#100) Tried accessing nonexisting field (%.*s) on node type (%s)",
                               (int)name.len, name.at, n->type);
            graph_refuse(c, &r);
            return false;
        }
    }
    return true;
}

static void read_node(const struct call *c, const struct node *n)
{
    char list[FIELDS_SIZE];

    buf_addc(&c->reply->body, '{');
    if (graph_query_get(c->path.query, "fields", list, sizeof(list))) {
        if (!write_asked(c, n, list))
            return;
    } else {
        for (size_t i = 0; i < n->count; i++)
            if (n->fields[i].by_default)
                write_field(c, &n->fields[i]);
    }
    buf_addf(&c->reply->body, "\"id\":\"%.*s\"}", (int)c->path.node.len, c->path.node.at);
}

static void write_component(struct buf *out, const char *type, const char *text)
{
    buf_addf(out, "{\"type\":\"%s\",", type);
    if (strcmp(type, "HEADER") == 0)
        buf_adds(out, "\"format\":\"TEXT\",");
    buf_adds(out, "\"text\":");
    answer_string(out, text);
    buf_addc(out, '}');
}

static void write_buttons(struct buf *out, const struct template *t)
{
    if (!t->buttons[0])
        return;
    buf_adds(out, ",{\"type\":\"BUTTONS\",\"buttons\":[");
    for (size_t i = 0; i < TEMPLATE_BUTTONS_MAX && t->buttons[i]; i++) {
        buf_adds(out, i ? "," : "");
        buf_adds(out, t->buttons[i] == BUTTON_URL
                          ? "{\"type\":\"URL\",\"text\":\"Open\",\"url\":"
                            "\"https:\\/\\/example.com\\/{{1}}\"}"
                          : "{\"type\":\"QUICK_REPLY\",\"text\":\"Thanks\"}");
    }
    buf_adds(out, "]}");
}

/* A body for a template of --template: it has none of its own. */
static void write_body(struct buf *out, const struct template *t)
{
    struct buf text = buf_new(TEMPLATE_PARAMS_MAX * 16);

    for (size_t i = 0; !*t->body && i < t->params; i++)
        buf_addf(&text, "%s{{%zu}}", i ? " " : "", i + 1);
    write_component(out, "BODY", *t->body ? t->body : buf_text(&text));
    buf_free(&text);
}

static void write_template(struct buf *out, const struct template *t, size_t number)
{
    buf_adds(out, "{\"name\":");
    answer_string(out, t->name);
    buf_addf(out, ",\"parameter_format\":\"%s\",\"components\":[",
             t->names[0] ? "NAMED" : "POSITIONAL");
    if (t->header) {
        write_component(out, "HEADER", t->header);
        buf_addc(out, ',');
    }
    write_body(out, t);
    write_buttons(out, t);
    buf_adds(out, "],\"language\":");
    answer_string(out, t->lang);
    buf_addf(out,
             ",\"status\":\"APPROVED\",\"category\":\"UTILITY\",\"quality_score\":{\"score\":"
             "\"GREEN\"},\"id\":\"%zu\"}",
             1000000000000001 + number);
}

/* Graph's name= is a "contains" match, and so is this. */
static void read_templates(const struct call *c)
{
    char name[FIELDS_SIZE] = "";
    const struct templates *t = &c->graph->templates;
    struct buf *out = &c->reply->body;
    bool comma = false;

    (void)graph_query_get(c->path.query, "name", name, sizeof(name)); /* "": all */
    buf_adds(out, "{\"data\":[");
    for (size_t i = 0; i < t->count; i++) {
        if (!strstr(t->items[i].name, name))
            continue;
        buf_adds(out, comma ? "," : "");
        comma = true;
        write_template(out, &t->items[i], i);
    }
    buf_adds(out, "],\"paging\":{\"cursors\":{\"before\":\"MAZDZD\",\"after\":\"MjQZD\"}}}");
}

static void read_phones(const struct call *c)
{
    const struct flag_values *ids = &c->graph->options->phone_ids;
    struct buf *out = &c->reply->body;

    buf_adds(out, "{\"data\":[");
    for (size_t i = 0; i < ids->count; i++)
        buf_addf(out,
                 "%s{\"verified_name\":\"Sunrise Academy\",\"display_phone_number\":\"+%s\","
                 "\"quality_rating\":\"GREEN\",\"code_verification_status\":\"VERIFIED\","
                 "\"id\":\"%s\"}",
                 i ? "," : "", c->graph->options->sender, ids->items[i]);
    buf_adds(out, "]}");
}

static void read_me(const struct call *c)
{
    buf_adds(&c->reply->body, "{\"name\":\"tidings\",\"id\":\"122100000000000001\"}");
}

/* Any token may look at itself here. */
static void read_token(const struct call *c)
{
    char token[1024] = "";
    const char *right = c->graph->options->token;
    struct buf *out = &c->reply->body;

    (void)graph_query_get(c->path.query, "input_token", token, sizeof(token)); /* "": none */
    if (!*token || (right && strcmp(token, right) != 0)) {
        buf_adds(out, "{\"data\":{\"error\":{\"code\":190,\"message\":\"Invalid OAuth access "
                      "token.\"},\"is_valid\":false,\"scopes\":[]}}");
        return;
    }
    buf_adds(out, "{\"data\":{\"app_id\":\"634974688087057\",\"type\":\"SYSTEM_USER\","
                  "\"application\":\"tidings\",\"data_access_expires_at\":0,\"expires_at\":0,"
                  "\"is_valid\":true,\"issued_at\":1718000000,\"scopes\":["
                  "\"whatsapp_business_management\",\"whatsapp_business_messaging\"],"
                  "\"granular_scopes\":[{\"scope\":\"whatsapp_business_messaging\"}],"
                  "\"user_id\":\"122100000000000001\"}}");
}

static bool knows_account(const struct graph *g, struct slice id)
{
    return g->options->waba_id ? slice_is(id, g->options->waba_id) : slice_is_digits(id);
}

static void read_edge(const struct call *c)
{
    if (!knows_account(c->graph, c->path.node))
        graph_refuse_node(c, "get");
    else if (slice_is(c->path.edge, "message_templates"))
        read_templates(c);
    else if (slice_is(c->path.edge, "phone_numbers"))
        read_phones(c);
    else
        graph_refuse_path(c);
}

/* Is the node the account rather than a number? Without --waba-id only the edges can tell. */
static bool is_account(const struct call *c)
{
    return c->graph->options->waba_id && slice_is(c->path.node, c->graph->options->waba_id);
}

void graph_read(const struct call *c)
{
    if (slice_is(c->path.node, "me"))
        read_me(c);
    else if (slice_is(c->path.node, "debug_token"))
        read_token(c);
    else if (!slice_is_digits(c->path.node))
        graph_refuse_path(c);
    else if (c->path.edge.len > 0)
        read_edge(c);
    else if (is_account(c))
        read_node(c, &account_node);
    else if (graph_knows_phone(c->graph, c->path.node))
        read_node(c, &phone_node);
    else
        graph_refuse_node(c, "get");
}
