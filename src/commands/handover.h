/* SPDX-License-Identifier: MIT
 *
 * handover.h: what `send`, `broadcast` and `retry` say to a running daemon, and what it reads: a
 * message as a JSON object, and the answers. Both ends are here, so that they fit each other.
 *
 * A message is handed over as it was built and checked by the command (core/message.h): the daemon
 * checks its form again, not its content.
 */
#ifndef COMMANDS_HANDOVER_H
#define COMMANDS_HANDOVER_H

#include "base/json.h"
#include "core/message.h"

/* Of one question. */
enum { HANDOVER_MESSAGES_MAX = 256, HANDOVER_NUMBERS_MAX = 4096 };

void handover_write_message(struct json_writer *w, const struct message *m);
/* Returned: free with message_free; NULL with `e` filled (EXIT_BAD_DATA). */
struct message *handover_read_message(const struct json *value, struct err *e) MUST_CHECK;

#endif
