/* SPDX-License-Identifier: MIT
 *
 * graph_client_loop.c: libcurl multi on libuv.
 *
 * Happy path:
 *   - a transfer is added; libcurl asks for a timeout of 0, which becomes a kick: one run in the
 *     idle phase of the loop's next turn, for everything that was added until then;
 *   - libcurl opens a socket (on_open_socket): it gets a poll handle;
 *   - libcurl says what it waits for (on_interest), the socket becomes ready (on_poll), libcurl
 *     runs, and the owner gets its turn;
 *   - the transfer is done: libcurl loses interest. The poll stays armed for reading, and the next
 *     request on this connection finds it so;
 *   - libcurl closes the socket (on_close_socket): the poll is closed first, then the descriptor. A
 *     new socket with an old number gets a new handle.
 * Failure modes:
 *   - something is to be read on a kept connection (the peer closed it): the poll is stopped at
 *     once, or it would spin; libcurl finds out when it looks at the connection;
 *   - a poll error (reset, refused): libuv has stopped the handle. libcurl is told that the socket
 *     is ready for what it waits for: it reads what came before the error, then meets the error;
 *   - a socket that libcurl did not get from us (its resolver's): polled exactly as it asks;
 *   - libcurl is never entered from its own callbacks: they only touch libuv's handles.
 */
#include "io/graph_client_loop.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MORE_AT_A_TIME = 2 };

struct sock {
    uv_poll_t poll;
    struct client_loop *loop;
    curl_socket_t fd;
    int wanted;   /* libcurl's interest, CURL_POLL_*; 0: none, the connection is kept */
    int armed;    /* what the poll watches, UV_*; 0: it is stopped */
    bool is_ours; /* made by on_open_socket, so that on_close_socket will come */
    bool ended;   /* kept, and its peer has spoken: most likely closed */
};

struct client_loop {
    struct client_loop_options options;
    CURLM *multi;
    uv_timer_t timer;    /* libcurl's clock */
    uv_idle_t kick;      /* run libcurl in the next turn */
    unsigned handles;    /* of libuv, not closed yet */
    struct sock **socks; /* by descriptor */
    size_t sock_count;
    unsigned open;  /* connections, also those in the making */
    unsigned ended; /* of these, kept ones whose peer has spoken */
    unsigned transfers;
    unsigned wired;
    unsigned fresh;
    bool broken;
};

static const int uv_events_of[] = {
    [CURL_POLL_NONE] = 0,
    [CURL_POLL_IN] = UV_READABLE,
    [CURL_POLL_OUT] = UV_WRITABLE,
    [CURL_POLL_INOUT] = UV_READABLE | UV_WRITABLE,
};

/* ---- Closing. */

static void handle_closed(struct client_loop *loop)
{
    if (--loop->handles)
        return;
    loop->options.on_closed(loop->options.context);
    mem_free(loop->socks);
    mem_free(loop);
}

static void on_sock_closed(uv_handle_t *handle)
{
    struct sock *s = handle->data;
    struct client_loop *loop = s->loop;

    mem_free(s);
    handle_closed(loop);
}

static void on_handle_closed(uv_handle_t *handle)
{
    handle_closed(handle->data);
}

/* ---- Sockets. */

static struct sock *sock_at(const struct client_loop *loop, curl_socket_t fd)
{
    return (size_t)fd < loop->sock_count ? loop->socks[fd] : NULL;
}

static void put_sock(struct client_loop *loop, struct sock *s)
{
    size_t count = loop->sock_count ? loop->sock_count : 64;

    while (count <= (size_t)s->fd)
        count *= 2;
    if (count > loop->sock_count) {
        loop->socks = mem_realloc(loop->socks, count * sizeof(struct sock *));
        memset(loop->socks + loop->sock_count, 0,
               (count - loop->sock_count) * sizeof(struct sock *));
        loop->sock_count = count;
    }
    loop->socks[s->fd] = s;
}

/* NULL when libuv cannot watch it. */
static struct sock *sock_new(struct client_loop *loop, curl_socket_t fd, bool is_ours)
{
    struct sock *s = MEM_NEW(struct sock);

    s->loop = loop;
    s->fd = fd;
    s->is_ours = is_ours;
    if (uv_poll_init(loop->options.uv, &s->poll, fd) != 0) {
        mem_free(s);
        return NULL;
    }
    s->poll.data = s;
    loop->handles++;
    loop->open += is_ours;
    put_sock(loop, s);
    return s;
}

static void set_ended(struct sock *s, bool ended)
{
    if (s->ended == ended)
        return;
    s->ended = ended;
    s->loop->ended += ended ? 1u : -1u;
}

static void sock_close(struct sock *s)
{
    set_ended(s, false);
    s->loop->open -= s->is_ours;
    s->loop->socks[s->fd] = NULL;
    (void)uv_poll_stop(&s->poll); /* always succeeds */
    uv_close((uv_handle_t *)&s->poll, on_sock_closed);
}

/* ---- Running libcurl. */

/* What was fresh has had its start, whatever the run was for: libcurl looks at its clock in each.
 */
static void run(struct client_loop *loop, curl_socket_t fd, int bits)
{
    int running;

    loop->fresh = 0;
    if (curl_multi_socket_action(loop->multi, fd, bits, &running) != CURLM_OK)
        loop->broken = true;
}

static void give_turn(struct client_loop *loop)
{
    loop->options.on_turn(loop->options.context, loop);
}

static void on_kick(uv_idle_t *idle)
{
    struct client_loop *loop = idle->data;

    (void)uv_idle_stop(idle); /* always succeeds */
    run(loop, CURL_SOCKET_TIMEOUT, 0);
    give_turn(loop);
}

static void on_timer(uv_timer_t *timer)
{
    struct client_loop *loop = timer->data;

    run(loop, CURL_SOCKET_TIMEOUT, 0);
    give_turn(loop);
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void sock_arm(struct sock *s, int events)
{
    if (s->armed == events)
        return;
    s->armed = events;
    if (events)
        (void)uv_poll_start(&s->poll, events, on_poll); /* fails only on a closing handle */
    else
        (void)uv_poll_stop(&s->poll); /* always succeeds */
}

static int ready_bits(int events)
{
    return (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
           (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct sock *s = poll->data;
    struct client_loop *loop = s->loop;
    curl_socket_t fd = s->fd;

    if (!s->wanted) {
        sock_arm(s, 0);
        set_ended(s, true);
        return;
    }
    if (status < 0) {
        s->armed = 0;
        events = uv_events_of[s->wanted];
    }
    run(loop, fd, ready_bits(events));
    if (sock_at(loop, fd) == s && s->wanted)
        sock_arm(s, uv_events_of[s->wanted]);
    give_turn(loop);
}

/* ---- libcurl's callbacks. They must not enter libcurl. */

static void sock_keep(struct sock *s)
{
    s->wanted = 0;
    if (!s->is_ours)
        sock_close(s);
    else if (s->armed & UV_WRITABLE)
        sock_arm(s, 0);
}

/* Never -1: that would fail every transfer. A socket that cannot be watched is left to libcurl's
 * timeouts. */
static int on_interest(CURL *easy, curl_socket_t fd, int what, void *context, void *unused)
{
    struct client_loop *loop = context;
    struct sock *s = sock_at(loop, fd);

    (void)easy;
    (void)unused;
    if (what == CURL_POLL_REMOVE) {
        if (s)
            sock_keep(s);
        return 0;
    }
    if (!s)
        s = sock_new(loop, fd, false);
    if (s) {
        s->wanted = what;
        set_ended(s, false);
        sock_arm(s, uv_events_of[what]);
    }
    return 0;
}

/* A timeout of 0 is a kick, never a timer: before libuv 1.48 that would starve the sockets. */
static int on_timeout_wish(CURLM *multi, long timeout_ms, void *context)
{
    struct client_loop *loop = context;

    (void)multi;
    if (timeout_ms <= 0)
        (void)uv_timer_stop(&loop->timer); /* always succeeds */
    if (timeout_ms == 0)
        client_loop_poke(loop);
    if (timeout_ms > 0)
        (void)uv_timer_start(&loop->timer, on_timer, (uint64_t)timeout_ms, 0); /* has a callback */
    return 0;
}

static curl_socket_t on_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *a)
{
    curl_socket_t fd = socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->protocol);

    (void)purpose;
    if (fd == CURL_SOCKET_BAD)
        return CURL_SOCKET_BAD;
    if (!sock_new(context, fd, true)) {
        (void)close(fd); /* nothing was done with it */
        return CURL_SOCKET_BAD;
    }
    return fd;
}

static int on_close_socket(void *context, curl_socket_t fd)
{
    struct sock *s = sock_at(context, fd);

    if (s)
        sock_close(s);
    return close(fd);
}

/* ---- The multi handle. */

static void must(CURLMcode code)
{
    assert(code == CURLM_OK);
}

static CURLM *multi_new(struct client_loop *loop)
{
    CURLM *multi = mem_check(curl_multi_init());
    long connections = (long)loop->options.max_connections;

    must(curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_interest));
    must(curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, loop));
    must(curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timeout_wish));
    must(curl_multi_setopt(multi, CURLMOPT_TIMERDATA, loop));
    must(curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections));
    must(curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, connections));
    must(curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, connections));
    if (loop->options.streams > 1)
        must(
            curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)loop->options.streams));
    return multi;
}

struct client_loop *client_loop_new(const struct client_loop_options *options)
{
    struct client_loop *loop = MEM_NEW(struct client_loop);

    loop->options = *options;
    (void)uv_timer_init(options->uv, &loop->timer); /* these two cannot fail */
    (void)uv_idle_init(options->uv, &loop->kick);
    loop->timer.data = loop->kick.data = loop;
    loop->handles = 2;
    loop->multi = multi_new(loop);
    return loop;
}

void client_loop_free(struct client_loop *loop)
{
    assert(!loop->transfers);
    must(curl_multi_cleanup(loop->multi));
    for (size_t i = 0; i < loop->sock_count; i++) {
        if (loop->socks[i])
            sock_close(loop->socks[i]);
    }
    uv_close((uv_handle_t *)&loop->timer, on_handle_closed);
    uv_close((uv_handle_t *)&loop->kick, on_handle_closed);
}

/* ---- Transfers. */

static void set_socket_functions(struct client_loop *loop, CURL *easy)
{
    bool ok = curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, loop) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, loop) == CURLE_OK;

    assert(ok);
}

bool client_loop_add(struct client_loop *loop, CURL *easy)
{
    set_socket_functions(loop, easy);
    if (curl_multi_add_handle(loop->multi, easy) != CURLM_OK)
        return false;
    loop->transfers++;
    loop->fresh++;
    return true;
}

void client_loop_remove(struct client_loop *loop, CURL *easy, bool wired)
{
    must(curl_multi_remove_handle(loop->multi, easy));
    loop->transfers--;
    loop->wired -= wired;
    if (loop->fresh > loop->transfers - loop->wired)
        loop->fresh = loop->transfers - loop->wired;
}

CURL *client_loop_next_done(struct client_loop *loop, CURLcode *result)
{
    const CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(loop->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        *result = message->data.result;
        return message->easy_handle;
    }
    return NULL;
}

void client_loop_wired(struct client_loop *loop)
{
    loop->wired++;
}

void client_loop_poke(struct client_loop *loop)
{
    if (!uv_is_closing((uv_handle_t *)&loop->kick))
        (void)uv_idle_start(&loop->kick, on_kick); /* has a callback */
}

/* ---- Room. */

static unsigned less(unsigned from, unsigned what)
{
    return from > what ? from - what : 0;
}

/* Over HTTP/2 requests wait together for the first connection, but later each that finds all
 * streams taken makes one of its own (libcurl 7.88): few of those at a time. */
static unsigned may_wait(const struct client_loop *loop, unsigned established)
{
    return loop->options.streams > 1 && established ? MORE_AT_A_TIME : loop->options.max_connecting;
}

/* Fresh transfers take what is free; those that find nothing make connections, as do those that
 * have been started and are not wired. (While a name with two addresses is tried, a connection in
 * the making has two sockets; that lets in one more.) */
bool client_loop_has_room(const struct client_loop *loop)
{
    unsigned connecting = loop->transfers - loop->wired - loop->fresh;
    unsigned established = less(loop->open - loop->ended, connecting);
    unsigned free_now = less(established * loop->options.streams, loop->wired);

    return loop->fresh < free_now ||
           connecting + loop->fresh - free_now < may_wait(loop, established);
}

unsigned client_loop_transfers(const struct client_loop *loop)
{
    return loop->transfers;
}

unsigned client_loop_connections(const struct client_loop *loop)
{
    return loop->open;
}

bool client_loop_is_broken(const struct client_loop *loop)
{
    return loop->broken;
}
