/* SPDX-License-Identifier: MIT
 *
 * log_format.h: how an event of the log reads.
 *
 *   2026-04-02T09:30:00.125Z INFO text key=value key2="quoted value"
 *   {"v":1,"at":"2026-04-02T09:30:00.125Z","level":"info","text":"text","key":"value"}
 *
 * Text: a value is quoted when it is empty or holds a blank, a quote, '=' or '\'; control
 * characters, those that turn the direction of writing, and bytes that are no UTF-8 are written as
 * \n, \u202e, \xff. JSON: numbers stay numbers, bytes that are no UTF-8 become U+FFFD.
 */
#ifndef BASE_LOG_FORMAT_H
#define BASE_LOG_FORMAT_H

#include "base/buf.h"
#include "base/log.h"

struct log_entry {
    int64_t at_ms; /* wall clock */
    enum log_level level;
    const char *text;
    const struct log_field *fields;
    size_t count;
};

/* Appends the entry's line, newline included. Fields that do not fit are left out, the line is
 * whole all the same. */
void log_format_text(struct buf *out, const struct log_entry *entry, bool colour);
void log_format_json(struct buf *out, const struct log_entry *entry);

#endif
