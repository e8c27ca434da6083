/* SPDX-License-Identifier: MIT */
#include "answers.h"

#include <string.h>

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode_base64(const unsigned char *bytes, size_t len, char *out)
{
    for (size_t i = 0; i < len; i += 3) {
        size_t have = len - i < 3 ? len - i : 3;
        unsigned group = (unsigned)bytes[i] << 16;

        group |= have > 1 ? (unsigned)bytes[i + 1] << 8 : 0;
        group |= have > 2 ? bytes[i + 2] : 0;
        *out++ = base64[group >> 18];
        *out++ = base64[group >> 12 & 63];
        *out++ = have > 1 ? base64[group >> 6 & 63] : '=';
        *out++ = have > 2 ? base64[group & 63] : '=';
    }
    *out = '\0';
}

void answer_wamid(const char *digits, uint64_t number, char out[ANSWER_WAMID_SIZE])
{
    enum { HEX = 18 };
    static const char hex[] = "0123456789ABCDEF";
    unsigned char raw[64] = {0x1c, 0x18};
    size_t count = strlen(digits), len = 3;

    count = count > 20 ? 20 : count;
    raw[2] = (unsigned char)count;
    memcpy(raw + len, digits, count);
    len += count;
    memcpy(raw + len, "\x15\x02\x00\x11\x18\x12", 6);
    len += 6;
    for (size_t i = 0; i < HEX; i++)
        raw[len++] = (unsigned char)hex[(number >> (i * 7 % 61)) & 15];
    raw[len++] = 0;
    memcpy(out, "wamid.", 6);
    encode_base64(raw, len, out + 6);
}

void answer_trace(struct random *random, char out[ANSWER_TRACE_SIZE])
{
    uint64_t bits = 0;

    out[0] = 'A';
    for (size_t i = 1; i < ANSWER_TRACE_SIZE - 1; i++) {
        if (i % 10 == 1)
            bits = random_next(random);
        out[i] = base64_url[bits & 63];
        bits >>= 6;
    }
    out[ANSWER_TRACE_SIZE - 1] = '\0';
}

static char *put(char *at, const char *text, size_t len)
{
    memcpy(at, text, len);
    return at + len;
}

/* The hot path: put together on the stack, added once. `to` is at most PAYLOAD_TO_MAX long, and the
 * number and the wamid have their bounds. */
void answer_accepted(struct buf *out, const struct acceptance *a)
{
    char text[512];
    char *at = text;

#define PUT(literal) at = put(at, literal, sizeof(literal) - 1)
    PUT("{\"messaging_product\":\"whatsapp\",\"contacts\":[{\"input\":\"");
    at = put(at, a->to.at, a->to.len);
    PUT("\",\"wa_id\":\"");
    at = put(at, a->digits, strlen(a->digits));
    PUT("\"}],\"messages\":[{\"id\":\"");
    buf_add(out, text, (size_t)(at - text));
    at = text;
    for (const char *c = a->wamid; *c; c++) {
        if (*c == '/')
            *at++ = '\\';
        *at++ = *c;
    }
    PUT("\",\"message_status\":\"");
    at = put(at, a->status, strlen(a->status));
    PUT("\"}]}");
#undef PUT
    buf_add(out, text, (size_t)(at - text));
}

void answer_refused(struct buf *out, const struct refusal *r, const char *trace)
{
    buf_adds(out, "{\"error\":{\"message\":");
    answer_string(out, r->message);
    buf_addf(out, ",\"type\":\"%s\",\"code\":%lld",
             r->is_method ? "GraphMethodException" : "OAuthException", (long long)r->code);
    if (r->details[0]) {
        buf_adds(out, ",\"error_data\":{\"messaging_product\":\"whatsapp\",\"details\":");
        answer_string(out, r->details);
        buf_addc(out, '}');
    }
    if (r->subcode)
        buf_addf(out, ",\"error_subcode\":%d", r->subcode);
    if (r->transient)
        buf_adds(out, ",\"is_transient\":true");
    buf_addf(out, ",\"fbtrace_id\":\"%s\"}}", trace);
}

/* The character at `text` and how long it is; text is valid UTF-8 (or shown byte by byte). */
static unsigned decode(const char *text, size_t *len)
{
    const unsigned char *u = (const unsigned char *)text;
    unsigned lead = *u;
    unsigned point;

    *len = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (*len == 1 || strnlen(text, *len) < *len) {
        *len = 1;
        return lead;
    }
    point = lead & (0xffu >> (*len + 1));
    for (size_t i = 1; i < *len; i++)
        point = point << 6 | (u[i] & 0x3f);
    return point;
}

static void put_escape(struct buf *out, unsigned point)
{
    if (point >= 0x10000) {
        point -= 0x10000;
        buf_addf(out, "\\u%04x\\u%04x", 0xd800 + (point >> 10), 0xdc00 + (point & 0x3ff));
    } else if (point < ' ' || point >= 0x7f) {
        buf_addf(out, "\\u%04x", point);
    } else {
        buf_addc(out, '\\');
        buf_addc(out, (char)point);
    }
}

static bool is_plain(char c)
{
    return c >= ' ' && c < 0x7f && c != '"' && c != '\\' && c != '/';
}

void answer_string(struct buf *out, const char *text)
{
    buf_addc(out, '"');
    while (*text) {
        size_t len = 0;

        while (is_plain(text[len]))
            len++;
        buf_add(out, text, len);
        text += len;
        if (!*text)
            break;
        put_escape(out, decode(text, &len));
        text += len;
    }
    buf_addc(out, '"');
}
