/* SPDX-License-Identifier: MIT
 *
 * test_redis_source.h: a redis_source under test, with a caller that takes what comes.
 *
 * Model: the caller keeps what it was offered; a test settles it by index. pump_until runs the loop
 * until a condition holds; a watchdog ends a test that waits for ever.
 */
#ifndef TEST_REDIS_SOURCE_H
#define TEST_REDIS_SOURCE_H

#include "test_redis_server.h"

#include "io/redis_source.h"

enum { OFFERED_MAX = 4096, WATCHDOG_MS = 30000 };

struct offered {
    struct message *m;
    struct stream_entry *entry; /* NULL: settled */
    bool taken_over;
};

struct source_test {
    uv_loop_t loop;
    uv_timer_t watchdog;
    struct redis_source *source;
    struct offered offered[OFFERED_MAX];
    size_t count;
    size_t published;
    uint64_t last_cookie;
    struct err refused;
    bool was_refused, drained, closed;
};

static const struct message_defaults source_defaults = {
    .template_name = "hello",
    .lang = "en",
    .sender = "1234567890",
    .broadcast = "",
};

static inline void on_test_message(void *context, struct message *m, struct stream_entry *entry,
                                   bool taken_over)
{
    struct source_test *t = context;

    assert_true(t->count < OFFERED_MAX);
    t->offered[t->count++] = (struct offered){m, entry, taken_over};
}

static inline void on_test_published(void *context, uint64_t cookie)
{
    struct source_test *t = context;

    t->published++;
    t->last_cookie = cookie;
}

static inline void on_test_refused(void *context, const struct err *why)
{
    struct source_test *t = context;

    t->was_refused = true;
    t->refused = *why;
}

static inline void on_test_drained(void *context)
{
    ((struct source_test *)context)->drained = true;
}

static inline void on_test_closed(void *context)
{
    ((struct source_test *)context)->closed = true;
}

static inline void on_watchdog(uv_timer_t *timer)
{
    (void)timer;
    (void)fprintf(stderr, "the test waited for too long\n");
    abort();
}

static inline struct stream_options source_options(void)
{
    return (struct stream_options){
        .stream = "t:send",
        .group = "g",
        .consumer = "me",
        .taken = "me:taken",
        .owner = "ledger1",
        .holder = "the test",
        .phone_id = "1234567890",
        .trim = true,
        .result_maxlen = 10000,
        .claim_idle_ms = 120000,
        .defaults = &source_defaults,
    };
}

static inline void source_test_open(struct source_test *t, const char *url,
                                    const struct stream_options *options)
{
    const struct redis_source_options all = {
        .url = url,
        .stream = *options,
        .events =
            {
                .context = t,
                .on_message = on_test_message,
                .on_published = on_test_published,
                .on_refused = on_test_refused,
            },
    };
    struct err e;

    memset(t, 0, sizeof(*t));
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(uv_loop_init(&t->loop), 0);
    assert_int_equal(uv_timer_init(&t->loop, &t->watchdog), 0);
    assert_int_equal(uv_timer_start(&t->watchdog, on_watchdog, WATCHDOG_MS, 0), 0);
    uv_unref((uv_handle_t *)&t->watchdog);
    assert_true(redis_source_open(&t->loop, &all, &t->source, &e));
}

static inline void pump(struct source_test *t)
{
    (void)uv_run(&t->loop, UV_RUN_ONCE);
}

#define PUMP_UNTIL(t, condition) \
    do {                         \
        while (!(condition))     \
            pump(t);             \
    } while (0)

static inline struct stream_facts facts_of(struct source_test *t)
{
    struct redis_source_facts facts;

    redis_source_look(t->source, &facts);
    return facts.stream;
}

static inline void settle(struct source_test *t, size_t i)
{
    const struct outcome outcome = {.state = STATE_ACCEPTED, .wamid = "wamid.X"};
    const struct stream_result result = {
        .message = t->offered[i].m,
        .outcome = &outcome,
        .attempts = 1,
        .at_ms = 1,
    };

    redis_source_settled(t->source, t->offered[i].entry, &result);
    t->offered[i].entry = NULL;
}

static inline void settle_all(struct source_test *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->offered[i].entry)
            settle(t, i);
}

static inline void source_test_close(struct source_test *t)
{
    redis_source_close(t->source, on_test_closed, t);
    PUMP_UNTIL(t, t->closed);
    uv_close((uv_handle_t *)&t->watchdog, NULL);
    while (uv_run(&t->loop, UV_RUN_DEFAULT))
        ;
    assert_int_equal(uv_loop_close(&t->loop), 0);
    for (size_t i = 0; i < t->count; i++)
        message_free(t->offered[i].m);
}

#endif
