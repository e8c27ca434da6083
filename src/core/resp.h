/* SPDX-License-Identifier: MIT
 *
 * resp.h: writes Redis' protocol. A command is an array of texts; XLEN k:
 *     "*2\r\n$4\r\nXLEN\r\n$1\r\nk\r\n"
 *
 * Failure: a buffer that is full says so by buf_ok.
 */
#ifndef CORE_RESP_H
#define CORE_RESP_H

#include "base/buf.h"
#include "core/stream_id.h"

void resp_array(struct buf *b, size_t count);
void resp_bytes(struct buf *b, const void *bytes, size_t len);
void resp_text(struct buf *b, const char *text);
void resp_int(struct buf *b, int64_t value);
void resp_id(struct buf *b, struct stream_id id);

#endif
