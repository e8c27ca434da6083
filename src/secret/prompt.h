/* SPDX-License-Identifier: MIT
 *
 * prompt.h: asking a person for a secret.
 *
 * Model: the terminal is asked with the echo off. Whatever ends the question (Enter, the end of the
 * input, a signal), the echo is on again afterwards; a signal is delivered only then. Ctrl-Z waits
 * for the answer.
 * Lifetime: no signal handler and no state stay behind. For the time before the loop runs, while
 * the process has one thread.
 */
#ifndef SECRET_PROMPT_H
#define SECRET_PROMPT_H

#include "base/err.h"
#include "secret/secret.h"

/* Asks on the terminal `fd`; the question goes to standard error. An empty answer and one above 4
 * KiB are EXIT_BAD_DATA. Returned: free with secret_free. */
bool prompt_secret(int fd, const char *question, struct secret **out, struct err *e) MUST_CHECK;
/* The same on the terminal that started us, whatever standard input is: for a passphrase while the
 * token comes through a pipe. EXIT_USAGE where there is no terminal. */
bool prompt_secret_at_terminal(const char *question, struct secret **out, struct err *e) MUST_CHECK;

#endif
