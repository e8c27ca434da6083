/* SPDX-License-Identifier: MIT
 *
 * Happy path:
 *   on_bytes     a whole request: the service answers; with latency the reply waits in `delay`
 *   on_due       the reply is written to the connection's `out`; the next request, if it is there
 *                already, follows
 *
 * Failure modes:
 *   half a request    waits in `in` for the rest
 *   not HTTP          400, 413 or 431, and close
 *   a fault           deliver: half a reply, none, and what shall become of the connection
 */
#include "http1.h"

#include "base/clock.h"
#include "base/mem.h"
#include "headers.h"
#include "http1_parse.h"

#include <stdio.h>

struct http1 {
    struct conn *conn;
    struct buf in;      /* bytes of requests that cannot be answered yet */
    struct reply reply; /* to the request that is being answered */
    struct delay delay;
    bool waiting; /* there is one */
    bool keep_alive;
    bool continued; /* 100 Continue was sent for the request in `in` */
};

enum { IN_MAX = REQUEST_BODY_MAX + HTTP1_HEAD_MAX + CONN_READ_SIZE };

#define LINE(name, value) name ": " value "\r\n"

static const char constant_headers[] = CONSTANT_HEADERS(LINE);

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {{200, "OK"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {413, "Content Too Large"},
                   {429, "Too Many Requests"},
                   {431, "Request Header Fields Too Large"},
                   {500, "Internal Server Error"},
                   {502, "Bad Gateway"},
                   {503, "Service Unavailable"}};

    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

static void add_header(struct buf *out, const char *name, const char *value)
{
    buf_adds(out, name);
    buf_adds(out, value);
    buf_adds(out, "\r\n");
}

static void write_head(struct http1 *h, bool announce_close)
{
    struct buf *out = &h->conn->out;
    const struct reply *r = &h->reply;

    if (r->status == 200)
        buf_adds(out, "HTTP/1.1 200 OK\r\n");
    else
        buf_addf(out, "HTTP/1.1 %d %s\r\n", r->status, reason_of(r->status));
    add_header(out, "content-type: ", r->content_type);
    buf_add(out, constant_headers, sizeof(constant_headers) - 1);
    if (r->version[0])
        add_header(out, "facebook-api-version: ", r->version);
    if (r->trace[0]) {
        add_header(out, "x-fb-request-id: ", r->trace);
        add_header(out, "x-fb-trace-id: ", r->trace);
    }
    if (r->challenge)
        add_header(out, "www-authenticate: ", r->challenge);
    if (r->retry_after_s >= 0)
        buf_addf(out, "retry-after: %lld\r\n", (long long)r->retry_after_s);
    add_header(out, "date: ", conn_date(h->conn->host));
    add_header(out, "connection: ", announce_close ? "close" : "keep-alive");
    buf_addf(out, "content-length: %zu\r\n\r\n", r->body.len);
}

static void write_reply(struct http1 *h)
{
    struct conn *c = h->conn;
    const struct reply *r = &h->reply;
    bool cut = r->ending == END_CUT;
    bool announce =
        !h->keep_alive || r->farewell == FAREWELL_CLOSE || r->farewell == FAREWELL_GOAWAY;

    write_head(h, announce);
    buf_add(&c->out, buf_text(&r->body), cut ? r->body.len / 2 : r->body.len);
    if (cut || announce || r->farewell == FAREWELL_ABRUPT)
        c->fate = FATE_FLUSH;
    h->waiting = false;
}

static void deliver(struct http1 *h)
{
    switch (h->reply.ending) {
    case END_ANSWER:
    case END_CUT:
        write_reply(h);
        return;
    case END_RESET:
        h->conn->fate = FATE_RESET;
        return;
    case END_HANG:
        return;
    case END_CLOSE:
    case END_CLOSE_NOW:
    case END_REFUSED:
        h->conn->fate = FATE_CLOSE;
        return;
    }
}

static bool is_at_once(const struct reply *r)
{
    return r->delay_us <= 0 || r->ending == END_CLOSE_NOW || r->ending == END_REFUSED;
}

static void begin(struct http1 *h, struct http1_request *parsed)
{
    h->keep_alive = parsed->keep_alive;
    h->continued = false;
    h->waiting = true;
    conn_answer(h->conn, &parsed->request, &h->reply);
    if (is_at_once(&h->reply))
        deliver(h);
    else
        delays_add(&h->conn->host->delays, &h->delay, parsed->request.now_us + h->reply.delay_us);
}

static void turn_away(struct http1 *h, int status)
{
    reply_clear(&h->reply);
    h->reply.status = status;
    h->keep_alive = false;
    write_reply(h);
}

/* The request at the front of `bytes`, if it is there whole; says how many bytes it took. */
static size_t take_request(struct http1 *h, struct slice bytes)
{
    struct http1_request parsed;
    size_t size = 0;

    switch (http1_parse(bytes, &parsed)) {
    case HTTP1_DONE:
        size = parsed.size;
        begin(h, &parsed);
        break;
    case HTTP1_BAD:
        turn_away(h, parsed.status);
        break;
    case HTTP1_MORE:
        if (parsed.wants_continue && !h->continued)
            buf_adds(&h->conn->out, "HTTP/1.1 100 Continue\r\n\r\n");
        h->continued = h->continued || parsed.wants_continue;
        break;
    }
    buf_free(&parsed.chunked);
    return size;
}

/* All requests that can be answered now; says how many bytes they took. */
static size_t take_requests(struct http1 *h, struct slice bytes)
{
    size_t used = 0, size = 1;

    while (size > 0 && used < bytes.len && !h->waiting && h->conn->fate == FATE_STAY) {
        size = take_request(h, slice_after(bytes, used));
        used += size;
    }
    return used;
}

static void on_bytes(struct conn *c, const char *bytes, size_t len)
{
    struct http1 *h = c->session;
    size_t used;

    if (c->fate != FATE_STAY)
        return;
    if (h->in.len == 0) {
        used = take_requests(h, slice_of(bytes, len));
        buf_add(&h->in, bytes + used, len - used);
    } else {
        buf_add(&h->in, bytes, len);
        buf_consume(&h->in, take_requests(h, slice_of(h->in.data, h->in.len)));
    }
    if (!buf_ok(&h->in)) /* it talks on without waiting for answers */
        c->fate = FATE_CLOSE;
}

static void on_due(struct delay *delay)
{
    struct http1 *h = CONTAINER_OF(delay, struct http1, delay);

    deliver(h);
    if (h->in.len > 0)
        buf_consume(&h->in, take_requests(h, slice_of(h->in.data, h->in.len)));
    conn_mark(h->conn);
}

/* Replies go straight into `out`. */
static void fill(struct conn *c)
{
    (void)c;
}

static void http1_end(struct conn *c)
{
    struct http1 *h = c->session;

    delays_cancel(&c->host->delays, &h->delay);
    buf_free(&h->in);
    buf_free(&h->reply.body);
    mem_free(h);
}

void http1_start(struct conn *c)
{
    static const struct protocol http1 = {.on_bytes = on_bytes, .fill = fill, .end = http1_end};
    struct http1 *h = MEM_NEW(struct http1);

    h->conn = c;
    h->in = buf_new(IN_MAX);
    h->delay.on_due = on_due;
    c->session = h;
    c->protocol = &http1;
}
