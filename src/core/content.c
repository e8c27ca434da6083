/* SPDX-License-Identifier: MIT */
#include "core/content.h"

#include "base/json.h"
#include "base/utf8.h"
#include "core/content_components.h"
#include "core/content_text.h"

#include <stdlib.h>
#include <string.h>

/* A text parameter of the body. */
struct param {
    const char *field; /* where it was found, for reasons */
    const char *name;  /* of a named parameter, else NULL */
    size_t name_len;
    const char *text;
    size_t len;
};

struct body {
    struct param params[MESSAGE_PARAMS_MAX]; /* only `count` of them are set */
    size_t count;
    bool named;
    struct json *root;  /* what `params` was read into; texts and names point there */
    struct buf numbers; /* or here: numbers as they were written */
};

/* ---- Reading the body. */

static bool check_is_text(const struct field *f, struct reject *why)
{
    if (f->is_json)
        return reject_set(why, "%s: is an array or object; text is allowed", f->name);
    return true;
}

static bool body_add(struct body *body, struct param param, struct reject *why)
{
    if (body->count == MESSAGE_PARAMS_MAX)
        return reject_set(why, "%s: has too many parameters; at most %d are allowed", param.field,
                          MESSAGE_PARAMS_MAX);
    body->params[body->count++] = param;
    return true;
}

/* A text, or a number as it is written. A number's text is found later (numbers may still move). */
static bool add_json(struct body *body, const char *name, const struct json *value,
                     struct reject *why)
{
    struct param param = {.field = "params", .name = name, .name_len = name ? strlen(name) : 0};

    param.text = json_string(value, &param.len);
    if (!param.text) {
        if (json_type(value) != JSON_INT && json_type(value) != JSON_DOUBLE)
            return reject_set(why, "params: number %zu is no text; texts and numbers are allowed",
                              body->count + 1);
        param.len = body->numbers.len;
        json_write(&body->numbers, value);
        param.len = body->numbers.len - param.len;
    }
    return body_add(body, param, why);
}

struct json_params {
    struct body *body;
    struct reject *why;
};

static bool on_json_param(void *context, const char *key, const struct json *value)
{
    struct json_params *p = context;

    return add_json(p->body, key, value, p->why);
}

static void find_numbers(struct body *body)
{
    const char *number = buf_text(&body->numbers);

    for (size_t i = 0; i < body->count; i++) {
        if (body->params[i].text)
            continue;
        body->params[i].text = number;
        number += body->params[i].len;
    }
}

static bool read_json(struct body *body, const struct field *f, struct reject *why)
{
    struct json_params params = {.body = body, .why = why};
    struct err e;
    bool ok = true;

    body->root = json_parse(f->value, f->len, MESSAGE_CONTENT_MAX, &e);
    if (!body->root)
        return reject_set(why, "params: %.150s; a JSON array or object is allowed", e.text);
    if (json_type(body->root) != JSON_ARRAY && json_type(body->root) != JSON_OBJECT)
        return reject_value(why, "params", f->value, f->len,
                            "is one value; a JSON array or object is allowed");
    body->named = json_type(body->root) == JSON_OBJECT;
    for (size_t i = 0; i < json_count(body->root) && ok && !body->named; i++)
        ok = add_json(body, NULL, json_at(body->root, i), why);
    ok = ok && json_each(body->root, on_json_param, &params);
    find_numbers(body);
    return ok;
}

/* p1, p2.. up to the last one that is there. */
static bool read_flat(struct body *body, const struct field_set *set, struct reject *why)
{
    for (size_t i = 0; i < set->p_last; i++) {
        const struct field *f = set->slots[SLOT_P + i];

        if (!f)
            return reject_set(why,
                              "p%zu: missing, with p%u given; p1 to pN without a gap are "
                              "allowed",
                              i + 1, set->p_last);
        if (!check_is_text(f, why) ||
            !body_add(body, (struct param){.field = f->name, .text = f->value, .len = f->len}, why))
            return false;
    }
    return true;
}

static bool read_column(struct body *body, const struct field_set *set, const char *param,
                        struct reject *why)
{
    const char *column = param_column(param);
    const struct field *f = field_find(set, column);
    bool is_named = column != param;

    if (body->count > 0 && is_named != body->named)
        return reject_set(why,
                          "%s: template.params mixes named and positional parameters; all of "
                          "one kind are allowed",
                          column);
    if (!f)
        return reject_set(why,
                          "%s: missing; template.params names this column (or give params, "
                          "p1.. or components)",
                          column);
    body->named = is_named;
    return check_is_text(f, why) &&
           body_add(body,
                    (struct param){
                        .field = f->name,
                        .name = is_named ? param : NULL,
                        .name_len = is_named ? (size_t)(column - param) - 1 : 0,
                        .text = f->value,
                        .len = f->len,
                    },
                    why);
}

static bool read_columns(struct body *body, const struct content_source *source, struct reject *why)
{
    for (size_t i = 0; i < source->defaults->param_count; i++)
        if (!read_column(body, source->set, source->defaults->params[i], why))
            return false;
    return true;
}

/* Does template.params itself use names like p1? Then they are columns. */
static bool columns_are_flat(const struct message_defaults *defaults)
{
    for (size_t i = 0; i < defaults->param_count; i++) {
        unsigned slot = field_slot(param_column(defaults->params[i]));

        if (slot >= SLOT_P && slot < SLOT_URL)
            return true;
    }
    return false;
}

/* How many the default template takes is known: Graph would refuse another number. */
static bool check_count(const struct body *body, const struct content_source *source,
                        const char *field, struct reject *why)
{
    size_t wanted = source->defaults->param_count;

    if (!source->is_default_template || wanted == 0 || body->count == wanted)
        return true;
    return reject_set(why, "%s: %zu given; %zu, as template.params has them for %.60s, are allowed",
                      field, body->count, wanted, source->defaults->template_name);
}

static bool read_body(struct body *body, const struct content_source *source, struct reject *why)
{
    const struct field *params = field_given(source->set, SLOT_PARAMS);
    bool by_column = source->is_default_template && source->defaults->param_count > 0;

    if (params)
        return read_json(body, params, why) && check_count(body, source, "params", why);
    if (source->set->p_last > 0 && !(by_column && columns_are_flat(source->defaults)))
        return read_flat(body, source->set, why) && check_count(body, source, "p1..", why);
    return !by_column || read_columns(body, source, why);
}

/* ---- Checking it. */

static bool reject_param(const struct body *body, const struct param *p, const char *fault,
                         struct reject *why)
{
    char text[REJECT_SHOWN_SIZE], name[REJECT_SHOWN_SIZE];

    (void)reject_show(text, p->text, p->len);
    if (strcmp(p->field, "params") != 0)
        return reject_set(why, "%s: \"%s\" %s", p->field, text, fault);
    if (p->name)
        return reject_set(why, "params, \"%s\": \"%s\" %s", reject_show(name, p->name, p->name_len),
                          text, fault);
    return reject_set(why, "params, number %zu: \"%s\" %s", (size_t)(p - body->params) + 1, text,
                      fault);
}

static int compare_names(const void *a, const void *b)
{
    const struct param *one = a, *two = b;
    size_t shorter = one->name_len < two->name_len ? one->name_len : two->name_len;
    int order = memcmp(one->name, two->name, shorter);

    if (order != 0)
        return order;
    return (one->name_len > two->name_len) - (one->name_len < two->name_len);
}

/* Valid, and each once; sorted afterwards. */
static bool check_names(struct body *body, struct reject *why)
{
    for (size_t i = 0; i < body->count; i++) {
        const struct param *p = &body->params[i];
        const char *fault = content_name_fault(p->name, p->name_len);

        if (fault)
            return reject_value(why, p->field, p->name, p->name_len, fault);
    }
    qsort(body->params, body->count, sizeof(body->params[0]), compare_names);
    for (size_t i = 1; i < body->count; i++)
        if (compare_names(&body->params[i - 1], &body->params[i]) == 0)
            return reject_value(why, body->params[i].field, body->params[i].name,
                                body->params[i].name_len,
                                "names two parameters; each name is allowed once");
    return true;
}

static size_t count_characters(const struct body *body)
{
    size_t total = 0;

    for (size_t i = 0; i < body->count; i++)
        total += utf8_count_utf16(body->params[i].text, body->params[i].len);
    return total;
}

static bool check_body(struct body *body, struct reject *why)
{
    size_t bytes = 0; /* never fewer than characters */

    for (size_t i = 0; i < body->count; i++) {
        const struct param *p = &body->params[i];
        const char *fault = content_text_fault(CONTENT_BODY, p->text, p->len);

        if (fault)
            return reject_param(body, p, fault, why);
        bytes += p->len;
    }
    if (bytes > MESSAGE_BODY_MAX && count_characters(body) > MESSAGE_BODY_MAX)
        return reject_set(why,
                          "%s: the body's parameters have %zu characters together; at most %d "
                          "are allowed, Graph's limit for the filled body",
                          body->params[0].field, count_characters(body), MESSAGE_BODY_MAX);
    return !body->named || check_names(body, why);
}

/* Header and buttons: each a field of its own. */
static bool check_extra(const struct field *f, enum content_kind kind, struct reject *why)
{
    const char *fault;

    if (!f)
        return true;
    if (!check_is_text(f, why))
        return false;
    fault = content_text_fault(kind, f->value, f->len);
    return !fault || reject_value(why, f->name, f->value, f->len, fault);
}

static bool check_extras(const struct field_set *set, struct reject *why)
{
    if (!set->has_extras)
        return true;
    if (!check_extra(set->slots[SLOT_HEADER], CONTENT_HEADER, why))
        return false;
    for (size_t i = 0; i < MESSAGE_BUTTONS_MAX; i++) {
        const struct field *url = set->slots[SLOT_URL + i];
        const struct field *reply = set->slots[SLOT_REPLY + i];

        if (url && reply)
            return reject_set(why, "%s: button %zu is a quick reply, too; one of both is allowed",
                              url->name, i);
        if (!check_extra(url, CONTENT_URL, why) || !check_extra(reply, CONTENT_REPLY, why))
            return false;
    }
    return true;
}

/* ---- Writing. */

static void write_body(struct buf *out, const struct body *body)
{
    buf_addc(out, body->named ? '{' : '[');
    for (size_t i = 0; i < body->count; i++) {
        const struct param *p = &body->params[i];

        if (i > 0)
            buf_addc(out, ',');
        if (body->named) {
            json_write_string(out, p->name, p->name_len);
            buf_addc(out, ':');
        }
        json_write_string(out, p->text, p->len);
    }
    buf_addc(out, body->named ? '}' : ']');
}

/* ,"url":{"0":"text"} */
static void write_buttons(struct buf *out, const char *key, const struct field *const *buttons)
{
    bool any = false;

    for (size_t i = 0; i < MESSAGE_BUTTONS_MAX; i++) {
        if (!buttons[i])
            continue;
        buf_adds(out, any ? "," : key);
        buf_addf(out, "\"%zu\":", i);
        json_write_string(out, buttons[i]->value, buttons[i]->len);
        any = true;
    }
    if (any)
        buf_addc(out, '}');
}

static void write_extras_and_body(struct buf *out, const struct body *body,
                                  const struct field_set *set)
{
    const struct field *header = set->slots[SLOT_HEADER];

    buf_addc(out, '{');
    if (header) {
        buf_adds(out, "\"header\":");
        json_write_string(out, header->value, header->len);
    }
    if (body->count > 0) {
        buf_adds(out, header ? ",\"body\":" : "\"body\":");
        write_body(out, body);
    }
    write_buttons(out, out->len > 1 ? ",\"url\":{" : "\"url\":{", set->slots + SLOT_URL);
    write_buttons(out, out->len > 1 ? ",\"reply\":{" : "\"reply\":{", set->slots + SLOT_REPLY);
    buf_addc(out, '}');
}

static void write_all(struct buf *out, const struct body *body, const struct field_set *set)
{
    if (set->has_extras || (body->named && body->count > 0))
        write_extras_and_body(out, body, set);
    else if (body->count > 0)
        write_body(out, body);
}

static bool write_parts(struct buf *out, const struct content_source *source, struct reject *why)
{
    struct body body;
    bool ok;

    body.count = 0; /* not all of it: this is the hot path, and it is large */
    body.named = false;
    body.root = NULL;
    body.numbers = buf_new(MESSAGE_CONTENT_MAX);
    ok = read_body(&body, source, why) && check_body(&body, why) && check_extras(source->set, why);
    if (ok)
        write_all(out, &body, source->set);
    buf_free(&body.numbers);
    json_free(body.root);
    return ok;
}

bool content_write(struct buf *out, const struct content_source *source, struct reject *why)
{
    const struct field *components = field_given(source->set, SLOT_COMPONENTS);

    if (components ? !content_write_components(out, components, why)
                   : !write_parts(out, source, why))
        return false;
    if (!buf_ok(out))
        return reject_set(why, "%s: too much to fill a template with; %d bytes of JSON are allowed",
                          components ? "components" : "parameters", MESSAGE_CONTENT_MAX);
    return true;
}
