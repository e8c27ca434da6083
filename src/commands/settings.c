/* SPDX-License-Identifier: MIT */
#include "commands/settings.h"

#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Checks beyond the type: NULL, or what is allowed. */

static const char *check_digits(const char *value)
{
    if (!*value || (text_is_digits(value) && strlen(value) <= 32))
        return NULL;
    return "digits, as Meta's dashboard shows the id";
}

static const char *check_version(const char *value)
{
    int major = 0, minor = 0, used = 0;

    if (sscanf(value, "v%3d.%1d%n", &major, &minor, &used) == 2 && !value[used])
        return NULL;
    return "a Graph version such as v22.0";
}

static bool host_is_loopback(const char *host)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", "[::1]"};

    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
        size_t len = strlen(hosts[i]);

        if (strncmp(host, hosts[i], len) == 0 && strchr(":/", host[len]))
            return true;
    }
    return false;
}

/* The base goes in front of the version: printable, no query, no slash at its end. */
static const char *check_api_base(const char *value)
{
    static const char allowed[] =
        "https://HOST[:PORT], or http:// to 127.0.0.1, [::1] or localhost";
    size_t len = strlen(value);

    for (const char *c = value; *c; c++) {
        if (!isgraph((unsigned char)*c) || strchr("?#@\\\"", *c))
            return allowed;
    }
    if (len && value[len - 1] == '/')
        return "no '/' at its end";
    if (strncmp(value, "https://", 8) == 0)
        return value[8] ? NULL : allowed;
    if (strncmp(value, "http://", 7) == 0 && host_is_loopback(value + 7))
        return NULL;
    return allowed;
}

static const char *check_template(const char *value)
{
    if (*value && strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(value))
        return NULL;
    return "lower-case letters, digits and _";
}

static const char *check_lang(const char *value)
{
    if (*value && strlen(value) <= 15 &&
        strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-") == strlen(value))
        return NULL;
    return "a language code such as en_US";
}

#define KEY(key, kind, member, def) \
    .name = (key), .type = (kind), .offset = offsetof(struct settings, member), .fallback = (def)

static const struct config_key keys[] = {
    {KEY("whatsapp.enabled", CONFIG_BOOL, enabled, "true"), .environment = "WHATSAPP_ENABLED",
     .false_wins = true,
     .help = "The kill switch: false from any source stops all sending; nothing is lost."},
    {KEY("whatsapp.phone_id", CONFIG_TEXT, phone_id, ""), .environment = "WHATSAPP_PHONE_ID",
     .check = check_digits, .help = "The sender: Meta's id of your business phone number. Needed."},
    {KEY("whatsapp.waba_id", CONFIG_TEXT, waba_id, ""), .environment = "WABA_ID",
     .check = check_digits,
     .help = "Your WhatsApp business account; `check` looks templates up with it."},
    {KEY("whatsapp.api_version", CONFIG_TEXT, api_version, "v22.0"),
     .environment = "WHATSAPP_API_VERSION", .check = check_version,
     .help = "The version of the Graph API."},
    {KEY("whatsapp.api_base", CONFIG_TEXT, api_base, "https://graph.facebook.com"),
     .check = check_api_base, .help = "Where Graph is; a mock for tests."},
    {KEY("whatsapp.ca_file", CONFIG_TEXT, ca_file, ""),
     .help = "Certificates to trust instead of the system's (PEM)."},
    {KEY("token.file", CONFIG_TEXT, token_file, ""),
     .help = "The access token, sealed by `tidings token seal`."},
    {KEY("token.key_file", CONFIG_TEXT, token_key_file, ""),
     .help = "The key that opens it, made by `tidings token keygen`. Left out: `tidings-key` in\n"
             "$CREDENTIALS_DIRECTORY (systemd's LoadCredential), or a passphrase."},
    {KEY("template.name", CONFIG_TEXT, template_name, "results_update"), .check = check_template,
     .help = "The template of messages that name none."},
    {KEY("template.lang", CONFIG_TEXT, template_lang, "en_US"), .check = check_lang,
     .help = "Its language, exactly as Meta approved it."},
    {KEY("template.params", CONFIG_TEXT, template_params, "educator_name,test_name,dashboard_url"),
     .help = "The columns that fill its body, in order; name=COLUMN for named parameters."},
    {KEY("rate.messages_per_second", CONFIG_RATE, rate, "80"), .min = 1, .max = 1000000,
     .help = "What Meta allows your number: 80, or 1000 after the upgrade; or unlimited."},
    {KEY("rate.guard_percent", CONFIG_INT, guard_percent, "1"), .min = 0, .max = 50,
     .help = "Kept off the rate, since arrival jitters even when sending does not."},
    {KEY("http.version", CONFIG_CHOICE, http_version, "1.1"), .choices = "1.1|2",
     .help = "1.1 is the safer one: see docs/performance.md for what 2 costs."},
    {KEY("http.timeout_ms", CONFIG_INT, timeout_ms, "30000"), .min = 100, .max = 600000,
     .help = "For a whole request. Shorter makes more `unknown`."},
    {KEY("http.connect_timeout_ms", CONFIG_INT, connect_timeout_ms, "10000"), .min = 100,
     .max = 600000, .help = "For a connection, TLS included."},
    {KEY("http.max_in_flight", CONFIG_INT, max_in_flight, "1000"), .min = 1, .max = 10000,
     .help = "Requests without an answer yet; rate times latency is what is needed."},
    {KEY("http.unreachable_after_s", CONFIG_INT, unreachable_after_s, "600"), .min = 1,
     .max = 86400,
     .help = "A broadcast gives up after so long without Graph (exit 69, resumable)."},
    {KEY("retry.max_attempts", CONFIG_INT, max_attempts, "5"), .min = 1, .max = 100,
     .help = "Tries of a message that Graph refuses for a time."},
    {KEY("retry.base_ms", CONFIG_INT, retry_base_ms, "500"), .min = 1, .max = 3600000,
     .help = "The first wait is drawn from 0 to this, then the bound doubles."},
    {KEY("retry.max_ms", CONFIG_INT, retry_max_ms, "60000"), .min = 1, .max = 3600000,
     .help = "The bound stops here."},
    {KEY("retry.ambiguous", CONFIG_CHOICE, retry_ambiguous, "hold"), .choices = "hold|resend",
     .help =
         "A request without a usable answer: hold keeps it unknown until it is settled; resend\n"
         "sends it again, and counts a possible duplicate."},
    {KEY("ledger.path", CONFIG_TEXT, ledger_path, ""),
     .help = "Default: ledger.db in $STATE_DIRECTORY, else /var/lib/tidings where writable, else\n"
             "$XDG_STATE_HOME/tidings (~/.local/state/tidings)."},
    {KEY("ledger.intent_ahead_ms", CONFIG_INT, intent_ahead_ms, "50"), .min = 0, .max = 1000,
     .help =
         "How far intents may be on disk before their turn. What a crash can leave `unknown` is\n"
         "what was in flight and these."},
    {KEY("log.level", CONFIG_CHOICE, log_level, "info"), .choices = "error|warn|info|debug",
     .help = "info logs every request and its answer."},
    {KEY("log.format", CONFIG_CHOICE, log_format, "text"), .choices = "text|json",
     .help = "One line an event, or one JSON object."},
    {KEY("log.file", CONFIG_TEXT, log_file, ""), .help = "Default: standard error."},
    {KEY("log.full_numbers", CONFIG_BOOL, log_full_numbers, "false"),
     .help = "Phone numbers whole instead of masked."},
};

const struct config_table settings_table = {
    .keys = keys,
    .count = ARRAY_SIZE(keys),
    .environment_prefix = "TIDINGS_",
    .file_variable = "TIDINGS_CONFIG",
};

/* ---- Where things are. */

static char *join(const char *folder, const char *rest)
{
    size_t size = strlen(folder) + strlen(rest) + 1;
    char *path = mem_alloc(size);

    (void)snprintf(path, size, "%s%s", folder, rest); /* sized to fit */
    return path;
}

/* The file of this kind below $`variable`, or below $HOME/`home_default`; NULL without either. */
static char *user_path(const char *variable, const char *home_default, const char *rest)
{
    const char *folder = getenv(variable);
    const char *home = getenv("HOME");
    char *below_home, *path;

    if (folder && *folder == '/')
        return join(folder, rest);
    if (!home || *home != '/')
        return NULL;
    below_home = join(home, home_default);
    path = join(below_home, rest);
    mem_free(below_home);
    return path;
}

static char *default_ledger_path(void)
{
    const char *state = getenv("STATE_DIRECTORY");
    char *path;

    if (state && *state == '/')
        return join(state, "/ledger.db");
    if (access("/var/lib/tidings", W_OK) == 0)
        return mem_strdup("/var/lib/tidings/ledger.db");
    path = user_path("XDG_STATE_HOME", "/.local/state", "/tidings/ledger.db");
    return path ? path : mem_strdup("/var/lib/tidings/ledger.db");
}

static char *find_file(const char *given)
{
    const char *variable = getenv("TIDINGS_CONFIG");
    char *user;

    if (given)
        return mem_strdup(given);
    if (variable && *variable)
        return mem_strdup(variable);
    user = user_path("XDG_CONFIG_HOME", "/.config", "/tidings/tidings.conf");
    if (user && access(user, F_OK) == 0)
        return user;
    mem_free(user);
    if (access("/etc/tidings/tidings.conf", F_OK) == 0)
        return mem_strdup("/etc/tidings/tidings.conf");
    return mem_strdup("");
}

static void print_lines(const char *prefix, const struct buf *lines)
{
    const char *line = buf_text(lines);

    while (*line) {
        size_t len = strcspn(line, "\n");

        fprintf(stderr, "tidings: %s%.*s\n", prefix, (int)len, line);
        line += len + (line[len] == '\n');
    }
}

bool settings_load(struct settings *s, const struct settings_sources *sources)
{
    struct buf errors = buf_new(65536);
    struct buf warnings = buf_new(65536);
    struct config_sources from = {
        .environment = environ,
        .sets = sources->sets,
        .set_count = sources->set_count,
    };
    bool ok;

    *s = (struct settings){.file = find_file(sources->file)};
    from.file = *s->file ? s->file : NULL;
    ok = config_load(&settings_table, &from, s, &errors, &warnings);
    print_lines("warning: ", &warnings);
    print_lines("", &errors);
    buf_free(&errors);
    buf_free(&warnings);
    if (ok && !*s->ledger_path) {
        mem_free(s->ledger_path);
        s->ledger_path = default_ledger_path();
    }
    return ok;
}

void settings_free(struct settings *s)
{
    config_free(&settings_table, s);
    mem_free(s->file);
    s->file = NULL;
}

bool settings_can_send(const struct settings *s, struct err *e)
{
    if (*s->phone_id)
        return true;
    return err_set(e, EXIT_CONFIG,
                   "whatsapp.phone_id is not set: put it into %s, or into WHATSAPP_PHONE_ID "
                   "(digits, as Meta's dashboard shows the id)",
                   *s->file ? s->file : "a configuration file (--config)");
}

const char **settings_split_list(const char *list, size_t *count)
{
    size_t len = strlen(list);
    size_t slots = len / 2 + 2;
    const char **items = mem_alloc(slots * sizeof(char *) + len + 1);
    char *text = (char *)(items + slots);
    char *rest = text;
    char *item;

    memcpy(text, list, len + 1);
    *count = 0;
    while ((item = strsep(&rest, ","))) {
        item += strspn(item, " \t");
        item[strcspn(item, " \t")] = '\0';
        if (*item && *count < slots)
            items[(*count)++] = item;
    }
    return items;
}
