/* SPDX-License-Identifier: MIT
 *
 * check.c: the configuration as people know it, and one line a check.
 */
#include "commands/check.h"

#include "base/json.h"
#include "commands/access.h"
#include "commands/check_graph.h"
#include "commands/check_local.h"
#include "commands/check_redis.h"
#include "commands/command.h"
#include "commands/findings.h"
#include "io/ca_file.h"

#include <stdio.h>
#include <string.h>

struct check_flags {
    const char *strict; /* "" or "warn"; NULL: not given */
    bool offline;
};

static const struct flag flags[] = {
    {.name = "strict",
     .kind = FLAG_OPTIONAL,
     .offset = offsetof(struct check_flags, strict),
     .value = "warn",
     .help = "a ❌ ends 78 (77 token refused, 69 unreachable); =warn: a ⚠️ too"},
    {.name = "offline",
     .kind = FLAG_SWITCH,
     .offset = offsetof(struct check_flags, offline),
     .help = "ask nobody: leave Graph and Redis out"},
};

static const struct flag_table table = FLAG_TABLE("check", "", "is this ready to send?", flags);

struct check {
    struct call call;
    struct check_flags flags;
    struct findings findings;
    struct secret *token;
    enum access_kind token_kind;
    char masked[SECRET_MASKED_SIZE];
};

static void check_token(struct check *c)
{
    struct err e;

    (void)snprintf(c->masked, sizeof(c->masked), "(not set)"); /* it fits */
    if (!access_open(&c->call.settings, &c->token, &c->token_kind, &e)) {
        findings_fail(&c->findings, "token", &e);
        return;
    }
    secret_mask(c->token, c->masked);
    if (c->token_kind == ACCESS_PLAIN)
        findings_add(&c->findings, FINDING_WARNING, "token",
                     "in plain in WHATSAPP_TOKEN: seal it with `tidings token seal`");
    else
        findings_add(&c->findings, FINDING_GOOD, "token", "%s opens", c->call.settings.token_file);
    if (!secret_is_locked(c->token))
        findings_add(&c->findings, FINDING_WARNING, "token memory",
                     "not locked: raise RLIMIT_MEMLOCK, or the token may reach swap");
}

static void run_checks(struct check *c)
{
    const struct settings *s = &c->call.settings;
    struct err e;

    if (!s->enabled)
        findings_add(&c->findings, FINDING_WARNING, "enabled",
                     "sending is switched off (WHATSAPP_ENABLED or whatsapp.enabled is false)");
    check_token(c);
    if (!settings_can_send(s, &e))
        findings_fail(&c->findings, "phone_id", &e);
    check_local(s, &c->findings);
    if (c->flags.offline)
        return;
    check_redis(s, &c->findings);
    if (c->token && *s->phone_id && ca_file_check(s->ca_file, &e))
        check_graph(s, c->token, &c->findings);
}

/* ---- The answer. */

static const char *or_not_set(const char *value)
{
    return *value ? value : "(not set)";
}

static void print_text(const struct check *c)
{
    const struct settings *s = &c->call.settings;
    struct buf lines = buf_new(65536);
    bool is_valid = !findings_first_bad(&c->findings);

    printf("WhatsApp Configuration Check\n\n%s\n\nConfiguration:\n",
           s->enabled ? "✅ WhatsApp is ENABLED" : "⚠️  WhatsApp is DISABLED");
    printf("  WHATSAPP_TOKEN: %s%s\n", c->masked,
           !c->token                        ? ""
           : c->token_kind == ACCESS_SEALED ? " (sealed)"
                                            : " (plain)");
    printf("  WHATSAPP_PHONE_ID: %s\n  WABA_ID: %s\n", or_not_set(s->phone_id),
           or_not_set(s->waba_id));
    printf("  API_VERSION: %s\n  API_BASE: %s/%s\n\n", s->api_version, s->api_base, s->api_version);
    printf("%s\n\n", is_valid ? "✅ Configuration is VALID" : "❌ Configuration is NOT VALID");
    if (is_valid)
        printf("%s\n\n", s->enabled ? "Ready to send WhatsApp notifications!"
                                    : "Ready, but sending is switched off.");
    findings_text(&c->findings, &lines);
    fputs(buf_text(&lines), stdout);
    buf_free(&lines);
}

static void print_json(const struct check *c)
{
    static const char *const kinds[] = {
        [FINDING_GOOD] = "ok", [FINDING_WARNING] = "warning", [FINDING_BAD] = "error"};
    const struct settings *s = &c->call.settings;
    struct buf out = buf_new(65536);
    struct json_writer w = {.out = &out};

    json_begin(&w, NULL, '{');
    json_put_int(&w, "v", 1);
    json_put_bool(&w, "enabled", s->enabled);
    json_put_bool(&w, "valid", !findings_first_bad(&c->findings));
    json_put_string(&w, "token", c->masked);
    json_put_string(&w, "phone_id", s->phone_id);
    json_put_string(&w, "waba_id", s->waba_id);
    json_put_string(&w, "api_version", s->api_version);
    json_put_string(&w, "api_base", s->api_base);
    json_begin(&w, "checks", '[');
    for (size_t i = 0; i < c->findings.count; i++) {
        json_begin(&w, NULL, '{');
        json_put_string(&w, "check", c->findings.items[i].subject);
        json_put_string(&w, "result", kinds[c->findings.items[i].kind]);
        json_put_string(&w, "text", c->findings.items[i].text);
        json_end(&w, '}');
    }
    json_end(&w, ']');
    json_end(&w, '}');
    puts(buf_text(&out));
    buf_free(&out);
}

static int exit_of(const struct check *c)
{
    const struct finding *bad = findings_first_bad(&c->findings);

    if (!c->flags.strict)
        return EXIT_DONE;
    if (bad)
        return bad->code == EXIT_NO_PERMISSION || bad->code == EXIT_UNREACHABLE ? (int)bad->code
                                                                                : EXIT_CONFIG;
    if (strcmp(c->flags.strict, "warn") == 0 && findings_have_warning(&c->findings))
        return EXIT_CONFIG;
    return EXIT_DONE;
}

static bool check_arguments(const struct check *c, struct err *e)
{
    static const char allowed[] = "check takes --strict, --strict=warn, --offline and --json";

    if (c->call.arguments.count)
        return err_set(e, EXIT_USAGE, "check: '%.100s' is not an argument of it (%s)",
                       c->call.arguments.items[0], allowed);
    if (c->flags.strict && *c->flags.strict && strcmp(c->flags.strict, "warn") != 0)
        return err_set(e, EXIT_USAGE, "--strict: '%.100s' is not allowed (%s)", c->flags.strict,
                       allowed);
    return true;
}

static int run(struct check *c)
{
    struct err e;

    if (!check_arguments(c, &e))
        return call_fail(&e);
    run_checks(c);
    if (c->call.common.json)
        print_json(c);
    else
        print_text(c);
    return exit_of(c);
}

int command_check(int argc, char **argv)
{
    struct check c = {0};

    if (call_begin(&c.call, &table, argc, argv, &c.flags)) {
        c.call.exit_code = run(&c);
        secret_free(c.token);
        call_end(&c.call);
    }
    return c.call.exit_code;
}
