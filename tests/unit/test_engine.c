/* SPDX-License-Identifier: MIT
 *
 * test_engine.c: the engine with the smallest possible world: records come back when the test says
 * so, requests stand in a row until the test answers them. What the simulator draws by chance is
 * shown here one case at a time, the halts above all.
 */
#include "base/mem.h"
#include "core/delivery.h"
#include "core/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { REQUESTS_MAX = 512, PULLED_MAX = 4096 };

struct world {
    struct engine *engine;
    struct list records;
    struct graph_request *requests[REQUESTS_MAX];
    unsigned request_count;
    unsigned source_left;
    unsigned source_next;
    const char *template_of_odd; /* odd messages have another template */
    unsigned settled[STATE_COUNT];
    unsigned known;
    enum admission admission; /* what the ledger says of every id */
    uint64_t next_number;
    enum halt_kind raised;
    unsigned clears;
    struct outcome last;
    int64_t now_us;
    bool has_room;
};

static struct moment now(const struct world *w)
{
    return (struct moment){.mono_us = w->now_us, .wall_ms = 1000000 + w->now_us / 1000};
}

static struct message *make(struct world *w)
{
    char id[16], to[20];
    unsigned n = w->source_next++;
    struct message values = {
        .id = id,
        .to = to,
        .template_name = n % 2 && w->template_of_odd ? w->template_of_odd : "results_update",
        .lang = "en_US",
        .content = "",
        .sender = "100",
    };

    (void)snprintf(id, sizeof(id), "%u", n);
    (void)snprintf(to, sizeof(to), "+9198%08u", n);
    return message_restore(&values);
}

static void on_pull(void *world, unsigned want)
{
    struct world *w = world;

    while (want-- > 0) {
        if (!w->source_left) {
            engine_source_ended(w->engine);
            return;
        }
        w->source_left--;
        engine_offer(w->engine, make(w), NULL);
    }
}

static void on_record(void *world, struct record *record)
{
    struct world *w = world;

    list_append(&w->records, &record->node);
}

static bool on_has_room(void *world)
{
    return ((struct world *)world)->has_room;
}

static void on_request(void *world, struct graph_request *request)
{
    struct world *w = world;

    assert_true(w->request_count < REQUESTS_MAX);
    w->requests[w->request_count++] = request;
}

static uint64_t on_random(void *world)
{
    (void)world;
    return 1;
}

static void on_started(void *world, const struct engine_view *view)
{
    (void)world;
    (void)view;
}

static void on_answer(void *world, const struct engine_view *view, const struct exchange *x,
                      const struct judgement *j)
{
    (void)world;
    (void)view;
    (void)x;
    (void)j;
}

static void on_settled(void *world, const struct engine_view *view)
{
    struct world *w = world;

    w->settled[view->outcome->state]++;
    w->last = *view->outcome;
}

static void on_known(void *world, const struct engine_view *view, const struct record *record)
{
    (void)view;
    (void)record;
    ((struct world *)world)->known++;
}

static void on_halt(void *world, const struct halt *halt, bool raised)
{
    struct world *w = world;

    if (raised)
        w->raised = halt->kind;
    else
        w->clears++;
}

static struct world *open_world(unsigned messages, struct engine_options *options)
{
    struct world *w = MEM_NEW(struct world);
    struct engine_ports ports = {w,          on_pull,   on_record,  on_has_room,
                                 on_request, on_random, on_started, on_answer,
                                 on_settled, on_known,  on_halt};

    w->source_left = messages;
    w->has_room = true;
    w->now_us = 10000000;
    list_init(&w->records);
    w->engine = engine_new(options, &ports, now(w));
    return w;
}

static struct engine_options usual(void)
{
    return (struct engine_options){
        .rate = {RATE_UNLIMITED, 0, 10000, 0},
        .retry = {3, 100, 1000},
        .intent_ahead_us = 50000,
        .max_in_flight = 8,
        .ledger_id = 1,
    };
}

static void close_world(struct world *w)
{
    engine_free(w->engine);
    mem_free(w);
}

/* What was handed to the ledger is on disk. */
static void commit(struct world *w)
{
    struct list done;

    list_init(&done);
    list_splice(&done, &w->records);
    for (struct list *node = done.next; node != &done; node = node->next) {
        struct record *r = LIST_ITEM(node, struct record, node);

        if (r->kind == RECORD_ADMIT || r->kind == RECORD_PROBE)
            r->admission = w->admission;
        if (r->kind == RECORD_ADMIT)
            r->number = ++w->next_number;
    }
    engine_on_recorded(w->engine, &done, now(w));
}

/* Turns and commits until both have nothing more to do at this moment. */
static void turn(struct world *w)
{
    for (int i = 0; i < 4; i++) {
        engine_turn(w->engine, now(w));
        commit(w);
    }
    engine_turn(w->engine, now(w));
}

static void answer(struct world *w, struct exchange *x, const char *body)
{
    struct graph_request *request = w->requests[--w->request_count];

    x->body = body;
    x->body_len = strlen(body);
    x->retry_after_ms = -1;
    x->error = x->error ? x->error : "";
    if (x->wired)
        engine_on_wired(w->engine, request, now(w));
    engine_on_answer(w->engine, request, x, now(w));
}

static void answer_error(struct world *w, int http_status, int code, int subcode)
{
    struct exchange x = {.wired = true, .complete = true, .http_status = http_status};
    char body[160];

    (void)snprintf(body, sizeof(body),
                   "{\"error\":{\"message\":\"no\",\"code\":%d,\"error_subcode\":%d}}", code,
                   subcode);
    answer(w, &x, body);
}

static void accept(struct world *w)
{
    struct exchange x = {.wired = true, .complete = true, .http_status = 200};

    answer(w, &x, "{\"messages\":[{\"id\":\"wamid.A\"}]}");
}

static void miss(struct world *w)
{
    struct exchange x = {.error = "connection refused"};

    answer(w, &x, "");
}

static void stay_silent(struct world *w)
{
    struct exchange x = {.wired = true, .error = "timeout", .is_timeout = true};

    answer(w, &x, "");
}

/* ---- Tests. */

static void test_nothing_starts_before_its_intent_is_on_disk(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(3, &options);

    (void)state;
    engine_turn(w->engine, now(w));
    assert_int_equal(w->request_count, 0);
    engine_turn(w->engine, now(w));
    assert_int_equal(w->request_count, 0);
    commit(w);
    engine_turn(w->engine, now(w));
    assert_int_equal(w->request_count, 3);
    close_world(w);
}

static void test_nobody_hears_before_the_outcome_is_on_disk(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(1, &options);

    (void)state;
    turn(w);
    accept(w);
    assert_int_equal(w->settled[STATE_ACCEPTED], 0);
    commit(w);
    assert_int_equal(w->settled[STATE_ACCEPTED], 1);
    assert_true(engine_is_finished(w->engine));
    close_world(w);
}

static void test_known_ids_are_dropped(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(5000, &options);

    (void)state;
    w->admission = ADMISSION_KNOWN;
    for (int i = 0; i < 200 && !engine_is_finished(w->engine); i++)
        turn(w);
    assert_int_equal(w->known, 5000);
    assert_int_equal(w->request_count, 0);
    assert_true(engine_is_finished(w->engine));
    close_world(w);
}

static void test_a_refused_token_stops_everything(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(40, &options);

    (void)state;
    turn(w);
    assert_int_equal(w->request_count, 8);
    answer_error(w, 401, 190, 463);
    while (w->request_count)
        accept(w);
    turn(w);
    turn(w);
    assert_int_equal(w->raised, HALT_TOKEN);
    assert_int_equal(w->request_count, 0);
    assert_int_equal(w->settled[STATE_FAILED], 0);
    assert_true(engine_is_stuck(w->engine));
    assert_int_equal(engine_counts(w->engine).busy, 0);
    close_world(w);
}

static void test_a_missing_template_stops_only_its_messages(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(40, &options);

    (void)state;
    w->template_of_odd = "another";
    turn(w);
    for (int i = 0; i < 100 && !engine_is_stuck(w->engine); i++) {
        while (w->request_count) {
            const struct delivery *d = w->requests[w->request_count - 1]->owner;

            if (strcmp(d->message->template_name, "another") == 0)
                answer_error(w, 404, 132001, 0);
            else
                accept(w);
        }
        w->now_us += 1000000;
        turn(w);
    }
    assert_int_equal(w->raised, HALT_TEMPLATE);
    assert_int_equal(w->settled[STATE_ACCEPTED], 20);
    assert_int_equal(w->settled[STATE_FAILED], 0);
    assert_true(engine_counts(w->engine).parked > 0);
    assert_true(engine_is_stuck(w->engine));
    close_world(w);
}

static void test_maintenance_holds_the_sender_for_a_minute(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(1, &options);

    (void)state;
    turn(w);
    answer_error(w, 500, 131057, 0);
    turn(w);
    assert_int_equal(w->raised, HALT_SENDER);
    assert_false(engine_is_stuck(w->engine));
    w->now_us += 59000000;
    turn(w);
    assert_int_equal(w->request_count, 0);
    w->now_us += 2000000;
    turn(w);
    turn(w);
    assert_int_equal(w->request_count, 1);
    close_world(w);
}

static void test_attempts_are_used_up_by_refusals_only(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(1, &options);

    (void)state;
    for (int i = 0; i < 5; i++) {
        turn(w);
        assert_int_equal(w->request_count, 1);
        miss(w);
        w->now_us += 20000000;
    }
    for (int i = 0; i < 3; i++) {
        turn(w);
        answer_error(w, 500, 131016, 0);
        w->now_us += 20000000;
    }
    turn(w);
    assert_int_equal(w->settled[STATE_FAILED], 1);
    assert_int_equal(w->last.reason, REASON_ATTEMPTS_USED);
    assert_int_equal(w->last.code, 131016);
    close_world(w);
}

static void test_an_unanswered_request_is_unknown_and_stays_so(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(1, &options);

    (void)state;
    turn(w);
    stay_silent(w);
    turn(w);
    assert_int_equal(w->settled[STATE_UNKNOWN], 1);
    w->now_us += 1000000000;
    turn(w);
    assert_int_equal(w->request_count, 0);
    assert_true(engine_is_finished(w->engine));
    close_world(w);
}

static void test_resend_sends_an_unknown_one_again(void **state)
{
    struct engine_options options = usual();
    struct world *w;

    (void)state;
    options.resend_unknown = true;
    w = open_world(1, &options);
    turn(w);
    stay_silent(w);
    turn(w);
    assert_true(w->last.state == STATE_UNKNOWN && w->last.next_ms > 0);
    w->now_us += 2000000;
    turn(w);
    assert_int_equal(w->request_count, 1);
    close_world(w);
}

static void test_ten_misses_in_a_row_leave_one_probe(void **state)
{
    struct engine_options options = usual();
    struct world *w;

    (void)state;
    options.max_in_flight = 16;
    w = open_world(100, &options);
    turn(w);
    while (w->request_count)
        miss(w);
    assert_int_equal(w->raised, HALT_NETWORK);
    assert_true(engine_unreachable_since_us(w->engine) > 0);
    turn(w);
    assert_int_equal(w->request_count, 0);
    w->now_us += 30000000;
    turn(w);
    turn(w);
    assert_int_equal(w->request_count, 1);
    accept(w);
    assert_int_equal(w->clears, 1);
    assert_int_equal(engine_unreachable_since_us(w->engine), 0);
    turn(w);
    turn(w);
    assert_true(w->request_count > 1);
    close_world(w);
}

static void test_a_brown_out_sends_one_at_a_time(void **state)
{
    struct engine_options options = usual();
    struct world *w;

    (void)state;
    options.max_in_flight = 30;
    w = open_world(100, &options);
    turn(w);
    assert_int_equal(w->request_count, 30);
    while (w->request_count)
        stay_silent(w);
    turn(w);
    turn(w);
    assert_int_equal(w->request_count, 1);
    turn(w);
    assert_int_equal(w->request_count, 1);
    accept(w);
    turn(w);
    turn(w);
    assert_true(w->request_count > 1);
    close_world(w);
}

static void test_a_drain_takes_back_what_has_not_started(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(40, &options);

    (void)state;
    turn(w);
    assert_true(engine_counts(w->engine).busy > 8);
    engine_drain(w->engine, now(w));
    while (w->request_count)
        accept(w);
    assert_false(engine_is_finished(w->engine));
    commit(w);
    assert_true(engine_is_finished(w->engine));
    assert_int_equal(w->settled[STATE_ACCEPTED], 8);
    assert_int_equal(w->settled[STATE_UNKNOWN], 0);
    close_world(w);
}

static void test_the_operator_holds_and_releases(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(20, &options);

    (void)state;
    turn(w);
    engine_hold(w->engine, "paused", now(w));
    while (w->request_count)
        accept(w);
    turn(w);
    turn(w);
    assert_int_equal(w->request_count, 0);
    engine_release(w->engine, now(w));
    turn(w);
    turn(w);
    assert_true(w->request_count > 0);
    close_world(w);
}

static void test_what_is_expired_is_skipped(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(0, &options);
    struct engine_waiting waiting = {.number = 7, .attempt = 2, .tries = 1};
    struct message values = {.id = "x",
                             .to = "+919800000001",
                             .template_name = "t",
                             .lang = "en",
                             .content = "",
                             .sender = "1",
                             .expires_at_ms = 1000001};

    (void)state;
    waiting.message = message_restore(&values);
    engine_resume(w->engine, &waiting, now(w));
    turn(w);
    turn(w);
    assert_int_equal(w->request_count, 0);
    assert_int_equal(w->settled[STATE_SKIPPED], 1);
    assert_int_equal(w->last.reason, REASON_EXPIRED);
    close_world(w);
}

static void test_forbidden_moves(void **state)
{
    (void)state;
    assert_false(stage_may_move(STAGE_OFFERED, STAGE_STARTED));
    assert_false(stage_may_move(STAGE_WIRED, STAGE_READY));
    assert_false(stage_may_move(STAGE_SETTLING, STAGE_STARTED));
    assert_false(stage_may_move(STAGE_READY, STAGE_GONE));
    assert_false(stage_may_move(STAGE_WIRED, STAGE_GONE));
    for (int to = 0; to < STAGE_COUNT; to++)
        assert_false(stage_may_move(STAGE_GONE, (enum stage)to));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_starts_before_its_intent_is_on_disk),
        cmocka_unit_test(test_nobody_hears_before_the_outcome_is_on_disk),
        cmocka_unit_test(test_known_ids_are_dropped),
        cmocka_unit_test(test_a_refused_token_stops_everything),
        cmocka_unit_test(test_a_missing_template_stops_only_its_messages),
        cmocka_unit_test(test_maintenance_holds_the_sender_for_a_minute),
        cmocka_unit_test(test_attempts_are_used_up_by_refusals_only),
        cmocka_unit_test(test_an_unanswered_request_is_unknown_and_stays_so),
        cmocka_unit_test(test_resend_sends_an_unknown_one_again),
        cmocka_unit_test(test_ten_misses_in_a_row_leave_one_probe),
        cmocka_unit_test(test_a_brown_out_sends_one_at_a_time),
        cmocka_unit_test(test_a_drain_takes_back_what_has_not_started),
        cmocka_unit_test(test_the_operator_holds_and_releases),
        cmocka_unit_test(test_what_is_expired_is_skipped),
        cmocka_unit_test(test_forbidden_moves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
