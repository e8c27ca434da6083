/* SPDX-License-Identifier: MIT */
#include "core/graph_payload.h"

#include "base/json.h"

#include <string.h>

/*
 * The content is JSON of our own making, so its strings go over as they stand, escapes and all:
 * nothing is parsed. Content that is not as message.h says (a damaged ledger) ends in a body that
 * Graph refuses; the reading never passes its NUL.
 */
struct reader {
    const char *at;
};

static bool skip(struct reader *r, const char *text)
{
    size_t len = strlen(text);

    if (strncmp(r->at, text, len) != 0)
        return false;
    r->at += len;
    return true;
}

/* Moves a JSON string, quotes and all. */
static void move_string(struct buf *out, struct reader *r)
{
    const char *start = r->at;
    const char *end = start + (*start == '"');

    while (*end && *end != '"')
        end += *end == '\\' && end[1] ? 2 : 1;
    if (*end)
        end++;
    buf_add(out, start, (size_t)(end - start));
    r->at = end;
}

/* "text","text" or "name":"text","name":"text", as Graph's parameters. */
static void write_texts(struct buf *out, struct reader *r, bool named)
{
    for (bool more = *r->at == '"'; more; more = skip(r, ",")) {
        buf_adds(out, "{\"type\":\"text\",");
        if (named) {
            buf_adds(out, "\"parameter_name\":");
            move_string(out, r);
            (void)skip(r, ":"); /* it is there */
            buf_addc(out, ',');
        }
        buf_adds(out, "\"text\":");
        move_string(out, r);
        buf_adds(out, *r->at == ',' ? "}," : "}");
    }
}

static void write_header(struct buf *out, struct reader *r)
{
    buf_adds(out, "{\"type\":\"header\",\"parameters\":[{\"type\":\"text\",\"text\":");
    move_string(out, r);
    buf_adds(out, "}]}");
}

static void write_body(struct buf *out, struct reader *r)
{
    bool named = *r->at == '{';

    buf_adds(out, "{\"type\":\"body\",\"parameters\":[");
    if (*r->at)
        r->at++;
    write_texts(out, r, named);
    if (*r->at)
        r->at++;
    buf_adds(out, "]}");
}

/* {"0":"text","1":"text"}, each a component. */
static void write_buttons(struct buf *out, struct reader *r, const char *kind,
                          const char *parameter)
{
    (void)skip(r, "{"); /* it is there */
    for (bool more = *r->at == '"'; more; more = skip(r, ",")) {
        buf_adds(out, "{\"type\":\"button\",\"sub_type\":\"");
        buf_adds(out, kind);
        buf_adds(out, "\",\"index\":");
        move_string(out, r);
        (void)skip(r, ":"); /* it is there */
        buf_adds(out, ",\"parameters\":[");
        buf_adds(out, parameter);
        move_string(out, r);
        buf_adds(out, *r->at == ',' ? "}]}," : "}]}");
    }
    (void)skip(r, "}"); /* it is there */
}

static void write_part(struct buf *out, struct reader *r)
{
    if (skip(r, "\"header\":"))
        write_header(out, r);
    else if (skip(r, "\"body\":"))
        write_body(out, r);
    else if (skip(r, "\"url\":"))
        write_buttons(out, r, "url", "{\"type\":\"text\",\"text\":");
    else if (skip(r, "\"reply\":"))
        write_buttons(out, r, "quick_reply", "{\"type\":\"payload\",\"payload\":");
}

static void write_components(struct buf *out, const char *content)
{
    struct reader r = {.at = content};

    if (skip(&r, "{\"components\":")) {
        size_t len = strlen(r.at);

        buf_add(out, r.at, len > 0 ? len - 1 : 0); /* without the last '}' */
        return;
    }
    buf_addc(out, '[');
    if (skip(&r, "{")) {
        write_part(out, &r);
        for (; skip(&r, ","); write_part(out, &r))
            buf_addc(out, ',');
    } else {
        write_body(out, &r);
    }
    buf_addc(out, ']');
}

static void write_string(struct buf *out, const char *before, const char *text)
{
    buf_adds(out, before);
    json_write_string(out, text, strlen(text));
}

void graph_payload_write(struct buf *out, const struct message *m, const char *opaque)
{
    write_string(
        out,
        "{\"messaging_product\":\"whatsapp\",\"recipient_type\":\"individual\",\"to\":", m->to);
    write_string(out, ",\"type\":\"template\",\"biz_opaque_callback_data\":", opaque);
    write_string(out, ",\"template\":{\"name\":", m->template_name);
    write_string(out, ",\"language\":{\"code\":", m->lang);
    buf_addc(out, '}');
    if (*m->content) {
        buf_adds(out, ",\"components\":");
        write_components(out, m->content);
    }
    buf_adds(out, "}}");
}
