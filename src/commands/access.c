/* SPDX-License-Identifier: MIT */
#include "commands/access.h"

#include "base/hash.h"
#include "secret/private_file.h"
#include "secret/prompt.h"
#include "secret/sealed_file.h"
#include "secret/token_input.h"

#include <stdlib.h>
#include <string.h>

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

static bool open_sealed(const struct settings *s, const char *path, struct secret **out,
                        struct err *e)
{
    struct token_key key;
    struct secret *passphrase;
    bool needs_passphrase, ok;

    if (!token_needs_passphrase(path, &needs_passphrase, e) ||
        !access_key(s, needs_passphrase, &key, &passphrase, e))
        return false;
    ok = token_open(path, &key, out, e);
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
    return *kind == ACCESS_SEALED ? open_sealed(s, s->token_file, out, e) : take_plain(out, e);
}

/* ---- Webhooks. */

static bool is_sealed(const struct secret *file)
{
    static const char magic[] = "TIDSEAL";

    return secret_len(file) >= sizeof(magic) &&
           memcmp(secret_bytes(file), magic, sizeof(magic)) == 0;
}

static bool open_text(const struct settings *s, const char *path, struct secret **out,
                      struct err *e)
{
    const struct private_file file = {
        .path = path,
        .size_max = SEAL_FILE_MAX,
        .maker = "an editor (the secret as text), chmod 600",
    };

    if (!private_file_read(&file, out, e))
        return false;
    if (!is_sealed(*out))
        return true;
    secret_free(*out);
    *out = NULL;
    return open_sealed(s, path, out, e);
}

/* The lines of the file, without the last newline: one secret, or two. */
static bool split_secrets(struct access_webhook *w, const char *path, struct err *e)
{
    const char *at = secret_bytes(w->app), *end = at + secret_len(w->app);
    size_t count = 0;

    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end;
        size_t len = (size_t)(stop - at);

        len -= len && at[len - 1] == '\r';
        if (count == WEBHOOK_SECRETS_MAX || !len)
            return err_set(e, EXIT_CONFIG,
                           "webhook.app_secret_file %s: one secret, or the old and the new one, a "
                           "line each",
                           path);
        w->secrets.items[count].bytes = at;
        w->secrets.items[count++].len = len;
        at = stop + 1;
    }
    return true;
}

static bool open_webhook(const struct settings *s, struct access_webhook *w, struct err *e)
{
    if (!*s->webhook_app_secret_file)
        return err_set(e, EXIT_CONFIG,
                       "webhook.app_secret_file is not set: without Meta's app secret no webhook "
                       "can be told from a forged one");
    if (!open_text(s, s->webhook_app_secret_file, &w->app, e))
        return err_wrap(e, "webhook.app_secret_file");
    if (!split_secrets(w, s->webhook_app_secret_file, e))
        return false;
    return !*s->webhook_verify_token_file ||
           open_text(s, s->webhook_verify_token_file, &w->verify, e) ||
           err_wrap(e, "webhook.verify_token_file");
}

bool access_webhook_open(const struct settings *s, struct access_webhook *out, struct err *e)
{
    *out = (struct access_webhook){0};
    if (open_webhook(s, out, e))
        return true;
    access_webhook_close(out);
    return false;
}

void access_webhook_close(struct access_webhook *w)
{
    secret_free(w->app);
    secret_free(w->verify);
    *w = (struct access_webhook){0};
}

static size_t without_newline(const struct secret *s)
{
    size_t len = secret_len(s);

    while (len && strchr("\r\n", secret_bytes(s)[len - 1]))
        len--;
    return len;
}

bool access_webhook_verifies(const struct access_webhook *w, const char *token)
{
    static const char key[] = "verify token";
    unsigned char expected[SHA256_SIZE];

    if (!w->verify)
        return false;
    hmac_sha256(key, sizeof(key), secret_bytes(w->verify), without_newline(w->verify), expected);
    return hmac_sha256_verify(key, sizeof(key), token, strlen(token), expected);
}
