/* SPDX-License-Identifier: MIT
 *
 * webhook_wait.h: webhooks beside a single run (`broadcast --webhook`): received while it sends,
 * and waited for after it, until nothing of it is unknown any more, or the time is over.
 *
 * Lifetime: begin once the dispatch is set up; is_done, asked by it while nothing is in flight,
 * begins the waiting; end closes what is on the loop. All of it on the loop.
 */
#ifndef COMMANDS_WEBHOOK_WAIT_H
#define COMMANDS_WEBHOOK_WAIT_H

#include "commands/dispatch.h"
#include "commands/webhook_receiver.h"

enum { WEBHOOK_WAIT_S = 60 }; /* unless it is told */

struct webhook_wait {
    int64_t seconds; /* 0: no webhooks */
    struct dispatch *dispatch;
    const char *broadcast;
    struct webhook_receiver *receiver;
    uv_timer_t timer; /* wakes the loop when the time is over */
    bool has_timer;
    int64_t until_us;              /* monotonic; 0: it does not wait yet */
    uint64_t unknown;              /* of the broadcast, while it waits */
    uint64_t counted[STATE_COUNT]; /* its messages by state, as the run's tally has them */
    bool is_over;
    char note[96];
};

/* Before anything is sent: does the configuration allow it? EXIT_CONFIG where webhook.listen is
 * off; or what a secret file's reading says. */
bool webhook_wait_check(const struct webhook_wait *w, const struct settings *settings,
                        struct err *e) MUST_CHECK;
/* `seconds`, `dispatch` and `broadcast` are set; webhook_wait_check said yes. */
bool webhook_wait_begin(struct webhook_wait *w, const struct settings *settings,
                        struct err *e) MUST_CHECK;
/* The run's tally has counted this outcome. */
void webhook_wait_settled(struct webhook_wait *w, const struct engine_view *view);
bool webhook_wait_is_done(struct webhook_wait *w);
void webhook_wait_end(struct webhook_wait *w);
/* What it waits for, for progress; NULL: it does not. */
const char *webhook_wait_note(struct webhook_wait *w);
/* What webhooks have settled is accepted in the run's tally, too: what was unknown or failed, and
 * what waited to be sent again. */
void webhook_wait_correct(struct webhook_wait *w);

#endif
