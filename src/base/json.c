/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include "base/json_scan.h"
#include "base/text.h"
#include "base/utf8.h"

/* json-c has types of these names; ours are the ones that the program knows. */
#define json_type jsonc_type
#define json_bool jsonc_bool
#include <json-c/json.h>
#undef json_type
#undef json_bool
#include <limits.h>
#include <math.h>
#include <string.h>

/* json-c counts the innermost plain value as a level, and stops one short of what it is told. */
enum { JSONC_DEPTH = JSON_DEPTH_MAX + 2 };

/* A struct json is json-c's object under our name. json-c takes no const even where it only reads;
 * the way round keeps const in our interface. */
static struct json_object *object_of(const struct json *value)
{
    return (struct json_object *)(uintptr_t)value;
}

static struct json *json_of(struct json_object *object)
{
    return (struct json *)object;
}

static struct json_object *build(const char *text, size_t len)
{
    struct json_tokener *tokener = json_tokener_new_ex(JSONC_DEPTH);
    struct json_object *object;

    if (!tokener)
        return NULL;
    object = json_tokener_parse_ex(tokener, text, (int)len);
    if (json_tokener_get_error(tokener) == json_tokener_continue)
        object = json_tokener_parse_ex(tokener, "", 1); /* ends a bare number */
    json_tokener_free(tokener);
    return object;
}

static size_t count_members(struct json_object *object);

static size_t count_in_array(struct json_object *array)
{
    size_t total = 0;

    for (size_t i = 0; i < json_object_array_length(array); i++)
        total += count_members(json_object_array_get_idx(array, i));
    return total;
}

/* Members of all objects in `object` together. */
static size_t count_members(struct json_object *object)
{
    size_t total = 0;

    if (json_object_is_type(object, json_type_array))
        return count_in_array(object);
    if (!json_object_is_type(object, json_type_object))
        return 0;
    json_object_object_foreach(object, key, value)
    {
        (void)key; /* the macro declares it */
        total += 1 + count_members(value);
    }
    return total;
}

struct json *json_parse(const char *text, size_t len, size_t max, struct err *e)
{
    struct json_scan scan;
    struct json_object *object;

    if (len > max || len > INT_MAX) {
        (void)err_set(e, EXIT_BAD_DATA, "JSON of %zu bytes; at most %zu are allowed", len, max);
        return NULL;
    }
    if (!utf8_is_valid(text, len)) {
        (void)err_set(e, EXIT_BAD_DATA, "JSON that is not valid UTF-8");
        return NULL;
    }
    if (!json_scan(text, len, JSON_DEPTH_MAX, &scan)) {
        (void)err_set(e, EXIT_BAD_DATA, "no valid JSON: %s, at byte %zu", scan.reason, scan.at + 1);
        return NULL;
    }
    object = build(text, len);
    if (!object) {
        (void)err_set(e, EXIT_BAD_DATA, "JSON null where a value is wanted");
        return NULL;
    }
    /* Of a key that came twice json-c kept one, so there are fewer than were scanned. */
    if (count_members(object) != scan.members) {
        json_free(json_of(object));
        (void)err_set(e, EXIT_BAD_DATA, "no valid JSON: a key that comes twice in an object");
        return NULL;
    }
    return json_of(object);
}

void json_free(struct json *root)
{
    (void)json_object_put(object_of(root)); /* says whether it was the last reference: it was */
}

enum json_type json_type(const struct json *value)
{
    static const enum json_type types[] = {
        [json_type_null] = JSON_NULL,     [json_type_boolean] = JSON_BOOL,
        [json_type_double] = JSON_DOUBLE, [json_type_int] = JSON_INT,
        [json_type_object] = JSON_OBJECT, [json_type_array] = JSON_ARRAY,
        [json_type_string] = JSON_STRING,
    };

    return types[json_object_get_type(object_of(value))];
}

const struct json *json_get(const struct json *object, const char *key)
{
    struct json_object *member = NULL;

    if (json_type(object) == JSON_OBJECT)
        (void)json_object_object_get_ex(object_of(object), key, &member); /* NULL: not there */
    return json_of(member);
}

const char *json_string(const struct json *value, size_t *len)
{
    if (json_type(value) != JSON_STRING)
        return NULL;
    if (len)
        *len = (size_t)json_object_get_string_len(object_of(value));
    return json_object_get_string(object_of(value));
}

/* 131026.0 is 131026. Past 2^53 a double no longer tells one whole number from the next. */
static bool int_of_double(double value, int64_t *out)
{
    const double exact = 9007199254740992.0;

    if (value < -exact || value > exact || value != floor(value))
        return false;
    *out = (int64_t)value;
    return true;
}

bool json_int(const struct json *value, int64_t *out)
{
    const char *text = json_string(value, NULL);

    if (text)
        return text_to_int(text, INT64_MIN, INT64_MAX, out);
    if (json_type(value) == JSON_DOUBLE)
        return int_of_double(json_object_get_double(object_of(value)), out);
    if (json_type(value) != JSON_INT)
        return false;
    *out = json_object_get_int64(object_of(value));
    return true;
}

bool json_double(const struct json *value, double *out)
{
    if (json_type(value) != JSON_DOUBLE && json_type(value) != JSON_INT)
        return false;
    *out = json_object_get_double(object_of(value));
    return true;
}

bool json_bool(const struct json *value, bool *out)
{
    if (json_type(value) != JSON_BOOL)
        return false;
    *out = json_object_get_boolean(object_of(value));
    return true;
}

size_t json_count(const struct json *array)
{
    if (json_type(array) == JSON_ARRAY)
        return json_object_array_length(object_of(array));
    if (json_type(array) == JSON_OBJECT)
        return (size_t)json_object_object_length(object_of(array));
    return 0;
}

const struct json *json_at(const struct json *array, size_t index)
{
    if (json_type(array) != JSON_ARRAY || index >= json_count(array))
        return NULL;
    return json_of(json_object_array_get_idx(object_of(array), index));
}

bool json_each(const struct json *object, json_member_fn on_member, void *context)
{
    if (json_type(object) != JSON_OBJECT)
        return true;
    json_object_object_foreach(object_of(object), key, value)
    {
        if (!on_member(context, key, json_of(value)))
            return false;
    }
    return true;
}

static bool on_member_write(void *context, const char *key, const struct json *value)
{
    struct json_writer *w = context;

    json_put_value(w, key, value);
    return true;
}

static void write_array(struct buf *out, const struct json *array)
{
    struct json_writer w = {.out = out};

    json_begin(&w, NULL, '[');
    for (size_t i = 0; i < json_count(array); i++)
        json_put_value(&w, NULL, json_at(array, i));
    json_end(&w, ']');
}

static void write_object(struct buf *out, const struct json *object)
{
    struct json_writer w = {.out = out};

    json_begin(&w, NULL, '{');
    (void)json_each(object, on_member_write, &w); /* it never stops early */
    json_end(&w, '}');
}

void json_write(struct buf *out, const struct json *value)
{
    size_t len = 0;
    const char *text;

    switch (json_type(value)) {
    case JSON_OBJECT:
        write_object(out, value);
        break;
    case JSON_ARRAY:
        write_array(out, value);
        break;
    case JSON_STRING:
        text = json_string(value, &len);
        json_write_string(out, text, len);
        break;
    case JSON_NULL:
        buf_adds(out, "null");
        break;
    case JSON_BOOL:
    case JSON_INT:
    case JSON_DOUBLE: /* as it was written */
        buf_adds(out, json_object_to_json_string(object_of(value)));
        break;
    }
}
