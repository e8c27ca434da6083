/* SPDX-License-Identifier: MIT
 *
 * stream_result.h: what goes out on PREFIX:result, PREFIX:status and PREFIX:dead, ready for the
 * wire.
 */
#ifndef CORE_STREAM_RESULT_H
#define CORE_STREAM_RESULT_H

#include "base/buf.h"
#include "core/outcome.h"
#include "core/stream_command.h"

enum {
    STREAM_DEAD_FIELDS_MAX = 64,    /* fields of a dead entry that are kept */
    STREAM_DEAD_BYTES_MAX = 16384,  /* bytes of these; a value is cut at what is left */
    STREAM_ADD_BYTES_MAX = 1 << 20, /* bytes of an entry that is added; above all we make */
};

/* What became of a message. Everything is borrowed. */
struct stream_result {
    const struct message *message;
    const struct outcome *outcome;
    unsigned attempts;
    int64_t at_ms; /* Unix milliseconds; of several results of an id the highest `at` holds */
};

/* A webhook's status. Texts are borrowed and not NULL. */
struct stream_status {
    const char *id;
    const char *ref;
    const char *wamid;
    const char *status;
    int code;
    int64_t at_ms;
};

/* Each returns the number of texts it wrote. */
unsigned stream_result_write(struct buf *out, const struct stream_result *result);
unsigned stream_status_write(struct buf *out, const struct stream_status *status);
/* The original fields, as far as they fit, then `reason` and `entry` (its id). */
unsigned stream_dead_write(struct buf *out, const struct stream_raw *raw, const char *reason);

#endif
