/* SPDX-License-Identifier: MIT */
#include "commands/help.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { COMMANDS_MAX = 32 };

static const struct command *find(const struct command *commands, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static void print_commands(const struct command *commands, size_t count, FILE *out)
{
    fputs("tidings sends WhatsApp template messages through Meta's Graph API, each accounted "
          "for.\n\nusage: tidings COMMAND [FLAGS] [ARGUMENTS]\n\n",
          out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "  %-10s  %s\n", commands[i].name, commands[i].summary);
    fputs("\n`tidings help COMMAND` or `tidings COMMAND --help` says more; `tidings --version`.\n",
          out);
}

static int fail_unknown(const struct command *commands, size_t count, const char *name)
{
    const char *names[COMMANDS_MAX] = {"--version", "--help", "help"};
    size_t known = 3;
    const char *near;

    for (size_t i = 0; i < count && known < COMMANDS_MAX; i++)
        names[known++] = commands[i].name;
    near = flags_nearest(name, names, known);
    fprintf(stderr, "tidings: there is no %s \"%.60s\"%s%s%s; `tidings help` lists them\n",
            *name == '-' ? "flag" : "command", name, near ? "; did you mean \"" : "",
            near ? near : "", near ? "\"?" : "");
    return EXIT_USAGE;
}

static int help(const struct command *commands, size_t count, const char *name)
{
    char flag[] = "--help";
    char *arguments[] = {flag, flag, NULL};
    const struct command *command;

    if (!name || strcmp(name, "help") == 0 || strcmp(name, "--help") == 0) {
        print_commands(commands, count, stdout);
        return EXIT_DONE;
    }
    command = find(commands, count, name);
    return command ? command->run(2, arguments) : fail_unknown(commands, count, name);
}

int command_run(const struct command *commands, size_t count, int argc, char **argv)
{
    const struct command *command;

    mem_configure();
    if (argc < 2) {
        print_commands(commands, count, stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("tidings " TIDINGS_VERSION);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0)
        return help(commands, count, argc > 2 ? argv[2] : NULL);
    command = find(commands, count, argv[1]);
    if (!command)
        return fail_unknown(commands, count, argv[1]);
    return command->run(argc - 1, argv + 1);
}
