/* SPDX-License-Identifier: MIT */
#include "commands/command.h"

#include "base/terminal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COMMON(flag_name, short_name, flag_kind, member, value_name, text)                     \
    {                                                                                          \
        .name = (flag_name), .letter = (short_name), .kind = (flag_kind),                      \
        .offset = offsetof(struct common_flags, member), .value = (value_name), .help = (text) \
    }

const struct flag common_flags[] = {
    COMMON("config", 'c', FLAG_TEXT, config, "FILE", "the configuration file"),
    COMMON("set", 0, FLAG_REPEATED, sets, "SECTION.KEY=VALUE", "a key of the configuration"),
    COMMON("verbose", 'v', FLAG_SWITCH, verbose, NULL,
           "log more: info beside the live block, debug elsewhere"),
    COMMON("quiet", 'q', FLAG_SWITCH, quiet, NULL, "no progress, errors only"),
    COMMON("log-level", 0, FLAG_TEXT, log_level, "LEVEL", "error, warn, info or debug"),
    COMMON("log-format", 0, FLAG_TEXT, log_format, "FORMAT", "text or json"),
    COMMON("json", 0, FLAG_SWITCH, json, NULL, "machine output on standard output"),
    COMMON("no-color", 0, FLAG_SWITCH, no_color, NULL, "no colours"),
};
const size_t common_flag_count = ARRAY_SIZE(common_flags);

int call_fail(const struct err *e)
{
    fprintf(stderr, "tidings: %s\n", e->text);
    return (int)e->code;
}

/* --log-level x is --set log.level=x, and so on: one way in for every value. */
static void add_set(struct flag_values *sets, char *text, size_t size, const char *key,
                    const char *value)
{
    if (!value || sets->count >= FLAG_VALUES_MAX)
        return;
    (void)snprintf(text, size, "%s=%s", key, value); /* a cut value is no choice: refused */
    sets->items[sets->count++] = text;
}

bool call_load_settings(const struct call *c, struct settings *out)
{
    char level[64], format[64];
    struct flag_values sets = c->common.sets;
    struct settings_sources sources = {.file = c->common.config};
    const char *chosen = c->common.log_level;

    if (!chosen && c->common.verbose)
        chosen = "debug";
    if (!chosen && c->common.quiet)
        chosen = "error";
    add_set(&sets, level, sizeof(level), "log.level", chosen);
    add_set(&sets, format, sizeof(format), "log.format", c->common.log_format);
    sources.sets = sets.items;
    sources.set_count = sets.count;
    return settings_load(out, &sources);
}

static bool open_log(struct call *c)
{
    struct log_options options = {
        .level = (enum log_level)c->settings.log_level,
        .format = (enum log_format)c->settings.log_format,
        .file = c->settings.log_file,
    };
    struct err e;

    c->colour = terminal_colour(STDERR_FILENO, c->common.no_color);
    options.colour = c->colour && !*c->settings.log_file;
    if (log_open(&options, &e))
        return true;
    c->exit_code = call_fail(&e);
    return false;
}

static void print_help(const struct flag_table *table)
{
    struct buf help = buf_new(65536);

    flags_help(table, &help);
    fputs(buf_text(&help), stdout);
    buf_free(&help);
}

/* An empty value is most likely a variable that is not set: it must not mean another ledger. */
static bool check_config(const char *config, struct err *e)
{
    return !config || *config ||
           err_set(
               e, EXIT_USAGE,
               "--config: '' is not allowed (a file; left out, the usual places are looked at)");
}

static bool check_common(const struct common_flags *f, struct err *e)
{
    return check_config(f->config, e) &&
           (!f->log_level || settings_check_flag("--log-level", "log.level", f->log_level, e)) &&
           (!f->log_format || settings_check_flag("--log-format", "log.format", f->log_format, e));
}

static bool parse_flags(struct call *c, const struct flag_table *table,
                        const struct flag_input *input)
{
    struct err e;

    if (!flags_parse(table, input, &c->arguments, &e) ||
        (!c->arguments.help && !check_common(&c->common, &e))) {
        c->exit_code = call_fail(&e);
        return false;
    }
    if (c->arguments.help)
        print_help(table);
    return !c->arguments.help;
}

bool call_begin(struct call *c, const struct flag_table *table, int argc, char **argv,
                void *options)
{
    struct flag_table with_common = *table;
    struct flag_input input = {argc - 1, argv + 1, options, &c->common};

    *c = (struct call){0};
    with_common.common = common_flags;
    with_common.common_count = common_flag_count;
    if (!parse_flags(c, &with_common, &input))
        return false;
    if (!call_load_settings(c, &c->settings))
        c->exit_code = EXIT_CONFIG;
    else if (open_log(c))
        return true;
    settings_free(&c->settings);
    return false;
}

void call_end(struct call *c)
{
    log_close();
    settings_free(&c->settings);
}
