/* SPDX-License-Identifier: MIT
 *
 * json.h: reading JSON that a peer wrote, and writing our own. json-c lives behind this header.
 *
 * Model: reading is strict where json-c is not: size and depth are capped, the text must be valid
 * UTF-8 without NUL (also not as \u0000), one value and nothing after it; keys may not repeat;
 * numbers must fit in 64 bits. A null is no value: the accessors cannot tell it from nothing, and
 * alone it is refused. Half a surrogate pair (\ud800) is read as U+FFFD.
 * Accessors check the type and say "not there" (NULL, false) when it is another.
 * Writing always gives valid JSON: bytes that are no UTF-8 become U+FFFD, infinities null.
 * Lifetime: json_parse returns the root, the caller frees it with json_free; everything got from it
 * is borrowed until then.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json;

enum { JSON_DEPTH_MAX = 16 };

enum json_type {
    JSON_NULL,
    JSON_BOOL,
    JSON_INT,
    JSON_DOUBLE,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

/* At most `max` bytes of text are taken. Returned: free with json_free; NULL with `e` filled. */
struct json *json_parse(const char *text, size_t len, size_t max, struct err *e) MUST_CHECK;
void json_free(struct json *root);

/* All of these take NULL and answer as if the value were null. */
enum json_type json_type(const struct json *value);
const struct json *json_get(const struct json *object, const char *key);
const char *json_string(const struct json *value, size_t *len); /* `len` may be NULL */
/* A whole number, also one written as digits in a string. */
bool json_int(const struct json *value, int64_t *out);
/* Any number. */
bool json_double(const struct json *value, double *out);
bool json_bool(const struct json *value, bool *out);
/* Elements of an array, members of an object. */
size_t json_count(const struct json *array);
const struct json *json_at(const struct json *array, size_t index);

/* Calls `on_member` for each member, in order, until it returns false; returns the last result. */
typedef bool (*json_member_fn)(void *context, const char *key, const struct json *value);
bool json_each(const struct json *object, json_member_fn on_member, void *context);

/* Appends the value as compact JSON, members in their order, '/' not escaped. */
void json_write(struct buf *out, const struct json *value);
/* Appends `len` bytes of UTF-8 as a JSON string with its quotes. */
void json_write_string(struct buf *out, const char *text, size_t len);

/* Writing an object or array member by member; commas are put in between. */
struct json_writer {
    struct buf *out;
    bool comma; /* the next member needs one before it */
};

void json_begin(struct json_writer *w, const char *key, char bracket); /* '{' or '['; key or NULL */
void json_end(struct json_writer *w, char bracket);                    /* '}' or ']' */
void json_put_string(struct json_writer *w, const char *key, const char *text); /* NULL: null */
void json_put_int(struct json_writer *w, const char *key, int64_t value);
void json_put_double(struct json_writer *w, const char *key, double value, int decimals);
void json_put_bool(struct json_writer *w, const char *key, bool value);
void json_put_raw(struct json_writer *w, const char *key, const char *json);
void json_put_value(struct json_writer *w, const char *key, const struct json *value);

#endif
