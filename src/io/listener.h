/* SPDX-License-Identifier: MIT
 *
 * listener.h: a listening TCP socket from an address as text.
 *
 * Failure: EXIT_CONFIG: no ADDR:PORT; EXIT_CANT_CREATE: the system refuses, with its reason.
 */
#ifndef IO_LISTENER_H
#define IO_LISTENER_H

#include "base/err.h"

#include <stdbool.h>

enum { LISTENER_TEXT_SIZE = 64 };

/* Is it an address to listen on, as listener_open takes it? */
bool listener_text_ok(const char *text) MUST_CHECK;
/* `text`: "127.0.0.1:9464", "[::1]:9464"; port 0 takes a free one. `address` gets the real one.
 * The descriptor does not block and is the caller's to close. */
bool listener_open(const char *text, int *fd, char address[LISTENER_TEXT_SIZE],
                   struct err *e) MUST_CHECK;

#endif
