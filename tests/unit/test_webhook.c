/* SPDX-License-Identifier: MIT
 *
 * Bodies of webhooks: Meta's own samples (its pages on status webhooks), and all that may come
 * besides.
 */
#include "base/buf.h"
#include "core/webhook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { FACTS_MAX = 8 };

struct told {
    struct webhook_fact facts[FACTS_MAX];
    char phone_id[FACTS_MAX][WEBHOOK_ID_MAX];
    char waba_id[FACTS_MAX][WEBHOOK_ID_MAX];
    size_t count;
    struct webhook_counts counts;
};

static void on_fact(void *context, const struct webhook_fact *fact)
{
    struct told *told = context;

    if (told->count < FACTS_MAX) {
        told->facts[told->count] = *fact;
        (void)snprintf(told->phone_id[told->count], WEBHOOK_ID_MAX, "%s", fact->phone_id);
        (void)snprintf(told->waba_id[told->count], WEBHOOK_ID_MAX, "%s", fact->waba_id);
    }
    told->count++;
}

static struct told read_body(const char *body)
{
    struct told told = {.count = 0};
    struct webhook_reader r = {.on_fact = on_fact, .context = &told};
    struct err e;

    assert_true(webhook_read(&r, body, strlen(body), &e));
    assert_int_equal(r.counts.facts, told.count);
    told.counts = r.counts;
    return told;
}

#define BODY(value)                                                                       \
    "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"WABA\",\"changes\":[" \
    "{\"value\":" value ",\"field\":\"messages\"}]}]}"
#define STATUSES(list)                                                                 \
    BODY("{\"messaging_product\":\"whatsapp\",\"metadata\":{\"display_phone_number\":" \
         "\"15550783881\",\"phone_number_id\":\"106540352242922\"},\"statuses\":[" list "]}")
#define SENT(more)                                                                              \
    "{\"id\":\"wamid.HBgL\",\"status\":\"sent\",\"timestamp\":\"1739321024\",\"recipient_id\":" \
    "\"16505551234\"" more "}"

static void a_sent_one_of_version_22(void **state)
{
    struct told t = read_body(STATUSES(
        SENT(",\"biz_opaque_callback_data\":\"t1abc\",\"conversation\":{\"id\":"
             "\"6ec0c0d5d3\",\"expiration_timestamp\":\"1739407424\",\"origin\":{\"type\":"
             "\"utility\"}},\"pricing\":{\"billable\":true,\"pricing_model\":\"PMP\",\"category\":"
             "\"utility\",\"type\":\"regular\"}")));

    (void)state;
    assert_int_equal(t.count, 1);
    assert_int_equal(t.facts[0].status, WEBHOOK_SENT);
    assert_string_equal(t.facts[0].wamid, "wamid.HBgL");
    assert_string_equal(t.facts[0].recipient, "16505551234");
    assert_string_equal(t.facts[0].opaque, "t1abc");
    assert_int_equal(t.facts[0].at_ms, INT64_C(1739321024000));
    assert_int_equal(t.facts[0].code, 0);
    assert_string_equal(t.phone_id[0], "106540352242922");
    assert_string_equal(t.waba_id[0], "WABA");
}

static void a_failed_one(void **state)
{
    struct told t = read_body(STATUSES(
        "{\"id\":\"wamid.HBgLMTIxMTU1NTc5NDcVAgARGBIyRkQxREUxRDJFQUJGMkQ3NDIA\",\"status\":"
        "\"failed\",\"timestamp\":\"1689380650\",\"recipient_id\":\"15551234567\",\"errors\":[{"
        "\"code\":131049,\"title\":\"This message was not delivered to maintain healthy ecosystem "
        "engagement.\",\"message\":\"This message was not delivered\",\"error_data\":{\"details\":"
        "\"In order to maintain a healthy ecosystem engagement, the message failed to be "
        "delivered.\"},\"href\":\"https:\\/\\/developers.facebook.com\\/docs\\/\"}]}"));

    (void)state;
    assert_int_equal(t.count, 1);
    assert_int_equal(t.facts[0].status, WEBHOOK_UNDELIVERED);
    assert_int_equal(t.facts[0].code, 131049);
    assert_string_equal(t.facts[0].title,
                        "This message was not delivered to maintain healthy ecosystem engagement.");
    assert_memory_equal(t.facts[0].details, "In order to", 11);
}

static void errors_of_other_forms(void **state)
{
    struct told t = read_body(STATUSES(
        "{\"id\":\"w\",\"status\":\"failed\",\"errors\":[{\"code\":\"131026\",\"message\":\"M\","
        "\"error_data\":\"as text\"}]},"
        "{\"id\":\"w\",\"status\":\"failed\",\"errors\":{}},"
        "{\"id\":\"w\",\"status\":\"failed\",\"errors\":[]},"
        "{\"id\":\"w\",\"status\":\"failed\",\"errors\":[7,{\"code\":1}]},"
        "{\"id\":\"w\",\"status\":\"failed\",\"errors\":[{\"code\":99999999999}]},"
        "{\"id\":\"w\",\"status\":\"failed\"},"
        "{\"id\":\"w\",\"status\":\"sent\",\"errors\":[{\"code\":1}]}"));

    (void)state;
    assert_int_equal(t.count, 7);
    assert_int_equal(t.facts[0].code, 131026);
    assert_string_equal(t.facts[0].title, "M");
    assert_string_equal(t.facts[0].details, "as text");
    for (size_t i = 1; i < t.count; i++) {
        assert_int_equal(t.facts[i].code, 0);
        assert_string_equal(t.facts[i].title, "");
        assert_string_equal(t.facts[i].details, "");
    }
}

static void members_in_any_order(void **state)
{
    struct told t = read_body(
        "{\"entry\":[{\"changes\":[{\"field\":\"messages\",\"value\":{\"statuses\":[{\"timestamp\":"
        "1739321024,\"status\":\"read\",\"id\":\"w\"}],\"metadata\":{\"phone_number_id\":\"7\"}}}],"
        "\"id\":\"9\"}]}");

    (void)state;
    assert_int_equal(t.count, 1);
    assert_int_equal(t.facts[0].status, WEBHOOK_READ);
    assert_int_equal(t.facts[0].at_ms, INT64_C(1739321024000));
    assert_string_equal(t.phone_id[0], "7");
    assert_string_equal(t.waba_id[0], "9");
}

static void several_entries_and_changes(void **state)
{
    struct told t = read_body(
        "{\"entry\":[{\"id\":\"A\",\"changes\":[{\"field\":\"messages\",\"value\":{\"metadata\":{"
        "\"phone_number_id\":\"1\"},\"statuses\":[{\"id\":\"a\",\"status\":\"sent\"},{\"id\":\"b\","
        "\"status\":\"delivered\"}]}},{\"field\":\"messages\",\"value\":{\"statuses\":[{\"id\":"
        "\"c\",\"status\":\"sent\"}]}}]},{\"id\":\"B\",\"changes\":[{\"value\":{\"metadata\":{"
        "\"phone_number_id\":\"3\"},\"statuses\":[{\"id\":\"d\",\"status\":\"played\"}]}}]}]}");
    static const char *const wamids[] = {"a", "b", "c", "d"};
    static const char *const phones[] = {"1", "1", "", "3"};
    static const char *const accounts[] = {"A", "A", "A", "B"};

    (void)state;
    assert_int_equal(t.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(t.facts[i].wamid, wamids[i]);
        assert_string_equal(t.phone_id[i], phones[i]);
        assert_string_equal(t.waba_id[i], accounts[i]);
    }
    assert_int_equal(t.facts[3].status, WEBHOOK_READ);
}

static void what_is_passed_over(void **state)
{
    struct told t = read_body(STATUSES(
        "{\"id\":\"w\",\"status\":\"deleted\"},{\"status\":\"sent\"},{\"id\":\"\",\"status\":"
        "\"sent\"},{\"id\":\"a b\",\"status\":\"sent\"},{\"id\":\"w\"},7,[],null,{\"id\":\"w\","
        "\"status\":{}}," SENT("")));

    (void)state;
    assert_int_equal(t.count, 1);
    assert_int_equal(t.counts.passed_over, 9);
    assert_int_equal(t.counts.other, 0);
}

/* Whatever a customer writes to us must not spoil what stands beside it. */
static void messages_and_other_changes(void **state)
{
    struct told t = read_body(
        "{\"entry\":[{\"id\":\"A\",\"changes\":[{\"field\":\"messages\",\"value\":{\"contacts\":[{}"
        "],\"messages\":[{\"text\":{\"body\":\"\\u0000 \xff\"},\"deep\":[[[[[[[[[[[[[[[[[[[[[[[["
        "]]]]]]]]]]]]]]]]]]]]]]]],\"same\":1,\"same\":2,\"big\":1e999}]}},{\"field\":"
        "\"message_template_status_update\",\"value\":{\"event\":\"PAUSED\","
        "\"message_template_id\":594425479261596,\"statuses\":[{\"id\":\"w\",\"status\":\"sent\"}]}"
        "},{\"field\":\"messages\",\"value\":{\"errors\":[{\"code\":130429}]}},{\"field\":"
        "\"messages\"},7,{\"field\":\"messages\",\"value\":{\"statuses\":[" SENT(
            "") "]}}]},{},7]}");

    (void)state;
    assert_int_equal(t.count, 1);
    assert_int_equal(t.counts.other, 7);
}

static void texts_are_cut_and_cleaned(void **state)
{
    char body[4096];
    char many[1200];
    struct told t;

    (void)state;
    memset(many, 'x', sizeof(many));
    many[sizeof(many) - 1] = '\0';
    (void)snprintf(body, sizeof(body),
                   STATUSES("{\"id\":\"w\",\"status\":\"failed\",\"biz_opaque_callback_data\":"
                            "\"%s\",\"errors\":[{\"title\":\"a\\nb%s\"}]}"),
                   many, many);
    t = read_body(body);
    assert_int_equal(t.count, 1);
    assert_string_equal(t.facts[0].opaque, "");
    assert_memory_equal(t.facts[0].title, "a bx", 4);
    assert_int_equal(strlen(t.facts[0].title), sizeof(t.facts[0].title) - 1);
    (void)snprintf(body, sizeof(body), STATUSES("{\"id\":\"%s\",\"status\":\"sent\"}"), many);
    assert_int_equal(read_body(body).counts.passed_over, 1);
}

static void slashes_come_back(void **state)
{
    struct told t = read_body(STATUSES("{\"id\":\"wamid.a\\/b\\u002f==\",\"status\":\"sent\"}"));

    (void)state;
    assert_string_equal(t.facts[0].wamid, "wamid.a/b/==");
}

static void times_out_of_range(void **state)
{
    struct told t = read_body(STATUSES(
        "{\"id\":\"w\",\"status\":\"sent\",\"timestamp\":-5},{\"id\":\"w\",\"status\":\"sent\","
        "\"timestamp\":9223372036854775807},{\"id\":\"w\",\"status\":\"sent\",\"timestamp\":"
        "\"soon\"},{\"id\":\"w\",\"status\":\"sent\",\"timestamp\":{}}"));

    (void)state;
    assert_int_equal(t.count, 4);
    for (size_t i = 0; i < t.count; i++)
        assert_int_equal(t.facts[i].at_ms, 0);
}

static void refused(const char *body, size_t len)
{
    struct told told = {.count = 0};
    struct webhook_reader r = {.on_fact = on_fact, .context = &told};
    struct err e = {.code = EXIT_DONE};

    assert_false(webhook_read(&r, body, len, &e));
    assert_int_equal(e.code, EXIT_BAD_DATA);
    assert_int_equal(told.count, 0);
}

static void what_is_refused(void **state)
{
    static const char whole[] = STATUSES(SENT(""));
    char *big = calloc(1, WEBHOOK_BODY_MAX + 1);

    (void)state;
    assert_non_null(big);
    for (size_t i = 0; i < strlen(whole); i++)
        refused(whole, i); /* cut anywhere: nothing of it is told */
    refused("[]", 2);
    refused("7", 1);
    memset(big, ' ', WEBHOOK_BODY_MAX + 1);
    memcpy(big, "{}", 2);
    refused(big, WEBHOOK_BODY_MAX + 1);
    free(big);
    assert_int_equal(read_body("{}").counts.other, 1);
    assert_int_equal(read_body("{\"entry\":[]}").counts.other, 0);
}

static void a_thousand(void **state)
{
    struct buf body = buf_new(WEBHOOK_BODY_MAX);
    struct told told = {.count = 0};
    struct webhook_reader r = {.on_fact = on_fact, .context = &told};
    struct err e;

    (void)state;
    buf_adds(&body, "{\"entry\":[{\"changes\":[{\"value\":{\"statuses\":[");
    for (int i = 0; i < 1000; i++)
        buf_adds(&body, i ? "," SENT("") : SENT(""));
    buf_adds(&body, "]}}]}]}");
    assert_true(webhook_read(&r, body.data, body.len, &e));
    assert_int_equal(told.count, 1000);
    buf_free(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sent_one_of_version_22),
        cmocka_unit_test(a_failed_one),
        cmocka_unit_test(errors_of_other_forms),
        cmocka_unit_test(members_in_any_order),
        cmocka_unit_test(several_entries_and_changes),
        cmocka_unit_test(what_is_passed_over),
        cmocka_unit_test(messages_and_other_changes),
        cmocka_unit_test(texts_are_cut_and_cleaned),
        cmocka_unit_test(slashes_come_back),
        cmocka_unit_test(times_out_of_range),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(a_thousand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
