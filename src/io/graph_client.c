/* SPDX-License-Identifier: MIT
 *
 * graph_client.c: requests to Graph.
 *
 * Happy path:
 *   - graph_client_start takes a slot (an easy handle and an answer's buffer, both used again and
 *     again) and gives it to libcurl, which runs in the same or the next turn of the loop;
 *   - libcurl has a connection and is about to write (on_request_ready): the time is taken;
 *   - after libcurl has run (on_turn): on_wired for what became wired, on_done for what is done.
 * Failure modes:
 *   - never wired (refused, DNS, TLS): libcurl reports it, on_done says so: surely not sent;
 *   - a reused connection dies before an answer: libcurl would write the request once more;
 *     on_request_ready is called a second time and forbids it;
 *   - no answer in time: libcurl closes the connection over HTTP/1.1. Over HTTP/2 it would go on
 *     using it, though it may be dead: the whole multi handle is retired, and a new one makes new
 *     connections; what is in flight on the old one ends there;
 *   - libcurl reports an error of the multi handle: everything on it is given up, and it is
 *     replaced.
 */
#include "io/graph_client.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "io/graph_client_answer.h"
#include "io/graph_client_loop.h"
#include "io/graph_client_setup.h"

#include <assert.h>
#include <string.h>

enum {
    RETIRED_MAX = 4,           /* multi handles that wait for their last answers */
    FRESH_ANSWER_US = 1000000, /* over HTTP/1.1, answers this new show that the network is well */
    RETRY_AFTER_MAX_S = 86400, /* more is not believed */
    LOCATION_MAX = 1024,
};

/* Where the messages of one sender go. */
struct target {
    struct list link;
    char *phone_id;
    CURLU *url;
};

struct slot {
    struct list link; /* on free, wired, or done */
    struct graph_client *client;
    struct graph_request *request; /* NULL: free */
    CURL *easy;
    struct client_loop *loop;    /* whose connections it uses; NULL: libcurl does not have it */
    const struct target *target; /* whose URL the handle has */
    struct client_answer answer;
    unsigned calls; /* of on_request_ready; more than one is not let through */
    bool announced; /* on_wired was called */
    int64_t wired_us;
    int64_t done_us;
    CURLcode result;
    const char *given_up; /* why, when libcurl was not waited for */
    char detail[CURL_ERROR_SIZE];
};

struct graph_client {
    uv_loop_t *uv;
    struct client_setup setup;
    struct graph_client_events events;
    unsigned max_in_flight;
    unsigned max_connecting;
    struct client_loop *loop; /* for new requests */
    struct client_loop *retired[RETIRED_MAX];
    unsigned loops; /* not closed yet */
    struct slot **slots;
    unsigned slot_count;
    struct list free;  /* slots */
    struct list wired; /* slots whose on_wired is due */
    struct list done;  /* slots whose on_done is due */
    struct list targets;
    unsigned in_flight;
    int64_t answered_us; /* when the last whole answer came */
    bool closing;
    void (*on_closed)(void *context);
    void *closed_context;
};

static void must(CURLcode code)
{
    assert(code == CURLE_OK);
}

/* ---- Slots. */

/* From inside libcurl: only takes notes. */
static int on_request_ready(void *context, char *peer, char *local, int peer_port, int local_port)
{
    struct slot *s = context;

    (void)peer;
    (void)local;
    (void)peer_port;
    (void)local_port;
    if (++s->calls > 1)
        return CURL_PREREQFUNC_ABORT;
    s->wired_us = clock_mono_us();
    client_loop_wired(s->loop);
    list_append(&s->client->wired, &s->link);
    return CURL_PREREQFUNC_OK;
}

static struct slot *slot_new(struct graph_client *c)
{
    struct slot *s = MEM_NEW(struct slot);

    s->client = c;
    s->answer.body = buf_new(GRAPH_REPLY_MAX);
    s->easy = client_setup_easy(&c->setup);
    client_answer_attach(&s->answer, s->easy);
    must(curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s));
    must(curl_easy_setopt(s->easy, CURLOPT_ERRORBUFFER, s->detail));
    must(curl_easy_setopt(s->easy, CURLOPT_PREREQFUNCTION, on_request_ready));
    must(curl_easy_setopt(s->easy, CURLOPT_PREREQDATA, s));
    must(curl_easy_setopt(s->easy, CURLOPT_POST, 1L));
    c->slots = mem_realloc(c->slots, (c->slot_count + 1) * sizeof(struct slot *));
    c->slots[c->slot_count++] = s;
    return s;
}

static void slot_free(struct slot *s)
{
    curl_easy_cleanup(s->easy);
    buf_free(&s->answer.body);
    mem_free(s);
}

/* The one used last is warm in the cache, and the others' memory stays untouched. */
static struct slot *take_slot(struct graph_client *c)
{
    struct list *last = c->free.prev;

    if (last == &c->free)
        return slot_new(c);
    list_remove(last);
    return LIST_ITEM(last, struct slot, link);
}

static void give_back(struct slot *s)
{
    client_answer_clear(&s->answer);
    s->calls = 0;
    s->announced = false;
    s->given_up = NULL;
    s->detail[0] = '\0';
    list_append(&s->client->free, &s->link);
}

/* ---- Targets. */

static struct target *target_new(struct graph_client *c, const char *phone_id)
{
    struct target *t = MEM_NEW(struct target);
    struct buf location = buf_new(LOCATION_MAX);

    t->phone_id = mem_strdup(phone_id);
    t->url = mem_check(curl_url());
    buf_addf(&location, "%s/%s/messages", c->setup.base, phone_id);
    /* A URL that cannot be is found again by libcurl: the request fails, surely not sent. */
    (void)curl_url_set(t->url, CURLUPART_URL, buf_text(&location), 0);
    buf_free(&location);
    list_append(&c->targets, &t->link);
    return t;
}

static void target_free(struct target *t)
{
    curl_url_cleanup(t->url);
    mem_free(t->phone_id);
    mem_free(t);
}

/* There are as many as senders. */
static const struct target *find_target(struct graph_client *c, const char *phone_id)
{
    for (struct list *l = c->targets.next; l != &c->targets; l = l->next) {
        struct target *t = LIST_ITEM(l, struct target, link);

        if (strcmp(t->phone_id, phone_id) == 0)
            return t;
    }
    return target_new(c, phone_id);
}

static void aim(struct slot *s, const char *phone_id)
{
    if (s->target && strcmp(s->target->phone_id, phone_id) == 0)
        return;
    s->target = find_target(s->client, phone_id);
    must(curl_easy_setopt(s->easy, CURLOPT_CURLU, s->target->url));
}

/* ---- What came of a request. */

static int64_t retry_after_ms(CURL *easy)
{
    curl_off_t seconds = 0;

    must(curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds));
    if (seconds <= 0)
        return -1;
    return (seconds > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : seconds) * 1000;
}

static int http_status(CURL *easy)
{
    long status = 0;

    must(curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status));
    return status < 200 ? 0 : (int)status; /* 100 Continue is no answer */
}

static const char *sentence(struct slot *s, char out[ANSWER_SENTENCE_MAX])
{
    struct client_failure f = {s->result, s->calls > 0, s->client->setup.peer, s->detail};

    if (s->given_up)
        return s->given_up;
    if (s->result == CURLE_OK)
        return "";
    if (s->answer.refused)
        f.detail = s->answer.refused;
    client_failure_text(&f, s->easy, out);
    return out;
}

static struct exchange describe(struct slot *s, char text[ANSWER_SENTENCE_MAX])
{
    struct exchange x = {
        .wired = s->calls > 0,
        .complete = !s->given_up && s->result == CURLE_OK,
        .body = buf_text(&s->answer.body),
        .body_len = s->answer.body.len,
        .retry_after_ms = -1,
        .error = sentence(s, text),
        .is_timeout = s->result == CURLE_OPERATION_TIMEDOUT,
    };

    if (!x.wired)
        return x;
    x.latency_us = s->done_us - s->wired_us;
    x.http_status = http_status(s->easy);
    if (x.http_status != 200)
        x.retry_after_ms = retry_after_ms(s->easy);
    memcpy(x.api_version, s->answer.api_version, sizeof(x.api_version));
    return x;
}

/* ---- Giving it to the owner. */

static void announce(struct slot *s)
{
    s->announced = true;
    s->client->events.on_wired(s->client->events.context, s->request);
}

static void finish(struct slot *s)
{
    struct graph_client *c = s->client;
    struct graph_request *request = s->request;
    char text[ANSWER_SENTENCE_MAX];
    struct exchange x = describe(s, text);

    if (x.wired && !s->announced)
        announce(s);
    if (x.complete)
        c->answered_us = s->done_us;
    s->request = NULL;
    request->slot = NULL;
    c->in_flight--;
    c->events.on_done(c->events.context, request, &x);
    give_back(s);
}

static void give_wired(struct graph_client *c)
{
    struct list *l;

    while ((l = list_pop(&c->wired)))
        announce(LIST_ITEM(l, struct slot, link));
}

static void give_done(struct graph_client *c)
{
    struct list *l;

    while ((l = list_pop(&c->done)))
        finish(LIST_ITEM(l, struct slot, link));
}

/* libcurl lets go of it; on_done comes with the loop. */
static void end(struct slot *s, CURLcode result)
{
    s->result = result;
    s->done_us = clock_mono_us();
    if (s->loop)
        client_loop_remove(s->loop, s->easy, s->calls > 0);
    s->loop = NULL;
    list_remove(&s->link);
    list_append(&s->client->done, &s->link);
}

static void give_up(struct graph_client *c, const struct client_loop *loop, const char *why)
{
    for (unsigned i = 0; i < c->slot_count; i++) {
        struct slot *s = c->slots[i];

        if (!s->request || s->loop != loop)
            continue;
        s->given_up = why;
        end(s, CURLE_ABORTED_BY_CALLBACK);
    }
}

/* ---- Multi handles. */

static void on_turn(void *context, struct client_loop *loop);
static void on_loop_closed(void *context);

static struct client_loop *loop_new(struct graph_client *c)
{
    unsigned streams = c->setup.multiplexes ? SETUP_STREAMS : 1;
    struct client_loop_options options = {
        .uv = c->uv,
        .max_connections = (c->max_in_flight + streams - 1) / streams,
        .max_connecting = c->max_connecting,
        .streams = streams,
        .context = c,
        .on_turn = on_turn,
        .on_closed = on_loop_closed,
    };

    c->loops++;
    return client_loop_new(&options);
}

/* Retired ones go when their last transfer is done. */
static void free_retired(struct graph_client *c)
{
    for (size_t i = 0; i < RETIRED_MAX; i++) {
        if (c->retired[i] && !client_loop_transfers(c->retired[i])) {
            client_loop_free(c->retired[i]);
            c->retired[i] = NULL;
        }
    }
}

/* Nothing to do while there are no connections; where too many are retired already, it waits. */
static void retire_loop(struct graph_client *c)
{
    if (!client_loop_connections(c->loop) && !client_loop_is_broken(c->loop))
        return;
    for (size_t i = 0; i < RETIRED_MAX; i++) {
        if (c->retired[i])
            continue;
        c->retired[i] = c->loop;
        client_loop_poke(c->loop);
        c->loop = loop_new(c);
        return;
    }
}

/* A connection that carries many requests may be dead, and libcurl would go on using it. Nor does
 * an answer that was given up half-way (too long: CURLE_WRITE_ERROR) leave one that works: with
 * libcurl 7.88 the next answer was never read. */
static bool is_suspect(const struct slot *s, CURLcode result)
{
    return s->client->setup.multiplexes && s->loop == s->client->loop && s->calls > 0 &&
           (result == CURLE_OPERATION_TIMEDOUT || result == CURLE_SEND_ERROR ||
            result == CURLE_WRITE_ERROR);
}

static void collect(struct graph_client *c, struct client_loop *loop)
{
    bool suspect = false;
    CURLcode result;
    CURL *easy;

    while ((easy = client_loop_next_done(loop, &result))) {
        char *private;
        struct slot *s;

        must(curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private));
        s = (struct slot *)(void *)private;
        suspect |= is_suspect(s, result);
        end(s, result);
    }
    if (suspect)
        retire_loop(c);
}

/* ---- Closing. */

static void on_loop_closed(void *context)
{
    struct graph_client *c = context;

    if (--c->loops || !c->closing)
        return;
    client_setup_close(&c->setup);
    c->on_closed(c->closed_context);
    mem_free(c->slots);
    mem_free(c);
}

static void tear_down(struct graph_client *c)
{
    struct client_loop *loop = c->loop;
    struct list *l;

    c->loop = NULL;
    for (unsigned i = 0; i < c->slot_count; i++)
        slot_free(c->slots[i]);
    while ((l = list_pop(&c->targets)))
        target_free(LIST_ITEM(l, struct target, link));
    client_loop_free(loop);
}

/* libcurl has run. */
static void on_turn(void *context, struct client_loop *loop)
{
    struct graph_client *c = context;

    give_wired(c);
    collect(c, loop);
    if (client_loop_is_broken(loop)) {
        give_up(c, loop, "libcurl failed; the request was given up");
        if (loop == c->loop)
            retire_loop(c);
    }
    give_done(c);
    free_retired(c);
    if (c->closing && c->loop && !c->in_flight)
        tear_down(c);
}

/* ---- What the header promises. */

bool graph_client_open(uv_loop_t *loop, const struct graph_client_options *options,
                       const struct graph_client_events *events, struct graph_client **out,
                       struct err *e)
{
    struct graph_client *c = MEM_NEW(struct graph_client);

    if (!client_setup_open(&c->setup, options, e)) {
        mem_free(c);
        return false;
    }
    c->uv = loop;
    c->events = *events;
    c->max_in_flight = options->max_in_flight;
    c->max_connecting = options->max_connecting;
    list_init(&c->free);
    list_init(&c->wired);
    list_init(&c->done);
    list_init(&c->targets);
    c->loop = loop_new(c);
    *out = c;
    return true;
}

bool graph_client_has_room(const struct graph_client *c)
{
    return !c->closing && c->in_flight < c->max_in_flight && client_loop_has_room(c->loop);
}

void graph_client_start(struct graph_client *c, struct graph_request *request)
{
    struct slot *s = take_slot(c);

    assert(!c->closing);
    s->request = request;
    request->slot = s;
    c->in_flight++;
    aim(s, request->phone_id);
    must(curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, request->body));
    must(curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE, (long)request->body_len));
    if (client_loop_add(c->loop, s->easy)) {
        s->loop = c->loop;
        return;
    }
    s->given_up = "libcurl could not take the request";
    end(s, CURLE_FAILED_INIT);
    client_loop_poke(c->loop);
}

unsigned graph_client_in_flight(const struct graph_client *c)
{
    return c->in_flight;
}

unsigned graph_client_connections(const struct graph_client *c)
{
    unsigned count = c->loop ? client_loop_connections(c->loop) : 0;

    for (size_t i = 0; i < RETIRED_MAX; i++)
        count += c->retired[i] ? client_loop_connections(c->retired[i]) : 0;
    return count;
}

void graph_client_distrust(struct graph_client *c)
{
    bool answers = clock_mono_us() - c->answered_us < FRESH_ANSWER_US;

    if (c->loop && !(answers && !c->setup.multiplexes))
        retire_loop(c);
}

void graph_client_close(struct graph_client *c, void (*on_closed)(void *context), void *context)
{
    c->closing = true;
    c->on_closed = on_closed;
    c->closed_context = context;
    client_loop_poke(c->loop);
}

void graph_client_abort(struct graph_client *c)
{
    static const char why[] = "given up: the program was told to stop at once";

    if (!c->in_flight)
        return;
    give_up(c, c->loop, why);
    for (size_t i = 0; i < RETIRED_MAX; i++) {
        if (c->retired[i])
            give_up(c, c->retired[i], why);
    }
    client_loop_poke(c->loop);
}
