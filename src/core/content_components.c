/* SPDX-License-Identifier: MIT */
#include "core/content_components.h"

#include "base/json.h"
#include "base/mem.h"
#include "core/content_text.h"

#include <stdlib.h>
#include <string.h>

/* ---- Checks. */

struct place {
    size_t component;
    size_t parameter;
    enum content_kind kind; /* whose limit a text parameter has */
    struct reject *why;
};

static enum content_kind kind_of(const char *type)
{
    if (strcmp(type, "header") == 0)
        return CONTENT_HEADER;
    return strcmp(type, "button") == 0 ? CONTENT_URL : CONTENT_BODY;
}

static bool check_text(const struct place *at, const char *member, const struct json *value,
                       enum content_kind kind)
{
    size_t len = 0;
    const char *text = json_string(value, &len);
    const char *fault = text ? content_text_fault(kind, text, len) : NULL;
    char shown[REJECT_SHOWN_SIZE];

    if (!fault)
        return true;
    return reject_set(at->why, "components[%zu].parameters[%zu].%s: \"%s\" %s", at->component,
                      at->parameter, member, reject_show(shown, text, len), fault);
}

static bool check_parameter(const struct place *at, const struct json *parameter)
{
    if (json_type(parameter) != JSON_OBJECT)
        return reject_set(at->why,
                          "components[%zu].parameters[%zu]: is not an object; objects are "
                          "allowed",
                          at->component, at->parameter);
    return check_text(at, "text", json_get(parameter, "text"), at->kind) &&
           check_text(at, "payload", json_get(parameter, "payload"), CONTENT_REPLY);
}

static bool check_component(struct place *at, const struct json *component)
{
    const char *type = json_string(json_get(component, "type"), NULL);
    const struct json *parameters = json_get(component, "parameters");

    if (!type)
        return reject_set(at->why,
                          "components[%zu]: has no type; objects like {\"type\":\"body\","
                          "\"parameters\":[...]} are allowed",
                          at->component);
    if (parameters && json_type(parameters) != JSON_ARRAY)
        return reject_set(at->why,
                          "components[%zu].parameters: is not an array; an array is "
                          "allowed",
                          at->component);
    at->kind = kind_of(type);
    for (at->parameter = 0; at->parameter < json_count(parameters); at->parameter++)
        if (!check_parameter(at, json_at(parameters, at->parameter)))
            return false;
    return true;
}

static bool check_components(const struct json *array, struct reject *why)
{
    struct place at = {.why = why};

    if (json_type(array) != JSON_ARRAY)
        return reject_set(why, "components: is not an array; a JSON array of objects is allowed");
    if (json_count(array) > COMPONENTS_MAX)
        return reject_set(why, "components: has %zu components; at most %d are allowed",
                          json_count(array), COMPONENTS_MAX);
    for (; at.component < json_count(array); at.component++)
        if (!check_component(&at, json_at(array, at.component)))
            return false;
    return true;
}

/* ---- Writing with sorted members. */

struct member {
    const char *key;
    const struct json *value;
};

struct members {
    struct member *all;
    size_t count;
};

static bool on_member(void *context, const char *key, const struct json *value)
{
    struct members *members = context;

    members->all[members->count++] = (struct member){.key = key, .value = value};
    return true;
}

static int compare_members(const void *a, const void *b)
{
    return strcmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

static bool write_sorted(struct json_writer *w, const char *key, const struct json *value,
                         int depth);

static bool write_object(struct json_writer *w, const struct json *object, int depth)
{
    struct members members = {0};
    bool ok = true;

    members.all = mem_alloc(json_count(object) * sizeof(*members.all));
    (void)json_each(object, on_member, &members); /* it never stops early */
    qsort(members.all, members.count, sizeof(*members.all), compare_members);
    for (size_t i = 0; i < members.count && ok; i++)
        ok = write_sorted(w, members.all[i].key, members.all[i].value, depth);
    mem_free(members.all);
    return ok;
}

static bool write_array(struct json_writer *w, const struct json *array, int depth)
{
    for (size_t i = 0; i < json_count(array); i++)
        if (!write_sorted(w, NULL, json_at(array, i), depth))
            return false;
    return true;
}

/* False when it is nested deeper than COMPONENTS_DEPTH_MAX. */
static bool write_sorted(struct json_writer *w, const char *key, const struct json *value,
                         int depth)
{
    bool is_object = json_type(value) == JSON_OBJECT;
    bool ok;

    if (!is_object && json_type(value) != JSON_ARRAY) {
        json_put_value(w, key, value);
        return true;
    }
    if (depth == COMPONENTS_DEPTH_MAX)
        return false;
    json_begin(w, key, is_object ? '{' : '[');
    ok = is_object ? write_object(w, value, depth + 1) : write_array(w, value, depth + 1);
    json_end(w, is_object ? '}' : ']');
    return ok;
}

static bool write_components(struct buf *out, const struct json *array, struct reject *why)
{
    struct json_writer w = {.out = out};
    bool ok;

    if (json_count(array) == 0)
        return true;
    json_begin(&w, NULL, '{');
    ok = write_sorted(&w, "components", array, 0);
    json_end(&w, '}');
    if (!ok)
        return reject_set(why, "components: is nested too deep; %d levels are allowed",
                          COMPONENTS_DEPTH_MAX);
    return true;
}

bool content_write_components(struct buf *out, const struct field *field, struct reject *why)
{
    struct err e;
    struct json *array = json_parse(field->value, field->len, MESSAGE_CONTENT_MAX, &e);
    bool ok;

    if (!array)
        return reject_set(why, "components: %.150s; a JSON array of objects is allowed", e.text);
    ok = check_components(array, why) && write_components(out, array, why);
    json_free(array);
    return ok;
}
