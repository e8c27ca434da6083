/* SPDX-License-Identifier: MIT */
#include "core/graph_reply.h"

#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"

#include <limits.h>
#include <string.h>

enum {
    HTTP_TOO_MANY_REQUESTS = 429,
    CODE_THROUGHPUT = 130429, /* whose rule a bare 429 follows */
};

/* ---- Reading. */

/* Text from a peer: cut without cutting a character, control characters become spaces, two where
 * one has two bytes. */
static void copy_text(char *out, size_t size, const char *text, size_t len)
{
    text_copy(out, size, text, len);
    len = strlen(out);
    for (size_t at = 0, step; at < len; at += step) {
        step = utf8_step(out + at, len - at); /* valid: json.h read it */
        if (utf8_is_control(out + at, step))
            memset(out + at, ' ', step);
    }
}

/* False when there is no text at `value`. */
static bool read_text(const struct json *value, char *out, size_t size)
{
    size_t len;
    const char *text = json_string(value, &len);

    if (!text || len == 0)
        return false;
    copy_text(out, size, text, len);
    return true;
}

static bool read_number(const struct json *value, int *out)
{
    int64_t number;

    if (!json_int(value, &number) || number < INT_MIN || number > INT_MAX)
        return false;
    *out = (int)number;
    return true;
}

/* Where it is not a proper boolean, the careful reading is true: it may make an error unsure. */
static bool read_transient(const struct json *value)
{
    const char *text = json_string(value, NULL);
    bool is_transient = false;
    int64_t number;

    if (json_bool(value, &is_transient))
        return is_transient;
    if (text)
        return strcmp(text, "false") != 0 && strcmp(text, "0") != 0 && text[0];
    return json_int(value, &number) && number != 0;
}

static bool is_printable(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    }
    return len > 0;
}

static bool take_wamid(const char *text, size_t len, struct graph_reply *out)
{
    if (len >= sizeof(out->wamid) || !is_printable(text, len))
        return false;
    text_copy(out->wamid, sizeof(out->wamid), text, len);
    out->kind = REPLY_ACCEPTED;
    return true;
}

/* ---- The plain answer: what Graph says of nearly every message, to the letter. Reading just this
 * form costs a tenth of a JSON parser; every other form takes the parser. */

struct cursor {
    const char *at;
    const char *end;
};

static bool skip(struct cursor *c, const char *literal)
{
    size_t len = strlen(literal);

    if ((size_t)(c->end - c->at) < len || memcmp(c->at, literal, len) != 0)
        return false;
    c->at += len;
    return true;
}

static bool is_plain(char byte)
{
    unsigned char c = (unsigned char)byte;

    return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

/* A string of printable ASCII without escapes; its bytes without the quotes. */
static bool skip_string(struct cursor *c, const char **text, size_t *len)
{
    const char *start = c->at + 1;
    const char *at = start;

    if (!skip(c, "\""))
        return false;
    while (at < c->end && is_plain(*at))
        at++;
    c->at = at;
    *text = start;
    *len = (size_t)(at - start);
    return skip(c, "\"");
}

static bool read_plain(const struct exchange *x, struct graph_reply *out)
{
    struct cursor c = {x->body, x->body + x->body_len};
    const char *text;
    size_t len;

    return skip(&c, "{\"messaging_product\":\"whatsapp\",\"contacts\":[{\"input\":") &&
           skip_string(&c, &text, &len) && skip(&c, ",\"wa_id\":") &&
           skip_string(&c, &text, &len) && skip(&c, "}],\"messages\":[{\"id\":") &&
           skip_string(&c, &text, &len) && skip(&c, ",\"message_status\":\"accepted\"}]}") &&
           c.at == c.end && take_wamid(text, len, out);
}

/* ---- Every answer. */

static bool read_accepted(const struct json *root, struct graph_reply *out)
{
    const struct json *message = json_at(json_get(root, "messages"), 0);
    const char *status = json_string(json_get(message, "message_status"), NULL);
    size_t len = 0;
    const char *wamid = json_string(json_get(message, "id"), &len);

    if (!wamid || !take_wamid(wamid, len, out))
        return false;
    out->held = status && strcmp(status, "accepted") != 0;
    return true;
}

/* "(#131026) Message undeliverable" -> "Message undeliverable" */
static const char *without_code(const char *message)
{
    const char *end = message + 2;

    if (strncmp(message, "(#", 2) != 0)
        return message;
    end += strspn(end, "0123456789");
    if (end == message + 2 || *end != ')')
        return message;
    end++;
    return end + strspn(end, " ");
}

static void read_title(const struct json *error, struct graph_reply *out)
{
    const char *message = json_string(json_get(error, "message"), NULL);
    const char *title = message ? without_code(message) : "";

    if (!title[0])
        title = error_policy_find(&out->error)->title;
    copy_text(out->title, sizeof(out->title), title, strlen(title));
}

static void read_details(const struct json *error, struct graph_reply *out)
{
    const struct json *data = json_get(error, "error_data");
    const struct json *sources[] = {json_get(data, "details"), data,
                                    json_get(error, "error_user_msg")};

    for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
        if (read_text(sources[i], out->details, sizeof(out->details)))
            return;
    }
}

static void read_error(const struct json *root, int http_status, struct graph_reply *out)
{
    const struct json *error = json_get(root, "error");

    if (!read_number(json_get(error, "code"), &out->error.code))
        return;
    out->kind = REPLY_ERROR;
    out->error.http_status = http_status;
    out->error.is_transient = read_transient(json_get(error, "is_transient"));
    if (!read_number(json_get(error, "error_subcode"), &out->error.subcode))
        out->error.subcode = 0;
    read_title(error, out);
    read_details(error, out);
    (void)read_text(json_get(error, "fbtrace_id"), out->trace, sizeof(out->trace)); /* optional */
}

void graph_reply_read(const struct exchange *x, struct graph_reply *out)
{
    struct json *root;

    *out = (struct graph_reply){.kind = REPLY_NONE};
    if (!x->body || x->body_len == 0 || read_plain(x, out))
        return;
    root = json_parse(x->body, x->body_len, GRAPH_REPLY_MAX, NULL);
    if (!read_accepted(root, out))
        read_error(root, x->http_status, out);
    json_free(root);
}

/* ---- Judging. */

static struct judgement refused(const struct graph_error *error)
{
    return (struct judgement){
        .verdict = VERDICT_REFUSED,
        .action = error_policy_action(error),
        .rule = error_policy_find(error),
        .reason = REASON_REFUSED,
    };
}

static struct judgement without_action(enum verdict verdict, enum reason reason)
{
    return (struct judgement){.verdict = verdict, .action = ACTION_UNKNOWN, .reason = reason};
}

static struct judgement judge_error(const struct graph_error *error)
{
    if (error_policy_action(error) == ACTION_UNKNOWN)
        return without_action(VERDICT_UNKNOWN, REASON_UNSURE_ERROR);
    return refused(error);
}

static struct judgement judge_silence(const struct exchange *x)
{
    const struct graph_error throttle = {.code = CODE_THROUGHPUT, .http_status = x->http_status};
    bool is_whole = x->complete && x->http_status != 0;

    if (!x->wired)
        return without_action(VERDICT_NOT_SENT, REASON_NOT_SENT);
    if (is_whole && x->http_status == HTTP_TOO_MANY_REQUESTS)
        return refused(&throttle);
    return without_action(VERDICT_UNKNOWN, is_whole ? REASON_BAD_ANSWER : REASON_NO_ANSWER);
}

struct judgement graph_reply_judge(const struct exchange *x, const struct graph_reply *reply)
{
    switch (reply->kind) {
    case REPLY_ACCEPTED:
        return without_action(VERDICT_ACCEPTED, reply->held ? REASON_HELD : REASON_NONE);
    case REPLY_ERROR:
        return judge_error(&reply->error);
    case REPLY_NONE:
        break;
    }
    return judge_silence(x);
}
