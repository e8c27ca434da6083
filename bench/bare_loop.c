/* SPDX-License-Identifier: MIT
 *
 * bare_loop: the yardstick. The least that sends messages through libuv and libcurl: a body is
 * written, a request goes out, the answer is looked at for a wamid. No ledger, no limits, no
 * retries, no care for what may go wrong; but nothing wasted either: handles are used again, the
 * URL is parsed once, and the polls of kept connections stay armed. What tidings costs more than
 * this is what its promises cost.
 *
 *     bare_loop --url URL --ca FILE --token T --phone-id ID [--http 1.1|2] [--connections N]
 *               [--in-flight N] [--count N] [--rate N] [--tick-ms N]
 *
 * In flight are as many as connections over HTTP/1.1, and 100 times as many over HTTP/2, unless
 * said otherwise. With --rate, requests go out in ticks.
 */
#include "base/flags.h"
#include "base/mem.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

enum { BODY_SIZE = 1024, ANSWER_SIZE = 1024, STREAMS = 100, SOCKETS_MAX = 65536 };

struct options {
    const char *url, *ca, *token, *phone_id, *http;
    uint64_t connections, in_flight, count, rate, tick_ms;
};

struct request {
    CURL *easy;
    struct request *next; /* free */
    size_t answer_len;
    char body[BODY_SIZE];
    char answer[ANSWER_SIZE];
};

struct watch {
    uv_poll_t poll;
    int wanted, armed;
};

struct bench {
    struct options options;
    uv_loop_t *loop;
    uv_timer_t timer, pacer;
    uv_idle_t kick;
    CURLM *multi;
    CURLU *target;
    struct curl_slist *headers;
    struct watch *watches[SOCKETS_MAX]; /* by descriptor */
    struct request *free;
    uint64_t started, done, accepted, errors;
    uint64_t began_ns;
};

static void run(struct bench *b, curl_socket_t fd, int events);

/* ---- Requests. */

static size_t on_answer(char *bytes, size_t size, size_t count, void *context)
{
    struct request *r = context;
    size_t len = size * count;

    if (len > ANSWER_SIZE - 1 - r->answer_len)
        return 0;
    memcpy(r->answer + r->answer_len, bytes, len);
    r->answer_len += len;
    return len;
}

static void write_body(struct request *r, uint64_t n)
{
    int len = snprintf(
        r->body, BODY_SIZE,
        "{\"messaging_product\":\"whatsapp\",\"recipient_type\":\"individual\",\"to\":\"+91%"
        "010llu\","
        "\"type\":\"template\",\"biz_opaque_callback_data\":\"t1%034llu\",\"template\":{\"name\":"
        "\"results_update\",\"language\":{\"code\":\"en_US\"},\"components\":[{\"type\":\"body\","
        "\"parameters\":[{\"type\":\"text\",\"text\":\"Asha Fern\\u00e1ndez\"},{\"type\":\"text\","
        "\"text\":\"Statistics: Unit Test 2\"},{\"type\":\"text\",\"text\":"
        "\"https://results.example/D6/zpthiy2y\"}]}]}}",
        (unsigned long long)(9800000000 + n), (unsigned long long)n);

    (void)curl_easy_setopt(r->easy, CURLOPT_POSTFIELDS, r->body);
    (void)curl_easy_setopt(r->easy, CURLOPT_POSTFIELDSIZE, (long)len);
}

static int on_close_socket(void *context, curl_socket_t fd);

static struct request *request_new(struct bench *b)
{
    struct request *r = MEM_NEW(struct request);
    bool http2 = strcmp(b->options.http, "2") == 0;

    r->easy = mem_check(curl_easy_init());
    (void)curl_easy_setopt(r->easy, CURLOPT_CURLU, b->target);
    (void)curl_easy_setopt(r->easy, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, b->headers);
    (void)curl_easy_setopt(r->easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(r->easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(r->easy, CURLOPT_BUFFERSIZE, 4096L);
    (void)curl_easy_setopt(r->easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
    (void)curl_easy_setopt(r->easy, CURLOPT_TIMEOUT_MS, 30000L);
    (void)curl_easy_setopt(r->easy, CURLOPT_CAPATH, NULL);
    (void)curl_easy_setopt(r->easy, CURLOPT_CAINFO, b->options.ca);
    (void)curl_easy_setopt(r->easy, CURLOPT_HTTP_VERSION,
                           http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(r->easy, CURLOPT_PIPEWAIT, http2 ? 1L : 0L);
    (void)curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r);
    (void)curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, on_answer);
    (void)curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
    (void)curl_easy_setopt(r->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
    (void)curl_easy_setopt(r->easy, CURLOPT_CLOSESOCKETDATA, b);
    return r;
}

static void start(struct bench *b)
{
    struct request *r = b->free;

    b->free = r->next;
    r->answer_len = 0;
    write_body(r, b->started++);
    (void)curl_multi_add_handle(b->multi, r->easy);
}

static void finish(struct bench *b, struct request *r, CURLcode result)
{
    long status = 0;

    (void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
    r->answer[r->answer_len] = '\0';
    if (result == CURLE_OK && status == 200 && strstr(r->answer, "\"wamid."))
        b->accepted++;
    else
        b->errors++;
    b->done++;
    (void)curl_multi_remove_handle(b->multi, r->easy);
    r->next = b->free;
    b->free = r;
}

/* ---- libcurl on libuv. */

static void refill(struct bench *b, uint64_t until)
{
    while (b->free && b->started < until)
        start(b);
}

static void run(struct bench *b, curl_socket_t fd, int events)
{
    CURLMsg *message;
    int running, left;

    (void)curl_multi_socket_action(b->multi, fd, events, &running);
    while ((message = curl_multi_info_read(b->multi, &left))) {
        CURLcode result = message->data.result;
        char *request;

        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
        finish(b, (struct request *)(void *)request, result);
    }
    if (!b->options.rate)
        refill(b, b->options.count);
    if (b->done == b->options.count)
        uv_stop(b->loop);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *w = poll->data;
    uv_os_fd_t fd;

    if (!w->wanted) {
        w->armed = 0;
        (void)uv_poll_stop(poll);
        return;
    }
    if (status < 0)
        w->armed = 0;
    (void)uv_fileno((uv_handle_t *)poll, &fd);
    run(poll->loop->data, fd, status < 0 ? CURL_CSELECT_ERR : events);
}

static void on_watch_closed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

static int on_close_socket(void *context, curl_socket_t fd)
{
    struct bench *b = context;

    if (b->watches[fd]) {
        (void)uv_poll_stop(&b->watches[fd]->poll);
        uv_close((uv_handle_t *)&b->watches[fd]->poll, on_watch_closed);
        b->watches[fd] = NULL;
    }
    return close(fd);
}

/* CURL_POLL_IN and _OUT are UV_READABLE and _WRITABLE, and CURL_CSELECT_ those, by number. */
static int on_interest(CURL *easy, curl_socket_t fd, int what, void *context, void *unused)
{
    struct bench *b = context;
    struct watch *w = b->watches[fd];

    (void)easy;
    (void)unused;
    if (!w) {
        w = b->watches[fd] = MEM_NEW(struct watch);
        (void)uv_poll_init(b->loop, &w->poll, fd);
        w->poll.data = w;
    }
    w->wanted = what & CURL_POLL_INOUT;
    if (!w->wanted || w->armed == w->wanted)
        return 0;
    w->armed = w->wanted;
    return uv_poll_start(&w->poll, w->wanted, on_poll);
}

static void on_kick(uv_idle_t *idle)
{
    (void)uv_idle_stop(idle);
    run(idle->data, CURL_SOCKET_TIMEOUT, 0);
}

static void on_timer(uv_timer_t *timer)
{
    run(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout_wish(CURLM *multi, long ms, void *context)
{
    struct bench *b = context;

    (void)multi;
    if (ms == 0)
        return uv_idle_start(&b->kick, on_kick);
    return ms < 0 ? uv_timer_stop(&b->timer) : uv_timer_start(&b->timer, on_timer, (uint64_t)ms, 0);
}

static void on_pace(uv_timer_t *timer)
{
    struct bench *b = timer->data;
    uint64_t due = (uv_hrtime() - b->began_ns) * b->options.rate / 1000000000;

    refill(b, due < b->options.count ? due : b->options.count);
}

/* ---- Setting up, and the figures. */

static void set_up(struct bench *b)
{
    char text[4400];
    long connections = (long)b->options.connections;

    b->loop = uv_default_loop();
    b->loop->data = b->timer.data = b->pacer.data = b->kick.data = b;
    (void)uv_timer_init(b->loop, &b->timer);
    (void)uv_timer_init(b->loop, &b->pacer);
    (void)uv_idle_init(b->loop, &b->kick);
    b->multi = mem_check(curl_multi_init());
    (void)curl_multi_setopt(b->multi, CURLMOPT_SOCKETFUNCTION, on_interest);
    (void)curl_multi_setopt(b->multi, CURLMOPT_SOCKETDATA, b);
    (void)curl_multi_setopt(b->multi, CURLMOPT_TIMERFUNCTION, on_timeout_wish);
    (void)curl_multi_setopt(b->multi, CURLMOPT_TIMERDATA, b);
    (void)curl_multi_setopt(b->multi, CURLMOPT_MAX_HOST_CONNECTIONS, connections);
    (void)curl_multi_setopt(b->multi, CURLMOPT_MAXCONNECTS, connections);
    b->target = mem_check(curl_url());
    (void)snprintf(text, sizeof(text), "%s/v22.0/%s/messages", b->options.url, b->options.phone_id);
    if (curl_url_set(b->target, CURLUPART_URL, text, 0) != CURLUE_OK)
        fprintf(stderr, "bare_loop: '%s' is not a URL\n", text);
    (void)snprintf(text, sizeof(text), "Authorization: Bearer %s", b->options.token);
    b->headers = curl_slist_append(NULL, text);
    b->headers = curl_slist_append(b->headers, "Content-Type: application/json");
    b->headers = mem_check(curl_slist_append(b->headers, "Expect:"));
    for (uint64_t i = 0; i < b->options.in_flight; i++) {
        struct request *r = request_new(b);

        r->next = b->free;
        b->free = r;
    }
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
    printf("%llu messages, %llu accepted, %llu errors: %.1f us CPU a message (%.1f user, %.1f "
           "system), %.0f messages/s, %.1f MB resident\n",
           (unsigned long long)b->done, (unsigned long long)b->accepted,
           (unsigned long long)b->errors,
           (seconds(use.ru_utime) + seconds(use.ru_stime)) / count * 1e6,
           seconds(use.ru_utime) / count * 1e6, seconds(use.ru_stime) / count * 1e6, count / wall,
           (double)use.ru_maxrss / 1024);
}

static bool parse(struct options *o, int argc, char *const *argv)
{
    static const struct flag flags[] = {
        {"url", 0, FLAG_TEXT, offsetof(struct options, url), "URL", "where Graph is"},
        {"ca", 0, FLAG_TEXT, offsetof(struct options, ca), "FILE", "its certificate authority"},
        {"token", 0, FLAG_TEXT, offsetof(struct options, token), "TOKEN", "the access token"},
        {"phone-id", 0, FLAG_TEXT, offsetof(struct options, phone_id), "ID", "the sender"},
        {"http", 0, FLAG_TEXT, offsetof(struct options, http), "VERSION", "1.1 or 2"},
        {"connections", 0, FLAG_COUNT, offsetof(struct options, connections), "N", "default 64"},
        {"in-flight", 0, FLAG_COUNT, offsetof(struct options, in_flight), "N", "requests"},
        {"count", 0, FLAG_COUNT, offsetof(struct options, count), "N", "default 100000"},
        {"rate", 0, FLAG_COUNT, offsetof(struct options, rate), "N", "a second; else unlimited"},
        {"tick-ms", 0, FLAG_COUNT, offsetof(struct options, tick_ms), "N", "default 10"},
    };
    static const struct flag_table table = {.command = "bare_loop",
                                            .arguments = "",
                                            .summary = "the least that sends messages",
                                            .flags = flags,
                                            .count = ARRAY_SIZE(flags),
                                            .is_program = true};
    struct flag_input input = {argc, argv, o, NULL};
    struct flag_arguments arguments;
    struct err e;

    if (!flags_parse(&table, &input, &arguments, &e)) {
        fprintf(stderr, "bare_loop: %s\n", e.text);
        return false;
    }
    if (!arguments.help && o->url && o->ca)
        return true;
    fprintf(stderr, "bare_loop: --url and --ca are needed\n");
    return false;
}

static void fill_in(struct options *o)
{
    o->token = o->token ? o->token : "none";
    o->phone_id = o->phone_id ? o->phone_id : "1";
    o->http = o->http ? o->http : "1.1";
    o->connections = o->connections ? o->connections : 64;
    if (!o->in_flight)
        o->in_flight = o->connections * (strcmp(o->http, "2") == 0 ? STREAMS : 1);
    o->count = o->count ? o->count : 100000;
    o->tick_ms = o->tick_ms ? o->tick_ms : 10;
}

int main(int argc, char **argv)
{
    struct bench *b = MEM_NEW(struct bench);

    if (!parse(&b->options, argc - 1, argv + 1))
        return EXIT_USAGE;
    fill_in(&b->options);
    (void)signal(SIGPIPE, SIG_IGN);
    set_up(b);
    b->began_ns = uv_hrtime();
    if (b->options.rate)
        (void)uv_timer_start(&b->pacer, on_pace, b->options.tick_ms, b->options.tick_ms);
    else
        refill(b, b->options.count);
    (void)uv_run(b->loop, UV_RUN_DEFAULT); /* until run() stops it */
    print_figures(b);
    return b->errors ? EXIT_SOME_FAILED : EXIT_DONE; /* memory goes with the process */
}
