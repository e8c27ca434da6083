/* SPDX-License-Identifier: MIT
 *
 * Happy path:
 *   conn_open        the poll waits for bytes; plain HTTP/1.1 and HTTP/2 are told apart by the
 *                    first of them, with TLS the handshake comes first and ALPN decides
 *   on_event         readable: read into the host's scratch, hand to the protocol, until dry;
 *                    writable: only waited for while `out` could not be written whole
 *   conn_settle      the protocol fills `out`, one write takes it
 *   conn_close       poll and wake end, the protocol frees its session, the descriptor is closed
 *   on_closed        the memory goes
 *
 * Failure modes:
 *   handshake fails, peer closes or resets: conn_close; replies that wait for it are cancelled
 *   peer does not read: `out` stays, the poll waits for writable, nothing more is filled
 *   a fault: `fate`, acted upon at the end of the turn
 *   brown-out: the handshake is not begun before its end (`wake`)
 */
#include "conn.h"

#include "base/clock.h"
#include "base/mem.h"
#include "http1.h"
#include "http2.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { OUT_KEPT = 64 * 1024 };

static void on_closed(uv_handle_t *handle)
{
    struct conn *c = handle->data;

    mem_free(c);
}

void conn_close(struct conn *c, bool reset)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    if (c->closed)
        return;
    c->closed = true;
    list_remove(&c->on_open);
    list_remove(&c->on_dirty);
    delays_cancel(&c->host->delays, &c->wake);
    if (c->protocol)
        c->protocol->end(c);
    if (c->ssl && !reset && SSL_is_init_finished(c->ssl))
        (void)SSL_shutdown(c->ssl); /* says good-bye, waits for no answer */
    ERR_clear_error();
    SSL_free(c->ssl);
    buf_free(&c->out);
    c->host->graph->stats.open--;
    if (reset) /* if this fails the close is an ordinary one */
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    uv_close((uv_handle_t *)&c->poll, on_closed);
    (void)close(c->fd);
}

static void on_event(uv_poll_t *poll, int status, int events);

static void wait_for(struct conn *c, int events)
{
    if (c->events == events)
        return;
    c->events = events;
    if (events)
        (void)uv_poll_start(&c->poll, events, on_event); /* the descriptor is good */
    else
        (void)uv_poll_stop(&c->poll); /* cannot fail */
}

/* What read and write say: a number of bytes, WOULD_BLOCK, or ENDED. */
enum { ENDED = -1, WOULD_BLOCK = 0 };

static ssize_t tls_result(struct conn *c, int result)
{
    int error;

    if (result > 0)
        return result;
    error = SSL_get_error(c->ssl, result);
    ERR_clear_error();
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? WOULD_BLOCK : ENDED;
}

static ssize_t plain_result(ssize_t result)
{
    if (result > 0)
        return result;
    return result < 0 && (errno == EAGAIN || errno == EINTR) ? WOULD_BLOCK : ENDED;
}

static ssize_t read_some(struct conn *c)
{
    char *room = c->host->scratch;

    if (c->ssl)
        return tls_result(c, SSL_read(c->ssl, room, CONN_READ_SIZE));
    return plain_result(recv(c->fd, room, CONN_READ_SIZE, 0));
}

static ssize_t write_some(struct conn *c, const char *bytes, size_t len)
{
    if (c->ssl)
        return tls_result(c, SSL_write(c->ssl, bytes, len < INT32_MAX ? (int)len : INT32_MAX));
    return plain_result(send(c->fd, bytes, len, MSG_NOSIGNAL));
}

/* Writes `out`; false when the connection is dead. What the peer does not take stays. */
static bool flush(struct conn *c)
{
    size_t done = 0;
    ssize_t written = WOULD_BLOCK;

    while (done < c->out.len) {
        written = write_some(c, c->out.data + done, c->out.len - done);
        if (written <= 0)
            break;
        done += (size_t)written;
    }
    buf_consume(&c->out, done);
    if (c->out.len == 0 && c->out.cap > OUT_KEPT)
        buf_free(&c->out);
    return written != ENDED;
}

void conn_settle(struct conn *c)
{
    bool alive = true;

    if (c->closed)
        return;
    list_remove(&c->on_dirty);
    while (c->protocol && c->fate < FATE_CLOSE && alive && c->out.len == 0) {
        c->protocol->fill(c);
        if (c->out.len == 0)
            break;
        alive = flush(c);
    }
    if (c->out.len > 0 && c->fate < FATE_CLOSE && alive)
        alive = flush(c);
    if (!alive || c->fate >= FATE_CLOSE || (c->fate == FATE_FLUSH && c->out.len == 0))
        conn_close(c, c->fate == FATE_RESET);
    else if (!c->wake.node.place)
        wait_for(c, c->out.len ? UV_READABLE | UV_WRITABLE : UV_READABLE);
}

void conn_mark(struct conn *c)
{
    if (list_is_empty(&c->on_dirty))
        list_append(&c->host->dirty, &c->on_dirty);
}

void conn_settle_marked(struct host *host)
{
    struct list *node;

    while ((node = list_pop(&host->dirty)))
        conn_settle(LIST_ITEM(node, struct conn, on_dirty));
}

static void start_protocol(struct conn *c, bool is_http2)
{
    if (is_http2) {
        c->host->graph->stats.http2_connections++;
        http2_start(c);
    } else {
        http1_start(c);
    }
}

/* False when it is not done yet, or failed (then the fate says so). */
static bool shake_hands(struct conn *c)
{
    const unsigned char *name = NULL;
    unsigned len = 0;
    ssize_t result = tls_result(c, SSL_accept(c->ssl));

    if (result == WOULD_BLOCK)
        return false;
    if (result == ENDED) {
        c->host->graph->stats.failed_handshakes++;
        c->fate = FATE_CLOSE;
        return false;
    }
    SSL_get0_alpn_selected(c->ssl, &name, &len);
    start_protocol(c, len == 2 && memcmp(name, "h2", 2) == 0);
    return true;
}

/* Reads until there is nothing left, or the protocol wants no more. */
static void read_all(struct conn *c)
{
    for (;;) {
        ssize_t got = read_some(c);

        if (got == WOULD_BLOCK)
            return;
        if (got == ENDED) {
            c->fate = FATE_CLOSE;
            return;
        }
        if (!c->protocol) /* plain: its first bytes say what it speaks */
            start_protocol(c, got > 3 && memcmp(c->host->scratch, "PRI", 3) == 0);
        c->protocol->on_bytes(c, c->host->scratch, (size_t)got);
        if (c->fate != FATE_STAY || (c->ssl ? !SSL_has_pending(c->ssl) : got < CONN_READ_SIZE))
            return;
    }
}

static void on_wake(struct delay *delay)
{
    struct conn *c = CONTAINER_OF(delay, struct conn, wake);

    conn_mark(c);
}

/* A new connection in a brown-out waits for its end. */
static bool must_wait(struct conn *c)
{
    int64_t until = c->protocol ? 0 : graph_quiet_until_us(c->host->graph, clock_mono_us());

    if (until == 0)
        return false;
    wait_for(c, 0);
    delays_add(&c->host->delays, &c->wake, until);
    return true;
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct conn *c = poll->data;

    if (status < 0) { /* reset: whoever refuses the certificate may not wait for the rest */
        c->host->graph->stats.failed_handshakes += c->ssl && !c->protocol;
        conn_close(c, false);
        return;
    }
    if (must_wait(c))
        return;
    if ((events & UV_READABLE) && (c->protocol || !c->ssl || shake_hands(c)))
        read_all(c);
    conn_settle(c);
}

void conn_open(struct host *host, int fd)
{
    struct conn *c = MEM_NEW(struct conn);
    struct stats *stats = &host->graph->stats;

    c->host = host;
    c->fd = fd;
    c->out = buf_new(REPLY_BODY_MAX);
    c->wake.on_due = on_wake;
    if (host->tls) {
        c->ssl = mem_check(SSL_new(host->tls));
        (void)SSL_set_fd(c->ssl, fd); /* fails only without memory, which shows at once */
    }
    list_append(&host->open, &c->on_open);
    stats->connections++;
    if (++stats->open > stats->most_open)
        stats->most_open = stats->open;
    (void)uv_poll_init(host->loop, &c->poll, fd); /* the descriptor is good */
    c->poll.data = c;
    wait_for(c, UV_READABLE);
}

void conn_answer(struct conn *c, struct request *request, struct reply *reply)
{
    uint64_t most = c->host->graph->options->max_requests;

    request->nth = ++c->requests;
    request->now_us = clock_mono_us();
    reply_clear(reply);
    graph_answer(c->host->graph, request, reply);
    if (most && c->requests >= most && reply->farewell == FAREWELL_NONE)
        reply->farewell = FAREWELL_CLOSE;
}

const char *conn_date(struct host *host)
{
    time_t now = time(NULL);
    struct tm utc;

    if (now != host->date_at) {
        host->date_at = now;
        (void)strftime(host->date, sizeof(host->date), "%a, %d %b %Y %H:%M:%S GMT",
                       gmtime_r(&now, &utc)); /* it fits */
    }
    return host->date;
}
