/* SPDX-License-Identifier: MIT
 *
 * err.h: an error as a value: the exit code it would end the program with, and a sentence for the
 * operator (what, where, why, what is allowed).
 *
 * Functions that can fail return bool, are MUST_CHECK, and take a `struct err *` last, which they
 * fill when they return false.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/attr.h"

#include <stdbool.h>

/* The exit codes of the contract; those from 64 on are sysexits(3)'s. */
enum exit_code {
    EXIT_DONE = 0,         /* all accepted, or the command succeeded */
    EXIT_BUG = 1,          /* internal error */
    EXIT_SOME_FAILED = 3,  /* finished, some failed (rejected rows count) */
    EXIT_SOME_UNKNOWN = 4, /* finished, some unknown */
    EXIT_WORK_LEFT = 5,    /* stopped with work left, resumable */
    EXIT_USAGE = 64,
    EXIT_BAD_DATA = 65,    /* no row usable, or a changed file */
    EXIT_NO_INPUT = 66,    /* input missing */
    EXIT_UNREACHABLE = 69, /* Graph, Redis or daemon unreachable */
    EXIT_CANT_CREATE = 73,
    EXIT_LEDGER_IO = 74,
    EXIT_TRY_LATER = 75,     /* held by another process */
    EXIT_NO_PERMISSION = 77, /* token or permission refused */
    EXIT_CONFIG = 78,
};

struct err {
    enum exit_code code;
    char text[512];
};

/* Fills `e` (which may be NULL) and returns false, so that a failing function can end with
 * `return err_set(e, ...)`. The text is one line, whatever it quotes: control characters become
 * spaces. */
bool err_set(struct err *e, enum exit_code code, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "`prefix`: " in front of the text: where the error happened. Returns false. */
bool err_wrap(struct err *e, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
