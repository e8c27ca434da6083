/* SPDX-License-Identifier: MIT
 *
 * redis_commands.h: the stream source's commands as Redis' commands, and Redis' replies as its
 * replies.
 *
 * Failure: a reply that makes no sense is an error reply that says so.
 */
#ifndef IO_REDIS_COMMANDS_H
#define IO_REDIS_COMMANDS_H

#include "base/buf.h"
#include "core/stream.h"
#include "io/redis_reply.h"

struct redis_commands;

/* Names and limits are copied from the options. Returned: free with redis_commands_free. */
struct redis_commands *redis_commands_new(const struct stream_options *options);
void redis_commands_free(struct redis_commands *c);
/* About how many entries the streams of results keep from now on. */
void redis_commands_set_maxlen(struct redis_commands *c, int64_t maxlen);

void redis_command_write(const struct redis_commands *c, const struct stream_command *command,
                         struct buf *out);
/* Fills the reply, whose verb, lane and id_count are set. What it points to is borrowed from the
 * value, and from `c` until the next call. */
void redis_reply_read(struct redis_commands *c, const struct redis_value *value,
                      struct stream_reply *reply);

#endif
