/* SPDX-License-Identifier: MIT
 *
 * token.h: `tidings token keygen | seal | show`: the access token, encrypted at rest.
 */
#ifndef COMMANDS_TOKEN_H
#define COMMANDS_TOKEN_H

int command_token(int argc, char **argv);

#endif
