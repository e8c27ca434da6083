/* SPDX-License-Identifier: MIT
 *
 * private_file.h: files that hold secrets: read only where nobody else can read them, written whole
 * or not at all.
 *
 * Model: a file is private when it is a regular file (not reached through a symbolic link), belongs
 * to root or to this user, and gives group and others nothing: OpenSSH's rule for its keys. Files
 * that systemd puts into $CREDENTIALS_DIRECTORY belong to root and may be readable by the group:
 * that is how an access list for the service's user shows in the mode.
 * Failure: every message begins with the path. EXIT_NO_INPUT: there is none. EXIT_NO_PERMISSION:
 * the system does not let us read it. EXIT_CONFIG: it is not private, or no such file at all; the
 * command that mends it is named. EXIT_CANT_CREATE: it could not be written; nothing was changed.
 */
#ifndef SECRET_PRIVATE_FILE_H
#define SECRET_PRIVATE_FILE_H

#include "base/err.h"
#include "secret/secret.h"

struct private_file {
    const char *path;
    size_t size_max;    /* bytes; a longer file is refused unread */
    bool is_credential; /* lies in $CREDENTIALS_DIRECTORY */
    const char *maker;  /* the command that makes such a file, named where there is none */
};

/* Returned: free with secret_free. An empty file is refused. */
bool private_file_read(const struct private_file *file, struct secret **out,
                       struct err *e) MUST_CHECK;

enum private_write {
    PRIVATE_NEW,     /* never over anything that is there */
    PRIVATE_REPLACE, /* takes the place of a file of that name */
};

/* Mode 0600; on disk when it returns true. */
bool private_file_write(const char *path, enum private_write how, const struct secret *content,
                        struct err *e) MUST_CHECK;

#endif
