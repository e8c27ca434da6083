/* SPDX-License-Identifier: MIT
 *
 * csv_reader.h: CSV rows (RFC 4180) out of a file's bytes. libcsv does the parsing.
 *
 * Model: strict. Spaces belong to their field, a quote may stand only in a quoted field, and
 * doubled; between a closing quote and the comma there is nothing. Rows end in LF, CR or CRLF, the
 * last one also without. Rows without anything but blanks in them are passed over.
 * Failure: a row whose quotes are wrong, or never closed, is broken, and only its first line is:
 * the reading goes on with the next line, so that one lost quote does not swallow the rows behind
 * it. A row of more than FILE_ROW_MAX bytes is read to its end, not kept, and broken.
 */
#ifndef IO_CSV_READER_H
#define IO_CSV_READER_H

#include "io/file_source_bytes.h"
#include "io/file_source_raw.h"

struct csv_reader;

/* Borrows `bytes`. Returned: free with csv_reader_free. */
struct csv_reader *csv_reader_new(struct source_bytes *bytes);
void csv_reader_free(struct csv_reader *r);
/* The names that fields have from now on, in order. Borrowed. */
void csv_reader_name_fields(struct csv_reader *r, const char *const *names, size_t count);
/* False only on a read error. */
bool csv_reader_next(struct csv_reader *r, struct raw_row *out, struct err *e) MUST_CHECK;
/* Forgets the row that it is in, after the bytes were moved. */
void csv_reader_restart(struct csv_reader *r);

#endif
