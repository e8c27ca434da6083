/* SPDX-License-Identifier: MIT */
#include "commands/access.h"

#include "secret/prompt.h"
#include "secret/token_input.h"

#include <stdlib.h>

bool access_key(const struct settings *s, bool needs_passphrase, struct token_key *key,
                struct secret **passphrase, struct err *e)
{
    *key = (struct token_key){
        .key_file = *s->token_key_file ? s->token_key_file : NULL,
        .credentials_directory = getenv("CREDENTIALS_DIRECTORY"),
    };
    *passphrase = NULL;
    if (needs_passphrase && !prompt_secret_at_terminal("Passphrase of the token: ", passphrase, e))
        return false;
    key->passphrase = *passphrase;
    return true;
}

static bool open_sealed(const struct settings *s, struct secret **out, struct err *e)
{
    struct token_key key;
    struct secret *passphrase;
    bool needs_passphrase, ok;

    if (!token_needs_passphrase(s->token_file, &needs_passphrase, e) ||
        !access_key(s, needs_passphrase, &key, &passphrase, e))
        return false;
    ok = token_open(s->token_file, &key, out, e);
    secret_free(passphrase);
    return ok;
}

static bool take_plain(struct secret **out, struct err *e)
{
    struct secret *token = token_input_from_environment();

    if (!token)
        return err_set(e, EXIT_CONFIG,
                       "no access token: set token.file (see `tidings help token`) or "
                       "WHATSAPP_TOKEN");
    if (!token_check_form(secret_bytes(token), secret_len(token), e)) {
        secret_free(token);
        return err_wrap(e, "WHATSAPP_TOKEN");
    }
    *out = token;
    return true;
}

bool access_open(const struct settings *s, struct secret **out, enum access_kind *kind,
                 struct err *e)
{
    *kind = *s->token_file ? ACCESS_SEALED : ACCESS_PLAIN;
    return *kind == ACCESS_SEALED ? open_sealed(s, out, e) : take_plain(out, e);
}
