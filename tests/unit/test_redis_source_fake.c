/* SPDX-License-Identifier: MIT */
#include "test_redis_source.h"

#include "core/redis_error.h"
#include "test_redis_fake.h"

/* What a daemon does about errors and answers that no real Redis can be brought to give. */

static struct fake_redis fake;

/* The fake gives one entry a read: take it, settle it, and see its acknowledgement. */
static void take_one(struct source_test *t)
{
    size_t before = t->count;
    uint64_t acked = facts_of(t).acked;

    redis_source_want(t->source, 1);
    PUMP_UNTIL(t, t->count > before);
    settle_all(t);
    PUMP_UNTIL(t, facts_of(t).acked > acked);
    PUMP_UNTIL(t, facts_of(t).held == 0);
}

static void start(struct source_test *t)
{
    const struct stream_options options = source_options();

    memset(&fake, 0, sizeof(fake));
    fake.answer = fake_answer_wrong;
    fake.verb = "";
    fake_start(&fake);
    source_test_open(t, fake.url, &options);
    take_one(t);
}

static void end(struct source_test *t)
{
    source_test_close(t);
    fake_stop(&fake);
}

/* Each of the next commands `verb` gets `text`; then all is well again. */
static void wrong_once(struct source_test *t, const char *verb, const char *text)
{
    fake.verb = verb;
    fake.wrong = (struct fake_answer){0};
    (void)snprintf(fake.wrong.text, sizeof(fake.wrong.text), "%s", text);
    fake.wrongs = 1;
    take_one(t);
    PUMP_UNTIL(t, fake.wrongs == 0);
    take_one(t);
    assert_false(t->was_refused);
}

/* As wrong_once; the error is told while it lasts, and no longer. */
static void wrong_and_told(struct source_test *t, const char *verb, const char *text,
                           const char *kind)
{
    size_t before = t->count;

    fake.verb = verb;
    fake.wrong = (struct fake_answer){0};
    (void)snprintf(fake.wrong.text, sizeof(fake.wrong.text), "%s", text);
    fake.wrongs = 1;
    redis_source_want(t->source, 1);
    while (!strstr(facts_of(t).last_error, kind)) {
        pump(t);
        settle_all(t);
    }
    while (t->count == before || facts_of(t).held || *facts_of(t).last_error) {
        pump(t);
        settle_all(t);
    }
    take_one(t);
    assert_false(t->was_refused);
}

static void every_error_at(const char *verb)
{
    static struct source_test t;
    const struct redis_error_rule *rules;
    size_t count;

    start(&t);
    rules = redis_error_rules(&count);
    for (size_t i = 0; i < count; i++) {
        char text[256];

        (void)snprintf(text, sizeof(text), "-%s something %s here\r\n", rules[i].kind,
                       rules[i].detail ? rules[i].detail : "or other");
        wrong_and_told(&t, verb, text, rules[i].kind);
    }
    end(&t);
}

static void test_every_error_of_reading(void **state)
{
    (void)state;
    every_error_at("XREADGROUP");
}

static void test_every_error_of_adding(void **state)
{
    (void)state;
    every_error_at("XADD");
}

static void test_every_error_of_acknowledging(void **state)
{
    (void)state;
    every_error_at("XACK");
}

static const char *const absurd[] = {
    "*2147483647\r\n",
    "*-7\r\n",
    "$9223372036854775807\r\n",
    "$-9223372036854775808\r\n",
    "$99999999999999999999999999\r\n",
    ":12ab\r\n",
    "%1\r\n+a\r\n+b\r\n",
    ">2\r\n+a\r\n+b\r\n",
    "garbage that is no reply\r\n",
    "\r\n",
    "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n+deep\r\n",
    "$3\r\nabcde\r\n",
    "+OK\r\n+one too many\r\n",
    "-ERR one\r\n-ERR too many\r\n",
};

/* Replies that are Redis' protocol, and have not the form of this command's reply. */
static const char *const senseless[] = {
    "+OK\r\n",
    ":5\r\n",
    ":-5\r\n",
    "*0\r\n",
    "*1\r\n:5\r\n",
    "*1\r\n*0\r\n",
    "*1\r\n*2\r\n:1\r\n:2\r\n",
    "*1\r\n*2\r\n$5\r\nother\r\n*0\r\n",
    "*1\r\n*2\r\n$6\r\nt:send\r\n*1\r\n*2\r\n$3\r\nxyz\r\n*0\r\n",
    "*1\r\n*2\r\n$6\r\nt:send\r\n*1\r\n*2\r\n:1\r\n*0\r\n",
    "*1\r\n*2\r\n$6\r\nt:send\r\n*1\r\n*0\r\n",
    "*1\r\n*2\r\n$6\r\nt:send\r\n*1\r\n*-1\r\n",
    "$-1\r\n",
    "*-1\r\n",
    "$5\r\nhello\r\n",
};

static void all_at(const char *const *texts, size_t count)
{
    static const char *const verbs[] = {"XREADGROUP", "XADD", "XACK"};
    static struct source_test t;

    start(&t);
    for (size_t verb = 0; verb < ARRAY_SIZE(verbs); verb++)
        for (size_t i = 0; i < count; i++)
            wrong_once(&t, verbs[verb], texts[i]);
    end(&t);
}

static void test_absurd_replies(void **state)
{
    (void)state;
    all_at(absurd, ARRAY_SIZE(absurd));
}

static void test_senseless_replies(void **state)
{
    (void)state;
    all_at(senseless, ARRAY_SIZE(senseless));
}

static void test_senseless_errands(void **state)
{
    static const char *const verbs[] = {"EVAL", "XGROUP", "XINFO", "XPENDING", "XRANGE", "CLIENT"};
    const struct stream_options options = source_options();

    (void)state;
    for (size_t verb = 0; verb < ARRAY_SIZE(verbs); verb++)
        for (size_t i = 0; i < ARRAY_SIZE(senseless); i++) {
            static struct source_test t;

            if (strcmp(verbs[verb], "EVAL") == 0 && strchr("+$", senseless[i][0]))
                continue; /* that is the lock in other hands */
            memset(&fake, 0, sizeof(fake));
            fake.answer = fake_answer_wrong;
            fake.verb = verbs[verb];
            (void)snprintf(fake.wrong.text, sizeof(fake.wrong.text), "%s", senseless[i]);
            fake.wrongs = 4; /* two of them meet the questions for rights */
            fake_start(&fake);
            source_test_open(&t, fake.url, &options);
            take_one(&t);
            PUMP_UNTIL(&t, facts_of(&t).looks > 0);
            assert_false(t.was_refused);
            end(&t);
        }
}

static void broken_by(enum fake_then then, const char *text)
{
    static const char *const verbs[] = {"XREADGROUP", "XADD", "XACK", "CLIENT"};
    static struct source_test t;

    start(&t);
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        fake.verb = verbs[i];
        fake.wrong = (struct fake_answer){.then = then};
        (void)snprintf(fake.wrong.text, sizeof(fake.wrong.text), "%s", text);
        fake.wrongs = 1;
        take_one(&t);
        take_one(&t);
    }
    end(&t);
}

static void test_closed(void **state)
{
    (void)state;
    broken_by(FAKE_CLOSE, "");
    broken_by(FAKE_CLOSE, "*1\r\n*2\r\n$6\r\nt:se"); /* in the middle */
}

static void test_reset(void **state)
{
    (void)state;
    broken_by(FAKE_RESET, "");
}

/* Half-open: the reader notices by itself, a little after Redis would have answered. */
static void test_no_answer(void **state)
{
    static struct source_test t;

    (void)state;
    start(&t);
    fake.verb = "XREADGROUP";
    fake.wrong = (struct fake_answer){.then = FAKE_HANG};
    fake.wrongs = 2; /* the high lane, and the wait */
    take_one(&t);
    end(&t);
}

static void test_byte_by_byte(void **state)
{
    static struct source_test t;

    (void)state;
    start(&t);
    fake.verb = "XADD";
    fake.wrong = (struct fake_answer){.text = "$3\r\n1-1\r\n", .dribble = true};
    fake.wrongs = 1;
    take_one(&t);
    fake.verb = "XREADGROUP";
    fake.wrong = (struct fake_answer){
        .text = "*1\r\n*2\r\n$6\r\nt:send\r\n*1\r\n*2\r\n$5\r\n777-1\r\n"
                "*2\r\n$2\r\nto\r\n$12\r\n+98000000001\r\n",
        .dribble = true,
    };
    fake.wrongs = 1;
    take_one(&t);
    assert_string_equal(t.offered[t.count - 1].m->id, "t:send/777-1");
    end(&t);
}

/* A line that never ends, and a text of a gigabyte: cut off at a bound. */
static void test_endless(void **state)
{
    static struct source_test t;

    (void)state;
    start(&t);
    fake.verb = "XREADGROUP";
    fake.wrong = (struct fake_answer){.text = "+", .repeat = 1u << 30, .then = FAKE_CLOSE};
    fake.wrongs = 1;
    take_one(&t);
    fake.wrong =
        (struct fake_answer){.text = "$1073741824\r\n", .repeat = 1u << 30, .then = FAKE_CLOSE};
    fake.wrongs = 1;
    take_one(&t);
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_error_of_reading),
        cmocka_unit_test(test_every_error_of_adding),
        cmocka_unit_test(test_every_error_of_acknowledging),
        cmocka_unit_test(test_absurd_replies),
        cmocka_unit_test(test_senseless_replies),
        cmocka_unit_test(test_senseless_errands),
        cmocka_unit_test(test_closed),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_endless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
