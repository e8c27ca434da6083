/* SPDX-License-Identifier: MIT
 *
 * broadcast.c: every row of a file.
 *
 * Happy path: the file is read and checked (broadcast_plan); the ledger is opened and asked what it
 * knows of this broadcast; the operator agrees; the broadcast is put on record as open; the file is
 * read again as the engine asks for messages; when nothing is left it is put on record as complete.
 * Failure modes:
 *   - the same name with another file: EXIT_BAD_DATA, unless --accept-changes;
 *   - complete already: nothing is sent, the account is given again;
 *   - interrupted in any way: it stays open, and the same command goes on.
 */
#include "commands/broadcast.h"

#include "base/clock.h"
#include "base/mem.h"
#include "commands/access.h"
#include "commands/broadcast_plan.h"
#include "commands/dispatch.h"
#include "commands/progress.h"
#include "commands/report.h"

#include <stdio.h>
#include <string.h>

#define FLAG(flag_name, flag_kind, member, value_name, text)                                       \
    {                                                                                              \
        .name = (flag_name), .kind = (flag_kind),                                                  \
        .offset = offsetof(struct broadcast_flags, member), .value = (value_name), .help = (text)  \
    }

static const struct flag flags[] = {
    FLAG("name", FLAG_TEXT, name, "NAME", "the broadcast's name (default: the file's base name)"),
    FLAG("template", FLAG_TEXT, template_name, "NAME", "the template (default: template.name)"),
    FLAG("lang", FLAG_TEXT, lang, "LANG", "its language (default: template.lang)"),
    FLAG("param", FLAG_TEXT, params, "COLUMN,...", "columns that fill the body ('' for none)"),
    FLAG("rate", FLAG_TEXT, rate, "N", "messages a second, or unlimited"),
    FLAG("sender", FLAG_TEXT, sender, "ID", "phone_id to send from"),
    FLAG("limit", FLAG_COUNT, limit, "N", "only the first N valid rows"),
    FLAG("dry-run", FLAG_SWITCH, dry_run, NULL, "check everything, send nothing"),
    FLAG("expect-count", FLAG_TEXT, expect_count, "N", "go only if so many messages are valid"),
    FLAG("yes", FLAG_SWITCH, yes, NULL, "do not ask"),
    FLAG("accept-changes", FLAG_SWITCH, accept_changes, NULL,
         "the file changed on purpose: known ids are not sent again, new rows are"),
    FLAG("report", FLAG_TEXT, report, "FILE", "write the report as JSON"),
};

static const struct flag_table table =
    FLAG_TABLE("broadcast", "FILE", "send every row of a CSV or JSONL file", flags);

/* A broadcast that runs. */
struct run {
    struct call call;
    struct broadcast_flags flags;
    struct broadcast_plan plan;
    struct dispatch *dispatch;
    struct ledger_broadcast record;
    struct secret *token;
    enum dispatch_end end;
    uint64_t offered; /* of --limit */
    char command[512];
};

/* ---- The source: the file's second reading. */

static bool check_unchanged(struct run *r, struct err *e)
{
    unsigned char hash[32];

    file_source_hash(r->plan.source, hash);
    if (memcmp(hash, r->plan.file.file_hash, sizeof(hash)) == 0)
        return true;
    return err_set(e, EXIT_BAD_DATA,
                   "%.200s changed while it was being sent; what was sent is on record: look at "
                   "the file, then run again with --accept-changes",
                   r->plan.path);
}

static bool next_message(void *context, struct message **out, struct err *e)
{
    struct run *r = context;
    struct row row;

    *out = NULL;
    if (r->flags.limit && r->offered == r->flags.limit)
        return true;
    do {
        if (!file_source_next(r->plan.source, &row, e))
            return false;
    } while (row.kind == ROW_REJECT);
    if (row.kind == ROW_END)
        return check_unchanged(r, e);
    r->offered++;
    *out = row.message;
    return true;
}

/* ---- What the ledger knows. */

static bool find_record(struct run *r, struct err *e)
{
    return ledger_broadcast_find(dispatch_ledger(r->dispatch), r->plan.name, &r->record, e);
}

static bool is_same_file(const struct run *r)
{
    return memcmp(r->record.file_hash, r->plan.file.file_hash, 32) == 0 &&
           memcmp(r->record.plan_hash, r->plan.hash, 32) == 0;
}

static uint64_t recorded(const struct run *r)
{
    uint64_t sum = 0;

    for (enum state s = STATE_WAITING; s <= STATE_SKIPPED; s++)
        sum += r->record.counts[s];
    return sum;
}

static bool check_changes(const struct run *r, struct err *e)
{
    if (!r->record.number || is_same_file(r) || r->flags.accept_changes)
        return true;
    return err_set(e, EXIT_BAD_DATA,
                   "broadcast %.60s is on record with %s (%llu messages of it are recorded); "
                   "--accept-changes goes on with this one: known messages are not sent again, new "
                   "rows are; another --name starts another broadcast",
                   r->plan.name,
                   memcmp(r->record.file_hash, r->plan.file.file_hash, 32) != 0
                       ? "another file"
                       : "another template, language, sender or --param",
                   (unsigned long long)recorded(r));
}

static uint64_t settled(const struct ledger_broadcast *b)
{
    return b->counts[STATE_ACCEPTED] + b->counts[STATE_FAILED] + b->counts[STATE_UNKNOWN] +
           b->counts[STATE_SKIPPED];
}

/* Messages without a final state; a changed file may have fewer than are on record. */
static uint64_t left_to_send(const struct run *r)
{
    uint64_t done = settled(&r->record);

    if (r->record.number && !is_same_file(r))
        return r->plan.file.valid; /* known ones will be found as they come */
    return r->plan.file.valid > done ? r->plan.file.valid - done : 0;
}

static bool put_record(struct run *r, enum broadcast_state state, struct err *e)
{
    r->record.state = state;
    memcpy(r->record.file_hash, r->plan.file.file_hash, sizeof(r->record.file_hash));
    memcpy(r->record.plan_hash, r->plan.hash, sizeof(r->record.plan_hash));
    if (!r->record.created_ms)
        r->record.created_ms = clock_wall_ms();
    return ledger_broadcast_put(dispatch_ledger(r->dispatch), r->plan.name, &r->record, e);
}

/* ---- The account. */

static bool read_codes(const struct run *r, struct report *report)
{
    struct ledger_reader *reader;
    struct err e;
    bool ok;

    if (!ledger_reader_open(r->call.settings.ledger_path, &reader, &e))
        return false;
    ok = ledger_codes(reader, r->plan.name, report->codes, REPORT_CODES_MAX, &report->code_count,
                      &e);
    ledger_reader_close(reader);
    return ok;
}

static void print_report(const struct run *r, const struct report *report)
{
    struct buf out = buf_new(REPORT_MAX);

    if (r->call.common.json)
        report_json(report, &out);
    else
        report_text(report, &out);
    fputs(buf_text(&out), stdout);
    fflush(stdout);
    buf_free(&out);
}

static void fill_report(struct run *r, struct report *report)
{
    const struct tally *t = dispatch_tally(r->dispatch);
    uint64_t done = tally_done(t);

    *report = (struct report){
        .name = r->plan.name,
        .broadcast = r->plan.name,
        .ledger_path = r->call.settings.ledger_path,
        .end = r->end,
        .tally = t,
        .counts = dispatch_counts(r->dispatch),
        .halts = dispatch_halts(r->dispatch),
        .rows = r->plan.file.rows,
        .duplicates = r->plan.file.duplicates,
        .rejected = r->plan.file.rejected,
        .rejects_path = r->plan.file.rejected ? r->plan.rejects_path : NULL,
        .command = r->command,
        .left = r->end == DISPATCH_FINISHED || t->expected <= done ? 0 : t->expected - done,
        .took_us = t->began_us ? clock_mono_us() - t->began_us : 0,
    };
    report->exit_code = report_exit_code(report);
    (void)read_codes(r, report); /* without codes the rest of the account still stands */
}

static int give_account(struct run *r)
{
    struct report report;
    struct err e;

    fill_report(r, &report);
    print_report(r, &report);
    if (r->flags.report && !report_save(&report, r->flags.report, &e))
        return call_fail(&e);
    return (int)report.exit_code;
}

/* ---- The run. */

static bool is_complete(const struct run *r)
{
    return r->record.state == BROADCAST_COMPLETE && is_same_file(r) && left_to_send(r) == 0;
}

static int send_all(struct run *r)
{
    struct progress progress;
    struct dispatch_source source = {r, next_message};
    struct dispatch_watch watch = {.context = &progress, .on_tick = progress_tick};
    struct err e, failure;
    bool ok;

    progress_begin(&progress, r->plan.name, r->call.common.quiet, r->call.colour);
    watch.interval_ms = progress_interval_ms(&progress);
    ok = dispatch_run(r->dispatch, r->token, &source, &watch, &r->end, &failure);
    progress_end(&progress, r->dispatch);
    if (!ok) {
        (void)give_account(r); /* what is known is worth saying beside the error */
        return call_fail(&failure);
    }
    if (r->end == DISPATCH_FINISHED && !r->flags.limit && !put_record(r, BROADCAST_COMPLETE, &e))
        return call_fail(&e);
    return give_account(r);
}

static int refuse_disabled(void)
{
    fprintf(stderr, "tidings: sending is switched off (WHATSAPP_ENABLED or whatsapp.enabled is "
                    "false): everything was checked, nothing was sent\n");
    return EXIT_WORK_LEFT;
}

static int run_open(struct run *r)
{
    struct tally *tally = dispatch_tally(r->dispatch);
    struct err e;

    if (!find_record(r, &e) || !check_changes(r, &e))
        return call_fail(&e);
    memcpy(tally->before, r->record.counts, sizeof(tally->before));
    tally->expected = r->plan.file.valid > recorded(r) ? r->plan.file.valid : recorded(r);
    if (is_complete(r)) {
        fprintf(stderr, "Broadcast %s is complete: nothing to send\n", r->plan.name);
        return give_account(r);
    }
    broadcast_plan_print(&r->plan, &r->call.settings, left_to_send(r));
    if (!r->call.settings.enabled)
        return refuse_disabled();
    if (!broadcast_plan_confirm(&r->plan, &r->flags, &e) || !put_record(r, BROADCAST_OPEN, &e) ||
        !file_source_rewind(r->plan.source, &e))
        return call_fail(&e);
    return send_all(r);
}

static int run_planned(struct run *r)
{
    struct dispatch_options options = {
        .settings = &r->call.settings,
        .holder = r->command,
        .rate = r->plan.rate,
        .broadcast = r->plan.name,
    };
    enum access_kind kind;
    struct err e;
    int code;

    if (!r->plan.file.valid) {
        (void)err_set(&e, EXIT_BAD_DATA, "%.200s: no row can be sent (%llu rejected; %s)",
                      r->plan.path, (unsigned long long)r->plan.file.rejected,
                      *r->plan.file.first_reject ? r->plan.file.first_reject : "no rows");
        return call_fail(&e);
    }
    if (r->flags.dry_run) {
        broadcast_plan_print(&r->plan, &r->call.settings, r->plan.file.valid);
        fprintf(stderr, "Dry run: nothing was sent\n");
        return r->plan.file.rejected ? EXIT_SOME_FAILED : EXIT_DONE;
    }
    if (!access_open(&r->call.settings, &r->token, &kind, &e) ||
        !dispatch_open(&options, &r->dispatch, &e))
        return call_fail(&e);
    code = run_open(r);
    dispatch_close(r->dispatch);
    return code;
}

static void remember_command(struct run *r, int argc, char **argv)
{
    struct buf line = buf_new(sizeof(r->command) - 1);

    buf_adds(&line, "tidings");
    for (int i = 0; i < argc; i++)
        buf_addf(&line, " %s", argv[i]); /* what does not fit is left out */
    (void)snprintf(r->command, sizeof(r->command), "%s", buf_text(&line));
    buf_free(&line);
}

int command_broadcast(int argc, char **argv)
{
    struct run *r = MEM_NEW(struct run);
    struct err e;
    int code = EXIT_DONE;

    remember_command(r, argc, argv);
    if (call_begin(&r->call, &table, argc, argv, &r->flags, &code)) {
        if (broadcast_plan_make(&r->plan, &r->call, &r->flags, &e))
            code = run_planned(r);
        else
            code = call_fail(&e);
        broadcast_plan_free(&r->plan);
        secret_free(r->token);
        call_end(&r->call);
    }
    mem_free(r);
    return code;
}
