/* SPDX-License-Identifier: MIT
 *
 * stream_id.h: the ids of stream entries: "MILLISECONDS-SEQUENCE", ordered.
 */
#ifndef CORE_STREAM_ID_H
#define CORE_STREAM_ID_H

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

struct stream_id {
    uint64_t ms; /* Unix milliseconds of Redis' clock, unless the producer chose otherwise */
    uint64_t seq;
};

enum { STREAM_ID_SIZE = 42 }; /* two 20-digit numbers, '-', NUL */

bool stream_id_parse(const char *text, size_t len, struct stream_id *out) MUST_CHECK;
/* Returns `out`. */
const char *stream_id_text(struct stream_id id, char out[STREAM_ID_SIZE]);
/* Below, equal, above: -1, 0, 1. */
int stream_id_compare(struct stream_id a, struct stream_id b);
/* The highest id below `id`; 0-0 stays what it is. */
struct stream_id stream_id_before(struct stream_id id);
/* The smallest id above `id`; the highest there is stays what it is. */
struct stream_id stream_id_next(struct stream_id id);

#endif
