/* SPDX-License-Identifier: MIT
 *
 * Happy path:
 *   on_bytes         nghttp2 takes the bytes and calls back: headers, data, end of a stream
 *   on_frame         the end of a stream: the service answers; with latency the reply waits
 *   on_due           the reply is given to nghttp2
 *   fill             nghttp2's frames are gathered in the connection's `out`
 *   on_stream_close  the stream goes to the idle ones, for the next request
 *
 * Failure modes:
 *   protocol error        nghttp2 says so in a GOAWAY, then we close
 *   a fault of a stream   deliver: RST_STREAM, half a body and RST_STREAM, nothing
 *   GOAWAY in two steps   a notice with the highest id of all, GOODBYE_US later the real last one
 *   GOAWAY as nginx       the last stream seen; later ones are dropped before they become requests
 *   after either          the connection closes when no stream is left
 */
#include "http2.h"

#include "base/mem.h"
#include "headers.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>

enum { FILL_SIZE = 16 * 1024, GOODBYE_US = 100000, RECEIVE_WINDOW = 1024 * 1024 };

struct stream {
    struct list on_list; /* of the session, or of the host's idle ones */
    struct conn *conn;
    struct delay delay;
    int32_t id;
    enum method method;
    nghttp2_rcbuf *path, *authorization, *content_type;
    struct buf body;
    struct reply reply;
    size_t sent; /* bytes of the reply's body */
    char status[8], length[24], retry_after[24];
};

struct http2 {
    nghttp2_session *session;
    struct list streams;
    struct conn *conn;
    struct delay goodbye; /* the second step of a GOAWAY */
    int32_t last_stream;  /* those above are dropped; 0: none are */
    bool leaving;         /* a GOAWAY is on its way */
};

static struct stream *stream_new(struct conn *c, int32_t id)
{
    struct list *node = list_pop(&c->host->idle_streams);
    struct stream *s = node ? LIST_ITEM(node, struct stream, on_list) : MEM_NEW(struct stream);
    struct http2 *h = c->session;

    s->conn = c;
    s->id = id;
    s->method = METHOD_OTHER;
    s->sent = 0;
    s->body.max = REQUEST_BODY_MAX;
    list_append(&h->streams, &s->on_list);
    return s;
}

static void release(nghttp2_rcbuf **text)
{
    if (*text)
        nghttp2_rcbuf_decref(*text);
    *text = NULL;
}

static void stream_retire(struct stream *s)
{
    struct host *host = s->conn->host;

    delays_cancel(&host->delays, &s->delay);
    release(&s->path);
    release(&s->authorization);
    release(&s->content_type);
    buf_clear(&s->body);
    reply_clear(&s->reply);
    list_remove(&s->on_list);
    list_append(&host->idle_streams, &s->on_list);
}

void http2_forget_streams(struct host *host)
{
    struct list *node;

    while ((node = list_pop(&host->idle_streams))) {
        struct stream *s = LIST_ITEM(node, struct stream, on_list);

        buf_free(&s->body);
        buf_free(&s->reply.body);
        mem_free(s);
    }
}

static struct slice text_of(nghttp2_rcbuf *text)
{
    nghttp2_vec v = text ? nghttp2_rcbuf_get_buf(text) : (nghttp2_vec){NULL, 0};

    return v.base ? slice_of((const char *)v.base, v.len) : slice_of("", 0);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct conn *c = context;
    struct http2 *h = c->session;

    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    if (h->last_stream && frame->hd.stream_id > h->last_stream)
        return 0;
    return nghttp2_session_set_stream_user_data(session, frame->hd.stream_id,
                                                stream_new(c, frame->hd.stream_id));
}

static void keep(nghttp2_rcbuf **place, nghttp2_rcbuf *text)
{
    release(place);
    nghttp2_rcbuf_incref(text);
    *place = text;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                     nghttp2_rcbuf *value, uint8_t flags, void *context)
{
    struct stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    struct slice n = text_of(name);

    (void)flags;
    (void)context;
    if (!s)
        return 0;
    if (slice_is(n, ":method"))
        s->method = slice_is(text_of(value), "POST")  ? METHOD_POST
                    : slice_is(text_of(value), "GET") ? METHOD_GET
                                                      : METHOD_OTHER;
    else if (slice_is(n, ":path"))
        keep(&s->path, value);
    else if (slice_is(n, "authorization"))
        keep(&s->authorization, value);
    else if (slice_is(n, "content-type"))
        keep(&s->content_type, value);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
                   size_t len, void *context)
{
    struct stream *s = nghttp2_session_get_stream_user_data(session, id);

    (void)flags;
    (void)context;
    if (!s)
        return 0;
    buf_add(&s->body, bytes, len);
    if (buf_ok(&s->body))
        return 0;
    return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
}

/* Copies the reply's body into a frame. A cut reply fails in its middle, which makes nghttp2 send
 * RST_STREAM(INTERNAL_ERROR). */
static ssize_t on_read(nghttp2_session *session, int32_t id, uint8_t *room, size_t size,
                       uint32_t *flags, nghttp2_data_source *source, void *context)
{
    struct stream *s = source->ptr;
    bool cut = s->reply.ending == END_CUT;
    size_t end = cut ? s->reply.body.len / 2 : s->reply.body.len;
    size_t len = end - s->sent < size ? end - s->sent : size;

    (void)session;
    (void)id;
    (void)context;
    if (cut && len == 0)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    memcpy(room, buf_text(&s->reply.body) + s->sent, len);
    s->sent += len;
    if (!cut && s->sent == end)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)len;
}

/* The headers of one answer, while they are put together. */
enum { FIELDS_MAX = 24 };
struct fields {
    nghttp2_nv items[FIELDS_MAX];
    size_t count;
};

/* Neither name nor value is copied: they are literals, or live in the stream. */
static void add_field(struct fields *f, const char *name, const char *value, uint8_t flags)
{
    union {
        const char *text;
        uint8_t *bytes;
    } n = {name}, v = {value}; /* nghttp2 takes bytes that are not const, and does not write them */

    f->items[f->count++] = (nghttp2_nv){
        .name = n.bytes,
        .value = v.bytes,
        .namelen = strlen(name),
        .valuelen = strlen(value),
        .flags = (uint8_t)(flags | NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE)};
}

static void add_changing_fields(struct fields *f, struct stream *s)
{
    const uint8_t fresh = NGHTTP2_NV_FLAG_NO_INDEX; /* no use in remembering these */
    const struct reply *r = &s->reply;

    if (r->version[0])
        add_field(f, "facebook-api-version", r->version, 0);
    if (r->trace[0]) {
        add_field(f, "x-fb-request-id", r->trace, fresh);
        add_field(f, "x-fb-trace-id", r->trace, fresh);
    }
    if (r->challenge)
        add_field(f, "www-authenticate", r->challenge, 0);
    if (r->retry_after_s >= 0) {
        (void)snprintf(s->retry_after, sizeof(s->retry_after), "%lld", (long long)r->retry_after_s);
        add_field(f, "retry-after", s->retry_after, 0);
    }
    (void)snprintf(s->length, sizeof(s->length), "%zu", r->body.len);
    add_field(f, "content-length", s->length, 0);
}

static void submit(struct stream *s)
{
    struct http2 *h = s->conn->session;
    nghttp2_data_provider body = {.source = {.ptr = s}, .read_callback = on_read};
    struct fields fields = {.count = 0};

    (void)snprintf(s->status, sizeof(s->status), "%d", s->reply.status);
    add_field(&fields, ":status", s->status, 0);
    add_field(&fields, "content-type", s->reply.content_type, 0);
#define FIELD(name, value) add_field(&fields, name, value, 0);
    CONSTANT_HEADERS(FIELD)
#undef FIELD
    add_field(&fields, "date", conn_date(s->conn->host), 0);
    add_changing_fields(&fields, s);
    if (nghttp2_submit_response(h->session, s->id, fields.items, fields.count,
                                s->reply.body.len ? &body : NULL) != 0)
        s->conn->fate = FATE_CLOSE;
}

static void reset_stream(struct stream *s, uint32_t code)
{
    struct http2 *h = s->conn->session;

    if (nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, s->id, code) != 0)
        s->conn->fate = FATE_CLOSE;
}

static void deliver(struct stream *s)
{
    switch (s->reply.ending) {
    case END_ANSWER:
    case END_CUT:
        submit(s);
        return;
    case END_RESET:
        reset_stream(s, NGHTTP2_INTERNAL_ERROR);
        return;
    case END_REFUSED:
        reset_stream(s, NGHTTP2_REFUSED_STREAM);
        return;
    case END_HANG:
        return;
    case END_CLOSE:
    case END_CLOSE_NOW:
        s->conn->fate = FATE_CLOSE;
        return;
    }
}

static void on_due(struct delay *delay)
{
    struct stream *s = CONTAINER_OF(delay, struct stream, delay);

    deliver(s);
    conn_mark(s->conn);
}

static void leave_now(struct http2 *h)
{
    h->leaving = true;
    h->last_stream = nghttp2_session_get_last_proc_stream_id(h->session);
    if (nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE, h->last_stream, NGHTTP2_NO_ERROR, NULL,
                              0) != 0)
        h->conn->fate = FATE_CLOSE;
}

static void on_goodbye(struct delay *delay)
{
    struct http2 *h = CONTAINER_OF(delay, struct http2, goodbye);

    leave_now(h);
    conn_mark(h->conn);
}

static void leave(struct http2 *h, enum farewell how, int64_t now_us)
{
    if (how == FAREWELL_NONE || h->leaving)
        return;
    if (how != FAREWELL_GOAWAY) {
        leave_now(h);
        return;
    }
    h->leaving = true;
    if (nghttp2_submit_shutdown_notice(h->session) != 0)
        h->conn->fate = FATE_CLOSE;
    delays_add(&h->conn->host->delays, &h->goodbye, now_us + GOODBYE_US);
}

static bool is_at_once(const struct reply *r)
{
    return r->delay_us <= 0 || r->ending == END_CLOSE_NOW || r->ending == END_REFUSED;
}

static void begin(struct stream *s)
{
    struct request request = {.method = s->method,
                              .target = text_of(s->path),
                              .authorization = text_of(s->authorization),
                              .content_type = text_of(s->content_type),
                              .body = slice_of(buf_text(&s->body), s->body.len)};

    conn_answer(s->conn, &request, &s->reply);
    leave(s->conn->session, s->reply.farewell, request.now_us);
    s->delay.on_due = on_due;
    if (is_at_once(&s->reply))
        deliver(s);
    else
        delays_add(&s->conn->host->delays, &s->delay, request.now_us + s->reply.delay_us);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct stream *s;

    (void)context;
    if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) ||
        !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (s)
        begin(s);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *context)
{
    struct stream *s = nghttp2_session_get_stream_user_data(session, id);

    (void)code;
    (void)context;
    if (s)
        stream_retire(s);
    return 0;
}

static void on_bytes(struct conn *c, const char *bytes, size_t len)
{
    struct http2 *h = c->session;

    if (nghttp2_session_mem_recv(h->session, (const uint8_t *)bytes, len) < 0)
        c->fate = FATE_CLOSE;
}

static void fill(struct conn *c)
{
    struct http2 *h = c->session;
    ssize_t len = 1;

    while (len > 0 && c->out.len < FILL_SIZE) {
        const uint8_t *frame;

        len = nghttp2_session_mem_send(h->session, &frame);
        if (len > 0)
            buf_add(&c->out, frame, (size_t)len);
    }
    if (len < 0)
        c->fate = FATE_CLOSE;
    else if (!nghttp2_session_want_read(h->session) && !nghttp2_session_want_write(h->session))
        c->fate = FATE_FLUSH;
}

static void http2_end(struct conn *c)
{
    struct http2 *h = c->session;
    struct list *node;

    while ((node = list_pop(&h->streams)))
        stream_retire(LIST_ITEM(node, struct stream, on_list));
    delays_cancel(&c->host->delays, &h->goodbye);
    nghttp2_session_del(h->session);
    mem_free(h);
}

static nghttp2_session *session_new(struct conn *c)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    nghttp2_session *session = NULL;

    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        return mem_check(NULL);
    if (nghttp2_option_new(&option) != 0)
        return mem_check(NULL);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_option_set_no_closed_streams(option, 1);
    (void)nghttp2_session_server_new2(&session, callbacks, c, option); /* NULL without memory */
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return mem_check(session);
}

void http2_start(struct conn *c)
{
    static const struct protocol http2 = {.on_bytes = on_bytes, .fill = fill, .end = http2_end};
    struct http2 *h = MEM_NEW(struct http2);
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, (uint32_t)c->host->graph->options->max_streams},
    };

    h->conn = c;
    list_init(&h->streams);
    h->goodbye.on_due = on_goodbye;
    c->session = h;
    c->protocol = &http2;
    h->session = session_new(c);
    if (nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings, ARRAY_SIZE(settings)) !=
            0 ||
        nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0, RECEIVE_WINDOW) !=
            0)
        c->fate = FATE_CLOSE;
}
