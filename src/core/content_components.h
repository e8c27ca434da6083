/* SPDX-License-Identifier: MIT
 *
 * content_components.h: Graph's own components array, given whole.
 *
 * Model: an array of objects that have a "type"; text and payload parameters obey the rules of
 * content_text.h. All else is Graph's to judge. Members are sorted, so that a producer whose
 * language shuffles them gives the same content each time.
 */
#ifndef CORE_CONTENT_COMPONENTS_H
#define CORE_CONTENT_COMPONENTS_H

#include "base/buf.h"
#include "core/message.h"

enum {
    COMPONENTS_MAX = 32,
    COMPONENTS_DEPTH_MAX = 12, /* a carousel has 9; the request around it adds 2 */
};

/* Appends {"components":[...]}, or nothing for an empty array. */
bool content_write_components(struct buf *out, const struct field *field,
                              struct reject *why) MUST_CHECK;

#endif
