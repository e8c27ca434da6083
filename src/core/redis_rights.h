/* SPDX-License-Identifier: MIT
 *
 * redis_rights.h: may this user of Redis do what the daemon will ask of it?
 *
 * Model: each command that the daemon needs is asked for with an argument that makes no sense, or
 * of a key that nobody has. Redis looks at the user's rights before it looks at arguments: what is
 * not NOPERM may be done. Nothing is read into a group, added, acknowledged or deleted.
 */
#ifndef CORE_REDIS_RIGHTS_H
#define CORE_REDIS_RIGHTS_H

#include "base/buf.h"
#include "core/stream.h"

/* Writes the commands; returns how many. Of `options` the names and `trim` count. */
unsigned redis_rights_ask(const struct stream_options *options, struct buf *out);
/* Redis' error to the `i`-th of them: when it is not allowed, or not known, its name and where it
 * matters its key go behind what `missing` lists. True: without it no message can be sent and
 * settled. */
bool redis_rights_take(const struct stream_options *options, unsigned i, const char *error,
                       struct buf *missing);

#endif
