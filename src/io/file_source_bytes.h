/* SPDX-License-Identifier: MIT
 *
 * file_source_bytes.h: the bytes of an input file, a line at a time, hashed on the way.
 *
 * Model: a window of 64 KiB moves over a regular file. Lines end in LF, CR or CRLF and are counted
 * from 1; a line longer than the window comes in several pieces. The SHA-256 is that of the first
 * whole reading; a later one is compared with it by a cheaper digest. Both cover each byte once,
 * however often it was gone back to. A byte-order mark is hashed and skipped. A file whose size or
 * time of change is no longer what it was at opening is an error at once: what was planned is not
 * what would be sent.
 * Lifetime: a piece is borrowed until the next call that moves.
 */
#ifndef IO_FILE_SOURCE_BYTES_H
#define IO_FILE_SOURCE_BYTES_H

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"

#include <stdint.h>

enum { SOURCE_WINDOW = 65536 };

struct source_bytes;

struct piece {
    const char *bytes;
    size_t len;     /* with the line's end; 0: the file is at its end */
    bool ends_line; /* false: the line goes on in the next piece, or the file ends without one */
};

/* EXIT_NO_INPUT when the file is not there, not readable or no regular file. Returned: free with
 * source_bytes_close. */
bool source_bytes_open(const char *path, struct source_bytes **out, struct err *e) MUST_CHECK;
void source_bytes_close(struct source_bytes *b);

bool source_bytes_next(struct source_bytes *b, struct piece *out, struct err *e) MUST_CHECK;
/* Reads and hashes the rest. */
bool source_bytes_drain(struct source_bytes *b, struct err *e) MUST_CHECK;
/* Back to a place that was read before. */
void source_bytes_seek(struct source_bytes *b, uint64_t offset, uint64_t line);
/* Back to the start, for another reading. */
void source_bytes_rewind(struct source_bytes *b);
/* Puts up to `len` bytes from `offset` into `out`, and moves nothing. */
bool source_bytes_peek(const struct source_bytes *b, uint64_t offset, size_t len, struct buf *out,
                       struct err *e) MUST_CHECK;

/* Of the next byte. */
uint64_t source_bytes_offset(const struct source_bytes *b);
uint64_t source_bytes_line(const struct source_bytes *b);
/* Of the file, when it was opened. */
uint64_t source_bytes_size(const struct source_bytes *b);
/* Of all bytes, by the first reading that came to a piece of length 0. */
void source_bytes_hash(const struct source_bytes *b, unsigned char out[SHA256_SIZE]);
/* Whether this reading, which came to its end, gave the bytes that the first whole one gave. */
bool source_bytes_is_same(const struct source_bytes *b);

#endif
