/* SPDX-License-Identifier: MIT
 *
 * server.h: the whole mock: listens, accepts, ends on SIGTERM and SIGINT.
 */
#ifndef GRAPHMOCK_SERVER_H
#define GRAPHMOCK_SERVER_H

#include "options.h"

/* Serves until it is told to stop; then nothing is left behind. False with `e` filled when it
 * cannot begin. */
bool server_run(const struct options *options, struct err *e) MUST_CHECK;

#endif
