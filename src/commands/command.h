/* SPDX-License-Identifier: MIT
 *
 * command.h: what all commands share: the common flags, the settings, how a command begins and how
 * it answers for an error.
 */
#ifndef COMMANDS_COMMAND_H
#define COMMANDS_COMMAND_H

#include "base/flags.h"
#include "commands/settings.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns the exit code */
    const char *summary;
    bool only_tells; /* what it prints is all that it does: it fails where that cannot be written */
};

/* The flags that every command takes. */
struct common_flags {
    const char *config;
    struct flag_values sets;
    bool verbose;
    bool quiet;
    const char *log_level;
    const char *log_format;
    bool json;
    bool no_color;
};

/* A command that runs. */
struct call {
    struct common_flags common;
    struct settings settings;
    struct flag_arguments arguments;
    bool colour;   /* on standard error */
    int exit_code; /* of a command that does not go on */
};

extern const struct flag common_flags[];
extern const size_t common_flag_count;

/* Parses flags into `options` (zeroed by the caller), prints the help when asked, reads the
 * settings and opens the log. True: go on, and end with call_end. False: end with the call's
 * exit_code. */
bool call_begin(struct call *c, const struct flag_table *table, int argc, char **argv,
                void *options) MUST_CHECK;
void call_end(struct call *c);
/* The settings as file, environment and flags give them now, as settings_load. */
bool call_load_settings(const struct call *c, struct settings *out) MUST_CHECK;

/* Prints "tidings: TEXT" to standard error and returns the error's exit code. */
int call_fail(const struct err *e);

#define FLAG_TABLE(name, args, text, list)                                          \
    {                                                                               \
        .command = (name), .arguments = (args), .summary = (text), .flags = (list), \
        .count = ARRAY_SIZE(list)                                                   \
    }

#endif
