/* SPDX-License-Identifier: MIT
 *
 * main.c: the table of commands, nothing else.
 */
#include "commands/broadcast.h"
#include "commands/check.h"
#include "commands/command.h"
#include "commands/errors.h"
#include "commands/help.h"
#include "commands/log_command.h"
#include "commands/retry.h"
#include "commands/send.h"
#include "commands/token.h"

#include <signal.h>
#include <stddef.h>

static const struct command commands[] = {
    {"check", command_check, "is this ready to send?"},
    {"token", command_token, "the access token, encrypted at rest: keygen, seal, show"},
    {"send", command_send, "one test message"},
    {"broadcast", command_broadcast, "send every row of a CSV or JSONL file"},
    {"log", command_log, "what became of the messages"},
    {"retry", command_retry, "send failed messages again"},
    {"errors", command_errors, "Graph's error codes, what tidings does, what you should do"},
};

int main(int argc, char **argv)
{
    (void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of write */
    return command_run(commands, ARRAY_SIZE(commands), argc, argv);
}
