/* SPDX-License-Identifier: MIT
 *
 * test_error_codes_doc.c: docs/error-codes.md is made from the table of error_policy.h.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "core/error_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DOC_MAX = 1 << 20 };

/* Codes that no row has, one of each range, and how they come. */
static const struct {
    const char *codes;
    struct graph_error error;
} others[] = {
    {"other codes from 0 to 10", {.code = 7, .http_status = 400}},
    {"other codes from 200 to 299", {.code = 250, .http_status = 400}},
    {"other codes 133xxx", {.code = 133999, .http_status = 400}},
    {"other codes 2388xxx", {.code = 2388999, .http_status = 400}},
    {"all others, with a 5xx or `is_transient`", {.code = 999999, .http_status = 500}},
    {"all others", {.code = 999999, .http_status = 400}},
};

static void add_code(struct buf *out, const struct error_rule *rule)
{
    buf_addf(out, "%d", rule->code);
    if (rule->subcode)
        buf_addf(out, "/%d", rule->subcode);
}

static void add_codes_of(struct buf *out, enum action action)
{
    size_t count;
    const struct error_rule *rules = error_policy_table(&count);
    const char *comma = "";

    for (size_t i = 0; i < count; i++) {
        if (rules[i].action != action)
            continue;
        buf_adds(out, comma);
        add_code(out, &rules[i]);
        comma = ", ";
    }
}

static void add_actions(struct buf *out)
{
    buf_adds(out, "| action | what tidings does | codes |\n|---|---|---|\n");
    for (int i = 0; i < ACTION_COUNT; i++) {
        enum action a = (enum action)i;

        buf_addf(out, "| `%s` | %s | ", action_name(a), action_text(a));
        add_codes_of(out, a);
        buf_adds(out, " |\n");
    }
}

static void add_rules(struct buf *out)
{
    size_t count;
    const struct error_rule *rules = error_policy_table(&count);

    buf_adds(out, "| code | what Meta means | action | what you do |\n|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        buf_adds(out, "| ");
        add_code(out, &rules[i]);
        buf_addf(out, " | %s | `%s` | %s |\n", rules[i].title, action_name(rules[i].action),
                 rules[i].hint);
    }
}

static void add_others(struct buf *out)
{
    buf_adds(out, "| code | action | what you do |\n|---|---|---|\n");
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        buf_addf(out, "| %s | `%s` | %s |\n", others[i].codes,
                 action_name(error_policy_action(&others[i].error)),
                 error_policy_find(&others[i].error)->hint);
}

static void add_document(struct buf *out)
{
    buf_adds(
        out,
        "# Graph's error codes\n\n"
        "Made from `src/core/error_table.c` by a test: change the table, then run\n"
        "`UPDATE_DOCS=1 ctest --preset debug -R test_error_codes_doc`. The same on a terminal:\n"
        "`tidings errors`, `tidings errors 131026`.\n\n"
        "tidings decides by the code, never by the HTTP status. An error object is a "
        "refusal, even beside\na 5xx, with two exceptions in which Graph may have sent the "
        "message all the same: 131000, and 1 with\na 5xx or `is_transient`. These are "
        "`unknown` and are not sent again by themselves\n"
        "([guarantees.md](guarantees.md)).\n\n"
        "## What tidings does\n\n"
        "A halt stops new sends at once; messages wait on record, and the broadcast ends 77 "
        "for the token,\nelse 5. The same command goes on when the cause is mended. A daemon stays "
        "up: "
        "after a new token\nis sealed it is reloaded (`systemctl reload tidings`, SIGHUP), after "
        "all else it takes\n`tidings resume`.\n\n");
    add_actions(out);
    buf_adds(out, "\n## The codes\n\nCODE/SUBCODE where a subcode has a row of its own.\n\n");
    add_rules(out);
    buf_adds(out, "\n## Codes that are not in the table\n\n");
    add_others(out);
}

static char *read_file(const char *path)
{
    FILE *in = fopen(path, "r");
    char *text = mem_alloc(DOC_MAX);

    assert_non_null(in);
    text[fread(text, 1, DOC_MAX - 1, in)] = '\0';
    fclose(in);
    return text;
}

/* UPDATE_DOCS=1 writes the file anew. The tests run in tests/. */
static void test_the_document_is_the_table(void **state)
{
    static const char path[] = "../docs/error-codes.md";
    struct buf document = buf_new(DOC_MAX);
    char *file;

    (void)state;
    add_document(&document);
    if (getenv("UPDATE_DOCS")) {
        FILE *out = fopen(path, "w");

        assert_non_null(out);
        fputs(buf_text(&document), out);
        fclose(out);
    }
    file = read_file(path);
    if (strcmp(file, buf_text(&document)) != 0)
        fail_msg("docs/error-codes.md is not as the table has it: UPDATE_DOCS=1 writes it anew");
    mem_free(file);
    buf_free(&document);
}

/* Of each range one: a code that got a row of its own must not stand for those without one. */
static void test_the_others_have_no_row(void **state)
{
    size_t count;
    const struct error_rule *rules = error_policy_table(&count);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        for (size_t k = 0; k < count; k++)
            assert_int_not_equal(others[i].error.code, rules[k].code);
}

/* A '|' would end a cell of the table. */
static void test_texts_fit_a_table(void **state)
{
    size_t count;
    const struct error_rule *rules = error_policy_table(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_null(strpbrk(rules[i].title, "|\n"));
        assert_null(strpbrk(rules[i].hint, "|\n"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_document_is_the_table),
        cmocka_unit_test(test_the_others_have_no_row),
        cmocka_unit_test(test_texts_fit_a_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
