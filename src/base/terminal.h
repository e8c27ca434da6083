/* SPDX-License-Identifier: MIT
 *
 * terminal.h: what a person sits at: is there one, how wide is it, what do they answer.
 *
 * Lifetime: nothing is kept. Asking blocks; it is for commands before their loop runs.
 */
#ifndef BASE_TERMINAL_H
#define BASE_TERMINAL_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdio.h>

bool terminal_is(FILE *stream);
/* Columns; 80 when it is no terminal or does not say. */
unsigned terminal_width(FILE *stream);
/* Colour and redrawing: only on a terminal that can, not with NO_COLOR (no-color.org: set and not
 * empty) and not with --no-color. */
bool terminal_colour(FILE *stream, bool no_color);

/* Prints `question` on standard error and reads the answer from standard input: true for y or yes
 * in any case; false for all else and at its end. */
bool terminal_confirm(const char *question);

/* Reads a secret, its last newline dropped, into `out`, whose cap it must not pass; wiping it is
 * the caller's. Where standard input is a terminal, prints `prompt` on standard error, switches the
 * echo off, reads one line, and switches it on again, also when a signal ends the process
 * meanwhile; otherwise it reads all of standard input. */
bool terminal_read_secret(const char *prompt, struct buf *out, struct err *e) MUST_CHECK;

#endif
