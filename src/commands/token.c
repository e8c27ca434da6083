/* SPDX-License-Identifier: MIT */
#include "commands/token.h"

#include "commands/access.h"
#include "commands/command.h"
#include "secret/prompt.h"
#include "secret/token_input.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct token_flags {
    bool passphrase;
};

static const struct flag flags[] = {
    {.name = "passphrase",
     .kind = FLAG_SWITCH,
     .offset = offsetof(struct token_flags, passphrase),
     .help = "seal with a passphrase instead of token.key_file"},
};

static const struct flag_table table = FLAG_TABLE(
    "token", "keygen | seal | show",
    "the access token, encrypted at rest: keygen makes token.key_file, seal reads the token from "
    "standard input or WHATSAPP_TOKEN and writes token.file, show prints it masked",
    flags);

struct token_call {
    struct call call;
    struct token_flags flags;
};

static bool need(const char *value, const char *key, struct err *e)
{
    return *value || err_set(e, EXIT_CONFIG, "%s is not set: put it into the configuration, or "
                                             "give --set %s=FILE",
                             key, key);
}

static bool keygen(struct token_call *c, struct err *e)
{
    const char *path = c->call.settings.token_key_file;

    if (!need(path, "token.key_file", e) || !token_key_make(path, e))
        return false;
    fprintf(stderr, "Key made: %s (keep it apart from the sealed token's backups)\n", path);
    return true;
}

static bool ask_twice(struct secret **out, struct err *e)
{
    struct secret *again;
    bool same;

    if (!prompt_secret_at_terminal("New passphrase: ", out, e))
        return false;
    if (!prompt_secret_at_terminal("Once more: ", &again, e))
        return false;
    same = secret_len(*out) == secret_len(again) &&
           memcmp(secret_bytes(*out), secret_bytes(again), secret_len(again)) == 0;
    secret_free(again);
    return same || err_set(e, EXIT_USAGE, "the two passphrases differ; nothing was written");
}

static bool seal_with(struct token_call *c, const struct secret *token, struct err *e)
{
    struct secret *passphrase = NULL;
    struct secret *unused = NULL;
    struct token_key key;
    bool ok = (!c->flags.passphrase || ask_twice(&passphrase, e)) &&
              access_key(&c->call.settings, false, &key, &unused, e);

    if (ok) {
        key.passphrase = passphrase;
        ok = token_seal(c->call.settings.token_file, &key, token, e);
    }
    secret_free(passphrase);
    return ok;
}

static bool seal(struct token_call *c, struct err *e)
{
    struct secret *token;
    bool ok;

    if (!need(c->call.settings.token_file, "token.file", e) ||
        !token_input_read(STDIN_FILENO, &token, e))
        return false;
    ok = seal_with(c, token, e);
    secret_free(token);
    if (ok)
        fprintf(stderr, "Token sealed: %s\n", c->call.settings.token_file);
    return ok;
}

static bool show(struct token_call *c, struct err *e)
{
    char masked[SECRET_MASKED_SIZE];
    enum access_kind kind;
    struct secret *token;

    if (!access_open(&c->call.settings, &token, &kind, e))
        return false;
    secret_mask(token, masked);
    printf("%s (%s)\n", masked, kind == ACCESS_SEALED ? "sealed" : "plain");
    secret_free(token);
    return true;
}

static const struct {
    const char *name;
    bool (*run)(struct token_call *c, struct err *e);
} actions[] = {{"keygen", keygen}, {"seal", seal}, {"show", show}};

static int run(struct token_call *c)
{
    const char *word = c->call.arguments.count == 1 ? c->call.arguments.items[0] : "";
    struct err e;

    for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
        if (strcmp(actions[i].name, word) == 0)
            return actions[i].run(c, &e) ? EXIT_DONE : call_fail(&e);
    }
    fprintf(stderr, "tidings: token wants one of keygen, seal, show (the token itself is never an "
                    "argument)\n");
    return EXIT_USAGE;
}

int command_token(int argc, char **argv)
{
    struct token_call c = {0};
    int code = EXIT_DONE;

    secret_harden_process();
    if (call_begin(&c.call, &table, argc, argv, &c.flags, &code)) {
        code = run(&c);
        call_end(&c.call);
    }
    return code;
}
