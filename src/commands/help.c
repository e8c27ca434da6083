/* SPDX-License-Identifier: MIT */
#include "commands/help.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
    struct err e;

    for (size_t i = 0; i < count && known < COMMANDS_MAX; i++)
        names[known++] = commands[i].name;
    near = flags_nearest(name, names, known);
    (void)err_set(&e, EXIT_USAGE, "there is no %s \"%.60s\"%s%s%s; `tidings help` lists them",
                  *name == '-' ? "flag" : "command", name, near ? "; did you mean \"" : "",
                  near ? near : "", near ? "\"?" : "");
    return call_fail(&e);
}

/* ---- Standard output. */

/* Of a pipe, or a socket: whoever read it has what it wanted. */
static bool has_reader_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};

    return poll(&out, 1, 0) == 1 && out.revents & POLLERR;
}

/* What was done is done, and its exit code says so; but where telling was all, that failed. */
static int end_output(bool only_tells, int code)
{
    bool failed = ferror(stdout) != 0;

    errno = 0;
    if ((fflush(stdout) == 0 && !failed) || has_reader_gone())
        return code;
    fprintf(stderr, "tidings: standard output cannot be written%s%s\n", errno ? ": " : "",
            errno ? strerror(errno) : "");
    return only_tells && code == EXIT_DONE ? EXIT_CANT_CREATE : code;
}

/* ---- Which command. */

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

static bool is_help(const char *word)
{
    return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int version(void)
{
    puts("tidings " TIDINGS_VERSION);
    return EXIT_DONE;
}

int command_run(const struct command *commands, size_t count, int argc, char **argv)
{
    const struct command *command;

    mem_configure();
    file_hold_standard();
    if (argc < 2) {
        print_commands(commands, count, stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0)
        return end_output(true, version());
    if (is_help(argv[1]))
        return end_output(true, help(commands, count, argc > 2 ? argv[2] : NULL));
    command = find(commands, count, argv[1]);
    if (!command)
        return fail_unknown(commands, count, argv[1]);
    return end_output(command->only_tells, command->run(argc - 1, argv + 1));
}
