/* SPDX-License-Identifier: MIT */
#include "commands/run.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "commands/access.h"
#include "io/ca_file.h"

#include <stdio.h>

void run_begin(struct run *r, int argc, char **argv)
{
    struct buf line = buf_new(sizeof(r->command) - 1);

    buf_adds(&line, "tidings");
    for (int i = 0; i < argc; i++) {
        buf_addc(&line, ' ');
        text_quote(&line, argv[i]);
    }
    if (!buf_ok(&line)) { /* half a command may be another one */
        buf_clear(&line);
        buf_addf(&line, "tidings %.20s ...", argv[0]);
    }
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
    r->handover = handover_find(&r->call.settings);
    return r->handover || (ca_file_check(r->call.settings.ca_file, e) &&
                           access_open(&r->call.settings, &r->token, &kind, e) &&
                           dispatch_open(&options, &r->dispatch, e));
}

bool run_may_send(struct run *r, struct err *e)
{
    char since[CLOCK_TEXT_SIZE];
    int64_t since_ms;

    if (!ledger_held(dispatch_ledger(r->dispatch), &since_ms, e))
        return false;
    if (!since_ms)
        return true;
    clock_text(since_ms, since);
    return err_set(e, EXIT_WORK_LEFT,
                   "sending is paused since %s: `tidings resume` goes on; nothing was sent", since);
}

/* A log file gets what the settings say. */
void run_quieten_log(const struct run *r)
{
    const struct common_flags *flags = &r->call.common;

    if (!r->progress.live || *r->call.settings.log_file || flags->log_level)
        return;
    if (flags->verbose)
        log_set_level(LOG_INFO);
    else if (r->call.settings.log_level > LOG_WARN)
        log_set_level(LOG_WARN);
}

/* ---- What goes along with the dispatch. */

static const char *note_of(struct run *r)
{
    if (!r->control.is_cancelled && dispatch_is_draining(r->dispatch))
        return "stopping: waiting for what is in flight";
    if (run_control_note(&r->control))
        return run_control_note(&r->control);
    if (webhook_wait_note(&r->webhook))
        return webhook_wait_note(&r->webhook);
    if (dispatch_is_unreachable(r->dispatch))
        return "Graph does not answer: one message at a time until it does";
    return NULL;
}

/* At the rate of now; in a short lull at that of the run so far. */
static double pace_of(const struct progress_facts *f)
{
    if (f->note) /* it is held, or ends */
        return 0;
    return f->rate_actual > 0 ? f->rate_actual : tally_rate(f->tally);
}

static struct progress_facts look(struct run *r)
{
    struct engine_counts now = dispatch_counts(r->dispatch);
    struct progress_facts f = {
        .tally = dispatch_tally(r->dispatch),
        .retries = now.retries,
        .waiting = now.waiting + now.parked,
        .in_flight = now.in_flight,
        .rate_allowed = dispatch_rate_allowed(r->dispatch),
        .rate_actual = dispatch_rate_actual(r->dispatch),
        .note = note_of(r),
    };

    f.pace = pace_of(&f);
    return f;
}

static void on_tick(void *context)
{
    struct run *r = context;
    struct progress_facts facts = look(r);

    progress_show(&r->progress, &facts);
}

static bool on_begin(void *context, struct err *e)
{
    struct run *r = context;

    r->has_begun =
        run_control_begin(&r->control, e) && webhook_wait_begin(&r->webhook, &r->call.settings, e);
    return r->has_begun;
}

static bool is_done(void *context)
{
    struct run *r = context;

    return run_control_is_done(&r->control) && webhook_wait_is_done(&r->webhook);
}

static void on_end(void *context)
{
    struct run *r = context;

    run_control_end(&r->control);
    webhook_wait_end(&r->webhook);
}

static void on_settled(void *context, const struct engine_view *view)
{
    struct run *r = context;

    if (view->outcome->state == STATE_WAITING)
        holds_on_waiting(&r->control.holds, view->message);
    webhook_wait_settled(&r->webhook, view);
    if (r->met)
        report_truth_add(r->met, view->outcome, view);
}

static bool is_apart(const struct run *r, const struct message *m, const struct record *record)
{
    return record->elsewhere || !r->broadcast || strcmp(m->broadcast, r->broadcast) != 0;
}

/* A row that names another broadcast: what an earlier run left of it waits there. */
static bool waits_apart(const struct run *r, const struct record *record)
{
    return r->broadcast && record->known == STATE_WAITING && !record->elsewhere &&
           record->known_at_ms < r->control.started_ms;
}

static void on_known(void *context, const struct engine_view *view, const struct record *record)
{
    struct run *r = context;

    if (record->admission == ADMISSION_KNOWN && is_apart(r, view->message, record)) {
        r->known_apart++;
        if (waits_apart(r, record))
            rows_apart_add(&r->apart, view->message->broadcast);
    }
    if (r->known)
        known_rows_add(r->known, view->message, record->admission, record->elsewhere);
}

bool run_source(struct run *r, const struct dispatch_source *source, struct err *e)
{
    struct dispatch_watch watch = {r, 0, on_tick, on_begin, is_done, on_end, on_settled, on_known};
    struct progress_facts facts;
    bool ok;

    r->control.dispatch = r->dispatch;
    r->control.settings = &r->call.settings;
    r->control.kind = r->kind;
    r->control.broadcast = r->broadcast;
    r->control.is_corrected = r->webhook.seconds > 0;
    r->webhook.dispatch = r->dispatch;
    r->webhook.broadcast = r->broadcast;
    progress_begin(&r->progress, r->name, r->call.common.quiet, r->call.colour);
    run_quieten_log(r);
    watch.interval_ms = progress_interval_ms(&r->progress);
    ok = dispatch_run(r->dispatch, r->token, source, &watch, e);
    if (ok)
        webhook_wait_correct(&r->webhook);
    facts = look(r);
    progress_end(&r->progress, &facts);
    run_control_free(&r->control);
    return ok;
}

/* ---- The account. */

static bool read_truth(const struct run *r, struct report_truth *truth, struct err *e)
{
    const char *path = r->call.settings.ledger_path;
    uint64_t resent;

    if (!r->met)
        return !r->broadcast || report_truth_read(path, r->broadcast, truth, e);
    *truth = *r->met;
    if (!report_truth_read_resent(path, r->broadcast, &resent, e))
        return false;
    truth->deliveries.resent = resent - r->resent_before;
    return true;
}

/* Without it the rest of the account still stands. */
void run_read_truth(const struct run *r, struct report *report)
{
    struct err e;

    if (!read_truth(r, &report->truth, &e))
        log_line(LOG_WARN, "The report does not say what failed and why", LOG_STR("why", e.text));
}

/* What was in flight when the ledger broke is neither sent for sure nor surely not. */
static void read_cut_off(const struct run *r, struct report *report)
{
    struct err e;

    if (!report_truth_read_cut_off(r->call.settings.ledger_path, r->broadcast, &report->truth, &e))
        log_line(LOG_WARN, "The report does not say how many were in flight",
                 LOG_STR("why", e.text));
    report->left -= report->truth.in_flight < report->left ? report->truth.in_flight : report->left;
}

static uint64_t rest(uint64_t expected, uint64_t gone)
{
    return expected > gone ? expected - gone : 0;
}

/* Of a run that came to its end: what a stopped broadcast left waiting, and what waits apart. Rows
 * on record count as gone, where they are not done already. */
static uint64_t left_at_end(const struct run *r)
{
    const struct tally *t = dispatch_tally(r->dispatch);
    uint64_t known = t->overlap ? t->known : r->known_apart;

    if (!r->control.has_stopped)
        return r->apart.count;
    return r->apart.count + rest(t->expected, tally_done(t) + known + t->reused);
}

static uint64_t left_on_the_way(const struct run *r)
{
    const struct tally *t = dispatch_tally(r->dispatch);
    uint64_t known = t->overlap ? 0 : r->known_apart - r->apart.count; /* tally_expected has them */

    return rest(tally_expected(t), tally_done(t) + known);
}

uint64_t run_left(const struct run *r)
{
    bool is_over = dispatch_end(r->dispatch) == DISPATCH_FINISHED;

    return r->later + (is_over ? left_at_end(r) : left_on_the_way(r));
}

void run_fill_report(struct run *r, struct report *report)
{
    const struct tally *t = dispatch_tally(r->dispatch);

    report->name = r->name;
    report->broadcast = r->broadcast;
    report->ledger_path = r->call.settings.ledger_path;
    report->end = dispatch_end(r->dispatch);
    report->failure = dispatch_failure(r->dispatch);
    report->tally = t;
    report->counts = dispatch_counts(r->dispatch);
    report->halts = dispatch_halts(r->dispatch);
    report->command = r->command;
    report->known = r->known;
    report->apart = &r->apart;
    report->left = run_left(r);
    report->is_cancelled = r->control.is_cancelled;
    report->took_us = t->began_us ? clock_mono_us() - t->began_us : 0;
    run_read_truth(r, report);
    if (report->end == DISPATCH_BROKEN && report->failure == EXIT_LEDGER_IO)
        read_cut_off(r, report);
    report->exit_code = report_exit_code(report);
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
    if (r->handover)
        handover_close(r->handover);
    if (r->dispatch)
        dispatch_close(r->dispatch);
    secret_free(r->token);
}
