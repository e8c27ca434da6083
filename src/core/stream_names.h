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

#endif
