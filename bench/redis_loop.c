/* SPDX-License-Identifier: MIT
 *
 * redis_loop.c: what the stream source costs by itself: reads COUNT entries from a Redis, settles
 * each at once, and says the CPU time it took in microseconds an entry.
 *
 *     redis_loop redis://127.0.0.1:PORT [COUNT]
 */
#include "base/clock.h"
#include "base/mem.h"
#include "io/redis_source.h"

#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIPELINE = 1000, WINDOW = 1000, DEFAULT_COUNT = 200000 };

struct bench {
    struct redis_source *source;
    uv_timer_t look;
    uint64_t count;
    uint64_t got;
    double started_us;
    int64_t wall_us;
};

static const struct message_defaults defaults = {
    .template_name = "results_update",
    .lang = "en_US",
    .sender = "1234567890",
    .broadcast = "",
};

static double cpu_us(void)
{
    struct rusage use;

    (void)getrusage(RUSAGE_SELF, &use); /* cannot fail */
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e6 +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

static void take_replies(redisContext *c, uint64_t count)
{
    void *reply;

    while (count-- && redisGetReply(c, &reply) == REDIS_OK)
        freeReplyObject(reply);
}

static void fill_all(int port, uint64_t count)
{
    redisContext *c = redisConnect("127.0.0.1", port);
    uint64_t waiting = 0;

    for (uint64_t i = 0; i < count; i++) {
        (void)redisAppendCommand(c,
                                 "XADD bench:send * to +9198%08d params %s class_id A1 "
                                 "test_num 1",
                                 (int)i,
                                 "[\"Asha\",\"Physics\",\"https://example.org/dashboard/12345\"]");
        if (++waiting == PIPELINE) {
            take_replies(c, waiting);
            waiting = 0;
        }
    }
    take_replies(c, waiting);
    redisFree(c);
}

/* By a process of its own, whose cost is not ours. */
static void fill(int port, uint64_t count)
{
    pid_t pid = fork();

    if (pid == 0) {
        fill_all(port, count);
        _exit(0);
    }
    (void)waitpid(pid, NULL, 0); /* the stream shows what it did */
}

static void on_message(void *context, struct message *m, struct stream_entry *entry,
                       bool taken_over)
{
    static const struct outcome accepted = {
        .state = STATE_ACCEPTED,
        .wamid = "wamid.HBgMOTE5ODAwMDAwMDAwFQIAERgSQjY3RTQ0",
    };
    struct bench *b = context;
    const struct stream_result result = {m, &accepted, 1, 1795648507746};

    (void)taken_over;
    if (b->got++ == 0) {
        b->started_us = cpu_us();
        b->wall_us = clock_mono_us();
    }
    redis_source_settled(b->source, entry, &result);
    redis_source_want(b->source, 1);
    message_free(m);
}

static void on_published(void *context, uint64_t cookie)
{
    (void)context;
    (void)cookie;
}

static void on_refused(void *context, const struct err *why)
{
    (void)context;
    (void)fprintf(stderr, "%s\n", why->text);
    exit((int)why->code);
}

static void on_closed(void *context)
{
    uv_close((uv_handle_t *)&((struct bench *)context)->look, NULL);
}

static void on_look(uv_timer_t *timer)
{
    struct bench *b = timer->data;
    struct redis_source_facts facts;
    double seconds;

    redis_source_look(b->source, &facts);
    if (facts.stream.acked < b->count)
        return;
    seconds = (double)(clock_mono_us() - b->wall_us) / 1e6;
    (void)printf("%llu entries: %.2f us of CPU each, %.0f a second\n", (unsigned long long)b->count,
                 (cpu_us() - b->started_us) / (double)b->count, (double)b->count / seconds);
    (void)uv_timer_stop(timer); /* always succeeds */
    redis_source_close(b->source, on_closed, b);
}

int main(int argc, char **argv)
{
    static struct bench b;
    const char *url = argc > 1 ? argv[1] : "";
    const char *port = strrchr(url, ':');
    struct redis_source_options options = {
        .url = url,
        .stream = {.stream = "bench:send",
                   .group = "g",
                   .consumer = "c",
                   .owner = "o",
                   .holder = "bench",
                   .phone_id = "1",
                   .trim = true,
                   .result_maxlen = 1000000,
                   .claim_idle_ms = 120000,
                   .defaults = &defaults},
        .events = {&b, on_message, on_published, on_refused},
    };
    uv_loop_t loop;
    struct err e;

    (void)signal(SIGPIPE, SIG_IGN); /* cannot fail */
    b.count = argc > 2 ? strtoull(argv[2], NULL, 10) : DEFAULT_COUNT;
    if (!port || uv_loop_init(&loop) != 0)
        return EXIT_USAGE;
    fill((int)strtol(port + 1, NULL, 10), b.count);
    if (!redis_source_open(&loop, &options, &b.source, &e)) {
        (void)fprintf(stderr, "%s\n", e.text);
        return (int)e.code;
    }
    redis_source_want(b.source, WINDOW);
    (void)uv_timer_init(&loop, &b.look); /* always succeeds */
    b.look.data = &b;
    (void)uv_timer_start(&b.look, on_look, 10, 10); /* has a callback */
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop) == 0 ? EXIT_DONE : EXIT_BUG;
}
