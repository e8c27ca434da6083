/* SPDX-License-Identifier: MIT
 *
 * access.h: the access token as the settings and the environment give it.
 */
#ifndef COMMANDS_ACCESS_H
#define COMMANDS_ACCESS_H

#include "commands/settings.h"
#include "secret/token.h"

enum access_kind { ACCESS_SEALED, ACCESS_PLAIN };

/* token.file where it is set (asking for its passphrase on a terminal), else WHATSAPP_TOKEN.
 * Returned: free with secret_free. EXIT_CONFIG when there is neither. */
bool access_open(const struct settings *s, struct secret **out, enum access_kind *kind,
                 struct err *e) MUST_CHECK;
/* Where the key comes from; the passphrase, if one is asked for, is returned in `passphrase`. */
bool access_key(const struct settings *s, bool needs_passphrase, struct token_key *key,
                struct secret **passphrase, struct err *e) MUST_CHECK;

#endif
