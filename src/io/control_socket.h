/* SPDX-License-Identifier: MIT
 *
 * control_socket.h: the file that the control socket is: made private, a dead daemon's replaced, a
 * living one's left alone. For control.c and control_client.c.
 */
#ifndef IO_CONTROL_SOCKET_H
#define IO_CONTROL_SOCKET_H

#include "base/err.h"

#include <sys/types.h>
#include <sys/un.h>

/* A socket's file, to know it again. */
struct control_file {
    dev_t device;
    ino_t inode;
};

/* EXIT_CONFIG when the path is longer than CONTROL_PATH_MAX. */
bool control_address(const char *path, struct sockaddr_un *out, struct err *e) MUST_CHECK;
/* A bound, non-blocking socket, not listening yet; its file has mode 0600. Failure as control_open
 * says. */
bool control_bind(const char *path, int *fd, struct control_file *file, struct err *e) MUST_CHECK;
/* Removes the file if it is still ours. */
void control_unlink(const char *path, const struct control_file *file);
/* May the process at the other end ask? The same user or root. */
bool control_peer_is_allowed(int fd);

#endif
