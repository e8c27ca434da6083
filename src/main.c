/* SPDX-License-Identifier: MIT
 *
 * main.c: the table of commands, nothing else.
 */
#include "commands/broadcast.h"
#include "commands/check.h"
#include "commands/command.h"
#include "commands/control_ops.h"
#include "commands/daemon.h"
#include "commands/errors.h"
#include "commands/help.h"
#include "commands/log_command.h"
#include "commands/reconcile.h"
#include "commands/retry.h"
#include "commands/send.h"
#include "commands/status_command.h"
#include "commands/token.h"

#include <signal.h>
#include <stddef.h>

static const struct command commands[] = {
    {"check", command_check, "is this ready to send?", true},
    {"token", command_token, "the access token, encrypted at rest: keygen, seal, show", false},
    {"send", command_send, "one test message", false},
    {"broadcast", command_broadcast, "send every row of a CSV or JSONL file", false},
    {"run", command_daemon, "the daemon: consume the Redis stream", false},
    {"log", command_log, "what became of the messages", true},
    {"retry", command_retry, "send failed messages again", false},
    {"reconcile", command_reconcile, "what is still unknown, and settling it by hand", false},
    {"status", command_status, "a running daemon or broadcast, live", true},
    {"pause", command_pause, "hold a broadcast, or everything", false},
    {"resume", command_resume, "go on with a broadcast, or with everything", false},
    {"cancel", command_cancel, "give up what waits of a broadcast, or everything that waits",
     false},
    {"drain", command_drain, "take nothing new, finish what is in flight, end", false},
    {"errors", command_errors, "Graph's error codes, what tidings does, what you should do", true},
};

int main(int argc, char **argv)
{
    (void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of write */
    (void)signal(SIGXFSZ, SIG_IGN); /* and so is a file as large as it may get */
    return command_run(commands, ARRAY_SIZE(commands), argc, argv);
}
