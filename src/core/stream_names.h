/* SPDX-License-Identifier: MIT
 *
 * stream_names.h: the keys in Redis, made from the stream's name. Each is the caller's: mem_free.
 */
#ifndef CORE_STREAM_NAMES_H
#define CORE_STREAM_NAMES_H

#include "core/stream.h"

/* "tidings:send:high", "tidings:send" */
char *stream_lane_name(const char *stream, enum stream_lane lane);
/* "tidings:send" -> "tidings:result", "send" -> "send:result" */
char *stream_target_name(const char *stream, enum stream_target target);
char *stream_lock_name(const struct stream_options *options);

/* Behind a consumer's name: its other name in the group (stream_options.taken). */
#define STREAM_TAKEN_END ":taken"
char *stream_taken_name(const char *consumer);
/* `consumer` is `name`, or its other one. */
bool stream_is_name_of(const char *consumer, const char *name);

#endif
