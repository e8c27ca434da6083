/* SPDX-License-Identifier: MIT
 *
 * access.h: the access token as the settings and the environment give it.
 */
#ifndef COMMANDS_ACCESS_H
#define COMMANDS_ACCESS_H

#include "commands/settings.h"
#include "core/webhook_signature.h"
#include "secret/token.h"

enum access_kind { ACCESS_SEALED, ACCESS_PLAIN };

/* token.file where it is set (asking for its passphrase on a terminal), else WHATSAPP_TOKEN.
 * Returned: free with secret_free. EXIT_CONFIG when there is neither. */
bool access_open(const struct settings *s, struct secret **out, enum access_kind *kind,
                 struct err *e) MUST_CHECK;
/* Where the key comes from; the passphrase, if one is asked for, is returned in `passphrase`. */
bool access_key(const struct settings *s, bool needs_passphrase, struct token_key *key,
                struct secret **passphrase, struct err *e) MUST_CHECK;

/* What Meta's webhooks are checked with. The secrets are borrowed from `app` until the close. */
struct access_webhook {
    struct secret *app;    /* webhook.app_secret_file: one line, during a change-over two */
    struct secret *verify; /* webhook.verify_token_file; NULL: no handshake is answered */
    struct webhook_secrets secrets;
};
/* Files as text (a last newline is dropped), or sealed with the token's key; only the owner may
 * read them. */
bool access_webhook_open(const struct settings *s, struct access_webhook *out,
                         struct err *e) MUST_CHECK;
void access_webhook_close(struct access_webhook *w);
/* Is it the verify token? The time it takes does not tell. */
bool access_webhook_verifies(const struct access_webhook *w, const char *token) MUST_CHECK;

#endif
