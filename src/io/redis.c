/* SPDX-License-Identifier: MIT
 *
 * redis.c: one connection to Redis, kept up for ever.
 *
 * Happy path:
 *   - the name is resolved (on_resolved); the first address is tried (connect_next);
 *   - the socket is connected (on_connected): the greeting is written, its replies are counted off;
 *   - up: the owner writes commands into `out`; the idle handle's turn writes them to the wire;
 *   - replies are handed to the owner one by one.
 * Failure modes, each ending in `down`, which closes the wire and starts the backoff:
 *   - no address, none that connects, no greeting in time;
 *   - the greeting is refused: on_denied first;
 *   - the wire breaks: reset, closed, a protocol error, absurd sizes;
 *   - a reply nobody asked for;
 *   - no byte for as long as the oldest command may wait: half-open, or the server hangs;
 *   - a reply that is too large or comes too slowly: on_too_large first.
 * The timer has one use at a time: connecting, the greeting, the oldest reply, the backoff.
 */
#include "io/redis.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/redis_error.h"
#include "core/resp.h"
#include "core/retry.h"
#include "io/redis_wire.h"

#include <assert.h>
#include <netdb.h>
#include <string.h>

enum { US_IN_MS = 1000, BACKOFF_LEAST_MS = 20 };

enum link_state { LINK_AWAY, LINK_RESOLVING, LINK_CONNECTING, LINK_GREETING, LINK_UP };

struct redis {
    uv_loop_t *loop;
    struct redis_url url;
    const char *name;
    struct redis_events events;
    struct redis_tls *tls;
    enum link_state state;
    uv_timer_t timer;
    uv_idle_t kick;
    uv_getaddrinfo_t resolving;
    struct addrinfo *addresses; /* of the last look-up */
    const struct addrinfo *next;
    struct wire *wire; /* NULL: none */
    struct buf out;
    unsigned awaited;       /* replies */
    unsigned greetings;     /* of these, to the greeting */
    unsigned greetings_due; /* those that must be well */
    int64_t wait_ms;        /* for the next reply to begin */
    int64_t since_ms;       /* mono: when the oldest awaited reply became the oldest */
    unsigned tries;         /* connections that failed, in a row */
    char why[256];          /* the last one */
    unsigned handles;       /* of libuv and the wires, not closed yet */
    bool is_resolving;
    bool closing;
    void (*on_closed)(void *context);
    void *closed_context;
};

static int64_t now_ms(void)
{
    return clock_mono_us() / US_IN_MS;
}

/* ---- Closing. */

static void handle_closed(struct redis *r)
{
    if (--r->handles)
        return;
    uv_freeaddrinfo(r->addresses);
    buf_free(&r->out);
    r->on_closed(r->closed_context);
    explicit_bzero(&r->url, sizeof(r->url));
    mem_free(r);
}

static void on_handle_closed(uv_handle_t *handle)
{
    handle_closed(handle->data);
}

static void close_wire(struct redis *r)
{
    struct wire *wire = r->wire;

    r->wire = NULL;
    r->awaited = r->greetings = r->greetings_due = 0;
    buf_clear(&r->out);
    (void)uv_idle_stop(&r->kick); /* always succeeds */
    if (wire)
        wire_close(wire);
}

void redis_close(struct redis *r, void (*on_closed)(void *context), void *context)
{
    r->closing = true;
    r->on_closed = on_closed;
    r->closed_context = context;
    close_wire(r);
    if (r->is_resolving)
        (void)uv_cancel((uv_req_t *)&r->resolving); /* if it cannot: on_resolved comes anyway */
    uv_close((uv_handle_t *)&r->timer, on_handle_closed);
    uv_close((uv_handle_t *)&r->kick, on_handle_closed);
}

/* ---- Down, and on again. */

static void on_backoff_over(uv_timer_t *timer);

static void set_timer(struct redis *r, uv_timer_cb on_time, int64_t ms)
{
    (void)uv_timer_start(&r->timer, on_time, (uint64_t)(ms > 0 ? ms : 0), 0); /* has a callback */
}

static void back_off(struct redis *r)
{
    static const struct retry_options backoff = {
        .base_ms = REDIS_BACKOFF_MIN_MS,
        .max_ms = REDIS_BACKOFF_MAX_MS,
    };
    uint64_t random;

    random_bytes(&random, sizeof(random));
    r->state = LINK_AWAY;
    r->tries++;
    set_timer(r, on_backoff_over, retry_delay_ms(&backoff, r->tries, BACKOFF_LEAST_MS, random));
}

static void down(struct redis *r, const char *why)
{
    char text[sizeof(r->why)];

    if (r->closing)
        return;
    text_copy(text, sizeof(text), why, strlen(why));
    close_wire(r);
    back_off(r);
    r->events.on_down(r->events.context, text);
}

void redis_drop(struct redis *r)
{
    if (r->state == LINK_AWAY || r->state == LINK_RESOLVING)
        return;
    close_wire(r);
    back_off(r);
}

/* ---- Waiting for replies. */

static void on_reply_late(uv_timer_t *timer)
{
    struct redis *r = timer->data;

    if (r->wire && wire_unread(r->wire) > 0) {
        r->events.on_too_large(r->events.context);
        if (r->wire)
            down(r, "a reply came too slowly");
        return;
    }
    down(r, "no reply in time");
}

/* While part of a reply is there, the rest has REDIS_REPLY_MS. */
static void watch_replies(struct redis *r)
{
    int64_t limit = r->wait_ms;

    if (!r->awaited) {
        (void)uv_timer_stop(&r->timer); /* always succeeds */
        return;
    }
    if (wire_unread(r->wire) > 0)
        limit += REDIS_REPLY_MS;
    set_timer(r, on_reply_late, r->since_ms + limit - now_ms());
}

/* ---- Writing. */

static void on_kick(uv_idle_t *idle)
{
    redis_flush(idle->data);
}

void redis_flush(struct redis *r)
{
    (void)uv_idle_stop(&r->kick); /* always succeeds */
    if (!r->wire || !r->out.len)
        return;
    wire_write(r->wire, r->out.data, r->out.len);
    buf_clear(&r->out);
}

struct buf *redis_out(struct redis *r)
{
    return &r->out;
}

void redis_written(struct redis *r, unsigned commands, int64_t wait_ms)
{
    bool was_quiet = r->awaited == 0;

    assert(r->wire);
    r->awaited += commands;
    r->wait_ms = wait_ms;
    if (was_quiet) {
        r->since_ms = now_ms();
        watch_replies(r);
    }
    (void)uv_idle_start(&r->kick, on_kick); /* has a callback */
}

bool redis_is_up(const struct redis *r)
{
    return r->state == LINK_UP;
}

/* ---- The greeting. */

static void greet_auth(struct redis *r)
{
    const struct redis_url *url = &r->url;

    resp_array(&r->out, url->user[0] ? 3 : 2);
    resp_text(&r->out, "AUTH");
    if (url->user[0])
        resp_text(&r->out, url->user);
    resp_text(&r->out, url->password);
}

/* The name is best effort, and comes last. */
static void greet(struct redis *r)
{
    if (r->url.user[0] || r->url.password[0]) {
        greet_auth(r);
        r->greetings_due++;
    }
    if (r->url.db) {
        resp_array(&r->out, 2);
        resp_text(&r->out, "SELECT");
        resp_int(&r->out, r->url.db);
        r->greetings_due++;
    }
    resp_array(&r->out, 3);
    resp_text(&r->out, "CLIENT");
    resp_text(&r->out, "SETNAME");
    resp_text(&r->out, r->name);
    r->greetings = r->greetings_due + 1;
    redis_written(r, r->greetings, REDIS_CONNECT_MS);
    redis_flush(r);
    explicit_bzero(r->out.data, r->out.cap);
}

static void refused(struct redis *r, const char *error)
{
    enum redis_reaction reaction = redis_error_rule(error)->reaction;
    char text[sizeof(r->why)];

    text_copy(text, sizeof(text), error, strlen(error));
    if (reaction == REDIS_DENIED || reaction == REDIS_MISUSE)
        r->events.on_denied(r->events.context, text);
    if (r->wire)
        down(r, text);
}

static void on_greeted(struct redis *r, const struct redis_value *value)
{
    bool must_be_well = r->greetings_due > 0;
    bool is_error = value->kind == REDIS_ERROR;

    r->greetings--;
    r->greetings_due -= must_be_well;
    if (is_error && (must_be_well || redis_error_rule(value->text)->reaction == REDIS_RECONNECT)) {
        refused(r, value->text);
        return;
    }
    if (r->greetings)
        return;
    r->state = LINK_UP;
    r->events.on_up(r->events.context);
}

/* ---- The wire's events. */

static void on_connected(void *context)
{
    struct redis *r = context;

    r->state = LINK_GREETING;
    greet(r);
}

static void hand_over(struct redis *r, const struct redis_value *value)
{
    r->awaited--;
    r->since_ms = now_ms();
    if (r->greetings) {
        on_greeted(r, value);
        return;
    }
    r->tries = 0;
    r->events.on_reply(r->events.context, value);
}

/* Any callback may close the wire. */
static void on_readable(void *context)
{
    struct redis *r = context;
    struct wire *wire = r->wire;
    const struct redis_value *value;

    while (r->wire == wire && (value = wire_next(wire))) {
        if (r->awaited)
            hand_over(r, value);
        else
            down(r, value->kind == REDIS_ERROR ? value->text : "a reply that nobody asked for");
    }
    if (!r->wire || r->wire != wire)
        return;
    if (wire_is_flooded(wire, REDIS_INPUT_MAX)) {
        r->events.on_too_large(r->events.context);
        if (r->wire == wire)
            down(r, "a reply is too large");
        return;
    }
    watch_replies(r);
}

static void connect_next(struct redis *r, const char *why);

static void on_broken(void *context, const char *why)
{
    struct redis *r = context;

    if (r->state == LINK_CONNECTING)
        connect_next(r, why);
    else
        down(r, why);
}

static void on_wire_closed(void *context)
{
    handle_closed(context);
}

/* ---- Connecting. */

static void on_connect_late(uv_timer_t *timer)
{
    connect_next(timer->data, "no answer in time");
}

static bool address_text(const struct addrinfo *a, char out[INET6_ADDRSTRLEN])
{
    if (a->ai_family == AF_INET6)
        return uv_ip6_name((const struct sockaddr_in6 *)(const void *)a->ai_addr, out,
                           INET6_ADDRSTRLEN) == 0;
    return a->ai_family == AF_INET &&
           uv_ip4_name((const struct sockaddr_in *)(const void *)a->ai_addr, out,
                       INET6_ADDRSTRLEN) == 0;
}

static bool try_address(struct redis *r, const struct addrinfo *a, struct err *e)
{
    const struct wire_events events = {
        .context = r,
        .on_connected = on_connected,
        .on_readable = on_readable,
        .on_broken = on_broken,
        .on_closed = on_wire_closed,
    };
    char address[INET6_ADDRSTRLEN];
    int64_t port = 0;

    if (!address_text(a, address) || !text_to_int(r->url.port, 1, 65535, &port))
        return err_set(e, EXIT_UNREACHABLE, "an address of an unknown kind");
    r->wire = wire_connect(
        &(struct wire_options){
            .loop = r->loop, .address = address, .port = (int)port, .tls = r->tls},
        &events, e);
    r->handles += r->wire != NULL;
    return r->wire != NULL;
}

/* The next address; when there is none, the name is resolved again later. */
static void connect_next(struct redis *r, const char *why)
{
    struct err e = {0};

    text_copy(e.text, sizeof(e.text), why, strlen(why));
    close_wire(r);
    r->state = LINK_CONNECTING;
    while (r->next) {
        const struct addrinfo *address = r->next;

        r->next = address->ai_next;
        if (try_address(r, address, &e)) {
            set_timer(r, on_connect_late, REDIS_CONNECT_MS);
            return;
        }
    }
    down(r, e.text);
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses)
{
    struct redis *r = request->data;

    r->is_resolving = false;
    if (r->closing) {
        uv_freeaddrinfo(addresses);
    } else if (status < 0) {
        down(r, uv_strerror(status));
    } else {
        uv_freeaddrinfo(r->addresses);
        r->addresses = addresses;
        r->next = addresses;
        connect_next(r, "no address");
    }
    handle_closed(r);
}

static void resolve(struct redis *r)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    int failure;

    r->state = LINK_RESOLVING;
    failure = uv_getaddrinfo(r->loop, &r->resolving, on_resolved, r->url.host, r->url.port, &hints);
    if (failure) {
        down(r, uv_strerror(failure));
        return;
    }
    r->is_resolving = true;
    r->handles++;
}

static void on_backoff_over(uv_timer_t *timer)
{
    resolve(timer->data);
}

struct redis *redis_open(uv_loop_t *loop, const struct redis_url *url, struct redis_tls *tls,
                         const char *name, const struct redis_events *events)
{
    struct redis *r = MEM_NEW(struct redis);

    r->loop = loop;
    r->url = *url;
    r->name = name;
    r->events = *events;
    r->tls = tls;
    r->out = buf_new(REDIS_OUTPUT_MAX);
    (void)uv_timer_init(loop, &r->timer); /* always succeeds */
    (void)uv_idle_init(loop, &r->kick);   /* always succeeds */
    r->timer.data = r->kick.data = r->resolving.data = r;
    r->handles = 2;
    set_timer(r, on_backoff_over, 0); /* events never come from inside a call */
    return r;
}
