/* SPDX-License-Identifier: MIT */
#include "core/graph_reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

static struct exchange answer(int http_status, const char *body)
{
    return (struct exchange){
        .wired = true,
        .complete = true,
        .http_status = http_status,
        .body = body,
        .body_len = strlen(body),
        .retry_after_ms = -1,
        .error = "",
    };
}

static struct graph_reply read_body(const char *body)
{
    struct exchange x = answer(200, body);
    struct graph_reply reply;

    graph_reply_read(&x, &reply);
    return reply;
}

static struct graph_reply read_error_body(const char *members)
{
    char body[2048];
    struct graph_reply reply;

    (void)snprintf(body, sizeof(body), "{\"error\":{%s}}", members); /* fits */
    reply = read_body(body);
    assert_int_equal(reply.kind, REPLY_ERROR);
    return reply;
}

/* ---- Accepted. */

#define WAMID "wamid.HBgLMTY1MDU1NTEyMzQVAgARGBI5QTNDQTVCM0Q0Q0Q2RTY3RTcA"

static const char accepted[] =
    "{\"messaging_product\":\"whatsapp\","
    "\"contacts\":[{\"input\":\"+919800000001\",\"wa_id\":\"919800000001\"}],"
    "\"messages\":[{\"id\":\"" WAMID "\",\"message_status\":\"accepted\"}]}";

static void test_reads_the_wamid(void **state)
{
    struct graph_reply reply = read_body(accepted);

    (void)state;
    assert_int_equal(reply.kind, REPLY_ACCEPTED);
    assert_string_equal(reply.wamid, WAMID);
    assert_false(reply.held);
    assert_string_equal(reply.title, "");
}

static void test_the_rest_of_an_acceptance_may_be_missing_or_odd(void **state)
{
    static const char *const bodies[] = {
        "{\"messages\":[{\"id\":\"w\"}]}",
        "{\"success\":true,\"contacts\":{},\"messages\":[{\"id\":\"w\",\"x\":[1]}]}",
        " {\"messages\":[{\"id\":\"w\",\"message_status\":7},{\"id\":\"v\"}]}\r\n",
        "{\"messages\":[{\"id\":\"w\"}],\"error\":\"none\"}",
        "{\"error\":{\"code\":131000},\"messages\":[{\"id\":\"w\"}]}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        struct graph_reply reply = read_body(bodies[i]);

        assert_int_equal(reply.kind, REPLY_ACCEPTED);
        assert_string_equal(reply.wamid, "w");
        assert_false(reply.held);
    }
}

static void test_held_and_paused_are_accepted_with_a_note(void **state)
{
    static const char *const words[] = {"held_for_quality_assessment", "paused", "new_word"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        char body[200];
        struct graph_reply reply;
        struct exchange x;
        struct judgement j;

        (void)snprintf(body, sizeof(body),
                       "{\"messages\":[{\"id\":\"w\",\"message_status\":\"%s\"}]}",
                       words[i]); /* fits */
        x = answer(200, body);
        graph_reply_read(&x, &reply);
        j = graph_reply_judge(&x, &reply);
        assert_true(reply.held);
        assert_int_equal(j.verdict, VERDICT_ACCEPTED);
        assert_int_equal(j.reason, REASON_HELD);
    }
}

static struct graph_reply read_with_id(const char *id)
{
    char body[600];

    (void)snprintf(body, sizeof(body), "{\"messages\":[{\"id\":\"%s\"}]}", id); /* fits */
    return read_body(body);
}

static void test_a_wamid_is_short_and_printable(void **state)
{
    char id[300];

    (void)state;
    memset(id, 'x', sizeof(id));
    id[255] = '\0';
    assert_int_equal(read_with_id(id).kind, REPLY_ACCEPTED);
    assert_string_equal(read_with_id(id).wamid, id);
    id[255] = 'x';
    id[256] = '\0';
    assert_int_equal(read_with_id(id).kind, REPLY_NONE);
    assert_int_equal(read_with_id("").kind, REPLY_NONE);
    assert_int_equal(read_with_id("a b").kind, REPLY_NONE);
    assert_int_equal(read_with_id("a\\nb").kind, REPLY_NONE);
    assert_int_equal(read_with_id("a\\u00e4").kind, REPLY_NONE);
    assert_int_equal(read_with_id("a\x7f").kind, REPLY_NONE);
}

/* ---- No usable answer. */

static void test_what_is_no_answer(void **state)
{
    static const char *const bodies[] = {
        "",
        "{}",
        "[]",
        "null",
        "\"wamid\"",
        "<!DOCTYPE html><html><body>Sorry, something went wrong.</body></html>",
        "{\"success\":true}",
        "{\"messages\":[]}",
        "{\"messages\":{}}",
        "{\"messages\":{\"id\":\"w\"}}",
        "{\"messages\":[\"w\"]}",
        "{\"messages\":[[{\"id\":\"w\"}]]}",
        "{\"messages\":[{\"id\":7}]}",
        "{\"messages\":[{\"id\":null}]}",
        "{\"messages\":[{\"id\":\"w\"}",
        "{\"messages\":[{\"id\":\"w\"}]}{}",
        "{\"messages\":[{\"id\":\"w\",\"id\":\"v\"}]}",
        "{\"messages\":[{\"id\":\"w\"}],\"messages\":[]}",
        "[{\"messages\":[{\"id\":\"w\"}]}]",
        "{'messages':[{'id':'w'}]}",
        "{\"messages\":[{\"id\":\"w\xff\"}]}",
        "{\"error\":\"bad\"}",
        "{\"error\":[{\"code\":190}]}",
        "{\"error\":{}}",
        "{\"error\":{\"message\":\"(#190) no code\"}}",
        "{\"error\":{\"code\":null}}",
        "{\"error\":{\"code\":true}}",
        "{\"error\":{\"code\":\"abc\"}}",
        "{\"error\":{\"code\":\"190 \"}}",
        "{\"error\":{\"code\":1.5}}",
        "{\"error\":{\"code\":99999999999}}",
        "{\"error\":{\"code\":{\"code\":190}}}",
        "{\"error\":{\"code\":190,\"code\":2}}",
        "{\"error\":{\"code\":190",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        if (read_body(bodies[i]).kind != REPLY_NONE)
            print_error("taken for an answer: %s\n", bodies[i]);
        assert_int_equal(read_body(bodies[i]).kind, REPLY_NONE);
    }
}

/* Cut anywhere, an answer says nothing. */
static void test_a_cut_answer_is_none(void **state)
{
    struct graph_reply reply;

    (void)state;
    for (size_t len = 0; len < strlen(accepted); len++) {
        struct exchange x = answer(200, accepted);

        x.body_len = len;
        graph_reply_read(&x, &reply);
        assert_int_equal(reply.kind, REPLY_NONE);
    }
}

static void test_size_has_a_cap(void **state)
{
    static char body[GRAPH_REPLY_MAX + 2];
    struct exchange x;
    struct graph_reply reply;

    (void)state;
    memset(body, ' ', sizeof(body) - 1);
    memcpy(body, accepted, strlen(accepted));
    x = answer(200, body);
    graph_reply_read(&x, &reply);
    assert_int_equal(reply.kind, REPLY_NONE);
    x.body_len = GRAPH_REPLY_MAX;
    graph_reply_read(&x, &reply);
    assert_int_equal(reply.kind, REPLY_ACCEPTED);
    x.body = NULL;
    x.body_len = 0;
    graph_reply_read(&x, &reply);
    assert_int_equal(reply.kind, REPLY_NONE);
}

/* ---- Error objects. */

/* Meta's own example. */
static void test_reads_an_error_object(void **state)
{
    struct exchange x = answer(
        400, "{\"error\":{\"message\":\"(#130429) Rate limit hit\",\"type\":\"OAuthException\","
             "\"code\":130429,\"error_data\":{\"messaging_product\":\"whatsapp\",\"details\":"
             "\"Cloud API message throughput has been reached.\"},\"error_subcode\":2494055,"
             "\"fbtrace_id\":\"Az8or2yhqkZfEZ-_4Qn_Bam\"}}");
    struct graph_reply reply;

    (void)state;
    graph_reply_read(&x, &reply);
    assert_int_equal(reply.kind, REPLY_ERROR);
    assert_int_equal(reply.error.code, 130429);
    assert_int_equal(reply.error.subcode, 2494055);
    assert_int_equal(reply.error.http_status, 400);
    assert_false(reply.error.is_transient);
    assert_string_equal(reply.title, "Rate limit hit");
    assert_string_equal(reply.details, "Cloud API message throughput has been reached.");
    assert_string_equal(reply.trace, "Az8or2yhqkZfEZ-_4Qn_Bam");
}

static void test_numbers_may_be_text(void **state)
{
    struct graph_reply reply = read_error_body("\"code\":\"190\",\"error_subcode\":\"463\"");

    (void)state;
    assert_int_equal(reply.error.code, 190);
    assert_int_equal(reply.error.subcode, 463);
    assert_int_equal(read_error_body("\"code\":190.0").error.code, 190);
    assert_int_equal(read_error_body("\"code\":-1").error.code, -1);
    assert_int_equal(read_error_body("\"code\":0").error.code, 0);
    assert_int_equal(read_error_body("\"code\":1,\"error_subcode\":[]").error.subcode, 0);
}

static void test_transient_in_all_spellings(void **state)
{
    static const struct {
        const char *text;
        bool is_transient;
    } rows[] = {
        {"true", true}, {"false", false}, {"\"true\"", true}, {"\"false\"", false}, {"1", true},
        {"0", false},   {"\"1\"", true},  {"\"0\"", false},   {"null", false},      {"\"\"", false},
        {"[]", false},  {"{}", false},    {"\"yes\"", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char members[64];

        (void)snprintf(members, sizeof(members), "\"code\":1,\"is_transient\":%s",
                       rows[i].text); /* fits */
        assert_int_equal(read_error_body(members).error.is_transient, rows[i].is_transient);
    }
    assert_false(read_error_body("\"code\":1").error.is_transient);
}

static void test_titles(void **state)
{
    static const struct {
        const char *message;
        const char *title;
    } rows[] = {
        {"(#131026) Message undeliverable", "Message undeliverable"},
        {"(#131056) (Business Account, Consumer Account) pair rate limit hit",
         "(Business Account, Consumer Account) pair rate limit hit"},
        {"(#100)no space", "no space"},
        {"Error validating access token", "Error validating access token"},
        {"(#) odd", "(#) odd"},
        {"(#12", "(#12"},
        {"(# 12) odd", "(# 12) odd"},
        {"a\\tb\\u001b[31m\\u007fc", "a b [31m c"},
        {"a\\u009b31m\xC2\x9b"
         "2J\xC2\xA0"
         "b",
         "a  31m  2J\xC2\xA0"
         "b"}, /* C1 */
        {"", "The access token is expired or invalid"},
        {"(#190)", "The access token is expired or invalid"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char members[200];

        (void)snprintf(members, sizeof(members), "\"code\":190,\"message\":\"%s\"",
                       rows[i].message); /* fits */
        assert_string_equal(read_error_body(members).title, rows[i].title);
    }
    assert_string_equal(read_error_body("\"code\":190,\"message\":[1]").title,
                        "The access token is expired or invalid");
    assert_string_equal(read_error_body("\"code\":131099").title, "");
}

static void test_details(void **state)
{
    static const struct {
        const char *members;
        const char *details;
    } rows[] = {
        {"\"error_data\":{\"details\":\"d\"},\"error_user_msg\":\"u\"", "d"},
        {"\"error_data\":\"plain\"", "plain"},
        {"\"error_data\":[\"d\"]", ""},
        {"\"error_data\":{\"details\":{\"x\":1}},\"error_user_msg\":\"u\"", "u"},
        {"\"error_data\":{\"details\":\"\"}", ""},
        {"\"error_user_msg\":\"u\"", "u"},
        {"\"fbtrace_id\":7", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char members[200];

        (void)snprintf(members, sizeof(members), "\"code\":100,%s", rows[i].members); /* fits */
        assert_string_equal(read_error_body(members).details, rows[i].details);
        assert_string_equal(read_error_body(members).trace, "");
    }
}

/* U+00E4 has two bytes: a cut falls between characters. */
static size_t cut_title_length(const char *begin)
{
    char members[1200];
    struct graph_reply reply;
    int at = snprintf(members, sizeof(members), "\"code\":100,\"message\":\"%s", begin); /* fits */

    for (; at < 1000; at += 2)
        memcpy(members + at, "\xc3\xa4", 3);
    memcpy(members + at, "\"", 2);
    reply = read_error_body(members);
    assert_memory_equal(reply.title + strlen(begin), "\xc3\xa4\xc3\xa4", 4);
    return strlen(reply.title);
}

static void test_long_texts_are_cut_between_characters(void **state)
{
    (void)state;
    assert_int_equal(cut_title_length("x"), OUTCOME_TITLE_MAX - 1);
    assert_int_equal(cut_title_length("xx"), OUTCOME_TITLE_MAX - 2);
}

/* ---- The judgement: every combination, against the contract written down a second time. */

enum body_kind { BODY_EMPTY, BODY_HTML, BODY_JSON, BODY_CUT, BODY_WAMID, BODY_ERROR };

struct case_of {
    struct exchange x;
    enum body_kind kind;
    struct graph_error error; /* BODY_ERROR */
};

static const int statuses[] = {0,   200, 201, 204, 301, 302, 304, 400, 401, 403, 404,
                               408, 409, 413, 425, 429, 499, 500, 502, 503, 504, 599};

static enum verdict contract(const struct case_of *c)
{
    bool is_unsure = c->error.code == 131000 ||
                     (c->error.code == 1 && (c->error.is_transient ||
                                             (c->x.http_status >= 500 && c->x.http_status < 600)));

    if (c->kind == BODY_WAMID)
        return VERDICT_ACCEPTED;
    if (c->kind == BODY_ERROR)
        return is_unsure ? VERDICT_UNKNOWN : VERDICT_REFUSED;
    if (!c->x.wired)
        return VERDICT_NOT_SENT;
    if (c->x.complete && c->x.http_status == 429)
        return VERDICT_REFUSED;
    return VERDICT_UNKNOWN;
}

static enum reason reason_of(const struct case_of *c)
{
    switch (contract(c)) {
    case VERDICT_ACCEPTED:
        return REASON_NONE;
    case VERDICT_REFUSED:
        return REASON_REFUSED;
    case VERDICT_NOT_SENT:
        return REASON_NOT_SENT;
    case VERDICT_UNKNOWN:
        break;
    }
    if (c->kind == BODY_ERROR)
        return REASON_UNSURE_ERROR;
    return c->x.complete && c->x.http_status ? REASON_BAD_ANSWER : REASON_NO_ANSWER;
}

static void check_refusal(const struct case_of *c, const struct judgement *j)
{
    const struct graph_error throttle = {.code = 130429};
    const struct graph_error *error = c->kind == BODY_ERROR ? &c->error : &throttle;

    assert_int_equal(j->action, error_policy_action(error));
    assert_ptr_equal(j->rule, error_policy_find(error));
}

static void check_case(const struct case_of *c)
{
    struct graph_reply reply;
    struct judgement j;

    graph_reply_read(&c->x, &reply);
    j = graph_reply_judge(&c->x, &reply);
    if (j.verdict != contract(c))
        print_error("wired %d complete %d http %d: %d, for %s\n", c->x.wired, c->x.complete,
                    c->x.http_status, (int)j.verdict, c->x.body);
    assert_int_equal(j.verdict, contract(c));
    assert_int_equal(j.reason, reason_of(c));
    if (j.verdict == VERDICT_REFUSED) {
        check_refusal(c, &j);
        return;
    }
    assert_null(j.rule);
    assert_int_equal(j.action, ACTION_UNKNOWN);
}

/* {wired or not} x {complete or not} x status x {the transport complained or not}. */
static void check_body(enum body_kind kind, const char *body, const struct graph_error *error)
{
    for (size_t i = 0; i < ARRAY_SIZE(statuses) * 8; i++) {
        struct case_of c = {.x = answer(statuses[i / 8], body), .kind = kind};

        c.x.wired = i & 1;
        c.x.complete = i & 2;
        c.x.error = i & 4 ? "Failed sending data to the peer" : "";
        if (error)
            c.error = *error;
        c.error.http_status = c.x.http_status;
        check_case(&c);
    }
}

static void test_every_answer_without_an_error_object(void **state)
{
    (void)state;
    check_body(BODY_EMPTY, "", NULL);
    check_body(BODY_HTML, "<html>502 Bad Gateway</html>", NULL);
    check_body(BODY_JSON, "{\"messaging_product\":\"whatsapp\"}", NULL);
    check_body(BODY_CUT, "{\"messages\":[{\"id\":\"" WAMID "\"}", NULL);
    check_body(BODY_CUT, "{\"error\":{\"code\":190,\"message\":\"Inv", NULL);
    check_body(BODY_WAMID, accepted, NULL);
}

static void check_error(int code, int subcode, bool is_transient)
{
    struct graph_error error = {.code = code, .subcode = subcode, .is_transient = is_transient};
    char body[200];

    (void)snprintf(body, sizeof(body),
                   "{\"error\":{\"code\":%d,\"error_subcode\":%d,\"is_transient\":%s}}", code,
                   subcode, is_transient ? "true" : "false"); /* fits */
    check_body(BODY_ERROR, body, &error);
}

static void test_every_error_object(void **state)
{
    size_t count;
    const struct error_rule *table = error_policy_table(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        check_error(table[i].code, table[i].subcode, false);
        check_error(table[i].code, table[i].subcode, true);
    }
    check_error(131099, 0, false);
    check_error(131099, 0, true);
    check_error(-1, 33, true);
}

/* The plain answer has a reader of its own: whatever is cut from it, added to it or changed in it,
 * it says no more than the parser would. */
static void test_the_plain_answer_is_read_whole_or_not_at_all(void **state)
{
    static const char plain[] =
        "{\"messaging_product\":\"whatsapp\",\"contacts\":[{\"input\":\"+919800000001\",\"wa_id\":"
        "\"919800000001\"}],\"messages\":[{\"id\":\"wamid.HBgM=\",\"message_status\":"
        "\"accepted\"}]}";
    char body[sizeof(plain) + 1];
    struct graph_reply reply = read_body(plain);

    (void)state;
    assert_int_equal(reply.kind, REPLY_ACCEPTED);
    assert_string_equal(reply.wamid, "wamid.HBgM=");
    assert_false(reply.held);
    for (size_t len = 0; len < sizeof(plain) - 1; len++) {
        (void)snprintf(body, sizeof(body), "%.*s", (int)len, plain);
        assert_int_equal(read_body(body).kind, REPLY_NONE);
    }
    (void)snprintf(body, sizeof(body), "%sx", plain);
    assert_int_equal(read_body(body).kind, REPLY_NONE);
    for (size_t at = 0; at < sizeof(plain) - 1; at++) {
        memcpy(body, plain, sizeof(plain));
        body[at] = '\1'; /* no JSON has it, in a string or outside */
        assert_int_equal(read_body(body).kind, REPLY_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_plain_answer_is_read_whole_or_not_at_all),
        cmocka_unit_test(test_reads_the_wamid),
        cmocka_unit_test(test_the_rest_of_an_acceptance_may_be_missing_or_odd),
        cmocka_unit_test(test_held_and_paused_are_accepted_with_a_note),
        cmocka_unit_test(test_a_wamid_is_short_and_printable),
        cmocka_unit_test(test_what_is_no_answer),
        cmocka_unit_test(test_a_cut_answer_is_none),
        cmocka_unit_test(test_size_has_a_cap),
        cmocka_unit_test(test_reads_an_error_object),
        cmocka_unit_test(test_numbers_may_be_text),
        cmocka_unit_test(test_transient_in_all_spellings),
        cmocka_unit_test(test_titles),
        cmocka_unit_test(test_details),
        cmocka_unit_test(test_long_texts_are_cut_between_characters),
        cmocka_unit_test(test_every_answer_without_an_error_object),
        cmocka_unit_test(test_every_error_object),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
