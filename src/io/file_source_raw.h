/* SPDX-License-Identifier: MIT
 *
 * file_source_raw.h: a row as the CSV and the JSONL reader find it, before it is looked into.
 */
#ifndef IO_FILE_SOURCE_RAW_H
#define IO_FILE_SOURCE_RAW_H

#include "core/message.h"

enum raw_kind {
    RAW_FIELDS, /* it could be taken apart */
    RAW_BROKEN, /* it could not: `why` */
    RAW_END,
};

struct raw_row {
    enum raw_kind kind;
    uint64_t line;              /* where it starts */
    uint64_t start;             /* offset of its first byte */
    uint64_t length;            /* bytes in the file, with the line's end */
    const struct field *fields; /* borrowed until the next row */
    size_t count;               /* of fields; `fields` holds at most the first FILE_FIELDS_MAX */
    char why[200];
};

#endif
