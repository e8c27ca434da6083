/* SPDX-License-Identifier: MIT */
#include "commands/run.h"

#include "base/clock.h"
#include "base/log.h"
#include "commands/access.h"
#include "commands/progress.h"

#include <stdio.h>

void run_begin(struct run *r, int argc, char **argv)
{
    struct buf line = buf_new(sizeof(r->command) - 1);

    buf_adds(&line, "tidings");
    for (int i = 0; i < argc; i++)
        buf_addf(&line, " %s", argv[i]); /* what does not fit is left out */
    (void)snprintf(r->command, sizeof(r->command), "%s", buf_text(&line)); /* it fits */
    buf_free(&line);
}

bool run_open(struct run *r, struct err *e)
{
    struct dispatch_options options = {
        .settings = &r->call.settings,
        .holder = r->command,
        .rate = r->rate,
    };
    enum access_kind kind;

    secret_harden_process();
    return access_open(&r->call.settings, &r->token, &kind, e) &&
           dispatch_open(&options, &r->dispatch, e);
}

/* Beside the live block only warnings are logged, unless -v says info or --log-level something. A
 * log file gets what the settings say. */
static void quieten_log(const struct run *r, const struct progress *progress)
{
    const struct common_flags *flags = &r->call.common;

    if (!progress->live || *r->call.settings.log_file || flags->log_level)
        return;
    if (flags->verbose)
        log_set_level(LOG_INFO);
    else if (r->call.settings.log_level > LOG_WARN)
        log_set_level(LOG_WARN);
}

bool run_source(struct run *r, const struct dispatch_source *source, struct err *e)
{
    struct progress progress;
    struct dispatch_watch watch = {.context = &progress, .on_tick = progress_tick};
    bool ok;

    progress_begin(&progress, r->name, r->call.common.quiet, r->call.colour);
    quieten_log(r, &progress);
    watch.interval_ms = progress_interval_ms(&progress);
    ok = dispatch_run(r->dispatch, r->token, source, &watch, e);
    progress_end(&progress, r->dispatch);
    return ok;
}

/* Of a broadcast as a whole. Without codes the rest of the account still stands. */
static void read_codes(const struct run *r, struct report *report)
{
    struct ledger_codes codes = {.items = report->codes, .max = REPORT_CODES_MAX};
    struct ledger_reader *reader;
    struct err e;

    if (!r->broadcast || !ledger_reader_open(r->call.settings.ledger_path, &reader, &e))
        return;
    if (ledger_codes(reader, r->broadcast, &codes, &e))
        report->code_count = codes.count;
    ledger_reader_close(reader);
}

void run_fill_report(struct run *r, struct report *report)
{
    const struct tally *t = dispatch_tally(r->dispatch);
    uint64_t done = tally_done(t);

    report->name = r->name;
    report->broadcast = r->broadcast;
    report->ledger_path = r->call.settings.ledger_path;
    report->end = dispatch_end(r->dispatch);
    report->tally = t;
    report->counts = dispatch_counts(r->dispatch);
    report->halts = dispatch_halts(r->dispatch);
    report->command = r->command;
    report->left = report->end == DISPATCH_FINISHED || t->expected <= done ? 0 : t->expected - done;
    report->took_us = t->began_us ? clock_mono_us() - t->began_us : 0;
    report->exit_code = report_exit_code(report);
    read_codes(r, report);
}

int run_give_account(const struct run *r, const struct report *report, const char *path)
{
    struct buf out = buf_new(REPORT_MAX);
    struct err e;

    if (r->call.common.json)
        report_json(report, &out);
    else
        report_text(report, &out);
    (void)fputs(buf_text(&out), stdout); /* a closed standard output changes nothing */
    (void)fflush(stdout);
    buf_free(&out);
    if (path && !report_save(report, path, &e))
        return call_fail(&e);
    return (int)report->exit_code;
}

int run_refuse_disabled(void)
{
    fprintf(stderr, "tidings: sending is switched off (WHATSAPP_ENABLED or whatsapp.enabled is "
                    "false): everything was checked, nothing was sent\n");
    return EXIT_WORK_LEFT;
}

void run_close(struct run *r)
{
    if (r->dispatch)
        dispatch_close(r->dispatch);
    secret_free(r->token);
}
