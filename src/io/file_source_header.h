/* SPDX-License-Identifier: MIT
 *
 * file_source_header.h: the columns of a file: is there a message in them, and what is not used.
 *
 * Model: names are copied, in their order, and CSV's are trimmed of blanks. A column without a name
 * is kept in its place and used for nothing.
 */
#ifndef IO_FILE_SOURCE_HEADER_H
#define IO_FILE_SOURCE_HEADER_H

#include "base/err.h"
#include "core/message.h"
#include "io/file_source.h"

struct columns {
    const char *names[FILE_FIELDS_MAX];
    size_t count;
    const char *unknown[FILE_FIELDS_MAX]; /* those of `names` that no message field uses */
    size_t unknown_count;
};

void columns_free(struct columns *c);
/* The columns of a CSV header. EXIT_BAD_DATA: too many, not UTF-8, one twice, no `to`. */
bool columns_from_header(struct columns *c, const struct field *fields, size_t count,
                         const struct message_defaults *defaults, struct err *e) MUST_CHECK;
/* Is it the header that the columns came from? */
bool columns_match(const struct columns *c, const struct field *fields, size_t count) MUST_CHECK;
/* Takes in the names that are new, as far as there is room; not those with blanks around them. */
void columns_learn(struct columns *c, const struct field *fields, size_t count,
                   const struct message_defaults *defaults);

#endif
