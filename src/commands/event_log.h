/* SPDX-License-Identifier: MIT
 *
 * event_log.h: the log lines of sending: every request with its answer, every
 * message that is skipped, every halt.
 */
#ifndef COMMANDS_EVENT_LOG_H
#define COMMANDS_EVENT_LOG_H

#include "core/engine.h"

struct event_log {
    bool full_numbers; /* log.full_numbers */
};

void event_log_started(const struct event_log *l, const struct engine_view *view);
void event_log_answer(const struct event_log *l, const struct engine_view *view,
                      const struct exchange *x, const struct judgement *j);
/* It was never sent, by rule: `reason` says which. */
void event_log_skipped(const char *id, enum reason reason);
/* `is_daemon`: who sends, for the way on (way_on.h). */
void event_log_halt(const struct halt *halt, bool raised, bool is_daemon);

#endif
