/* SPDX-License-Identifier: MIT
 *
 * log.h: the log: one line an event, `TIME LEVEL text key=value...` or JSON.
 *
 * Model: levels mean something: error: a message failed, or we cannot go on; warn: a person should
 * look; info: what happens; debug: how. Values are typed fields, quoted and escaped (control
 * characters, invalid UTF-8), so that no value can forge a line.
 * A field that does not fit in a line (8 kB) any more is left out; a text ends after 1 kB.
 * Lifetime: one logger a process (the only mutable global there is). Before log_open and
 * after log_close it writes warn and above straight to standard error. Any thread may log.
 * Failure: writing never blocks: lines go through a bounded buffer; what does not fit is dropped
 * and counted, and the count is logged when there is room again. A thread of the logger's own
 * writes to the file descriptor; what it cannot write (a full disk) counts as dropped too.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

struct log_options {
    enum log_level level;
    enum log_format format;
    const char *file; /* NULL or "": standard error. Copied */
    bool colour;      /* level words in colour; only for a terminal */
};

bool log_open(const struct log_options *options, struct err *e) MUST_CHECK;
/* Writes what is buffered (waits at most two seconds) and stops the thread. */
void log_close(void);
/* Waits until everything logged so far is written, at most two seconds. */
void log_flush(void);
void log_set_level(enum log_level level);
/* Cheap: look before building fields. */
bool log_enabled(enum log_level level);
/* Lines dropped since the start. */
uint64_t log_dropped(void);
/* While set, each line is handed to `on_line` instead of standard error (the live progress block
 * draws around it); a log file is written as ever. Called on the caller's thread; `line` ends in a
 * newline and is borrowed until it returns. NULL: back to normal. */
void log_set_sink(void (*on_line)(void *context, const char *line, size_t len), void *context);

enum log_field_kind { LOG_FIELD_TEXT, LOG_FIELD_INT, LOG_FIELD_DOUBLE };

struct log_field {
    const char *key;
    enum log_field_kind kind;
    const char *text; /* LOG_FIELD_TEXT; NULL: the field is left out */
    int64_t number;   /* LOG_FIELD_INT */
    double real;      /* LOG_FIELD_DOUBLE */
};

/* A field of each kind. */
#define LOG_STR(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_TEXT, .text = (v)})
#define LOG_NUM(k, v) \
    ((struct log_field){.key = (k), .kind = LOG_FIELD_INT, .number = (int64_t)(v)})
#define LOG_REAL(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_DOUBLE, .real = (v)})

/* `fields` is copied. */
void log_event(enum log_level level, const char *text, const struct log_field *fields,
               size_t count);
/* log_line(LOG_INFO, "text", LOG_STR("id", id), LOG_NUM("attempt", 1)); fields may be left out. */
#define log_line(level, message, ...)                                                \
    do {                                                                             \
        if (log_enabled(level)) {                                                    \
            const struct log_field log_fields_[] = {{0}, ##__VA_ARGS__};             \
            log_event(level, message, log_fields_ + 1, ARRAY_SIZE(log_fields_) - 1); \
        }                                                                            \
    } while (0)

#endif
