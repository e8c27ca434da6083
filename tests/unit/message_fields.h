/* SPDX-License-Identifier: MIT
 *
 * message_fields.h: for tests of messages: fields written short, and what becomes of them.
 */
#ifndef TESTS_MESSAGE_FIELDS_H
#define TESTS_MESSAGE_FIELDS_H

#include "core/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

/* Text and JSON fields; texts may hold NULs. */
#define T(n, text)                                            \
    {                                                         \
        .name = (n), .value = (text), .len = sizeof(text) - 1 \
    }
#define J(n, text)                                                             \
    {                                                                          \
        .name = (n), .value = (text), .len = sizeof(text) - 1, .is_json = true \
    }
#define FIELDS(...)        \
    (const struct field[]) \
    {                      \
        __VA_ARGS__        \
    }
#define COUNT(...) (sizeof(FIELDS(__VA_ARGS__)) / sizeof(struct field))
#define TO         T("to", "+919800000001")

/* A message of template "plain", which has no columns. */
#define PLAIN              TO, T("template", "plain")
#define MESSAGE(...)       message_made(FIELDS(__VA_ARGS__), COUNT(__VA_ARGS__), &by_content)
#define REFUSED(why, ...)  message_refused(FIELDS(__VA_ARGS__), COUNT(__VA_ARGS__), why)
#define CONTENT(json, ...) message_has_content(FIELDS(__VA_ARGS__), COUNT(__VA_ARGS__), json)

static const char *const columns[] = {"educator_name", "test_name", "dashboard_url"};
static const struct message_defaults defaults = {
    .template_name = "results_update",
    .lang = "en_US",
    .sender = "100000000000001",
    .broadcast = "results",
    .params = columns,
    .param_count = 3,
};
static const struct message_context by_content = {.defaults = &defaults};

static inline struct message *message_made(const struct field *fields, size_t count,
                                           const struct message_context *context)
{
    struct reject why = {{0}};
    struct message *m = message_from_fields(fields, count, context, &why);

    if (!m)
        fail_msg("refused: %s", why.text);
    return m;
}

/* The reason is the whole text. */
static inline void message_refused(const struct field *fields, size_t count, const char *reason)
{
    struct reject why = {{0}};
    struct message *m = message_from_fields(fields, count, &by_content, &why);

    if (m)
        fail_msg("made a message with the content %s", m->content);
    assert_string_equal(why.text, reason);
}

static inline void message_has_content(const struct field *fields, size_t count, const char *json)
{
    struct message *m = message_made(fields, count, &by_content);

    assert_string_equal(m->content, json);
    message_free(m);
}

#endif
