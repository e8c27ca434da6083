/* SPDX-License-Identifier: MIT
 *
 * csv_write.h: writing RFC 4180 CSV.
 */
#ifndef BASE_CSV_WRITE_H
#define BASE_CSV_WRITE_H

#include "base/buf.h"

/* Appends a field, quoted when it must be. `first`: no comma before it. */
void csv_write_field(struct buf *out, const char *bytes, size_t len, bool first);
/* The same for a spreadsheet: a text that a spreadsheet would take for a formula gets a ' first. */
void csv_write_safe(struct buf *out, const char *text, bool first);

#endif
