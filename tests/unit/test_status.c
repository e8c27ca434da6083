/* SPDX-License-Identifier: MIT */
#include "commands/status.h"

#include "base/mem.h"

#include "test_status_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
/* After what it needs. */
#include <cmocka.h>

static struct json *sample_json(struct buf *text)
{
    struct sample *s = MEM_NEW(struct sample);
    struct json *root;
    struct err e;

    *text = buf_new(STATUS_TEXT_MAX);
    sample_fill(s);
    status_json(&s->status, text);
    assert_true(buf_ok(text));
    root = json_parse(text->data, text->len, STATUS_TEXT_MAX, &e);
    assert_non_null(root);
    mem_free(s);
    return root;
}

static int64_t number(const struct json *object, const char *key)
{
    int64_t value = -1;

    (void)json_int(json_get(object, key), &value);
    return value;
}

static double real(const struct json *object, const char *key)
{
    double value = -1;

    (void)json_double(json_get(object, key), &value);
    return value;
}

static void is_text(const struct json *object, const char *key, const char *wanted)
{
    assert_string_equal(json_string(json_get(object, key), NULL), wanted);
}

static void test_json_says_everything(void **state)
{
    struct buf text;
    struct json *root = sample_json(&text);
    const struct json *broadcast = json_at(json_get(root, "broadcasts"), 0);

    (void)state;
    assert_int_equal(strncmp(buf_text(&text), "{\"v\":1,\"ok\":true,", 17), 0);
    assert_null(strchr(buf_text(&text), '\n'));
    is_text(root, "state", "paused");
    is_text(root, "since", "2026-04-02T09:31:03.000Z");
    assert_int_equal(number(root, "uptime_s"), 11530);
    assert_int_equal(number(root, "accepted"), 12345);
    assert_int_equal(number(root, "unknown_total"), 3);
    assert_true(real(json_get(root, "rate"), "allowed") == 1000);
    assert_null(json_get(json_at(json_get(root, "senders"), 1), "allowed"));
    assert_int_equal(number(json_at(json_get(root, "codes"), 0), "count"), 2);
    is_text(json_at(json_get(root, "halts"), 0), "what", "template \"results\\update\" (en_US)");
    assert_true(real(json_get(root, "latency_ms"), "p50") >= 500);
    assert_int_equal(number(json_get(root, "redis"), "lag"), 120);
    assert_true(real(json_get(root, "ledger"), "worst_ms") == 41.25);
    assert_int_equal(number(json_get(root, "webhooks"), "delivered"), 11000);
    assert_int_equal(number(json_get(root, "webhooks"), "settled"), 7);
    assert_int_equal(number(json_get(root, "webhooks"), "accepted_twice"), 1);
    is_text(broadcast, "name", "results-april");
    assert_int_equal(number(broadcast, "waiting"), 20);
    assert_int_equal(number(root, "broadcasts_more"), 5);
    json_free(root);
    buf_free(&text);
}

static void test_an_empty_status_is_whole(void **state)
{
    struct daemon_status *s = MEM_NEW(struct daemon_status);
    struct buf text = buf_new(STATUS_TEXT_MAX);
    struct buf shown = buf_new(STATUS_TEXT_MAX);
    struct json *root;
    struct err e;

    (void)state;
    status_json(s, &text);
    root = json_parse(text.data, text.len, STATUS_TEXT_MAX, &e);
    assert_non_null(root);
    assert_null(json_get(root, "redis"));
    assert_null(json_get(root, "latency_ms"));
    status_text(root, false, &shown);
    assert_non_null(strstr(buf_text(&shown), "running"));
    assert_null(strstr(buf_text(&shown), "redis"));
    json_free(root);
    buf_free(&shown);
    buf_free(&text);
    mem_free(s);
}

static void is_shown(const struct buf *text, const char *piece)
{
    if (!strstr(buf_text(text), piece))
        fail_msg("no \"%s\" in:\n%s", piece, buf_text(text));
}

static void test_text_for_people(void **state)
{
    struct buf json, text = buf_new(STATUS_TEXT_MAX);
    struct json *root = sample_json(&json);

    (void)state;
    status_text(root, false, &text);
    is_shown(&text, "tidings 0.1.0 (pid 4711): paused since ");
    is_shown(&text, ", up 3 h 12 min\n");
    is_shown(&text, "998/s of 1000   in flight 304   waiting 12   parked 5\n");
    is_shown(&text, "accepted 12,345   failed 3   became unknown 1   skipped 2\n");
    is_shown(&text, "915988834937784   2/s of unlimited   throttles 0\n");
    is_shown(&text, "connected   lag 120   pending 304   dead 2   oldest 1.2 s\n");
    is_shown(&text, "LOADING  [31mRedis  is loading\n");
    is_shown(&text, "last commit 3.1 ms   worst 41 ms   loop lag 1.2 ms\n");
    is_shown(&text, "3 in the ledger: tidings reconcile settles them\n");
    is_shown(&text, "template \"results\\update\" (en_US) (code 132015) since ");
    is_shown(&text, "  halted     template \"results");
    is_shown(&text, "Mend it in WhatsApp Manager. Then `tidings resume`; if settings were");
    is_shown(&text, "operator: everything since ");
    is_shown(&text, "left       436\n");
    is_shown(&text, "8 lines had no room");
    is_shown(&text,
             "results-april        ██████████████░░░░░░░░░░ 6,120/10,000   61.2 %   failed 3");
    is_shown(&text, "and 5 more broadcasts\n");
    assert_null(strchr(buf_text(&text), '\033'));
    buf_clear(&text);
    status_text(root, true, &text);
    is_shown(&text, "\033[32maccepted 12,345\033[0m");
    buf_clear(&text);
    status_line(root, &text);
    is_shown(&text, " paused, rate 998/s of 1000   accepted 12,345   failed 3");
    json_free(root);
    buf_free(&json);
    buf_free(&text);
}

/* The status of the sample after `change`, as JSON; free with json_free. */
static struct json *changed(void (*change)(struct sample *s))
{
    struct sample *s = MEM_NEW(struct sample);
    struct buf text = buf_new(STATUS_TEXT_MAX);
    struct json *root;
    struct err e;

    sample_fill(s);
    change(s);
    status_json(&s->status, &text);
    root = json_parse(text.data, text.len, STATUS_TEXT_MAX, &e);
    assert_non_null(root);
    buf_free(&text);
    mem_free(s);
    return root;
}

static void assert_hint(void (*change)(struct sample *s), const char *wanted)
{
    struct json *root = changed(change);

    is_text(json_at(json_get(root, "halts"), 0), "hint", wanted);
    json_free(root);
}

static void halted(struct sample *s, enum halt_kind kind)
{
    struct halt *halt = &s->halts.items[0];

    halt->kind = kind;
    (void)snprintf(halt->hint, sizeof(halt->hint), "Mend it.");
}

static void token(struct sample *s)
{
    halted(s, HALT_TOKEN);
}

static void token_of_a_run(struct sample *s)
{
    halted(s, HALT_TOKEN);
    s->status.kind = "broadcast";
}

static void for_a_minute(struct sample *s)
{
    halted(s, HALT_SENDER);
    s->halts.items[0].until_us = 60000000;
}

static void by_the_operator(struct sample *s)
{
    halted(s, HALT_OPERATOR);
}

/* What is mended goes on in another way, by who sends. */
static void test_a_hint_ends_with_the_way_on(void **state)
{
    (void)state;
    assert_hint(token, "Mend it. Then reload the daemon: `systemctl reload tidings`, or SIGHUP.");
    assert_hint(token_of_a_run, "Mend it. Then run the same command again.");
    assert_hint(for_a_minute, "Mend it. It goes on by itself.");
    assert_hint(by_the_operator, "Mend it.");
}

static void without_graph(struct sample *s)
{
    s->halts.count = 0;
    s->status.network = (struct halt){
        .kind = HALT_NETWORK, .what = "everything", .hint = "refused", .until_us = INT64_MAX};
}

static void test_no_graph_is_a_halt(void **state)
{
    struct json *root = changed(without_graph);
    const struct json *halt = json_at(json_get(root, "halts"), 0);

    (void)state;
    is_text(halt, "kind", "network");
    is_text(halt, "hint", "refused");
    json_free(root);
}

static void running(struct sample *s)
{
    s->status.state = DAEMON_RUNNING;
    s->status.redis.lag = 19960 - 304 - 12;
    s->status.broadcasts[1].counts[STATE_WAITING] = 998; /* the paused one */
}

static void with_results_that_redis_does_not_take(struct sample *s)
{
    s->status.redis.pending = 4096;
}

static void running_alone(struct sample *s)
{
    s->status.state = DAEMON_RUNNING;
    s->status.kind = "broadcast";
    s->status.broadcasts[0].counts[STATE_WAITING] = 9980;
    s->status.broadcast_count = 1;
}

static void with_little_left(struct sample *s)
{
    running_alone(s);
    s->status.broadcasts[0].counts[STATE_WAITING] = 4990;
}

static void with_little_due(struct sample *s)
{
    running(s);
    s->status.rate_actual = 499;
}

static void assert_left(void (*change)(struct sample *s), int64_t left, const char *done_at)
{
    struct json *root = changed(change);
    const char *said = json_string(json_get(root, "done_at"), NULL);

    assert_int_equal(number(root, "left"), left);
    assert_string_equal(said ? said : "", done_at);
    json_free(root);
}

static void test_how_much_is_left_and_until_when(void **state)
{
    (void)state;
    assert_left(running, 19960, "2026-04-02T09:32:22.000Z");
    assert_left(running_alone, 9980, "2026-04-02T09:32:13.000Z");
    assert_left(with_little_left, 4990, "");
    assert_left(with_little_due, 19960, "");
    assert_left(by_the_operator, 436, "");
    assert_left(with_results_that_redis_does_not_take, 120 + 12 + 304 + 5, "");
}

static void test_the_largest_status_fits(void **state)
{
    struct sample *s = MEM_NEW(struct sample);
    struct daemon_status *d = &s->status;
    struct buf text = buf_new(STATUS_TEXT_MAX);

    (void)state;
    sample_fill(s);
    for (unsigned i = 0; i < HALT_MAX; i++) {
        s->halts.items[i] = s->halts.items[0];
        memset(s->halts.items[i].what, '"', HALT_WHAT_MAX - 1);
        memset(s->halts.items[i].hint, '"', HALT_TEXT_MAX - 1);
    }
    s->halts.count = HALT_MAX;
    for (unsigned i = 0; i < STATUS_BROADCASTS_MAX; i++) {
        d->broadcasts[i] = d->broadcasts[0];
        memset(d->broadcasts[i].name, '"', MESSAGE_LABEL_MAX);
    }
    d->broadcast_count = STATUS_BROADCASTS_MAX;
    for (int i = 0; i < STATUS_CODES_MAX; i++)
        status_count_code(d, 2000000000 + i);
    for (unsigned i = 0; i < STATUS_SENDERS_MAX; i++)
        d->senders[i] = d->senders[0];
    d->sender_count = STATUS_SENDERS_MAX;
    status_json(d, &text);
    assert_true(buf_ok(&text));
    buf_free(&text);
    mem_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_says_everything),
        cmocka_unit_test(test_an_empty_status_is_whole),
        cmocka_unit_test(test_text_for_people),
        cmocka_unit_test(test_a_hint_ends_with_the_way_on),
        cmocka_unit_test(test_no_graph_is_a_halt),
        cmocka_unit_test(test_how_much_is_left_and_until_when),
        cmocka_unit_test(test_the_largest_status_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
