/* SPDX-License-Identifier: MIT
 *
 * settings_table.c: every key of the configuration: its type, default, range, and what it is for.
 */
#include "commands/settings.h"

#include "base/mem.h"
#include "base/text.h"
#include "commands/message_flags.h"
#include "core/message.h"
#include "io/listener.h"
#include "io/redis_url.h"

#include <ctype.h>
#include <string.h>

/* ---- Checks beyond the type: NULL, or what is allowed. */

static const char *check_digits(const char *value)
{
    if (!*value || (text_is_digits(value) && strlen(value) <= 32))
        return NULL;
    return "digits, as Meta's dashboard shows the id";
}

static const char *check_version(const char *value)
{
    size_t major = *value == 'v' ? strspn(value + 1, "0123456789") : 0;
    const char *rest = value + 1 + major;

    if (major >= 1 && major <= 3 && rest[0] == '.' && isdigit((unsigned char)rest[1]) && !rest[2])
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

/* How long the host is that `text` begins with, an IPv6 address in brackets; 0: none. */
static size_t host_len(const char *text)
{
    size_t len = strcspn(text, *text == '[' ? "]" : ":/");

    if (*text != '[')
        return len;
    return text[len] ? len + 1 : 0;
}

/* HOST[:PORT], and perhaps a path behind it. */
static bool is_place(const char *text)
{
    size_t len = host_len(text), digits;
    char port[8];
    int64_t number;

    text += len;
    if (len && *text == ':') {
        digits = strcspn(++text, "/");
        text_copy(port, sizeof(port), text, digits);
        if (digits >= sizeof(port) || !text_to_int(port, 1, 65535, &number))
            return false;
        text += digits;
    }
    return len && (!*text || *text == '/');
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
    if (!(strncmp(value, "https://", 8) == 0 && is_place(value + 8)) &&
        !(strncmp(value, "http://", 7) == 0 && is_place(value + 7) && host_is_loopback(value + 7)))
        return allowed;
    return value[len - 1] == '/' ? "no '/' at its end" : NULL;
}

static const char *check_template(const char *value)
{
    if (*value && !message_value_fault("template", value))
        return NULL;
    return "lower-case letters, digits and _, at most 512";
}

static const char *check_lang(const char *value)
{
    return *value && !message_value_fault("lang", value) ? NULL
                                                         : "a language code such as en, fil, en_US";
}

static bool is_twice(const char *const *items, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(items[i], items[k]) == 0)
                return true;
    return false;
}

/* Each of them has a name of its own: Graph takes them by place or by name. */
static const char *check_params(const char *value)
{
    const char *fault = param_list_fault(value);
    size_t count;
    const char **items = settings_split_list(value, &count);

    if (!fault && is_twice(items, count))
        fault = "columns with a comma between them, none of them twice";
    mem_free(items);
    return fault;
}

/* Names of keys in Redis: anything printable without spaces. */
static const char *check_redis_name(const char *value)
{
    size_t len = strlen(value);

    for (const char *c = value; *c; c++) {
        if (!isgraph((unsigned char)*c))
            return "1 to 200 printable characters without spaces";
    }
    return len > 0 && len <= 200 ? NULL : "1 to 200 printable characters without spaces";
}

/* ADDR:PORT with an address, not a name: nothing is looked up to listen. */
static const char *check_listen(const char *value)
{
    if (strcmp(value, "off") == 0 || listener_text_ok(value))
        return NULL;
    return "ADDRESS:PORT such as 127.0.0.1:9464 or [::1]:0, or off";
}

static const char absolute[] = "an absolute path, beginning with '/'";

/* The same file from wherever a command is started: another folder must not mean another ledger. */
static const char *check_absolute(const char *value)
{
    return *value == '/' ? NULL : absolute;
}

#define KEY(key, kind, member, def) \
    .name = (key), .type = (kind), .offset = offsetof(struct settings, member), .fallback = (def)

static const struct config_key keys[] = {
    {KEY("whatsapp.enabled", CONFIG_BOOL, enabled, "true"), .reloadable = true,
     .environment = "WHATSAPP_ENABLED", .false_wins = true,
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
    {KEY("token.file", CONFIG_TEXT, token_file, ""), .reloadable = true,
     .help = "The access token, sealed by `tidings token seal`."},
    {KEY("token.key_file", CONFIG_TEXT, token_key_file, ""), .reloadable = true,
     .help = "The key that opens it, made by `tidings token keygen`. Left out: `tidings-key` in\n"
             "$CREDENTIALS_DIRECTORY (systemd's LoadCredential), or a passphrase."},
    {KEY("template.name", CONFIG_TEXT, template_name, "results_update"), .reloadable = true,
     .check = check_template, .help = "The template of messages that name none."},
    {KEY("template.lang", CONFIG_TEXT, template_lang, "en_US"), .reloadable = true,
     .check = check_lang, .help = "Its language, exactly as Meta approved it."},
    {KEY("template.params", CONFIG_TEXT, template_params, "educator_name,test_name,dashboard_url"),
     .reloadable = true, .check = check_params,
     .help = "The columns that fill its body, in order; name=COLUMN for named parameters."},
    {KEY("rate.messages_per_second", CONFIG_RATE, rate, "80"), .reloadable = true, .min = 1,
     .max = 1000000,
     .help = "What Meta allows your number: 80, or 1000 after the upgrade; or unlimited."},
    {KEY("rate.guard_percent", CONFIG_INT, guard_percent, "1"), .reloadable = true, .min = 0,
     .max = 50, .help = "Kept off the rate, since arrival jitters even when sending does not."},
    {KEY("http.version", CONFIG_CHOICE, http_version, "1.1"), .choices = "1.1|2",
     .help = "1.1 is the safer one: see docs/performance.md for what 2 costs."},
    {KEY("http.timeout_ms", CONFIG_INT, timeout_ms, "30000"), .reloadable = true, .min = 100,
     .max = 600000, .help = "For a whole request. Shorter makes more `unknown`."},
    {KEY("http.connect_timeout_ms", CONFIG_INT, connect_timeout_ms, "10000"), .reloadable = true,
     .min = 100, .max = 600000, .help = "For a connection, TLS included."},
    {KEY("http.max_in_flight", CONFIG_INT, max_in_flight, "1000"), .reloadable = true, .min = 1,
     .max = 10000, .help = "Requests without an answer yet; rate times latency is what is needed."},
    {KEY("http.unreachable_after_s", CONFIG_INT, unreachable_after_s, "600"), .min = 1,
     .max = 86400,
     .help = "A broadcast gives up after so long without Graph (exit 69, resumable)."},
    {KEY("retry.max_attempts", CONFIG_INT, max_attempts, "5"), .reloadable = true, .min = 1,
     .max = 100, .help = "Tries of a message that Graph refuses for a time."},
    {KEY("retry.base_ms", CONFIG_INT, retry_base_ms, "500"), .reloadable = true, .min = 1,
     .max = 3600000, .help = "The first wait is drawn from 0 to this, then the bound doubles."},
    {KEY("retry.max_ms", CONFIG_INT, retry_max_ms, "60000"), .reloadable = true, .min = 1,
     .max = 3600000, .help = "The bound stops here."},
    {KEY("retry.ambiguous", CONFIG_CHOICE, retry_ambiguous, "hold"), .reloadable = true,
     .choices = "hold|resend",
     .help =
         "A request without a usable answer: hold keeps it unknown until it is settled; resend\n"
         "sends it again, and counts a possible duplicate."},
    {KEY("ledger.path", CONFIG_TEXT, ledger_path, ""), .allowed = absolute, .check = check_absolute,
     .help = "Default: ledger.db in $STATE_DIRECTORY, else /var/lib/tidings where writable, else\n"
             "$XDG_STATE_HOME/tidings (~/.local/state/tidings)."},
    {KEY("ledger.intent_ahead_ms", CONFIG_INT, intent_ahead_ms, "50"), .reloadable = true, .min = 0,
     .max = 1000,
     .help =
         "How far intents may be on disk before their turn. What a crash can leave `unknown` is\n"
         "what was in flight and these."},
    {KEY("redis.url", CONFIG_TEXT, redis_url, ""), .check = redis_url_check, .secret = true,
     .help = "Where the stream is; `run` needs it."},
    {KEY("redis.stream", CONFIG_TEXT, redis_stream, "tidings:send"), .check = check_redis_name,
     .help = "The stream of messages; STREAM:high, where it exists, is read first. Results go to\n"
             "the streams result, status and dead beside it (tidings:result)."},
    {KEY("redis.group", CONFIG_TEXT, redis_group, "tidings"), .check = check_redis_name,
     .help = "The consumer group; made at the stream's beginning where it is missing."},
    {KEY("redis.consumer", CONFIG_TEXT, redis_consumer, ""), .check = check_redis_name,
     .help = "Our name in the group. Left out, it is made once and kept in the ledger."},
    {KEY("redis.trim", CONFIG_BOOL, redis_trim, "true"), .reloadable = true,
     .help = "Trim finished entries from the stream; refused when another group reads it."},
    {KEY("redis.result_maxlen", CONFIG_INT, redis_result_maxlen, "1000000"), .min = 1000,
     .max = 1e9, .reloadable = true,
     .help = "About how many entries the streams result, status and dead keep."},
    {KEY("redis.claim", CONFIG_BOOL, redis_claim, "false"), .reloadable = true,
     .help = "Take over entries that another consumer left pending. What it may have sent already\n"
             "begins as `unknown`."},
    {KEY("redis.claim_idle_ms", CONFIG_INT, redis_claim_idle_ms, "120000"), .min = 1000,
     .max = 86400000, .reloadable = true, .help = "Only those that nobody touched for so long."},
    {KEY("admin.listen", CONFIG_TEXT, admin_listen, "127.0.0.1:9464"), .check = check_listen,
     .help = "/metrics, /healthz, /readyz, /api/status and the dashboard of a running daemon.\n"
             "Port 0: any free one, logged. off: none."},
    {KEY("webhook.listen", CONFIG_TEXT, webhook_listen, "off"), .check = check_listen,
     .help = "Where Meta's status webhooks arrive (behind a TLS proxy of yours), at /webhook."},
    {KEY("webhook.app_secret_file", CONFIG_TEXT, webhook_app_secret_file, ""), .reloadable = true,
     .help = "The app secret that signs webhooks, as text or sealed; during a change-over both,\n"
             "one a line."},
    {KEY("webhook.verify_token_file", CONFIG_TEXT, webhook_verify_token_file, ""),
     .reloadable = true, .help = "The verify token of Meta's handshake, as text or sealed."},
    {KEY("control.socket", CONFIG_TEXT, control_socket, ""), .allowed = absolute,
     .check = check_absolute,
     .help = "Where a running daemon listens to status, pause and the like. Default: the ledger's\n"
             "path and .sock."},
    {KEY("log.level", CONFIG_CHOICE, log_level, "info"), .reloadable = true,
     .choices = "error|warn|info|debug", .help = "info logs every request and its answer."},
    {KEY("log.format", CONFIG_CHOICE, log_format, "text"), .choices = "text|json",
     .help = "One line an event, or one JSON object."},
    {KEY("log.file", CONFIG_TEXT, log_file, ""), .help = "Default: standard error."},
    {KEY("log.full_numbers", CONFIG_BOOL, log_full_numbers, "false"), .reloadable = true,
     .help = "Phone numbers whole instead of masked."},
};

const struct config_table settings_table = {
    .keys = keys,
    .count = ARRAY_SIZE(keys),
    .environment_prefix = "TIDINGS_",
    .file_variable = "TIDINGS_CONFIG",
};
