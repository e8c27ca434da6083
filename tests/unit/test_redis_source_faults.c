/* SPDX-License-Identifier: MIT */
#include "test_redis_source.h"

/* What a daemon does when Redis is not well. Each test ends with: it reads on, nothing held is
 * lost, and what was settled is acknowledged. */

enum { COUNT = 20 };

static struct redis_server server;

static void add_some(int from, int count)
{
    for (int i = from; i < from + count; i++)
        (void)redis_ask(&server, "XADD t:send * to +98000%05d", i);
}

static long long pending(void)
{
    return redis_ask(&server, "XPENDING t:send g")->element[0]->integer;
}

/* The source, with COUNT messages offered and wanting more. */
static void open_holding(struct source_test *t)
{
    const struct stream_options options = source_options();

    add_some(0, COUNT);
    source_test_open(t, server.url, &options);
    redis_source_want(t->source, 1000);
    PUMP_UNTIL(t, t->count == COUNT);
}

static bool has_come(const struct source_test *t, const char *to)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->offered[i].m->to, to) == 0)
            return true;
    return false;
}

/* A new entry arrives, everything can be settled, and nothing stays pending. */
static void still_works(struct source_test *t)
{
    add_some(77777, 1);
    PUMP_UNTIL(t, has_come(t, "+9800077777"));
    settle_all(t);
    PUMP_UNTIL(t, facts_of(t).held == 0 && facts_of(t).publishing == 0);
    assert_int_equal(pending(), 0);
    assert_false(t->was_refused);
}

/* Results of distinct entries. */
static void assert_all_published(struct source_test *t)
{
    assert_true(redis_ask_number(&server, "XLEN t:result") >= (long long)t->count);
}

/* The reader waits in XREADGROUP. */
static void wait_until_blocked(struct source_test *t)
{
    while (!strstr(redis_ask(&server, "INFO clients")->str, "blocked_clients:1"))
        (void)uv_run(&t->loop, UV_RUN_NOWAIT);
}

static long long server_ms(void)
{
    const redisReply *time = redis_ask(&server, "TIME");

    return strtoll(time->element[0]->str, NULL, 10) * 1000 +
           strtoll(time->element[1]->str, NULL, 10) / 1000;
}

/* A stream that is made anew within a millisecond gives ids a second time. */
static void wait_for_new_ids(void)
{
    long long now = server_ms();

    while (server_ms() == now)
        continue;
}

static void after(const char *command, uint64_t regrouped)
{
    static struct source_test t;

    open_holding(&t);
    wait_until_blocked(&t);
    wait_for_new_ids();
    (void)redis_ask(&server, command);
    still_works(&t);
    assert_int_equal(facts_of(&t).regrouped, regrouped);
    assert_all_published(&t);
    source_test_close(&t);
}

static void test_flushall(void **state)
{
    (void)state;
    after("FLUSHALL", 2);
}

static void test_group_destroyed(void **state)
{
    (void)state;
    after("XGROUP DESTROY t:send g", 1);
}

static void test_stream_deleted(void **state)
{
    (void)state;
    after("DEL t:send", 1);
}

static void test_high_stream_deleted(void **state)
{
    (void)state;
    after("DEL t:send:high", 1);
}

static void test_lock_deleted(void **state)
{
    (void)state;
    after("DEL t:send:lock:g:1234567890", 0);
}

static void test_trimmed_while_held(void **state)
{
    (void)state;
    after("XTRIM t:send MAXLEN 0", 0);
}

/* A group made anew delivers everything again that is still in the stream: what is held is
 * recognised. */
static void test_held_entries_are_recognised(void **state)
{
    static struct source_test t;

    (void)state;
    open_holding(&t);
    (void)redis_ask(&server, "XGROUP DESTROY t:send g");
    add_some(500, 1);
    PUMP_UNTIL(&t, has_come(&t, "+9800000500"));
    assert_int_equal(t.count, COUNT + 1);
    still_works(&t);
    assert_int_equal(t.count, COUNT + 2);
    source_test_close(&t);
}

static void test_connections_killed_at_any_time(void **state)
{
    static struct source_test t;

    (void)state;
    open_holding(&t);
    for (int i = 0; i < 40; i++) {
        add_some(1000 + 10 * i, 10);
        for (int turns = 0; turns < i % 7; turns++)
            pump(&t);
        settle_all(&t);
        for (int turns = 0; turns < i % 5; turns++)
            pump(&t);
        (void)redis_ask(&server, "CLIENT KILL TYPE normal SKIPME yes");
    }
    PUMP_UNTIL(&t, t.count == COUNT + 400);
    still_works(&t);
    assert_int_equal(t.count, COUNT + 401);
    assert_all_published(&t);
    source_test_close(&t);
}

static void test_server_restarted(void **state)
{
    static struct source_test t;
    struct redis_source_facts facts = {.connected = true};
    int port = server.port;

    (void)state;
    open_holding(&t);
    redis_server_kill(&server);
    while (facts.connected) {
        pump(&t);
        redis_source_look(t.source, &facts);
    }
    settle_all(&t); /* while nobody is there */
    for (int i = 0; i < 5; i++)
        pump(&t);
    redis_server_start_at(&server, port); /* and empty */
    still_works(&t);
    assert_all_published(&t);
    source_test_close(&t);
}

static void test_server_comes_later(void **state)
{
    static struct source_test t;
    const struct stream_options options = source_options();
    char url[128];
    int port = server.port;

    (void)state;
    (void)snprintf(url, sizeof(url), "%s", server.url);
    redis_server_kill(&server);
    source_test_open(&t, url, &options);
    redis_source_want(t.source, 10);
    for (int i = 0; i < 5; i++)
        pump(&t);
    redis_server_start_at(&server, port);
    still_works(&t);
    source_test_close(&t);
}

static void test_wrong_password_is_refused_at_the_start(void **state)
{
    static struct source_test t;
    const struct stream_options options = source_options();
    char url[128];

    (void)state;
    (void)redis_ask(&server, "CONFIG SET requirepass right");
    source_test_open(&t, server.url, &options); /* none at all */
    PUMP_UNTIL(&t, t.was_refused);
    assert_int_equal(t.refused.code, EXIT_NO_PERMISSION);
    source_test_close(&t);

    (void)snprintf(url, sizeof(url), "redis://:wrong@127.0.0.1:%d", server.port);
    source_test_open(&t, url, &options);
    PUMP_UNTIL(&t, t.was_refused);
    assert_int_equal(t.refused.code, EXIT_NO_PERMISSION);
    assert_null(strstr(t.refused.text, "wrong@"));
    source_test_close(&t);

    (void)snprintf(url, sizeof(url), "redis://:r%%69ght@127.0.0.1:%d/3", server.port);
    source_test_open(&t, url, &options);
    PUMP_UNTIL(&t, facts_of(&t).lock_held);
    assert_false(t.was_refused);
    source_test_close(&t);
}

static void test_password_changed_while_running(void **state)
{
    static struct source_test t;

    (void)state;
    open_holding(&t);
    (void)redis_ask(&server, "CONFIG SET requirepass secret");
    (void)redis_ask(&server, "AUTH secret");
    (void)redis_ask(&server, "CLIENT KILL TYPE normal SKIPME yes");
    settle_all(&t);
    PUMP_UNTIL(&t, strstr(facts_of(&t).last_error, "NOAUTH"));
    assert_false(t.was_refused);
    (void)redis_ask(&server, "CONFIG SET requirepass %s", "");
    still_works(&t);
    assert_all_published(&t);
    source_test_close(&t);
}

static void test_rights_taken_away_while_running(void **state)
{
    static struct source_test t;

    (void)state;
    open_holding(&t);
    (void)redis_ask(&server, "ACL SETUSER admin on >admin ~* &* +@all");
    (void)redis_ask(&server, "AUTH admin admin");
    (void)redis_ask(&server, "ACL SETUSER default -xadd -xack -xreadgroup");
    settle_all(&t);
    PUMP_UNTIL(&t, strstr(facts_of(&t).last_error, "NOPERM"));
    assert_int_equal(facts_of(&t).held, COUNT);
    assert_false(t.was_refused);
    (void)redis_ask(&server, "ACL SETUSER default +@all");
    still_works(&t);
    assert_all_published(&t);
    source_test_close(&t);
}

static void test_no_memory(void **state)
{
    static struct source_test t;

    (void)state;
    open_holding(&t);
    (void)redis_ask(&server, "CONFIG SET maxmemory 1");
    settle_all(&t);
    PUMP_UNTIL(&t, strstr(facts_of(&t).last_error, "OOM"));
    assert_int_equal(facts_of(&t).held, COUNT); /* no result, no acknowledgement */
    assert_int_equal(pending(), COUNT);
    (void)redis_ask(&server, "CONFIG SET maxmemory 0");
    still_works(&t);
    assert_all_published(&t);
    source_test_close(&t);
}

static void test_a_replica(void **state)
{
    static struct source_test t;

    (void)state;
    open_holding(&t);
    (void)redis_ask(&server, "REPLICAOF 127.0.0.1 1");
    settle_all(&t);
    PUMP_UNTIL(&t, strstr(facts_of(&t).last_error, "READONLY"));
    (void)redis_ask(&server, "REPLICAOF NO ONE");
    still_works(&t);
    assert_all_published(&t);
    source_test_close(&t);
}

static void test_no_replicas(void **state)
{
    static struct source_test t;

    (void)state;
    open_holding(&t);
    (void)redis_ask(&server, "CONFIG SET min-replicas-to-write 1");
    settle_all(&t);
    PUMP_UNTIL(&t, strstr(facts_of(&t).last_error, "NOREPLICAS"));
    (void)redis_ask(&server, "CONFIG SET min-replicas-to-write 0");
    still_works(&t);
    assert_all_published(&t);
    source_test_close(&t);
}

static void test_the_stream_is_none(void **state)
{
    static struct source_test t;
    const struct stream_options options = source_options();

    (void)state;
    (void)redis_ask(&server, "SET t:send text");
    source_test_open(&t, server.url, &options);
    PUMP_UNTIL(&t, t.was_refused);
    assert_int_equal(t.refused.code, EXIT_CONFIG);
    source_test_close(&t);
}

static void test_the_lock_is_lost_to_another(void **state)
{
    static struct source_test t;

    (void)state;
    open_holding(&t);
    (void)redis_ask(&server, "SET t:send:lock:g:1234567890 %s", "ledger2 0022 somebody");
    PUMP_UNTIL(&t, !facts_of(&t).lock_held); /* at the next renewal */
    assert_string_equal(facts_of(&t).reading, "waiting for the lock");
    settle_all(&t);
    PUMP_UNTIL(&t, facts_of(&t).acked == COUNT); /* what is held is finished all the same */
    assert_false(t.was_refused);
    source_test_close(&t);
    assert_int_equal(redis_ask_number(&server, "EXISTS t:send:lock:g:1234567890"), 1);
}

/* The line of conf/redis.acl, for our keys: nothing that we call is missing. */
static void set_acl(void)
{
    char line[1024], command[1100];
    FILE *file = fopen("../conf/redis.acl", "r");
    char *keys;

    assert_non_null(file);
    do
        assert_non_null(fgets(line, sizeof(line), file));
    while (strncmp(line, "user ", 5) != 0);
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    keys = strstr(line, "~tidings:*");
    assert_non_null(keys);
    memcpy(keys, "~t:*      ", 10);
    (void)snprintf(command, sizeof(command), "ACL SETUSER %s", line + 5);
    assert_int_equal(redis_ask(&server, command)->type, REDIS_REPLY_STATUS);
}

static void test_with_the_least_rights(void **state)
{
    static struct source_test t;
    const char *const former[] = {"old"};
    struct stream_options options = source_options();
    char url[128];

    (void)state;
    set_acl();
    add_some(0, COUNT);
    (void)redis_ask(&server, "XADD t:send * to nobody");
    (void)redis_ask(&server, "XGROUP CREATE t:send g 0");
    (void)redis_ask(&server, "XREADGROUP GROUP g old COUNT 2 STREAMS t:send >");
    (void)redis_ask(&server, "XREADGROUP GROUP g other COUNT 2 STREAMS t:send >");
    options.former = former;
    options.former_count = 1;
    options.claim = true;
    options.claim_idle_ms = 600; /* what we hold is kept in the meantime */
    (void)snprintf(url, sizeof(url), "redis://tidings:change-me@127.0.0.1:%d", server.port);
    source_test_open(&t, url, &options);
    redis_source_want(t.source, 1000);
    PUMP_UNTIL(&t, t.count == COUNT);
    assert_int_equal(facts_of(&t).claimed, 2);
    redis_source_reject(t.source, t.offered[3].entry, "id_reused");
    t.offered[3].entry = NULL;
    still_works(&t);
    PUMP_UNTIL(&t, facts_of(&t).looks > 1);
    assert_string_equal(facts_of(&t).last_error, "");
    assert_int_equal(redis_ask_number(&server, "XLEN t:dead"), 2);
    source_test_close(&t);
    assert_int_equal(redis_ask_number(&server, "EXISTS t:send:lock:g:1234567890"), 0);
}

/* Larger than any reply we take: buried without its fields, and the others go on. */
static void test_an_entry_too_large_to_be_read(void **state)
{
    enum { SIZE = 60 << 20 };
    static struct source_test t;
    const struct stream_options options = source_options();
    char *big = calloc(1, SIZE);

    (void)state;
    memset(big, 'x', SIZE - 1);
    add_some(0, 3);
    (void)redis_ask(&server, "XADD t:send * to +9800000001 p1 %s", big);
    add_some(3, 3);
    source_test_open(&t, server.url, &options);
    redis_source_want(t.source, 1000);
    PUMP_UNTIL(&t, t.count == 6 && facts_of(&t).acked == 1);
    assert_int_equal(facts_of(&t).dead, 1);
    (void)redis_ask(&server, "XADD t:send * to +9800000001 p1 %s", big); /* and while it runs */
    PUMP_UNTIL(&t, facts_of(&t).dead == 2);
    still_works(&t);
    source_test_close(&t);
    free(big);
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
        WITH_REDIS(test_flushall),
        WITH_REDIS(test_group_destroyed),
        WITH_REDIS(test_stream_deleted),
        WITH_REDIS(test_high_stream_deleted),
        WITH_REDIS(test_lock_deleted),
        WITH_REDIS(test_trimmed_while_held),
        WITH_REDIS(test_held_entries_are_recognised),
        WITH_REDIS(test_connections_killed_at_any_time),
        WITH_REDIS(test_server_restarted),
        WITH_REDIS(test_server_comes_later),
        WITH_REDIS(test_wrong_password_is_refused_at_the_start),
        WITH_REDIS(test_password_changed_while_running),
        WITH_REDIS(test_rights_taken_away_while_running),
        WITH_REDIS(test_with_the_least_rights),
        WITH_REDIS(test_an_entry_too_large_to_be_read),
        WITH_REDIS(test_no_memory),
        WITH_REDIS(test_a_replica),
        WITH_REDIS(test_no_replicas),
        WITH_REDIS(test_the_stream_is_none),
        WITH_REDIS(test_the_lock_is_lost_to_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
