/* SPDX-License-Identifier: MIT
 *
 * retry.h: `tidings retry`: sends failed messages again.
 */
#ifndef COMMANDS_RETRY_H
#define COMMANDS_RETRY_H

int command_retry(int argc, char **argv);

#endif
