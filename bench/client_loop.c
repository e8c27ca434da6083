/* SPDX-License-Identifier: MIT
 *
 * client_loop: what the client alone costs: bare_loop's work through io/graph_client, without
 * engine and ledger. To be compared with bare_loop at the same number in flight.
 *
 *     client_loop URL CA_FILE 1.1|2 IN_FLIGHT COUNT [RATE]
 */
#include "base/mem.h"
#include "io/graph_client.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { BODY_SIZE = 1024, TICK_MS = 10, MAX_CONNECTING = 16 };

struct message {
    struct graph_request request;
    struct message *next; /* free */
    char body[BODY_SIZE];
};

struct bench {
    uv_loop_t loop;
    uv_prepare_t prepare;
    uv_timer_t pacer;
    struct graph_client *client;
    struct message *free;
    uint64_t count, rate, started, wired, done, accepted;
    uint64_t began_ns, paced_ns;
};

static void write_body(struct message *m, uint64_t n)
{
    int len = snprintf(
        m->body, BODY_SIZE,
        "{\"messaging_product\":\"whatsapp\",\"recipient_type\":\"individual\",\"to\":\"+91%"
        "010llu\","
        "\"type\":\"template\",\"biz_opaque_callback_data\":\"t1%034llu\",\"template\":{\"name\":"
        "\"results_update\",\"language\":{\"code\":\"en_US\"},\"components\":[{\"type\":\"body\","
        "\"parameters\":[{\"type\":\"text\",\"text\":\"Asha Fern\\u00e1ndez\"},{\"type\":\"text\","
        "\"text\":\"Statistics: Unit Test 2\"},{\"type\":\"text\",\"text\":"
        "\"https://results.example/D6/zpthiy2y\"}]}]}}",
        (unsigned long long)(9800000000 + n), (unsigned long long)n);

    m->request.body = m->body;
    m->request.body_len = (size_t)len;
}

static void on_wired(void *context, struct graph_request *request)
{
    struct bench *b = context;

    (void)request;
    b->wired++;
}

static void on_done(void *context, struct graph_request *request, const struct exchange *x)
{
    struct bench *b = context;
    struct message *m = request->owner;

    if (x->complete && x->http_status == 200 && strstr(x->body, "\"wamid."))
        b->accepted++;
    else
        fprintf(stderr, "client_loop: %d %s\n", x->http_status, x->error);
    b->done++;
    m->next = b->free;
    b->free = m;
}

static void on_client_closed(void *context)
{
    struct bench *b = context;

    uv_close((uv_handle_t *)&b->prepare, NULL);
    uv_close((uv_handle_t *)&b->pacer, NULL);
}

static void start(struct bench *b)
{
    struct message *m = b->free;

    b->free = m->next;
    write_body(m, b->started++);
    graph_client_start(b->client, &m->request);
}

static void refill(struct bench *b, uint64_t most)
{
    while (most-- && b->free && b->started < b->count && graph_client_has_room(b->client))
        start(b);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct bench *b = prepare->data;

    if (!b->rate)
        refill(b, b->count);
}

/* What a tick could not start is not made up for: that would be a burst. */
static void on_pace(uv_timer_t *timer)
{
    struct bench *b = timer->data;
    uint64_t now_ns = uv_hrtime();
    uint64_t due = (now_ns - b->paced_ns) * b->rate / 1000000000;

    b->paced_ns += due * 1000000000 / b->rate;
    refill(b, due);
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void print_figures(const struct bench *b)
{
    double wall = (double)(uv_hrtime() - b->began_ns) / 1e9;
    double count = (double)b->done;
    struct rusage use;

    (void)getrusage(RUSAGE_SELF, &use); /* cannot fail for oneself */
    printf("%.0f messages, %.0f accepted: %.1f us CPU a message (%.1f user, %.1f system), %.0f "
           "messages/s, %.1f MB resident, %u connections\n",
           count, (double)b->accepted,
           (seconds(use.ru_utime) + seconds(use.ru_stime)) / count * 1e6,
           seconds(use.ru_utime) / count * 1e6, seconds(use.ru_stime) / count * 1e6, count / wall,
           (double)use.ru_maxrss / 1024, graph_client_connections(b->client));
}

static void make_messages(struct bench *b, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct message *m = MEM_NEW(struct message);

        m->request.phone_id = "915988834937783";
        m->request.owner = m;
        m->next = b->free;
        b->free = m;
    }
}

static bool open_client(struct bench *b, char **argv, unsigned in_flight)
{
    struct graph_client_events events = {b, on_wired, on_done};
    static const char token[] = "EAAbenchTokenThatIsNoneAtAll000000000xyz";
    struct graph_client_options options = {
        .token = token,
        .token_len = sizeof(token) - 1,
        .api_base = argv[1],
        .api_version = "v22.0",
        .ca_file = argv[2],
        .http2 = strcmp(argv[3], "2") == 0,
        .timeout_ms = 30000,
        .connect_timeout_ms = 10000,
        .max_in_flight = in_flight,
        .max_connecting = MAX_CONNECTING,
    };
    struct err e;

    if (graph_client_open(&b->loop, &options, &events, &b->client, &e))
        return true;
    fprintf(stderr, "client_loop: %s\n", e.text);
    return false;
}

int main(int argc, char **argv)
{
    static struct bench b;
    unsigned in_flight;

    if (argc < 6) {
        fprintf(stderr, "client_loop URL CA_FILE 1.1|2 IN_FLIGHT COUNT [RATE]\n");
        return EXIT_USAGE;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    in_flight = (unsigned)strtoul(argv[4], NULL, 10);
    b.count = strtoull(argv[5], NULL, 10);
    b.rate = argc > 6 ? strtoull(argv[6], NULL, 10) : 0;
    (void)uv_loop_init(&b.loop);
    if (!open_client(&b, argv, in_flight))
        return EXIT_CONFIG;
    make_messages(&b, in_flight);
    (void)uv_prepare_init(&b.loop, &b.prepare);
    (void)uv_timer_init(&b.loop, &b.pacer);
    b.prepare.data = b.pacer.data = &b;
    b.began_ns = b.paced_ns = uv_hrtime();
    (void)uv_prepare_start(&b.prepare, on_prepare);
    if (b.rate)
        (void)uv_timer_start(&b.pacer, on_pace, TICK_MS, TICK_MS);
    while (b.done < b.count)
        (void)uv_run(&b.loop, UV_RUN_ONCE);
    print_figures(&b);
    graph_client_close(b.client, on_client_closed, &b);
    (void)uv_run(&b.loop, UV_RUN_DEFAULT);
    return b.accepted == b.count ? EXIT_DONE : EXIT_SOME_FAILED;
}
