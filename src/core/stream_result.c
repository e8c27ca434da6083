/* SPDX-License-Identifier: MIT */
#include "core/stream_result.h"

#include "core/resp.h"

#include <string.h>

static unsigned put_text(struct buf *out, const char *name, const char *text)
{
    resp_text(out, name);
    resp_text(out, text);
    return 2;
}

static unsigned put_int(struct buf *out, const char *name, int64_t value)
{
    resp_text(out, name);
    resp_int(out, value);
    return 2;
}

/* What Graph said, or we: the longer text says more. */
static const char *error_of(const struct outcome *o)
{
    return o->details[0] ? o->details : o->title;
}

unsigned stream_result_write(struct buf *out, const struct stream_result *r)
{
    const struct message *m = r->message;
    const struct outcome *o = r->outcome;
    unsigned n = 0;

    n += put_text(out, "id", m->id);
    n += put_text(out, "ref", m->ref);
    n += put_text(out, "to", m->to);
    n += put_text(out, "class_id", m->class_id);
    n += put_text(out, "test_num", m->test_num);
    n += put_text(out, "broadcast", m->broadcast);
    n += put_text(out, "state", state_name(o->state));
    n += put_text(out, "reason", reason_name(o->reason));
    n += put_text(out, "wamid", o->wamid);
    n += put_int(out, "code", o->code);
    n += put_text(out, "error", error_of(o));
    n += put_int(out, "attempts", r->attempts);
    n += put_int(out, "at", r->at_ms);
    return n;
}

unsigned stream_status_write(struct buf *out, const struct stream_status *s)
{
    unsigned n = 0;

    n += put_text(out, "id", s->id);
    n += put_text(out, "ref", s->ref);
    n += put_text(out, "wamid", s->wamid);
    n += put_text(out, "status", s->status);
    n += put_int(out, "code", s->code);
    n += put_int(out, "at", s->at_ms);
    return n;
}

static size_t at_most(size_t len, size_t max)
{
    return len < max ? len : max;
}

unsigned stream_dead_write(struct buf *out, const struct stream_raw *raw, const char *reason)
{
    char entry[STREAM_ID_SIZE];
    size_t left = STREAM_DEAD_BYTES_MAX;
    unsigned n = 0;

    for (size_t i = 0; i < raw->field_count && n / 2 < STREAM_DEAD_FIELDS_MAX && left > 0; i++) {
        const struct field *f = &raw->fields[i];
        size_t name = at_most(strlen(f->name), left);
        size_t value = at_most(f->len, left - name);

        resp_bytes(out, f->name, name);
        resp_bytes(out, f->value, value);
        left -= name + value;
        n += 2;
    }
    n += put_text(out, "reason", reason);
    n += put_text(out, "entry", stream_id_text(raw->id, entry));
    return n;
}
