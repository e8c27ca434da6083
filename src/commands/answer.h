/* SPDX-License-Identifier: MIT
 *
 * answer.h: answers over the control socket that every process that listens there gives.
 */
#ifndef COMMANDS_ANSWER_H
#define COMMANDS_ANSWER_H

#include "commands/status.h"
#include "io/control.h"

/* {"v":1,"ok":true,"text":TEXT}: one line, for people. */
void answer_text(struct control_request *request, const char *text);
void answer_refusal(struct control_request *request, enum exit_code code, const char *text);
/* Refuses what a broadcast cannot have any more. */
void answer_cancelled(struct control_request *request);
void answer_status(struct control_request *request, const struct daemon_status *status);

#endif
