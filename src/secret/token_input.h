/* SPDX-License-Identifier: MIT
 *
 * token_input.h: where the token comes from before it is sealed. Never an argument: other users
 * see those.
 *
 * Model: what is piped in wins over the environment, the environment over a question:
 *   standard input is no terminal, and not empty   that is the token (a last line break dropped)
 *   else WHATSAPP_TOKEN is set and not empty       that is the token
 *   else standard input is a terminal              asked for, without echo
 * Standard input that is no terminal is read to its end first: whoever leaves a pipe open there is
 * waited for.
 */
#ifndef SECRET_TOKEN_INPUT_H
#define SECRET_TOKEN_INPUT_H

#include "base/err.h"
#include "secret/secret.h"

#define TOKEN_ENVIRONMENT "WHATSAPP_TOKEN"

/* `fd` is standard input. The token's form is not checked here. EXIT_NO_INPUT when there is none.
 * WHATSAPP_TOKEN is taken out of the environment in any case. Returned: free with secret_free. */
bool token_input_read(int fd, struct secret **out, struct err *e) MUST_CHECK;

/* Moves WHATSAPP_TOKEN into locked memory: its bytes are wiped and it is unset, so that neither
 * children nor /proc show it. NULL when it is unset or empty. Returned: free with secret_free. */
struct secret *token_input_from_environment(void);

#endif
