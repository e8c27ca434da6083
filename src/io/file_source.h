/* SPDX-License-Identifier: MIT
 *
 * file_source.h: CSV and JSONL files as a source of messages.
 *
 * Model: the file is read twice, streamed both times: first to plan (count, check, freeze by
 * SHA-256, write the rejects aside), then to send. Memory does not grow with the file. Rows come
 * out in order; a bad row is a reject with its line number and reason, and stops nobody.
 *
 * CSV is strict RFC 4180 in UTF-8 with a header row (csv_reader.h says how it is read and how it
 * goes on after broken quotes); column names are trimmed of blanks and must be written exactly.
 * Rows with nothing but blanks are passed over: no row, no reject. A row with more or fewer fields
 * than the header is a reject: nobody guesses which field is missing. JSONL has one object a line
 * (jsonl_reader.h); only `params` and `components` may be arrays or objects, members that no
 * message field uses may be anything.
 * Lifetime: a source borrows the message context until it is closed; the path is copied.
 * Failure: a file that is changed while the source is open is EXIT_BAD_DATA at the next read.
 */
#ifndef IO_FILE_SOURCE_H
#define IO_FILE_SOURCE_H

#include "base/err.h"
#include "core/message.h"

struct file_source;

enum {
    FILE_ROW_MAX = 262144, /* bytes of one row: eight times the largest `content` */
    FILE_FIELDS_MAX = 256, /* fields of one row: four times MESSAGE_PARAMS_MAX */
    FILE_COLUMNS_MAX = FILE_FIELDS_MAX - 2, /* so that a rejects file has room for its own two */
    FILE_SHOWN_MAX = 4096,                  /* bytes kept of a row that could not be taken apart */
};

enum file_format { FILE_CSV, FILE_JSONL };

enum row_kind {
    ROW_MESSAGE,
    ROW_REJECT,
    ROW_END,
};

struct row {
    enum row_kind kind;
    uint64_t line;           /* of the row's start; a CSV's header is line 1 */
    struct message *message; /* ROW_MESSAGE; returned: free with message_free */
    struct reject reject;    /* ROW_REJECT */
};

/* EXIT_NO_INPUT when it cannot be read or is no regular file; EXIT_BAD_DATA when it is empty, of
 * another kind (UTF-16, xlsx, gzip, a JSON array), or its header is unfit: no `to` column, one name
 * twice, too many. The format is JSONL for *.jsonl, *.ndjson, or when the first byte that is no
 * space is '{'. */
bool file_source_open(const char *path, const struct message_context *context,
                      struct file_source **out, struct err *e) MUST_CHECK;
void file_source_close(struct file_source *s);
/* The next row. False only when the file cannot be read, or was changed. */
bool file_source_next(struct file_source *s, struct row *out, struct err *e) MUST_CHECK;
/* Reads the rest for its hash alone; what comes next is ROW_END. */
bool file_source_drain(struct file_source *s, struct err *e) MUST_CHECK;
/* Back to the first row. */
bool file_source_rewind(struct file_source *s, struct err *e) MUST_CHECK;
/* Bytes read so far and in all, for progress. */
uint64_t file_source_position(const struct file_source *s);
uint64_t file_source_size(const struct file_source *s);
enum file_format file_source_format(const struct file_source *s);
/* SHA-256 of all bytes, those of rejects too, by the first reading that came to ROW_END. */
void file_source_hash(const struct file_source *s, unsigned char out[32]);
/* At ROW_END: whether this reading gave the bytes that the first one gave. */
bool file_source_is_same(const struct file_source *s);
/* Columns that no message field uses, for one warning; count returned. For JSONL: those seen so
 * far, FILE_COLUMNS_MAX at most. `line` and `reason`, from a rejects file, are not among them. */
size_t file_source_unknown_columns(const struct file_source *s, const char *const **names);
/* The original fields of the row that file_source_next just gave, for the rejects file. Of a row
 * that could not be taken apart, has more or fewer fields than the header, or an array where text
 * is wanted: its first FILE_SHOWN_MAX bytes as the one field `to`. Written so, nobody guesses which
 * column is which, and the row is refused again until it is mended.
 * Borrowed until the next call. */
size_t file_source_fields(const struct file_source *s, const struct field **fields);
/* The columns, in order; an unnamed one is "". For JSONL: `to` and the keys seen so far. */
size_t file_source_header(const struct file_source *s, const char *const **names);

#endif
