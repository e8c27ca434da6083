/* SPDX-License-Identifier: MIT */
#include "commands/handover.h"

#include "core/phone.h"

#include <string.h>

void handover_write_message(struct json_writer *w, const struct message *m)
{
    json_begin(w, NULL, '{');
    json_put_string(w, "id", m->id);
    json_put_string(w, "to", m->to);
    json_put_string(w, "template", m->template_name);
    json_put_string(w, "lang", m->lang);
    json_put_string(w, "content", m->content);
    json_put_string(w, "class_id", m->class_id);
    json_put_string(w, "test_num", m->test_num);
    json_put_string(w, "broadcast", m->broadcast);
    json_put_string(w, "sender", m->sender);
    json_put_string(w, "ref", m->ref);
    json_put_int(w, "not_before_ms", m->not_before_ms);
    json_put_int(w, "expires_at_ms", m->expires_at_ms);
    json_end(w, '}');
}

/* A text member of at most `max` bytes; "" where it is not there. */
static bool read_text(const struct json *value, const char *key, size_t max, const char **out)
{
    const struct json *member = json_get(value, key);
    size_t len = 0;
    const char *text = json_string(member, &len);

    *out = text ? text : "";
    return (text || !member) && len <= max;
}

static bool read_time(const struct json *value, const char *key, int64_t *out)
{
    const struct json *member = json_get(value, key);

    *out = 0;
    return !member || (json_int(member, out) && *out >= 0);
}

static bool read_members(const struct json *value, struct message *m)
{
    return read_text(value, "id", MESSAGE_ID_MAX, &m->id) &&
           read_text(value, "to", PHONE_SIZE - 1, &m->to) &&
           read_text(value, "template", MESSAGE_TEMPLATE_MAX, &m->template_name) &&
           read_text(value, "lang", 32, &m->lang) &&
           read_text(value, "content", MESSAGE_CONTENT_MAX, &m->content) &&
           read_text(value, "class_id", MESSAGE_LABEL_MAX, &m->class_id) &&
           read_text(value, "test_num", MESSAGE_LABEL_MAX, &m->test_num) &&
           read_text(value, "broadcast", MESSAGE_LABEL_MAX, &m->broadcast) &&
           read_text(value, "sender", MESSAGE_SENDER_MAX, &m->sender) &&
           read_text(value, "ref", MESSAGE_REF_MAX, &m->ref) &&
           read_time(value, "not_before_ms", &m->not_before_ms) &&
           read_time(value, "expires_at_ms", &m->expires_at_ms);
}

struct message *handover_read_message(const struct json *value, struct err *e)
{
    struct message m = {0};

    if (!read_members(value, &m) || !*m.id || m.to[0] != '+' || !*m.template_name || !*m.lang ||
        !*m.sender) {
        (void)err_set(e, EXIT_BAD_DATA,
                      "a message that was handed over is not whole: are the daemon and the command "
                      "of the same version?");
        return NULL;
    }
    return message_restore(&m);
}
