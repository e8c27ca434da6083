/* SPDX-License-Identifier: MIT
 *
 * journal.h: the messages that were accepted, in order, one small record each.
 */
#ifndef GRAPHMOCK_JOURNAL_H
#define GRAPHMOCK_JOURNAL_H

#include "payload.h"

struct record {
    uint64_t identity; /* payload_identity */
    uint64_t number;   /* what its wamid is made of */
    uint32_t at_ms;    /* since the start of the mock */
    uint16_t phone;    /* index in struct stats */
    uint16_t opaque_len, type_len;
    uint32_t content_len;
    char digits[PAYLOAD_DIGITS_SIZE];
    char text[]; /* opaque, type, content (raw JSON) */
};

struct chunk;

struct journal {
    struct record **records;
    size_t count, cap;
    struct chunk *chunks; /* newest first */
};

/* Copied. `facts` has the fields that are no text. */
void journal_add(struct journal *j, const struct record *facts, const struct payload *p);
/* Forgets everything. */
void journal_clear(struct journal *j);

struct slice record_opaque(const struct record *r);
struct slice record_type(const struct record *r);
struct slice record_content(const struct record *r);

#endif
