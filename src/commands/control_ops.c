/* SPDX-License-Identifier: MIT */
#include "commands/control_ops.h"

#include "base/terminal.h"
#include "commands/command.h"
#include "core/message.h"
#include "io/control.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { QUESTION_MAX = 4096, TEXT_MAX = 8192 };

/* ---- Asking. */

static void write_question(const struct control_ask *ask, struct buf *out)
{
    struct json_writer w = {.out = out};

    json_begin(&w, NULL, '{');
    json_put_string(&w, "op", ask->op);
    if (ask->broadcast)
        json_put_string(&w, "broadcast", ask->broadcast);
    json_end(&w, '}');
}

/* Is it an answer, and not a refusal? */
static bool read_answer(struct control_ask *ask, struct err *e)
{
    bool ok;
    int64_t code;
    const char *why;
    struct err broken;

    ask->answer = json_parse(ask->text.data, ask->text.len, CONTROL_ANSWER_MAX, &broken);
    if (!json_bool(json_get(ask->answer, "ok"), &ok))
        return err_set(e, EXIT_BUG, "the daemon's answer to %s is none: %.200s", ask->op,
                       buf_text(&ask->text));
    if (ok)
        return true;
    why = json_string(json_get(ask->answer, "error"), NULL);
    if (!json_int(json_get(ask->answer, "code"), &code) || code <= 0 || code > UINT8_MAX)
        code = EXIT_BUG;
    return err_set(e, (enum exit_code)code, "%s",
                   why ? why : "the daemon refused, without a reason");
}

bool control_ask(struct control_client *client, struct control_ask *ask, struct err *e)
{
    struct buf question = buf_new(QUESTION_MAX);
    int64_t timeout_ms = ask->timeout_ms ? ask->timeout_ms : CONTROL_ASK_MS;
    bool ok;

    ask->text = buf_new((size_t)CONTROL_ANSWER_MAX + 1);
    ask->answer = NULL;
    write_question(ask, &question);
    ok = control_call(client, buf_text(&question), &ask->text, timeout_ms, e);
    buf_free(&question);
    return ok && read_answer(ask, e);
}

void control_ask_end(struct control_ask *ask)
{
    json_free(ask->answer);
    buf_free(&ask->text);
}

/* ---- pause, resume, cancel. */

struct op_flags {
    bool yes;
};

static const struct flag cancel_flags[] = {
    {.name = "yes",
     .kind = FLAG_SWITCH,
     .offset = offsetof(struct op_flags, yes),
     .help = "do not ask"},
};

struct operation {
    const char *op;
    struct flag_table table;
    bool asks; /* it cannot be taken back */
};

static const struct operation pause_operation = {
    "pause",
    {.command = "pause",
     .arguments = "[BROADCAST]",
     .summary = "hold a broadcast, or everything: nothing of it goes out until it is resumed"},
    false};
static const struct operation resume_operation = {
    "resume",
    {.command = "resume",
     .arguments = "[BROADCAST]",
     .summary = "go on with a broadcast, or with everything, also after a halt"},
    false};
static const struct operation cancel_operation = {
    "cancel",
    {.command = "cancel",
     .arguments = "[BROADCAST]",
     .summary = "give up what waits of a broadcast, or everything that waits; for good",
     .flags = cancel_flags,
     .count = ARRAY_SIZE(cancel_flags)},
    true};

static void print_text(const struct call *c, const char *op, const char *text)
{
    struct buf out = buf_new(2 * TEXT_MAX);
    struct json_writer w = {.out = &out};

    if (!c->common.json) {
        puts(text);
        return;
    }
    json_begin(&w, NULL, '{');
    json_put_int(&w, "v", 1);
    json_put_string(&w, "op", op);
    json_put_string(&w, "text", text);
    json_end(&w, '}');
    puts(buf_text(&out));
    buf_free(&out);
}

static bool ask_daemon(struct control_client *client, struct control_ask *ask, struct buf *text,
                       struct err *e)
{
    bool ok = control_ask(client, ask, e);
    const char *said = ok ? json_string(json_get(ask->answer, "text"), NULL) : NULL;

    if (ok)
        buf_adds(text, said ? said : "done");
    control_ask_end(ask);
    control_disconnect(client);
    return ok;
}

/* By the daemon where there is one; otherwise in the ledger. */
static bool operate(const struct call *c, struct control_ask *ask, struct buf *text, struct err *e)
{
    struct control_client *client;

    if (control_connect(c->settings.control_socket, &client, e))
        return ask_daemon(client, ask, text, e);
    return e->code == EXIT_UNREACHABLE &&
           control_without_daemon(&c->settings, ask->op, ask->broadcast, text, e);
}

/* A person at a terminal may not have meant it; a script has. */
static bool is_meant(const struct operation *o, const struct op_flags *flags, const char *broadcast,
                     struct err *e)
{
    char question[MESSAGE_LABEL_MAX + 64];

    if (!o->asks || flags->yes || !terminal_is(STDIN_FILENO) || !terminal_is(STDERR_FILENO))
        return true;
    (void)snprintf(question, sizeof(question), "Give up everything%s%s that waits?",
                   broadcast ? " of " : "", broadcast ? broadcast : ""); /* cut is good enough */
    return terminal_confirm(question) ||
           err_set(e, EXIT_USAGE, "not confirmed; nothing was cancelled");
}

static bool read_broadcast(const struct operation *o, const struct flag_arguments *arguments,
                           const char **broadcast, struct err *e)
{
    *broadcast = arguments->count ? arguments->items[0] : NULL;
    if (arguments->count > 1)
        return err_set(e, EXIT_USAGE, "%s takes one BROADCAST at most; %.60s is too much", o->op,
                       arguments->items[1]);
    if (*broadcast && (!**broadcast || message_value_fault("broadcast", *broadcast)))
        return err_set(e, EXIT_USAGE,
                       "%s: '%.60s' is no name of a broadcast (1 to %d bytes of UTF-8 without "
                       "control characters)",
                       o->op, *broadcast, MESSAGE_LABEL_MAX);
    return true;
}

static int run_operation(const struct operation *o, const struct call *c,
                         const struct op_flags *flags)
{
    struct control_ask ask = {.op = o->op};
    struct buf text = buf_new(TEXT_MAX);
    struct err e;
    bool ok = read_broadcast(o, &c->arguments, &ask.broadcast, &e) &&
              is_meant(o, flags, ask.broadcast, &e) && operate(c, &ask, &text, &e);

    if (ok)
        print_text(c, o->op, buf_text(&text));
    buf_free(&text);
    return ok ? EXIT_DONE : call_fail(&e);
}

static int command_operation(const struct operation *o, int argc, char **argv)
{
    struct op_flags flags = {0};
    struct call c;

    if (!call_begin(&c, &o->table, argc, argv, &flags))
        return c.exit_code;
    c.exit_code = run_operation(o, &c, &flags);
    call_end(&c);
    return c.exit_code;
}

int command_pause(int argc, char **argv)
{
    return command_operation(&pause_operation, argc, argv);
}

int command_resume(int argc, char **argv)
{
    return command_operation(&resume_operation, argc, argv);
}

int command_cancel(int argc, char **argv)
{
    return command_operation(&cancel_operation, argc, argv);
}
