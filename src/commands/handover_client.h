/* SPDX-License-Identifier: MIT
 *
 * handover_client.h: what `send`, `broadcast` and `retry` say to the daemon that holds the ledger
 * (its side: daemon_control.c).
 *
 * Model: messages and numbers gather and go in questions of a bounded size; an answer says that the
 * daemon has them on disk. Blocking; a signal is looked at between calls.
 * Failure: by call. What was not confirmed is not the daemon's, as far as anybody can know: the
 * same command again finds out, since an id is taken once. EXIT_WORK_LEFT: the daemon ended in the
 * middle; what it refuses comes with its own code. After a failure only handover_close is allowed.
 */
#ifndef COMMANDS_HANDOVER_CLIENT_H
#define COMMANDS_HANDOVER_CLIENT_H

#include "base/json.h"
#include "commands/known_rows.h"
#include "commands/settings.h"
#include "core/message.h"
#include "core/outcome.h"

struct handover;

struct handover_counts {
    uint64_t taken;  /* new to the ledger */
    uint64_t known;  /* their id was on record already, wherever */
    uint64_t reused; /* their id was on record with other content: not taken */
};

/* The daemon that holds the ledger of these settings; NULL: there is none that answers. Returned:
 * end with handover_close. */
struct handover *handover_find(const struct settings *s);
void handover_close(struct handover *h);

/* From now on rows whose id is on record go there, too; borrowed. */
void handover_tell_known(struct handover *h, struct known_rows *known);
/* `m` is taken. Goes to the daemon when enough have gathered, or by handover_flush. Reused ids are
 * logged as warnings. */
bool handover_give(struct handover *h, struct message *m, struct err *e) MUST_CHECK;
bool handover_flush(struct handover *h, struct err *e) MUST_CHECK;
struct handover_counts handover_counts(const struct handover *h);

/* Failed (or unknown) messages, by the ledger's numbers: those that are still in one of `states`
 * (1 << state) wait from now on. Adds to `opened`. */
struct handover_numbers {
    const uint64_t *items;
    size_t count;
    unsigned states; /* of open_again */
};
bool handover_open_again(struct handover *h, const struct handover_numbers *numbers,
                         uint64_t *opened, struct err *e) MUST_CHECK;

/* Unknown messages, settled by hand: accepted or failed. Adds to `settled`. */
bool handover_settle(struct handover *h, const struct handover_numbers *numbers, enum state to,
                     uint64_t *settled, struct err *e) MUST_CHECK;

/* Puts a broadcast on record as open, with the hashes (32 bytes each) of its file and its plan; as
 * complete. Refused where the operator paused or cancelled it. */
bool handover_put_broadcast(struct handover *h, const char *name, const unsigned char *file_hash,
                            const unsigned char *plan_hash, struct err *e) MUST_CHECK;
bool handover_complete_broadcast(struct handover *h, const char *name, struct err *e) MUST_CHECK;

/* The daemon's status (status.h) now. Returned: free with json_free; NULL with `e` filled. */
struct json *handover_status(struct handover *h, struct err *e) MUST_CHECK;
/* Waits so long, or until the daemon has ended: true. */
bool handover_wait(struct handover *h, int64_t ms);

#endif
