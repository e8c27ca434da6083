/* SPDX-License-Identifier: MIT
 *
 * file_plan_temp.h: a file that appears whole or not at all.
 *
 * Model: it is written under a temporary name in the same directory, mode 0600, and put in its
 * place by temp_file_commit: on disk first, then renamed, then the directory on disk. Failure:
 * EXIT_CANT_CREATE, naming the file. What was not committed is removed.
 */
#ifndef IO_FILE_PLAN_TEMP_H
#define IO_FILE_PLAN_TEMP_H

#include "base/err.h"

struct temp_file;

/* `path` is copied. Returned: free with temp_file_free. */
bool temp_file_new(const char *path, struct temp_file **out, struct err *e) MUST_CHECK;
/* Removes it when it was not committed. */
void temp_file_free(struct temp_file *t);
bool temp_file_write(struct temp_file *t, const void *bytes, size_t len, struct err *e) MUST_CHECK;
/* Empty again. */
bool temp_file_restart(struct temp_file *t, struct err *e) MUST_CHECK;
bool temp_file_commit(struct temp_file *t, struct err *e) MUST_CHECK;

#endif
