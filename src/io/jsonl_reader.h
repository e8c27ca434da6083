/* SPDX-License-Identifier: MIT
 *
 * jsonl_reader.h: rows out of a file with one JSON object a line.
 *
 * Model: members are fields: strings as they are, numbers and booleans as they are written, arrays
 * and objects as JSON text (`is_json`); a null is no field. Blank lines are passed over.
 * Failure: a line that is no JSON object, has more than FILE_FIELDS_MAX members or more than
 * FILE_ROW_MAX bytes is broken. So is one with a whole number that 64 bits do not hold: it would
 * come out as another number.
 */
#ifndef IO_JSONL_READER_H
#define IO_JSONL_READER_H

#include "io/file_source_bytes.h"
#include "io/file_source_raw.h"

struct jsonl_reader;

/* Borrows `bytes`. Returned: free with jsonl_reader_free. */
struct jsonl_reader *jsonl_reader_new(struct source_bytes *bytes);
void jsonl_reader_free(struct jsonl_reader *r);
/* False only on a read error. */
bool jsonl_reader_next(struct jsonl_reader *r, struct raw_row *out, struct err *e) MUST_CHECK;

#endif
