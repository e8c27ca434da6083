/* SPDX-License-Identifier: MIT
 *
 * token.h: `tidings token keygen | seal | show`: the access token, encrypted at rest.
 *
 *   keygen  makes token.key_file, never over a file that is there
 *   seal    reads the token (standard input, else WHATSAPP_TOKEN, else it asks without echo: see
 *           secret/token_input.h) and writes token.file; --passphrase in place of the key file
 *   show    the token, masked, and where it comes from
 */
#ifndef COMMANDS_TOKEN_H
#define COMMANDS_TOKEN_H

int command_token(int argc, char **argv);

#endif
