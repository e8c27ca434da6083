/* SPDX-License-Identifier: MIT
 *
 * content_text.h: what Graph refuses in a template's parameter for its form, said here first.
 *
 * Model: characters are counted in UTF-16 units, the stricter reading of Graph's limits. Graph
 * refuses newlines, tabs and more than four spaces in a row (132018), and empty text; we refuse the
 * other control characters with them. Limits are those of graph-api 2.3: what a template's
 * creation allows is what a filled one may hold.
 */
#ifndef CORE_CONTENT_TEXT_H
#define CORE_CONTENT_TEXT_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>

enum content_kind {
    CONTENT_BODY,
    CONTENT_HEADER,
    CONTENT_URL,
    CONTENT_REPLY,
};

enum { CONTENT_HEADER_MAX = 60, CONTENT_URL_MAX = 2000, CONTENT_REPLY_MAX = 128 };

/* What is wrong with it and what is allowed (a string constant), or NULL. */
const char *content_text_fault(enum content_kind kind, const char *text, size_t len) MUST_CHECK;
/* Parameter names are lower-case letters, digits and underscores. */
const char *content_name_fault(const char *name, size_t len) MUST_CHECK;

#endif
