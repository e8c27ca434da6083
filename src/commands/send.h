/* SPDX-License-Identifier: MIT
 *
 * send.h: `tidings send TO [PARAM...]`: one test message.
 */
#ifndef COMMANDS_SEND_H
#define COMMANDS_SEND_H

int command_send(int argc, char **argv);

#endif
