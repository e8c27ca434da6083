/* SPDX-License-Identifier: MIT
 *
 * rejects_file.h: the rows that cannot be sent, as CSV, to be mended and sent.
 *
 * Model: the columns of the source, then `line` and `reason`. Where the source has these two (it is
 * a rejects file itself), they are replaced. Bytes are written as they stood, also those that are
 * no UTF-8: nothing is lost, and a row is refused again until someone mended it. The file appears
 * whole, by rejects_commit; without rejects, one from before is removed then.
 * Failure: EXIT_CANT_CREATE.
 */
#ifndef IO_REJECTS_FILE_H
#define IO_REJECTS_FILE_H

#include "io/file_source.h"

struct rejects_file;

/* Both are borrowed until rejects_free. Returned: free with rejects_free. */
struct rejects_file *rejects_new(const char *path, const struct file_source *source);
void rejects_free(struct rejects_file *r);
/* Adds the row that the source just gave. */
bool rejects_add(struct rejects_file *r, uint64_t line, const char *reason,
                 struct err *e) MUST_CHECK;
/* Has the source shown columns (JSONL) that what was added so far lacks? */
bool rejects_lack_columns(const struct rejects_file *r);
/* Forgets what was added, and takes the columns that the source has by now. */
void rejects_restart(struct rejects_file *r);
bool rejects_commit(struct rejects_file *r, struct err *e) MUST_CHECK;

#endif
