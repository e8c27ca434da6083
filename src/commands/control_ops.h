/* SPDX-License-Identifier: MIT
 *
 * control_ops.h: what commands ask a running daemon over its control socket, and how it answers.
 *
 * Model: one JSON object a question, {"op":...}:
 *   status                     {"v":1,"ok":true, ... status.h}
 *   pause, resume, cancel      with "broadcast":"NAME", or everything: {"ok":true,"text":"..."}
 *   drain                      {"ok":true}; the connection closes when the daemon ends
 * and {"ok":false,"code":EXIT CODE,"error":"..."} where it refuses.
 * Failure: EXIT_UNREACHABLE when no daemon runs; what the daemon refuses, with its code.
 */
#ifndef COMMANDS_CONTROL_OPS_H
#define COMMANDS_CONTROL_OPS_H

#include "base/json.h"
#include "commands/settings.h"
#include "io/control_client.h"

enum { CONTROL_ASK_MS = 30000 }; /* how long an answer may take, unless said else */

/* A question and its answer. */
struct control_ask {
    const char *op;
    const char *broadcast; /* NULL: none */
    int64_t timeout_ms;    /* for the answer; 0: CONTROL_ASK_MS */
    struct buf text;       /* the answer as it came: free with control_ask_end */
    struct json *answer;   /* the same, parsed */
};

/* Asks; the answer is in `ask` when it is not refused. control_ask_end in both cases. */
bool control_ask(struct control_client *client, struct control_ask *ask, struct err *e) MUST_CHECK;
void control_ask_end(struct control_ask *ask);

/* pause, resume or cancel (`op`) with no daemon running: writes it into the ledger, and says in
 * `text` (one line, for people) what it did. `broadcast`: NULL is everything. */
bool control_without_daemon(const struct settings *settings, const char *op, const char *broadcast,
                            struct buf *text, struct err *e) MUST_CHECK;

/* The commands: `tidings pause | resume | cancel [BROADCAST]`. */
int command_pause(int argc, char **argv);
int command_resume(int argc, char **argv);
int command_cancel(int argc, char **argv);

#endif
