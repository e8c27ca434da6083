/* SPDX-License-Identifier: MIT
 *
 * file_source.h: CSV and JSONL files as a source of messages.
 *
 * Model: the file is read twice, streamed both times: first to plan (count, check, freeze by
 * SHA-256, write the rejects aside), then to send. Memory does not grow with the file. Rows come
 * out in order; a bad row is a reject with its line number and reason, and stops nobody. Lifetime:
 * a source borrows its path and the message context until it is closed.
 */
#ifndef IO_FILE_SOURCE_H
#define IO_FILE_SOURCE_H

#include "base/err.h"
#include "core/message.h"

struct file_source;

enum { FILE_ROW_MAX = 262144, FILE_FIELDS_MAX = 256 }; /* bytes and fields of one row */

enum file_format { FILE_CSV, FILE_JSONL };

enum row_kind {
    ROW_MESSAGE,
    ROW_REJECT,
    ROW_END,
};

struct row {
    enum row_kind kind;
    uint64_t line;           /* of the row's start; the header is line 1 */
    struct message *message; /* ROW_MESSAGE; returned: free with message_free */
    struct reject reject;    /* ROW_REJECT */
};

/* EXIT_NO_INPUT when it cannot be read; EXIT_BAD_DATA when it has no header or no `to` column. The
 * format is JSONL for *.jsonl, *.ndjson, or when the first byte that is no space is '{'. */
bool file_source_open(const char *path, const struct message_context *context,
                      struct file_source **out, struct err *e) MUST_CHECK;
void file_source_close(struct file_source *s);
/* The next row. False only on a read error. */
bool file_source_next(struct file_source *s, struct row *out, struct err *e) MUST_CHECK;
/* Back to the start. */
bool file_source_rewind(struct file_source *s, struct err *e) MUST_CHECK;
/* Bytes read so far and in all, for progress. */
uint64_t file_source_position(const struct file_source *s);
uint64_t file_source_size(const struct file_source *s);
enum file_format file_source_format(const struct file_source *s);
/* SHA-256 of all bytes; valid after ROW_END. */
void file_source_hash(const struct file_source *s, unsigned char out[32]);
/* Columns that no message field uses, for one warning; count returned. */
size_t file_source_unknown_columns(const struct file_source *s, const char *const **names);
/* The original fields of the row that file_source_next just gave, for the rejects file. Borrowed
 * until the next call. */
size_t file_source_fields(const struct file_source *s, const struct field **fields);
/* The header as it stood in a CSV file (JSONL: the keys of the first row). */
size_t file_source_header(const struct file_source *s, const char *const **names);

#endif
