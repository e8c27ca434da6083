/* SPDX-License-Identifier: MIT */
#include "test_redis_source.h"

/* What a daemon does with Redis while Redis is well. */

static struct redis_server server;

static void add(const char *stream, int number)
{
    (void)redis_ask(&server, "XADD %s * to +98000%05d class_id A1", stream, number);
}

static void add_many(const char *stream, int count)
{
    for (int i = 0; i < count; i++)
        add(stream, i);
}

static long long pending(void)
{
    return redis_ask(&server, "XPENDING t:send g")->element[0]->integer;
}

/* The value of `name` in the only or last entry of `stream`. Borrowed until the next question. */
static const char *last_value(const char *stream, const char *name)
{
    redisReply *r = redis_ask(&server, "XREVRANGE %s + - COUNT 1", stream);
    const redisReply *fields;

    assert_int_equal(r->elements, 1);
    fields = r->element[0]->element[1];
    for (size_t i = 0; i + 1 < fields->elements; i += 2)
        if (strcmp(fields->element[i]->str, name) == 0)
            return fields->element[i + 1]->str;
    return NULL;
}

static void test_reads_settles_and_publishes(void **state)
{
    static struct source_test t;
    const struct stream_options options = source_options();

    (void)state;
    add_many("t:send", 10);
    source_test_open(&t, server.url, &options);
    redis_source_want(t.source, 100);
    PUMP_UNTIL(&t, t.count == 10);
    assert_string_equal(t.offered[0].m->to, "+9800000000");
    assert_int_equal(pending(), 10);
    settle_all(&t);
    PUMP_UNTIL(&t, facts_of(&t).acked == 10);
    assert_int_equal(facts_of(&t).held, 0);
    assert_int_equal(facts_of(&t).published, 10);
    assert_int_equal(redis_ask_number(&server, "XLEN t:result"), 10);
    assert_string_equal(last_value("t:result", "state"), "accepted");
    assert_string_equal(last_value("t:result", "to"), "+9800000009");
    assert_int_equal(pending(), 0);
    source_test_close(&t);
}

static void test_reads_no_more_than_is_wanted(void **state)
{
    static struct source_test t;
    const struct stream_options options = source_options();

    (void)state;
    add_many("t:send", 20);
    source_test_open(&t, server.url, &options);
    redis_source_want(t.source, 7);
    PUMP_UNTIL(&t, t.count == 7);
    assert_int_equal(pending(), 7);
    redis_source_want(t.source, 1);
    PUMP_UNTIL(&t, t.count == 8);
    assert_int_equal(pending(), 8);
    source_test_close(&t);
}

static void test_high_goes_first(void **state)
{
    static struct source_test t;
    const struct stream_options options = source_options();

    (void)state;
    add_many("t:send", 5);
    add_many("t:send:high", 5);
    source_test_open(&t, server.url, &options);
    redis_source_want(t.source, 6);
    PUMP_UNTIL(&t, t.count == 6);
    for (size_t i = 0; i < 5; i++)
        assert_non_null(strstr(t.offered[i].m->id, "t:send:high/"));
    assert_null(strstr(t.offered[5].m->id, "high"));
    settle_all(&t);
    PUMP_UNTIL(&t, facts_of(&t).acked == 6);
    source_test_close(&t);
}

static void test_the_same_run_again_gets_what_was_not_settled(void **state)
{
    static struct source_test t;
    const struct stream_options options = source_options();

    (void)state;
    add_many("t:send", 4);
    source_test_open(&t, server.url, &options);
    redis_source_want(t.source, 4);
    PUMP_UNTIL(&t, t.count == 4);
    settle(&t, 1);
    PUMP_UNTIL(&t, facts_of(&t).acked == 1);
    source_test_close(&t);
    add("t:send", 99);

    source_test_open(&t, server.url, &options);
    redis_source_want(t.source, 10);
    PUMP_UNTIL(&t, t.count == 4);
    assert_string_equal(t.offered[0].m->to, "+9800000000");
    assert_string_equal(t.offered[1].m->to, "+9800000002");
    assert_string_equal(t.offered[3].m->to, "+9800000099");
    assert_false(t.offered[0].taken_over);
    source_test_close(&t);
}

static void test_former_names_are_our_own(void **state)
{
    static struct source_test t;
    const char *const former[] = {"me", "old1", "old2"};
    struct stream_options options = source_options();

    (void)state;
    add_many("t:send", 250);
    (void)redis_ask(&server, "XGROUP CREATE t:send g 0");
    (void)redis_ask(&server, "XREADGROUP GROUP g old1 COUNT 120 STREAMS t:send >");
    (void)redis_ask(&server, "XREADGROUP GROUP g old2 COUNT 120 STREAMS t:send >");
    (void)redis_ask(&server, "XREADGROUP GROUP g another COUNT 1 STREAMS t:send >");
    options.former = former;
    options.former_count = 3;
    source_test_open(&t, server.url, &options);
    redis_source_want(t.source, 1000);
    PUMP_UNTIL(&t, t.count == 249);
    for (size_t i = 0; i < t.count; i++)
        assert_false(t.offered[i].taken_over);
    assert_string_equal(t.offered[0].m->to, "+9800000000");
    settle_all(&t);
    PUMP_UNTIL(&t, facts_of(&t).acked == 249);
    assert_int_equal(pending(), 1);
    source_test_close(&t);
}

static void test_a_second_daemon_is_refused(void **state)
{
    static struct source_test t, other;
    struct stream_options options = source_options();

    (void)state;
    source_test_open(&t, server.url, &options);
    PUMP_UNTIL(&t, facts_of(&t).lock_held);
    options.owner = "ledger2";
    options.consumer = "you";
    options.holder = "another";
    source_test_open(&other, server.url, &options);
    PUMP_UNTIL(&other, other.was_refused);
    assert_int_equal(other.refused.code, EXIT_TRY_LATER);
    assert_non_null(strstr(other.refused.text, "the test"));
    source_test_close(&other);
    source_test_close(&t);
    assert_int_equal(redis_ask_number(&server, "EXISTS t:send:lock:g:1234567890"), 0);
}

static void test_a_dead_run_of_the_same_ledger_is_followed(void **state)
{
    static struct source_test t;
    const struct stream_options options = source_options();

    (void)state;
    (void)redis_ask(&server, "SET t:send:lock:g:1234567890 %s", "ledger1 0011 a dead run");
    source_test_open(&t, server.url, &options);
    PUMP_UNTIL(&t, facts_of(&t).lock_held);
    assert_false(t.was_refused);
    source_test_close(&t);
}

static void test_bad_entries_go_to_the_dead(void **state)
{
    static struct source_test t;
    const struct stream_options options = source_options();
    static char big[70000];

    (void)state;
    memset(big, 'x', sizeof(big) - 1);
    (void)redis_ask(&server, "XADD t:send * to 12ab ref keep-me");
    (void)redis_ask(&server, "XADD t:send * %b v to +9800000001", "a\0b", (size_t)3);
    (void)redis_ask(&server, "XADD t:send * to +9800000001 p1 %s", "\xff\xfe");
    (void)redis_ask(&server, "XADD t:send * to +9800000001 p1 %s", big);
    (void)redis_ask(&server, "XADD t:send * to +9800000001 p1 %b", "a\0b", (size_t)3);
    (void)redis_ask(&server, "XADD t:send * %s %s", "", "");
    add("t:send", 7);
    source_test_open(&t, server.url, &options);
    redis_source_want(t.source, 100);
    PUMP_UNTIL(&t, t.count == 1 && facts_of(&t).acked == 6);
    assert_string_equal(t.offered[0].m->to, "+9800000007");
    assert_int_equal(facts_of(&t).dead, 6);
    assert_int_equal(redis_ask_number(&server, "XLEN t:dead"), 6);
    assert_int_equal(pending(), 1);
    assert_string_equal(last_value("t:dead", ""), "");
    assert_non_null(last_value("t:dead", "reason"));
    source_test_close(&t);
}

static void test_a_rejected_entry_goes_to_the_dead_with_its_fields(void **state)
{
    static struct source_test t;
    const struct stream_options options = source_options();

    (void)state;
    add_many("t:send", 2);
    source_test_open(&t, server.url, &options);
    redis_source_want(t.source, 2);
    PUMP_UNTIL(&t, t.count == 2);
    redis_source_reject(t.source, t.offered[0].entry, "id_reused");
    PUMP_UNTIL(&t, facts_of(&t).dead == 1 && facts_of(&t).acked == 1);
    assert_string_equal(last_value("t:dead", "reason"), "id_reused");
    assert_string_equal(last_value("t:dead", "to"), "+9800000000");
    assert_non_null(strchr(last_value("t:dead", "entry"), '-'));

    (void)redis_ask(&server, "DEL t:send"); /* nothing left to read back */
    redis_source_reject(t.source, t.offered[1].entry, "id_reused");
    PUMP_UNTIL(&t, facts_of(&t).dead == 2 && facts_of(&t).acked == 2);
    assert_null(last_value("t:dead", "to"));
    source_test_close(&t);
}

static void test_an_entry_trimmed_while_pending_is_counted(void **state)
{
    static struct source_test t;
    const struct stream_options options = source_options();

    (void)state;
    add_many("t:send", 5);
    (void)redis_ask(&server, "XGROUP CREATE t:send g 0");
    (void)redis_ask(&server, "XREADGROUP GROUP g me COUNT 5 STREAMS t:send >");
    (void)redis_ask(&server, "XTRIM t:send MAXLEN 2");
    source_test_open(&t, server.url, &options);
    redis_source_want(t.source, 10);
    PUMP_UNTIL(&t, t.count == 2 && facts_of(&t).acked == 3);
    assert_int_equal(facts_of(&t).lost_pending, 3);
    assert_int_equal(pending(), 2);
    source_test_close(&t);
}

static void test_entries_trimmed_before_they_were_read_are_counted(void **state)
{
    static struct source_test t;
    const struct stream_options options = source_options();

    (void)state;
    add_many("t:send", 10);
    (void)redis_ask(&server, "XGROUP CREATE t:send g 0");
    (void)redis_ask(&server, "XREADGROUP GROUP g me COUNT 3 STREAMS t:send >");
    (void)redis_ask(&server, "XTRIM t:send MAXLEN 2");
    source_test_open(&t, server.url, &options);
    PUMP_UNTIL(&t, facts_of(&t).lost_unread > 0);
    assert_int_equal(facts_of(&t).lost_unread, 5);
    source_test_close(&t);
}

static void test_finished_entries_are_trimmed_below_the_oldest_unfinished(void **state)
{
    static struct source_test t;
    const struct stream_options options = source_options();

    (void)state;
    (void)redis_ask(&server, "CONFIG SET stream-node-max-entries 10");
    add_many("t:send", 100);
    source_test_open(&t, server.url, &options);
    redis_source_want(t.source, 100);
    PUMP_UNTIL(&t, t.count == 100);
    for (size_t i = 0; i < 100; i++)
        if (i != 55)
            settle(&t, i);
    PUMP_UNTIL(&t, facts_of(&t).acked == 99);
    PUMP_UNTIL(&t, redis_ask_number(&server, "XLEN t:send") == 50);
    settle(&t, 55);
    PUMP_UNTIL(&t, redis_ask_number(&server, "XLEN t:send") == 0);
    source_test_close(&t);
}

static void test_nothing_is_trimmed_where_another_group_reads(void **state)
{
    static struct source_test t;
    const struct stream_options options = source_options();
    uint64_t looks;

    (void)state;
    (void)redis_ask(&server, "CONFIG SET stream-node-max-entries 10");
    add_many("t:send", 100);
    (void)redis_ask(&server, "XGROUP CREATE t:send others 0");
    source_test_open(&t, server.url, &options);
    redis_source_want(t.source, 100);
    PUMP_UNTIL(&t, t.count == 100);
    settle_all(&t);
    PUMP_UNTIL(&t, facts_of(&t).acked == 100);
    looks = facts_of(&t).looks;
    PUMP_UNTIL(&t, facts_of(&t).looks == looks + 2); /* the second began after all was done */
    assert_int_equal(redis_ask_number(&server, "XLEN t:send"), 100);
    source_test_close(&t);
}

static void test_published_without_an_entry(void **state)
{
    static struct source_test t;
    const struct stream_options options = source_options();
    const struct message m = {
        .id = "m1",
        .to = "+9800000001",
        .class_id = "",
        .test_num = "",
        .broadcast = "",
        .ref = "",
    };
    const struct outcome o = {.state = STATE_FAILED, .code = 131026, .details = "No such number"};

    (void)state;
    source_test_open(&t, server.url, &options);
    redis_source_publish_result(t.source, &(struct stream_result){&m, &o, 3, 77}, 5);
    redis_source_publish_status(t.source,
                                &(struct stream_status){"m1", "", "wamid.1", "read", 0, 78}, 6);
    PUMP_UNTIL(&t, t.published == 2);
    assert_int_equal(t.last_cookie, 6);
    assert_string_equal(last_value("t:result", "code"), "131026");
    assert_string_equal(last_value("t:result", "error"), "No such number");
    assert_string_equal(last_value("t:result", "attempts"), "3");
    assert_string_equal(last_value("t:status", "status"), "read");
    source_test_close(&t);
}

static void test_drains(void **state)
{
    static struct source_test t;
    const struct stream_options options = source_options();

    (void)state;
    add_many("t:send", 10);
    source_test_open(&t, server.url, &options);
    redis_source_want(t.source, 3);
    PUMP_UNTIL(&t, t.count == 3);
    redis_source_drain(t.source, on_test_drained, &t);
    redis_source_want(t.source, 5);
    settle(&t, 0);
    PUMP_UNTIL(&t, facts_of(&t).acked == 1);
    assert_false(t.drained);
    settle_all(&t);
    PUMP_UNTIL(&t, t.drained);
    assert_int_equal(pending(), 0);
    assert_int_equal(t.count, 3);
    source_test_close(&t);
}

static void test_claims_what_others_left_idle(void **state)
{
    static struct source_test t;
    struct stream_options options = source_options();

    (void)state;
    add_many("t:send", 150);
    (void)redis_ask(&server, "XGROUP CREATE t:send g 0");
    (void)redis_ask(&server, "XREADGROUP GROUP g dead COUNT 120 STREAMS t:send >");
    options.claim = true;
    options.claim_idle_ms = 1;
    source_test_open(&t, server.url, &options);
    redis_source_want(t.source, 1000);
    PUMP_UNTIL(&t, t.count == 150);
    for (size_t i = 0; i < t.count; i++) {
        long number = strtol(t.offered[i].m->to + 3, NULL, 10);

        assert_int_equal(t.offered[i].taken_over, number < 120);
    }
    assert_int_equal(facts_of(&t).claimed, 120);
    settle_all(&t);
    PUMP_UNTIL(&t, facts_of(&t).acked == 150);
    assert_int_equal(t.count, 150);
    source_test_close(&t);
}

/* Claimed, not settled, and the run is over: the next one knows that others may have sent it. */
static void test_what_was_claimed_is_known_for_that(void **state)
{
    static struct source_test t;
    struct stream_options options = source_options();

    (void)state;
    add_many("t:send", 250);
    (void)redis_ask(&server, "XGROUP CREATE t:send g 0");
    (void)redis_ask(&server, "XREADGROUP GROUP g dead COUNT 120 STREAMS t:send >");
    options.claim = true;
    options.claim_idle_ms = 1;
    source_test_open(&t, server.url, &options);
    redis_source_want(t.source, 1000);
    PUMP_UNTIL(&t, t.count == 250);
    source_test_close(&t);
    options.claim = false;
    source_test_open(&t, server.url, &options);
    redis_source_want(t.source, 1000);
    PUMP_UNTIL(&t, t.count == 250);
    for (size_t i = 0; i < t.count; i++)
        assert_int_equal(t.offered[i].taken_over, strtol(t.offered[i].m->to + 3, NULL, 10) < 120);
    settle_all(&t);
    PUMP_UNTIL(&t, facts_of(&t).acked == 250);
    assert_int_equal(pending(), 0);
    source_test_close(&t);
}

/* Redis 7 drops it from what is pending when it is claimed, and says nothing. */
static void test_an_entry_deleted_under_another_name_is_counted(void **state)
{
    static struct source_test t;
    const char *const former[] = {"old"};
    struct stream_options options = source_options();
    char command[96];

    (void)state;
    (void)redis_ask(&server, "XGROUP CREATE t:send g 0 MKSTREAM");
    for (int i = 1; i <= 6; i++) {
        (void)snprintf(command, sizeof(command), "XADD t:send %d-0 to +980000000%d", i, i);
        (void)redis_ask(&server, command);
        (void)snprintf(command, sizeof(command), "XREADGROUP GROUP g %s COUNT 1 STREAMS t:send >",
                       i <= 3 ? "old" : "alien");
        (void)redis_ask(&server, command);
    }
    (void)redis_ask(&server, "XDEL t:send 3-0 5-0 6-0");
    options.former = former;
    options.former_count = 1;
    options.claim = true;
    options.claim_idle_ms = 1;
    source_test_open(&t, server.url, &options);
    redis_source_want(t.source, 10);
    PUMP_UNTIL(&t, t.count == 3 && facts_of(&t).lost_pending == 3);
    assert_int_equal(facts_of(&t).claimed, 1);
    settle_all(&t);
    PUMP_UNTIL(&t, facts_of(&t).acked == 6);
    assert_int_equal(pending(), 0);
    assert_int_equal(facts_of(&t).lost_pending, 3);
    source_test_close(&t);
}

static void test_facts(void **state)
{
    static struct source_test t;
    const struct stream_options options = source_options();

    (void)state;
    add_many("t:send", 10);
    source_test_open(&t, server.url, &options);
    redis_source_want(t.source, 4);
    PUMP_UNTIL(&t, t.count == 4);
    PUMP_UNTIL(&t, facts_of(&t).looks && facts_of(&t).pending == 4);
    assert_int_equal(facts_of(&t).length, 10);
    assert_true(facts_of(&t).oldest_ms > 0);
    assert_int_equal(facts_of(&t).lag, 6);
    assert_string_equal(facts_of(&t).reading, "reading");
    redis_source_pause(t.source, true);
    assert_string_equal(facts_of(&t).reading, "paused");
    source_test_close(&t);
}

static int setup(void **state)
{
    (void)state;
    redis_server_start(&server);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    redis_server_kill(&server);
    return 0;
}

#define WITH_REDIS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_REDIS(test_reads_settles_and_publishes),
        WITH_REDIS(test_reads_no_more_than_is_wanted),
        WITH_REDIS(test_high_goes_first),
        WITH_REDIS(test_the_same_run_again_gets_what_was_not_settled),
        WITH_REDIS(test_former_names_are_our_own),
        WITH_REDIS(test_a_second_daemon_is_refused),
        WITH_REDIS(test_a_dead_run_of_the_same_ledger_is_followed),
        WITH_REDIS(test_bad_entries_go_to_the_dead),
        WITH_REDIS(test_a_rejected_entry_goes_to_the_dead_with_its_fields),
        WITH_REDIS(test_an_entry_trimmed_while_pending_is_counted),
        WITH_REDIS(test_entries_trimmed_before_they_were_read_are_counted),
        WITH_REDIS(test_finished_entries_are_trimmed_below_the_oldest_unfinished),
        WITH_REDIS(test_nothing_is_trimmed_where_another_group_reads),
        WITH_REDIS(test_published_without_an_entry),
        WITH_REDIS(test_drains),
        WITH_REDIS(test_claims_what_others_left_idle),
        WITH_REDIS(test_what_was_claimed_is_known_for_that),
        WITH_REDIS(test_an_entry_deleted_under_another_name_is_counted),
        WITH_REDIS(test_facts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
