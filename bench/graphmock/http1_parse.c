/* SPDX-License-Identifier: MIT */
#include "http1_parse.h"

struct head {
    size_t body_len;
    bool has_length;
    bool is_chunked;
};

static enum http1_state bad(struct http1_request *out, int status)
{
    out->status = status;
    return HTTP1_BAD;
}

static struct slice trim(struct slice s)
{
    while (s.len > 0 && (*s.at == ' ' || *s.at == '\t'))
        s = slice_after(s, 1);
    while (s.len > 0 &&
           (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t' || s.at[s.len - 1] == '\r'))
        s.len--;
    return s;
}

/* "POST /path HTTP/1.1" */
static bool read_request_line(struct slice line, struct http1_request *out)
{
    struct slice method = slice_cut(&line, ' ');
    struct slice target = slice_cut(&line, ' ');

    line = trim(line);
    if (method.len == 0 || target.len == 0 || target.at[0] != '/' ||
        !slice_starts_like(line, "HTTP/1."))
        return false;
    out->request.method = slice_is(method, "POST")  ? METHOD_POST
                          : slice_is(method, "GET") ? METHOD_GET
                                                    : METHOD_OTHER;
    out->request.target = target;
    out->keep_alive = slice_is(line, "HTTP/1.1");
    return true;
}

static bool read_length(struct slice value, struct head *head)
{
    size_t length = 0;

    if (!slice_is_digits(value) || value.len > 10 || head->has_length)
        return false;
    for (size_t i = 0; i < value.len; i++)
        length = length * 10 + (size_t)(value.at[i] - '0');
    head->body_len = length;
    head->has_length = true;
    return true;
}

/* One header; false when it is broken. Those that we do not need are skipped by their length and
 * first letter, which is nearly all of them. */
static bool read_header(struct slice line, struct http1_request *out, struct head *head)
{
    struct slice value = line;
    struct slice name = slice_cut(&value, ':');

    if (name.len == 0 || name.len == line.len)
        return false;
    value = trim(value);
    if (slice_is_like(name, "content-length"))
        return read_length(value, head);
    if (slice_is_like(name, "content-type"))
        out->request.content_type = value;
    else if (slice_is_like(name, "authorization"))
        out->request.authorization = value;
    else if (slice_is_like(name, "connection"))
        out->keep_alive = out->keep_alive && !slice_is_like(value, "close");
    else if (slice_is_like(name, "expect"))
        out->wants_continue = slice_is_like(value, "100-continue");
    else if (slice_is_like(name, "transfer-encoding"))
        head->is_chunked = slice_is_like(value, "chunked");
    return true;
}

/* The size line of a chunk; false when it is no hexadecimal number, or too large. */
static bool read_chunk_size(struct slice line, size_t *size)
{
    struct slice digits = trim(slice_cut(&line, ';'));

    *size = 0;
    for (size_t i = 0; i < digits.len; i++) {
        char c = digits.at[i];
        int value = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;

        if (value < 0 || value > 15 || *size > REQUEST_BODY_MAX)
            return false;
        *size = *size * 16 + (size_t)value;
    }
    return digits.len > 0;
}

/* The body in chunks, from `rest` on. */
static enum http1_state read_chunks(struct slice rest, struct http1_request *out)
{
    const char *start = rest.at;

    for (;;) {
        const char *newline = rest.len ? memchr(rest.at, '\n', rest.len) : NULL;
        struct slice line;
        size_t size;

        if (!newline)
            return HTTP1_MORE;
        line = slice_cut(&rest, '\n');
        if (!read_chunk_size(line, &size))
            return bad(out, 400);
        if (rest.len < size + 2)
            return HTTP1_MORE;
        buf_add(&out->chunked, rest.at, size);
        rest = slice_after(rest, size + 2);
        if (!buf_ok(&out->chunked))
            return bad(out, 413);
        if (size == 0)
            break;
    }
    out->request.body = slice_of(buf_text(&out->chunked), out->chunked.len);
    out->size += (size_t)(rest.at - start);
    return HTTP1_DONE;
}

static enum http1_state read_body(struct slice rest, const struct head *head,
                                  struct http1_request *out)
{
    if (head->is_chunked)
        return read_chunks(rest, out);
    if (head->body_len > REQUEST_BODY_MAX)
        return bad(out, 413);
    if (rest.len < head->body_len)
        return HTTP1_MORE;
    out->request.body = slice_of(rest.at, head->body_len);
    out->size += head->body_len;
    return HTTP1_DONE;
}

enum http1_state http1_parse(struct slice bytes, struct http1_request *out)
{
    struct slice rest = bytes;
    struct head head = {0};
    const char *end = memmem(bytes.at, bytes.len, "\r\n\r\n", 4);

    *out = (struct http1_request){.chunked = buf_new(REQUEST_BODY_MAX)};
    if (!end)
        return bytes.len > HTTP1_HEAD_MAX ? bad(out, 431) : HTTP1_MORE;
    rest.len = (size_t)(end - bytes.at) + 2;
    out->size = rest.len + 2;
    if (!read_request_line(slice_cut(&rest, '\n'), out))
        return bad(out, 400);
    while (rest.len > 0)
        if (!read_header(slice_cut(&rest, '\n'), out, &head))
            return bad(out, 400);
    return read_body(slice_after(bytes, out->size), &head, out);
}
