/* SPDX-License-Identifier: MIT
 *
 * Happy path:
 *   poster_add     signs, puts the post into `ready`
 *   pump           gives it to an idle link, or to one that connects first
 *   on_connected   writes the request
 *   on_read        the answer is whole: 200
 *   settle         the post is done with, the link is idle, pump again
 *
 * Failure modes:
 *   no connection, no whole answer, a time-out   the link closes; in on_closed the post is put off
 *   another status than 200                      put off as well, the link stays
 *   the last repetition fails                    given up, counted
 *   more than POSTER_BYTES_MAX wait              the new post is dropped, counted
 *   the receiver closes an idle link             it closes, the next post makes a new one
 */
#include "poster.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "poster_answer.h"

#include <stdio.h>
#include <string.h>

enum { STATUS_OK = 200, PAUSE_MAX_MS = 600000, REQUEST_MAX = 4 * 1024 * 1024 };

struct post {
    struct list node;
    struct poster *poster;
    struct delay again;
    struct buf request;
    size_t statuses;
    int64_t tries;
    bool forged;
};

enum link_state { LINK_NONE, LINK_CONNECTING, LINK_IDLE, LINK_BUSY, LINK_CLOSING };

struct link {
    struct poster *poster;
    enum link_state state;
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    struct delay timeout;
    struct post *post;
    int64_t asked_us;
    struct buf answer;
    bool written;  /* the request; its memory is ours again */
    bool answered; /* whole */
    struct poster_answer got;
};

static void pump(struct poster *p);

/* ---- Posts. */

static void free_post(struct poster *p, struct post *post)
{
    delays_cancel(p->delays, &post->again);
    list_remove(&post->node);
    p->bytes -= post->request.len;
    p->posts--;
    buf_free(&post->request);
    mem_free(post);
}

static void on_again(struct delay *delay)
{
    struct post *post = CONTAINER_OF(delay, struct post, again);

    list_remove(&post->node);
    list_append(&post->poster->ready, &post->node);
    pump(post->poster);
}

/* Half as often each time. */
static int64_t pause_us(const struct post *post)
{
    int64_t ms = post->poster->rules->retry_ms;

    for (int64_t i = 1; i < post->tries && ms < PAUSE_MAX_MS; i++)
        ms *= 2;
    return (ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS) * 1000;
}

static void put_off(struct poster *p, struct post *post)
{
    if (post->tries > p->rules->retries) {
        p->counts.failed++;
        p->counts.statuses_failed += post->statuses;
        free_post(p, post);
        return;
    }
    p->counts.retried++;
    list_append(&p->later, &post->node);
    delays_add(p->delays, &post->again, clock_mono_us() + pause_us(post));
}

static void settle_post(struct poster *p, struct post *post, bool ok)
{
    post->tries++;
    if (post->forged) {
        p->counts.deceived += ok;
        free_post(p, post);
    } else if (ok) {
        p->counts.acknowledged++;
        p->counts.statuses_acknowledged += post->statuses;
        free_post(p, post);
    } else {
        put_off(p, post);
    }
}

/* ---- Links. */

static struct post *take_post(struct link *l)
{
    struct post *post = l->post;

    l->post = NULL;
    return post;
}

static void on_closed(uv_handle_t *handle)
{
    struct link *l = handle->data;
    struct poster *p = l->poster;
    struct post *post = take_post(l);

    l->state = LINK_NONE;
    if (post)
        settle_post(p, post, l->answered && l->got.status == STATUS_OK);
    pump(p);
}

static void close_link(struct link *l)
{
    if (l->state == LINK_NONE || l->state == LINK_CLOSING)
        return;
    l->state = LINK_CLOSING;
    delays_cancel(l->poster->delays, &l->timeout);
    uv_close((uv_handle_t *)&l->tcp, on_closed);
}

static void on_timeout(struct delay *delay)
{
    close_link(CONTAINER_OF(delay, struct link, timeout));
}

/* The exchange is over once the answer is whole and the request's memory is ours. */
static void settle(struct link *l)
{
    struct poster *p = l->poster;

    if (l->state != LINK_BUSY || !l->answered || !l->written)
        return;
    histogram_add(&p->answers, clock_mono_us() - l->asked_us);
    if (l->got.last) {
        close_link(l);
        return;
    }
    delays_cancel(p->delays, &l->timeout);
    l->state = LINK_IDLE;
    settle_post(p, take_post(l), l->got.status == STATUS_OK);
    pump(p);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    struct link *l = handle->data;

    (void)suggested;
    *room = uv_buf_init(l->poster->scratch, sizeof(l->poster->scratch));
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *room)
{
    struct link *l = stream->data;

    if (len == 0 || l->state == LINK_CLOSING)
        return;
    if (len < 0 || l->state != LINK_BUSY || l->answered) {
        close_link(l);
        return;
    }
    buf_add(&l->answer, room->base, (size_t)len);
    if (!buf_ok(&l->answer)) {
        close_link(l);
        return;
    }
    l->answered = poster_answer_read(&l->answer, &l->got);
    settle(l);
}

static void on_written(uv_write_t *write, int status)
{
    struct link *l = write->data;

    l->written = true;
    if (status < 0)
        close_link(l);
    else
        settle(l);
}

static void write_post(struct link *l)
{
    struct buf *request = &l->post->request;
    uv_buf_t bytes = uv_buf_init(request->data, (unsigned)request->len);

    l->state = LINK_BUSY;
    l->written = l->answered = false;
    buf_clear(&l->answer);
    l->write.data = l;
    if (uv_write(&l->write, (uv_stream_t *)&l->tcp, &bytes, 1, on_written) < 0)
        close_link(l);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct link *l = connect->data;

    if (l->state == LINK_CLOSING)
        return;
    if (status < 0 || uv_read_start((uv_stream_t *)&l->tcp, on_room, on_read) < 0)
        close_link(l);
    else
        write_post(l);
}

static void open_link(struct link *l)
{
    struct poster *p = l->poster;

    l->state = LINK_CONNECTING;
    l->answered = false;
    (void)uv_tcp_init(p->loop, &l->tcp); /* makes no socket yet: cannot fail */
    l->tcp.data = l->connect.data = l;
    if (uv_tcp_connect(&l->connect, &l->tcp, (const struct sockaddr *)&p->address, on_connected) <
        0)
        close_link(l);
}

static struct link *new_link(struct poster *p)
{
    struct link *l = MEM_NEW(struct link);

    l->poster = p;
    l->timeout.on_due = on_timeout;
    l->answer = buf_new(POSTER_ANSWER_MAX);
    return l;
}

/* An idle link, else one that has to connect; NULL when all are at work. */
static struct link *find_link(struct poster *p)
{
    struct link *unused = NULL;

    for (int64_t i = 0; i < p->rules->connections; i++) {
        if (!p->links[i])
            p->links[i] = new_link(p);
        if (p->links[i]->state == LINK_IDLE)
            return p->links[i];
        if (p->links[i]->state == LINK_NONE && !unused)
            unused = p->links[i];
    }
    return unused;
}

static void pump(struct poster *p)
{
    struct link *l;

    while (!p->closing && !list_is_empty(&p->ready) && (l = find_link(p))) {
        l->post = LIST_ITEM(list_pop(&p->ready), struct post, node);
        l->asked_us = clock_mono_us();
        delays_add(p->delays, &l->timeout, l->asked_us + p->rules->timeout_ms * 1000);
        if (l->state == LINK_IDLE)
            write_post(l);
        else
            open_link(l);
    }
}

/* ---- The outside. */

void poster_start(struct poster *p, const struct status_rules *rules, uv_loop_t *loop,
                  struct delays *delays)
{
    p->rules = rules;
    p->loop = loop;
    p->delays = delays;
    list_init(&p->ready);
    list_init(&p->later);
}

static void write_request(struct poster *p, struct post *post, const struct buf *json)
{
    unsigned char mac[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];

    hmac_sha256(p->secret, p->secret_len, json->data, json->len, mac);
    mac[0] ^= post->forged;
    hex_encode(mac, sizeof(mac), hex);
    post->request = buf_new(REQUEST_MAX);
    buf_addf(&post->request,
             "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: facebookexternalua\r\n"
             "Accept: */*\r\nContent-Type: application/json\r\nX-Hub-Signature-256: sha256=%s\r\n"
             "Content-Length: %zu\r\n\r\n",
             p->path, p->host, hex, json->len);
    buf_add(&post->request, json->data, json->len);
}

void poster_add(struct poster *p, const struct buf *json, size_t statuses, bool forged)
{
    struct post *post;

    if (p->bytes + json->len > POSTER_BYTES_MAX) {
        p->counts.dropped += !forged;
        p->counts.statuses_failed += forged ? 0 : statuses;
        return;
    }
    post = MEM_NEW(struct post);
    post->poster = p;
    post->statuses = statuses;
    post->forged = forged;
    post->again.on_due = on_again;
    write_request(p, post, json);
    p->bytes += post->request.len;
    p->posts++;
    p->counts.bodies += !forged;
    p->counts.forged += forged;
    list_append(&p->ready, &post->node);
    pump(p);
}

static void free_list(struct poster *p, struct list *posts)
{
    while (!list_is_empty(posts))
        free_post(p, LIST_ITEM(posts->next, struct post, node));
}

void poster_forget(struct poster *p)
{
    free_list(p, &p->ready);
    free_list(p, &p->later);
    p->counts = (struct poster_counts){0};
    p->answers = (struct histogram){0};
}

void poster_close(struct poster *p)
{
    p->closing = true;
    for (size_t i = 0; i < POSTER_LINKS_MAX; i++)
        if (p->links[i])
            close_link(p->links[i]);
}

void poster_free(struct poster *p)
{
    free_list(p, &p->ready);
    free_list(p, &p->later);
    for (size_t i = 0; i < POSTER_LINKS_MAX; i++) {
        if (!p->links[i])
            continue;
        buf_free(&p->links[i]->answer);
        mem_free(p->links[i]);
    }
}
