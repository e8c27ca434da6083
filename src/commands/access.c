/* SPDX-License-Identifier: MIT */
#include "commands/access.h"

#include "base/terminal.h"

#include <stdlib.h>
#include <string.h>

static bool ask_passphrase(struct secret **out, struct err *e)
{
    char text[1024];
    size_t len = 0;

    if (!terminal_read_secret("Passphrase of the token: ", text, sizeof(text), &len))
        return err_set(e, EXIT_CONFIG,
                       "the token is sealed with a passphrase, and there is no terminal to ask "
                       "for it: seal it with a key file (token.key_file) instead");
    *out = secret_new(text, len);
    explicit_bzero(text, sizeof(text));
    return true;
}

bool access_key(const struct settings *s, bool needs_passphrase, struct token_key *key,
                struct secret **passphrase, struct err *e)
{
    *key = (struct token_key){
        .key_file = *s->token_key_file ? s->token_key_file : NULL,
        .credentials_directory = getenv("CREDENTIALS_DIRECTORY"),
    };
    *passphrase = NULL;
    if (needs_passphrase && !ask_passphrase(passphrase, e))
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

/* The environment keeps no copy. */
static bool take_plain(struct secret **out, struct err *e)
{
    char *value = getenv("WHATSAPP_TOKEN");
    size_t len;

    if (!value || !*value)
        return err_set(e, EXIT_CONFIG,
                       "no access token: set token.file (see `tidings token seal`) or "
                       "WHATSAPP_TOKEN");
    len = strlen(value);
    if (!token_check_form(value, len, e))
        return err_wrap(e, "WHATSAPP_TOKEN");
    *out = secret_new(value, len);
    explicit_bzero(value, len);
    (void)unsetenv("WHATSAPP_TOKEN"); /* the name is valid */
    return true;
}

bool access_open(const struct settings *s, struct secret **out, enum access_kind *kind,
                 struct err *e)
{
    *kind = *s->token_file ? ACCESS_SEALED : ACCESS_PLAIN;
    return *kind == ACCESS_SEALED ? open_sealed(s, out, e) : take_plain(out, e);
}
