/* SPDX-License-Identifier: MIT */
#include "options.h"

#include "base/text.h"
#include "faults.h"
#include "status_rules.h"

#include <string.h>

#define AT(member) offsetof(struct options, member)

static const struct flag flags[] = {
    {"listen", 0, FLAG_TEXT, AT(listen), "HOST:PORT",
     "where to listen; port 0 takes a free one (default 127.0.0.1:0)"},
    {"tls-dir", 0, FLAG_TEXT, AT(tls_dir), "DIR",
     "where to put ca.pem (default: a new directory, removed at the end)"},
    {"plain", 0, FLAG_SWITCH, AT(plain), NULL, "no TLS; HTTP/2 by prior knowledge"},
    {"rate", 0, FLAG_COUNT, AT(rate), "N",
     "refuse with 130429 what would be the N+1st accepted in any second of a number"},
    {"pair", 0, FLAG_OPTIONAL, AT(pair), "MODEL",
     "limit messages to one user (131056): debt (default) or gcra"},
    {"latency", 0, FLAG_TEXT, AT(latency), "DIST",
     "milliseconds: 300, 200-400, lognormal:MEDIAN:SIGMA"},
    {"fault", 0, FLAG_REPEATED, AT(faults), "SPEC", "what goes wrong, see below"},
    {"seed", 0, FLAG_COUNT, AT(seed), "N", "of everything random (default 1)"},
    {"token", 0, FLAG_TEXT, AT(token), "TOKEN", "the only right token (default: any)"},
    {"phone-id", 0, FLAG_REPEATED, AT(phone_ids), "ID",
     "a number that may send (default: any of digits)"},
    {"waba-id", 0, FLAG_TEXT, AT(waba_id), "ID", "the account (default: any of digits)"},
    {"sender", 0, FLAG_TEXT, AT(sender), "NUMBER",
     "its phone number in digits (default 15550783881)"},
    {"template", 0, FLAG_REPEATED, AT(templates), "NAME:LANG:N",
     "one more template, with N positional body parameters"},
    {"throttle-status", 0, FLAG_COUNT, AT(throttle_status), "STATUS",
     "HTTP status of throttles: 400 or 429 (default 400)"},
    {"webhook", 0, FLAG_TEXT, AT(webhook), "URL",
     "where to report what becomes of messages: http://127.0.0.1:PORT/PATH"},
    {"app-secret", 0, FLAG_TEXT, AT(app_secret), "FILE", "the secret that signs the reports"},
    {"webhook-delay", 0, FLAG_TEXT, AT(webhook_delay), "DIST",
     "milliseconds from one status to the next, as --latency (default 50-500)"},
    {"status", 0, FLAG_REPEATED, AT(statuses), "KEY=VALUE,...",
     "what becomes of messages, and which reports go wrong, see below"},
    {"scenario", 0, FLAG_TEXT, AT(scenario), "FILE",
     "flags from a file, one a line, without the dashes"},
    {"max-requests", 0, FLAG_COUNT, AT(max_requests), "N",
     "requests on a connection; then it closes, as nginx does"},
    {"max-streams", 0, FLAG_COUNT, AT(max_streams), "N",
     "HTTP/2 streams at once on a connection (default 128)"},
    {"forget", 0, FLAG_SWITCH, AT(forget), NULL,
     "count messages, but keep none for /_mock/messages"},
    {"with-parent", 0, FLAG_SWITCH, AT(with_parent), NULL, "end when the parent process does"},
};

static const struct flag_table table = {
    .command = "graphmock",
    .arguments = "",
    .summary = "a mock of Meta's Graph API for WhatsApp messages, for tests and benchmarks",
    .flags = flags,
    .count = ARRAY_SIZE(flags),
    .is_program = true,
};

static bool check(const struct options *o, const struct flag_arguments *arguments, struct err *e)
{
    if (arguments->count > 0)
        return err_set(e, EXIT_USAGE, "unexpected argument '%s'; graphmock takes flags only",
                       arguments->items[0]);
    if (o->throttle_status != 400 && o->throttle_status != 429 && o->throttle_status != 0)
        return err_set(e, EXIT_USAGE, "--throttle-status %llu; allowed are 400 and 429",
                       (unsigned long long)o->throttle_status);
    if (o->pair && *o->pair && strcmp(o->pair, "debt") != 0 && strcmp(o->pair, "gcra") != 0)
        return err_set(e, EXIT_USAGE, "--pair=%s; allowed are debt and gcra", o->pair);
    if (o->statuses.count && !o->webhook)
        return err_set(e, EXIT_USAGE, "--status says what --webhook reports: give that, too");
    if (o->max_streams < 1 || o->max_streams > 100000)
        return err_set(e, EXIT_USAGE, "--max-streams must be from 1 to 100000");
    if (!text_is_digits(o->sender) || strlen(o->sender) > 15)
        return err_set(e, EXIT_USAGE, "--sender '%s' is not 1 to 15 digits", o->sender);
    for (size_t i = 0; i < o->phone_ids.count; i++)
        if (!text_is_digits(o->phone_ids.items[i]) || strlen(o->phone_ids.items[i]) > 20)
            return err_set(e, EXIT_USAGE, "--phone-id '%s' is not 1 to 20 digits",
                           o->phone_ids.items[i]);
    return true;
}

static void set_defaults(struct options *o)
{
    *o = (struct options){.listen = "127.0.0.1:0",
                          .latency = "0",
                          .webhook_delay = "50-500",
                          .seed = 1,
                          .max_streams = 128,
                          .sender = "15550783881"};
}

/* The command line names the file; then both are parsed, the file's flags first. */
static bool parse_with_scenario(struct options *o, struct scenario *file,
                                const struct flag_input *input, struct flag_arguments *arguments,
                                struct err *e)
{
    struct flag_input from_file = {.argv = file->text, .options = o};
    struct flag_input again = {.argc = input->argc, .argv = input->argv, .options = o};
    const char *path = o->scenario;

    if (!scenario_read(file, path, e))
        return false;
    from_file.argc = file->count;
    set_defaults(o);
    if (!flags_parse(&table, &from_file, arguments, e))
        return err_wrap(e, "--scenario %s", path);
    return flags_parse(&table, &again, arguments, e);
}

bool options_parse(struct options *o, struct scenario *file, const struct flag_input *input,
                   struct err *e)
{
    struct flag_arguments arguments = {.count = 0};
    struct flag_input first = {.argc = input->argc, .argv = input->argv, .options = o};

    set_defaults(o);
    if (!flags_parse(&table, &first, &arguments, e))
        return false;
    if (o->scenario && !arguments.help && !parse_with_scenario(o, file, input, &arguments, e))
        return false;
    o->help = arguments.help;
    return o->help || check(o, &arguments, e);
}

void options_help(struct buf *out)
{
    flags_help(&table, out);
    faults_help(out);
    status_rules_help(out);
    buf_adds(out,
             "\n--rate is exact: a send is refused when N sends have passed it within the last "
             "1.000000 s\nof the time at which the request had come whole; those that it "
             "refuses do not count.\n"
             "\nGET /_mock/stats counts, GET /_mock/messages[?to=N&offset=N&limit=N] lists "
             "what was\naccepted, POST /_mock/reset forgets. Two sends are the same message "
             "when sender,\nrecipient, type and content are; the callback data may differ.\n");
}
