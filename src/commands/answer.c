/* SPDX-License-Identifier: MIT */
#include "commands/answer.h"

enum { TEXT_MAX = 4096 };

void answer_refusal(struct control_request *request, enum exit_code code, const char *text)
{
    struct err why;

    (void)err_set(&why, code, "%s", text);
    control_refuse(request, &why);
}

void answer_cancelled(struct control_request *request)
{
    answer_refusal(
        request, EXIT_USAGE,
        "this broadcast is cancelled: that is final; a broadcast of another name sends anew");
}

void answer_text(struct control_request *request, const char *text)
{
    struct buf out = buf_new(TEXT_MAX);
    struct json_writer w = {.out = &out};

    json_begin(&w, NULL, '{');
    json_put_int(&w, "v", 1);
    json_put_bool(&w, "ok", true);
    json_put_string(&w, "text", text);
    json_end(&w, '}');
    control_reply(request, buf_text(&out));
    buf_free(&out);
}

void answer_status(struct control_request *request, const struct daemon_status *status)
{
    struct buf out = buf_new(STATUS_TEXT_MAX);

    status_json(status, &out);
    control_reply(request, buf_text(&out));
    buf_free(&out);
}
