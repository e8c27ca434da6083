/* SPDX-License-Identifier: MIT
 *
 * redis_wire.c: hiredis' context under a uv_poll.
 *
 * Happy path:
 *   - hiredis opens a socket and begins to connect; it becomes writable: connected (and, with TLS,
 *     the handshake begins with the first write);
 *   - wire_write puts bytes into hiredis' output and writes at once; what does not go out waits
 *     for the socket to become writable;
 *   - it becomes readable: hiredis reads, and wire_next takes the replies that are whole.
 * Failure modes:
 *   - a poll error (refused, reset): libuv has stopped the handle; reading meets the error;
 *   - hiredis' context has an error: on_broken, and nothing more happens to this wire;
 *   - broken inside wire_write: said from the loop, since the poll is armed for it.
 */
#include "io/redis_wire.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <hiredis/sds.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
    READS_AT_A_TIME = 16, /* of 16 KiB, hiredis' size, before the loop goes on */
    READ_SIZE = 16384,
    KEEPALIVE_S = 15,
    LINE_LONGEST = 65536,
};

struct wire {
    uv_poll_t poll;
    struct wire_events events;
    redisContext *hiredis;
    struct redis_arena *arena;
    struct redis_tls *tls;
    int armed; /* what the poll watches, UV_* */
    bool connected;
    bool broken;
    bool taken; /* the arena holds a reply that was given out */
    bool stuck; /* TLS wants to read before it writes on */
};

static void on_poll(uv_poll_t *poll, int status, int events);

/* ---- Ending. */

static void on_poll_closed(uv_handle_t *handle)
{
    struct wire *w = handle->data;

    w->events.on_closed(w->events.context);
    redis_arena_free(w->arena);
    mem_free(w);
}

void wire_close(struct wire *w)
{
    w->broken = true;
    uv_close((uv_handle_t *)&w->poll, on_poll_closed); /* leaves epoll at once */
    redisFree(w->hiredis);
    w->hiredis = NULL;
}

static void arm(struct wire *w, int events)
{
    if (w->armed == events)
        return;
    w->armed = events;
    (void)uv_poll_start(&w->poll, events, on_poll); /* fails only on a closing handle */
}

static void break_off(struct wire *w, const char *why)
{
    if (w->broken)
        return;
    w->broken = true;
    (void)uv_poll_stop(&w->poll); /* always succeeds */
    w->events.on_broken(w->events.context, why);
}

/* ---- Writing. */

static void flush_out(struct wire *w)
{
    size_t before = sdslen(w->hiredis->obuf);
    int done = 0;

    if (!w->connected || w->broken)
        return;
    if (redisBufferWrite(w->hiredis, &done) != REDIS_OK)
        done = 0; /* the poll brings it up */
    w->stuck = !done && w->tls && sdslen(w->hiredis->obuf) == before;
    arm(w, done || w->stuck ? UV_READABLE : UV_READABLE | UV_WRITABLE);
}

void wire_write(struct wire *w, const char *bytes, size_t len)
{
    if (w->broken)
        return;
    if (redisAppendFormattedCommand(w->hiredis, bytes, len) == REDIS_OK)
        flush_out(w);
}

/* ---- Reading. */

const struct redis_value *wire_next(struct wire *w)
{
    void *reply = NULL;

    if (w->broken)
        return NULL;
    if (w->taken) /* else a part of the next reply is in it */
        redis_arena_clear(w->arena);
    w->taken = false;
    if (redisGetReplyFromReader(w->hiredis, &reply) != REDIS_OK) {
        break_off(w, w->hiredis->errstr);
        return NULL;
    }
    w->taken = reply != NULL;
    return reply;
}

size_t wire_unread(const struct wire *w)
{
    return w->broken ? 0 : w->hiredis->reader->len - w->hiredis->reader->pos;
}

/* The reader is in the middle of a text, and stands at its length. */
static bool is_in_text(const redisReader *reader)
{
#if HIREDIS_MAJOR >= 1
    return reader->ridx >= 0 && reader->task[reader->ridx]->type == REDIS_REPLY_STRING;
#else
    return reader->ridx >= 0 && reader->rstack[reader->ridx].type == REDIS_REPLY_STRING;
#endif
}

/* The length that the text announces whose rest has not come. */
static size_t announced(const redisReader *reader)
{
    const char *at = reader->buf + reader->pos; /* ends in a NUL */
    size_t length = 0;

    if (!is_in_text(reader))
        return 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (length > SIZE_MAX / 10 - 1)
            return SIZE_MAX;
        length = length * 10 + (size_t)(*at - '0');
    }
    return length;
}

/* A line (a number, a status, an error, a length) is short. */
bool wire_is_flooded(const struct wire *w, size_t max)
{
    const redisReader *reader = w->hiredis ? w->hiredis->reader : NULL;

    if (w->broken || !reader)
        return false;
    return wire_unread(w) > (is_in_text(reader) ? max : LINE_LONGEST) || announced(reader) > max;
}

/* As much as is there, within bounds. False when hiredis met an error. */
static bool read_in(struct wire *w)
{
    for (int i = 0; i < READS_AT_A_TIME; i++) {
        size_t before = w->hiredis->reader->len;

        if (redisBufferRead(w->hiredis) != REDIS_OK)
            return false;
        if (w->hiredis->reader->len < before + READ_SIZE)
            return true;
    }
    return true;
}

/* Replies that came before the end are taken first. */
static void on_ready_to_read(struct wire *w)
{
    bool ok = read_in(w);
    char why[sizeof(w->hiredis->errstr)];

    text_copy(why, sizeof(why), w->hiredis->errstr, strlen(w->hiredis->errstr));
    w->events.on_readable(w->events.context);
    if (!ok)
        break_off(w, why);
    else if (w->stuck && !w->broken)
        flush_out(w);
}

/* ---- Connecting. */

static void on_connected(struct wire *w)
{
    int failure = 0;
    socklen_t size = sizeof(failure);
    struct err e;

    if (getsockopt(w->hiredis->fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0)
        failure = errno;
    if (failure) {
        break_off(w, strerror(failure));
        return;
    }
    w->connected = true;
    arm(w, UV_READABLE);
    if (w->tls && !redis_tls_start(w->tls, w->hiredis, &e))
        break_off(w, e.text);
    else
        w->events.on_connected(w->events.context);
}

/* Callbacks may close the wire: it lives until the loop's turn ends. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct wire *w = poll->data;

    if (status < 0) {
        w->armed = 0;
        events = UV_READABLE;
    }
    if (!w->connected) {
        on_connected(w);
        return;
    }
    if (events & UV_WRITABLE)
        flush_out(w);
    if (events & UV_READABLE && !w->broken)
        on_ready_to_read(w);
}

/* Best effort: without them a dead peer is noticed by the reply that does not come. */
static void tune_socket(int fd)
{
    const int on = 1, idle = KEEPALIVE_S;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
}

struct wire *wire_connect(const struct wire_options *options, const struct wire_events *events,
                          struct err *e)
{
    redisContext *hiredis = redisConnectNonBlock(options->address, options->port);
    struct wire *w;

    if (!hiredis || hiredis->err) {
        (void)err_set(e, EXIT_UNREACHABLE, "%s", hiredis ? hiredis->errstr : "no memory");
        if (hiredis)
            redisFree(hiredis);
        return NULL;
    }
    w = MEM_NEW(struct wire);
    w->events = *events;
    w->hiredis = hiredis;
    w->tls = options->tls;
    w->arena = redis_arena_new();
    redis_arena_attach(w->arena, hiredis->reader);
    tune_socket(hiredis->fd);
    if (uv_poll_init(options->loop, &w->poll, hiredis->fd) != 0) {
        (void)err_set(e, EXIT_UNREACHABLE, "the socket cannot be watched"); /* always false */
        redisFree(hiredis);
        redis_arena_free(w->arena);
        mem_free(w);
        return NULL;
    }
    w->poll.data = w;
    arm(w, UV_WRITABLE);
    return w;
}
