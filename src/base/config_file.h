/* SPDX-License-Identifier: MIT
 *
 * config_file.h: an INI file, read line by line. inih lives behind this header; what it would pass
 * over in silence or get wrong (a line longer than its buffer, an indented line that it takes for
 * more of the value before, every error after the first) is met here, before or after it.
 * Everything passed to the callbacks is borrowed until they return.
 */
#ifndef BASE_CONFIG_FILE_H
#define BASE_CONFIG_FILE_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>

struct config_pair {
    int line;
    const char *section; /* "" before the first [section] */
    const char *name;
    const char *value;
};

struct config_events {
    void (*on_section)(void *context, int line, const char *section);
    void (*on_pair)(void *context, const struct config_pair *pair);
    void (*on_problem)(void *context, int line, const char *reason);
    void *context;
};

/* False when the file cannot be read at all; a bad line is a problem and reading goes on. */
bool config_file_read(const char *path, const struct config_events *events,
                      struct err *e) MUST_CHECK;

#endif
