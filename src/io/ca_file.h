/* SPDX-License-Identifier: MIT
 *
 * ca_file.h: is whatsapp.ca_file a file of certificates? libcurl reads it only when it connects,
 * and what is wrong with it then would look like a network that is down.
 *
 * Model: the file is read to the end of its first PEM certificate, whose form is looked at, not its
 * signature or date.
 */
#ifndef IO_CA_FILE_H
#define IO_CA_FILE_H

#include "base/err.h"

/* NULL and "" are the system's: true. EXIT_CONFIG with key, path, why, and what is allowed. */
bool ca_file_check(const char *path, struct err *e) MUST_CHECK;

#endif
