/* SPDX-License-Identifier: MIT
 *
 * stream_options.h: options of a stream, kept.
 */
#ifndef CORE_STREAM_OPTIONS_H
#define CORE_STREAM_OPTIONS_H

#include "core/stream.h"

/* Names are copied; `where`, `run` and `defaults` are not: they stay the caller's. */
void stream_options_copy(struct stream_options *out, const struct stream_options *o);
/* What stream_options_copy made. */
void stream_options_free(struct stream_options *o);

#endif
