/* SPDX-License-Identifier: MIT
 *
 * status_command.c: status and drain.
 *
 * Happy path of both: connect, ask; shown once, or again each second (show) until the daemon has
 * ended. drain asks it to end first.
 * Failure modes: no daemon (69); the daemon ends while it is watched: for status that is news (69),
 * for drain the aim; drain's time is up: 75, and the daemon goes on draining.
 */
#include "commands/status_command.h"

#include "base/clock.h"
#include "base/terminal.h"
#include "commands/command.h"
#include "commands/control_ops.h"
#include "commands/live_block.h"
#include "commands/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { SECOND_MS = 1000 };

struct status_flags {
    bool watch;
};

struct drain_flags {
    uint64_t timeout_s;
};

static const struct flag status_flag_list[] = {
    {.name = "watch",
     .letter = 'w',
     .kind = FLAG_SWITCH,
     .offset = offsetof(struct status_flags, watch),
     .help = "again each second; Ctrl-C ends it"},
};
static const struct flag drain_flag_list[] = {
    {.name = "timeout",
     .kind = FLAG_COUNT,
     .offset = offsetof(struct drain_flags, timeout_s),
     .value = "SECONDS",
     .help = "wait no longer for its end (default: as long as it takes)"},
};

static const struct flag_table status_table =
    FLAG_TABLE("status", "", "a running daemon or broadcast, live", status_flag_list);
static const struct flag_table drain_table =
    FLAG_TABLE("drain", "", "take nothing new, finish what is in flight, end", drain_flag_list);

/* A daemon that is looked at. */
struct view {
    const struct call *call;
    struct control_client *client;
    struct live_block block;
    bool live; /* a terminal, drawn again in place */
    bool colour;
    bool lines;          /* one line a look instead of the whole */
    bool is_for_readers; /* it ends when nobody can read it any more */
};

static bool view_begin(struct view *v, const struct call *call, struct err *e)
{
    *v = (struct view){.call = call, .block = live_block_new(STDOUT_FILENO)};
    v->colour = terminal_colour(STDOUT_FILENO, call->common.no_color);
    return control_connect(call->settings.control_socket, &v->client, e);
}

static void view_end(struct view *v)
{
    live_block_free(&v->block);
    if (v->client)
        control_disconnect(v->client);
}

static void show_answer(struct view *v, const struct control_ask *status)
{
    struct buf text = buf_new(STATUS_TEXT_MAX);

    if (v->call->common.json) {
        buf_add(&text, status->text.data, status->text.len);
        buf_addc(&text, '\n');
    } else if (v->lines) {
        status_line(status->answer, &text);
    } else {
        status_text(status->answer, v->colour, &text);
    }
    if (v->live)
        live_block_draw(&v->block, buf_text(&text), text.len);
    else if (fwrite(text.data, 1, text.len, stdout) == text.len)
        (void)fflush(stdout); /* an error is told at the end */
    buf_free(&text);
}

static bool show(struct view *v, struct err *e)
{
    struct control_ask status = {.op = "status"};
    bool ok = control_ask(v->client, &status, e);

    if (ok)
        show_answer(v, &status);
    control_ask_end(&status);
    return ok;
}

static bool is_unread(const struct view *v)
{
    return v->is_for_readers && ferror(stdout);
}

/* Shows it each second until the daemon has ended (true), or it is `end_us` or unread. */
static bool watch(struct view *v, int64_t end_us)
{
    struct err e;
    int64_t left_ms;

    for (;;) {
        left_ms = (end_us - clock_mono_us() + 999) / 1000;
        if (left_ms <= 0 || is_unread(v))
            return false;
        if (control_wait_end(v->client, left_ms < SECOND_MS ? left_ms : SECOND_MS, &e))
            return true;
        if (!v->call->common.quiet && !show(v, &e))
            return control_wait_end(v->client, SECOND_MS, &e);
    }
}

static bool takes_no_arguments(const struct call *c, const char *command, struct err *e)
{
    return !c->arguments.count || err_set(e, EXIT_USAGE, "%s takes flags only: %.60s is not one",
                                          command, c->arguments.items[0]);
}

/* ---- status. */

static bool view_status(struct view *v, const struct status_flags *flags, struct err *e)
{
    v->live = flags->watch && !v->call->common.json && terminal_redraws(STDOUT_FILENO);
    v->lines = flags->watch && !v->live;
    if (!show(v, e))
        return false;
    if (!flags->watch)
        return true;
    v->is_for_readers = true;
    (void)watch(v, INT64_MAX); /* ends with the daemon, or with whoever reads it */
    return is_unread(v) || err_set(e, EXIT_UNREACHABLE, "the daemon has ended");
}

int command_status(int argc, char **argv)
{
    struct status_flags flags = {0};
    struct call c;
    struct view v;
    struct err e;

    if (!call_begin(&c, &status_table, argc, argv, &flags))
        return c.exit_code;
    if (!takes_no_arguments(&c, "status", &e)) {
        c.exit_code = call_fail(&e);
    } else {
        if (!view_begin(&v, &c, &e) || !view_status(&v, &flags, &e))
            c.exit_code = call_fail(&e);
        view_end(&v);
    }
    call_end(&c);
    return c.exit_code;
}

/* ---- drain. */

static bool ask_to_drain(struct view *v, int64_t timeout_ms, struct err *e)
{
    struct control_ask drain = {.op = "drain", .timeout_ms = timeout_ms};
    bool ok = control_ask(v->client, &drain, e);

    control_ask_end(&drain);
    return ok;
}

static bool view_drain(struct view *v, const struct drain_flags *flags, struct err *e)
{
    int64_t timeout_ms = flags->timeout_s < INT32_MAX ? (int64_t)flags->timeout_s * 1000 : 0;
    int64_t end_us = timeout_ms ? clock_mono_us() + timeout_ms * 1000 : INT64_MAX;

    v->live = !v->call->common.json && terminal_redraws(STDOUT_FILENO);
    v->lines = !v->live;
    if (!ask_to_drain(v, timeout_ms, e))
        return false;
    if (watch(v, end_us))
        return true;
    return err_set(e, EXIT_TRY_LATER,
                   "the daemon still drains after %" PRIu64 " s; it goes on, and ends by itself",
                   flags->timeout_s);
}

static void print_drained(const struct call *c)
{
    if (c->common.json)
        puts("{\"v\":1,\"op\":\"drain\",\"text\":\"the daemon has ended\"}");
    else if (!c->common.quiet)
        puts("the daemon has ended");
}

int command_drain(int argc, char **argv)
{
    struct drain_flags flags = {0};
    struct call c;
    struct view v;
    struct err e;

    if (!call_begin(&c, &drain_table, argc, argv, &flags))
        return c.exit_code;
    if (!takes_no_arguments(&c, "drain", &e)) {
        c.exit_code = call_fail(&e);
    } else {
        if (view_begin(&v, &c, &e) && view_drain(&v, &flags, &e))
            print_drained(&c);
        else
            c.exit_code = call_fail(&e);
        view_end(&v);
    }
    call_end(&c);
    return c.exit_code;
}
