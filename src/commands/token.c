/* SPDX-License-Identifier: MIT */
#include "commands/token.h"

#include "base/json.h"
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
     .help = "seal: with a passphrase, asked for on the terminal, in place of the key file"},
};

static const struct flag_table table =
    FLAG_TABLE("token", "keygen | seal | show", "the access token, encrypted at rest", flags);

/* One line of JSON on standard output. */
static void print_json(const char *const (*members)[2], size_t count)
{
    struct buf line = buf_new(16384);
    struct json_writer w = {.out = &line};

    json_begin(&w, NULL, '{');
    json_put_int(&w, "v", 1);
    for (size_t i = 0; i < count; i++)
        json_put_string(&w, members[i][0], members[i][1]);
    json_end(&w, '}');
    puts(buf_text(&line));
    buf_free(&line);
}

static bool require_set(const char *value, const char *key, struct err *e)
{
    return *value || err_set(e, EXIT_CONFIG,
                             "%s is not set: in the configuration, or here: "
                             "--set %s=PATH",
                             key, key);
}

/* ---- keygen ---- */

static bool keygen(const struct call *c, const struct token_flags *f, struct err *e)
{
    const char *path = c->settings.token_key_file;
    const char *const members[][2] = {{"key_file", path}};

    (void)f;
    if (!require_set(path, "token.key_file", e) || !token_key_make(path, e))
        return false;
    if (c->common.json)
        print_json(members, ARRAY_SIZE(members));
    else
        printf("Made the key file %s. Without it the sealed token cannot be opened.\n", path);
    return true;
}

/* ---- seal ---- */

/* Asked for twice: a slip would lock the token away. */
static bool ask_new_passphrase(struct secret **out, struct err *e)
{
    struct secret *again;
    bool alike;

    if (!prompt_secret_at_terminal("New passphrase (not shown): ", out, e))
        return false;
    if (!prompt_secret_at_terminal("Once more: ", &again, e)) {
        secret_free(*out);
        return false;
    }
    alike = strcmp(secret_bytes(*out), secret_bytes(again)) == 0;
    secret_free(again);
    if (alike)
        return true;
    secret_free(*out);
    return err_set(e, EXIT_BAD_DATA, "the two passphrases are not the same; nothing was sealed");
}

static bool seal_with(const struct settings *s, bool by_passphrase, const struct secret *token,
                      struct err *e)
{
    struct token_key key;
    struct secret *passphrase = NULL;
    bool ok;

    if (!access_key(s, false, &key, &passphrase, e))
        return false;
    if (by_passphrase && !ask_new_passphrase(&passphrase, e))
        return false;
    key.passphrase = passphrase;
    ok = token_seal(s->token_file, &key, token, e);
    secret_free(passphrase);
    return ok;
}

static void print_sealed(const struct call *c, const struct secret *token)
{
    char masked[SECRET_MASKED_SIZE];
    const char *const members[][2] = {{"token", masked}, {"file", c->settings.token_file}};

    secret_mask(token, masked);
    if (c->common.json)
        print_json(members, ARRAY_SIZE(members));
    else
        printf("Sealed %s into %s.\n", masked, c->settings.token_file);
}

static bool seal(const struct call *c, const struct token_flags *f, struct err *e)
{
    struct secret *token;
    bool ok;

    if (!require_set(c->settings.token_file, "token.file", e) ||
        !token_input_read(STDIN_FILENO, &token, e))
        return false;
    ok = token_check_form(secret_bytes(token), secret_len(token), e) &&
         seal_with(&c->settings, f->passphrase, token, e);
    if (ok)
        print_sealed(c, token);
    secret_free(token);
    return ok;
}

/* ---- show ---- */

static bool show(const struct call *c, const struct token_flags *f, struct err *e)
{
    struct secret *token;
    enum access_kind kind;
    char masked[SECRET_MASKED_SIZE];

    (void)f;
    if (!access_open(&c->settings, &token, &kind, e))
        return false;
    secret_mask(token, masked);
    secret_free(token);
    const char *const members[][2] = {{"token", masked},
                                      {"kind", kind == ACCESS_SEALED ? "sealed" : "plain"}};
    if (c->common.json)
        print_json(members, ARRAY_SIZE(members));
    else
        printf("%s (%s)\n", masked,
               kind == ACCESS_SEALED ? "sealed" : "in plain in " TOKEN_ENVIRONMENT);
    return true;
}

/* ---- which of them ---- */

typedef bool action_run(const struct call *c, const struct token_flags *f, struct err *e);

static const char *const action_names[] = {"keygen", "seal", "show"};
static action_run *const action_runs[] = {keygen, seal, show};

static bool find_action(const char *name, action_run **out, struct err *e)
{
    const char *nearest;

    for (size_t i = 0; i < ARRAY_SIZE(action_names); i++) {
        if (strcmp(name, action_names[i]) == 0) {
            *out = action_runs[i];
            return true;
        }
    }
    nearest = flags_nearest(name, action_names, ARRAY_SIZE(action_names));
    return err_set(e, EXIT_USAGE, "token %.40s: unknown%s%s%s; it is one of keygen, seal, show",
                   name, nearest ? " (did you mean \"" : "", nearest ? nearest : "",
                   nearest ? "\"?)" : "");
}

static bool run(const struct call *c, const struct token_flags *f, struct err *e)
{
    action_run *action = NULL;

    if (c->arguments.count != 1) /* above all: the token itself, where other users can see it */
        return err_set(e, EXIT_USAGE,
                       "token takes one of keygen, seal, show, and nothing after it; the token is "
                       "read from standard input or WHATSAPP_TOKEN, never from an argument");
    if (!find_action(c->arguments.items[0], &action, e))
        return false;
    if (f->passphrase && action != seal)
        return err_set(e, EXIT_USAGE, "--passphrase is for token seal alone");
    return action(c, f, e);
}

int command_token(int argc, char **argv)
{
    struct token_flags options = {0};
    struct call c;
    struct err e;

    if (!call_begin(&c, &table, argc, argv, &options))
        return c.exit_code;
    secret_harden_process();
    if (!run(&c, &options, &e))
        c.exit_code = call_fail(&e);
    call_end(&c);
    return c.exit_code;
}
