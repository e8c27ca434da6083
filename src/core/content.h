/* SPDX-License-Identifier: MIT
 *
 * content.h: the fields that fill a template -> the canonical content of a message (message.h says
 * which fields those are, which wins, and what the content looks like).
 */
#ifndef CORE_CONTENT_H
#define CORE_CONTENT_H

#include "base/buf.h"
#include "core/message_field.h"

struct content_source {
    const struct field_set *set;
    const struct message_defaults *defaults;
    bool is_default_template; /* the columns that the defaults' params name belong to it */
};

/* Appends the content to `out`, which is empty and holds MESSAGE_CONTENT_MAX at most. */
bool content_write(struct buf *out, const struct content_source *source,
                   struct reject *why) MUST_CHECK;

#endif
