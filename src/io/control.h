/* SPDX-License-Identifier: MIT
 *
 * control.h: the daemon's side of the control socket: a Unix socket on which commands of the same
 * user (or root) ask, one JSON object a line, and are answered, one a line.
 *
 * Model: on_request is called for each question, in the order in which a client asks; a client's
 * next question is read only when the last one's answer was written, so answers keep the order.
 * What io answers by itself, without asking: a line that is no JSON object (code 64), one longer
 * than CONTROL_LINE_MAX (65, and the client is dropped), a client above CONTROL_CLIENTS_MAX (75),
 * of another user (77); all as {"v":1,"ok":false,"code":...,"error":"..."}. A client may be idle
 * for as long as it likes, and may close its writing half and still be answered.
 * The socket's file has mode 0600 from its first moment. One that a dead daemon left is replaced;
 * what is no socket, and a socket that somebody listens on, is left alone.
 * Lifetime: `body` is borrowed until on_request returns. A request is valid until control_reply,
 * which is called exactly once for each, from inside on_request or later, also after the client
 * has gone and after control_close (both harmless; the answer goes nowhere). control_close removes
 * the file and closes every client: for them this is how a daemon ends, so it belongs at the end of
 * what a daemon does. on_closed fires from the loop, never from inside the call.
 * Failure: see control_open. After it nothing fails but single clients, which are dropped. SIGPIPE
 * must be ignored (main.c does).
 */
#ifndef IO_CONTROL_H
#define IO_CONTROL_H

#include "base/err.h"
#include "base/json.h"

#include <uv.h>

enum {
    CONTROL_LINE_MAX = 1 << 20,   /* bytes of a question, without the newline */
    CONTROL_ANSWER_MAX = 1 << 22, /* bytes of an answer; a longer one becomes an error, code 1 */
    CONTROL_CLIENTS_MAX = 64,
    CONTROL_PATH_MAX = 107, /* bytes: sockaddr_un.sun_path without its NUL */
};

struct control;
struct control_request;

struct control_handler {
    void *context;
    void (*on_request)(void *context, struct control_request *request, const struct json *body);
};

/* Listens on `path`; `handler` is copied. EXIT_CONFIG, naming control.socket: the path is longer
 * than CONTROL_PATH_MAX. EXIT_TRY_LATER: somebody listens there. EXIT_CANT_CREATE: anything else.
 */
bool control_open(uv_loop_t *loop, const char *path, const struct control_handler *handler,
                  struct control **out, struct err *e) MUST_CHECK;
/* Answers with one JSON object without a newline inside; `text` is copied. */
void control_reply(struct control_request *request, const char *text);
/* The same as {"v":1,"ok":false,"code":CODE,"error":TEXT}. */
void control_refuse(struct control_request *request, const struct err *why);
/* `control` may not be used afterwards. */
void control_close(struct control *control, void (*on_closed)(void *context), void *context);

#endif
