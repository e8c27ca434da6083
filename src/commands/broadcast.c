/* SPDX-License-Identifier: MIT
 *
 * broadcast.c: every row of a file.
 *
 * Happy path: the file is read and checked (broadcast_plan); the ledger is opened and asked what it
 * knows of this broadcast; the operator agrees; the broadcast is put on record as open; the file is
 * read again as the engine asks for messages; when nothing is left it is put on record as complete.
 * Failure modes:
 *   - the same name with another file: EXIT_BAD_DATA, unless --accept-changes; how many rows differ
 *     is said where the rows of the file on record are kept (io/manifest.h);
 *   - rows whose id the ledger has with other content: rejected; it stays open, since only reading
 *     the file against the ledger tells of them, and the same command tells it again;
 *   - complete already: nothing is sent, the account is given again;
 *   - interrupted in any way: it stays open, and the same command goes on;
 *   - a daemon holds the ledger: it gets the work (broadcast_handover.c).
 */
#include "commands/broadcast.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "commands/broadcast_internal.h"
#include "io/ca_file.h"

#include <stdio.h>
#include <string.h>

#define FLAG(flag_name, flag_kind, member, value_name, text)                                      \
    {                                                                                             \
        .name = (flag_name), .kind = (flag_kind),                                                 \
        .offset = offsetof(struct broadcast_flags, member), .value = (value_name), .help = (text) \
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
    FLAG("webhook", FLAG_OPTIONAL, webhook, "SECONDS",
         "receive webhooks, and stay until nothing is unknown, 60 s at most"),
    FLAG("report", FLAG_TEXT, report, "FILE", "write the report as JSON"),
};

static const struct flag_table table =
    FLAG_TABLE("broadcast", "FILE", "send every row of a CSV or JSONL file", flags);

/* ---- The source: the file's second reading. */

static bool check_unchanged(struct broadcast *b, struct err *e)
{
    return file_source_is_same(b->plan.source) ||
           err_set(e, EXIT_BAD_DATA,
                   "%.200s changed while it was being sent; what was sent is on record: look at "
                   "the file, then run again with --accept-changes",
                   b->plan.path);
}

bool broadcast_next(void *context, struct message **out, struct err *e)
{
    struct broadcast *b = context;
    struct row row;

    *out = NULL;
    do {
        if (!file_source_next(b->plan.source, &row, e))
            return false;
    } while (row.kind == ROW_REJECT);
    if (row.kind == ROW_END)
        return check_unchanged(b, e);
    if (row.line > b->plan.file.last_line) { /* --limit ends here */
        message_free(row.message);
        return file_source_drain(b->plan.source, e) && check_unchanged(b, e);
    }
    *out = row.message;
    return true;
}

/* ---- What the ledger knows. */

static bool is_same_file(const struct broadcast *b)
{
    return memcmp(b->record.file_hash, b->plan.file.file_hash, 32) == 0;
}

/* `pause NAME` may come before the first file. */
static bool has_file(const struct broadcast *b)
{
    static const unsigned char none[sizeof(b->record.file_hash)];

    return b->record.number && memcmp(b->record.file_hash, none, sizeof(none)) != 0;
}

static bool is_unchanged(const struct broadcast *b)
{
    return is_same_file(b) && memcmp(b->record.plan_hash, b->plan.hash, 32) == 0;
}

uint64_t broadcast_recorded(const struct broadcast *b)
{
    uint64_t sum = 0;

    for (enum state s = STATE_WAITING; s <= STATE_SKIPPED; s++)
        sum += b->record.counts[s];
    return sum;
}

static uint64_t most_of(const struct broadcast *b)
{
    uint64_t on_record = broadcast_recorded(b);

    return b->plan.file.valid > on_record ? b->plan.file.valid : on_record;
}

/* Which of a changed file's rows are on record shows as they come. */
uint64_t broadcast_expected(const struct broadcast *b)
{
    return b->flags.accept_changes ? b->plan.file.valid + broadcast_recorded(b) : most_of(b);
}

static void compare_rows(struct broadcast *b)
{
    const struct manifest_key recorded = {b->record.file_hash, b->record.plan_hash};

    if (has_file(b) && !is_same_file(b))
        broadcast_plan_compare(&b->plan, &recorded);
}

static bool check_changes(const struct broadcast *b, struct err *e)
{
    if (!has_file(b) || is_unchanged(b) || b->flags.accept_changes)
        return true;
    return err_set(
        e, EXIT_BAD_DATA,
        "broadcast %.60s is on record with %s (%s%s%llu messages of it are recorded); "
        "--accept-changes goes on with this one: known messages are not sent again, new "
        "rows are; another --name starts another broadcast",
        b->plan.name,
        is_same_file(b) ? "another template, language, sender or --param" : "another file",
        b->plan.changes, *b->plan.changes ? "; " : "", (unsigned long long)broadcast_recorded(b));
}

static bool refuse_paused(const struct broadcast *b, struct err *e)
{
    struct buf name = buf_new(1024);

    text_quote(&name, b->plan.name);
    (void)err_set(e, EXIT_WORK_LEFT,
                  "broadcast %.60s is paused: `tidings resume %s` goes on; "
                  "nothing was sent",
                  b->plan.name, buf_text(&name));
    buf_free(&name);
    return false;
}

/* A word of the operator's stands above the file. */
static bool check_state(const struct broadcast *b, struct err *e)
{
    if (b->record.number && b->record.state == BROADCAST_CANCELLED)
        return err_set(e, EXIT_BAD_DATA,
                       "broadcast %.60s is cancelled: that is final; another --name starts another "
                       "broadcast",
                       b->plan.name);
    if (b->record.number && b->record.state == BROADCAST_PAUSED)
        return refuse_paused(b, e);
    return true;
}

bool broadcast_check_record(struct broadcast *b, struct err *e)
{
    if (!check_state(b, e))
        return false;
    compare_rows(b);
    return check_changes(b, e);
}

static uint64_t settled(const struct ledger_broadcast *record)
{
    return record->counts[STATE_ACCEPTED] + record->counts[STATE_FAILED] +
           record->counts[STATE_UNKNOWN] + record->counts[STATE_SKIPPED];
}

/* Messages without a final state; a changed file may have fewer than are on record. */
uint64_t broadcast_left(const struct broadcast *b)
{
    uint64_t done = settled(&b->record);

    if (has_file(b) && !is_unchanged(b))
        return b->plan.file.valid; /* known ones will be found as they come */
    return b->plan.file.valid > done ? b->plan.file.valid - done : 0;
}

/* A changed file: its rows, and what waits of those that are gone from it. Where all that was on
 * record is done, of its rows the new ones. */
static uint64_t most_of_changed(const struct broadcast *b)
{
    const struct manifest_changes *differs = &b->plan.differs;
    uint64_t waiting = b->record.counts[STATE_WAITING] + b->record.counts[STATE_SENDING];
    uint64_t valid = b->plan.file.valid;

    if (differs->at_least)
        return valid + waiting;
    if (b->record.state == BROADCAST_COMPLETE)
        return differs->added + waiting;
    return valid + (waiting < differs->gone ? waiting : differs->gone);
}

struct broadcast_extent broadcast_extent(const struct broadcast *b)
{
    bool is_changed = has_file(b) && !is_unchanged(b);

    return (struct broadcast_extent){
        .messages = is_changed ? most_of_changed(b) : broadcast_left(b),
        .is_exact = !is_changed && !broadcast_plan_names_others(&b->plan),
        .from_first = !broadcast_recorded(b),
    };
}

static bool put_record(struct broadcast *b, enum broadcast_state state, struct err *e)
{
    b->record.state = state;
    memcpy(b->record.file_hash, b->plan.file.file_hash, sizeof(b->record.file_hash));
    memcpy(b->record.plan_hash, b->plan.hash, sizeof(b->record.plan_hash));
    if (!b->record.created_ms)
        b->record.created_ms = clock_wall_ms();
    return ledger_broadcast_put(dispatch_ledger(b->run.dispatch), b->plan.name, &b->record, e);
}

/* ---- The account. */

/* Those whose id the file itself has twice are rejects of the plan; they are refused as well. */
uint64_t broadcast_refused(const struct broadcast *b)
{
    uint64_t refused = known_rows_refused(&b->known), reused = b->plan.file.reused;

    return refused > reused ? refused - reused : 0;
}

/* Their text stands in the file alone: it is read again. */
static void reject_refused(struct broadcast *b, struct report *report)
{
    struct err e;

    report->has_refused =
        broadcast_plan_reject(&b->plan, &b->flags, b->known.refused, &report->rejected, &e);
    if (!report->has_refused)
        log_line(LOG_WARN, "Rows with a reused id are not in the rejects file",
                 LOG_STR("why", e.text));
}

struct report broadcast_report(struct broadcast *b, bool over)
{
    const struct file_plan *file = &b->plan.file;
    struct report report = {
        .rows = file->rows,
        .duplicates = file->duplicates,
        .rejected = file->rejected + broadcast_refused(b),
        .has_refused = !broadcast_refused(b),
    };

    if (known_rows_refused(&b->known) && over)
        reject_refused(b, &report);
    if (report.has_refused ? report.rejected : file->rejected)
        report.rejects_path = b->plan.rejects_path;
    report.id_reused = report.rejected - file->rejected;
    return report;
}

static int give_account(struct broadcast *b)
{
    bool over = b->run.has_begun && dispatch_end(b->run.dispatch) == DISPATCH_FINISHED;
    struct report report = broadcast_report(b, over);

    run_fill_report(&b->run, &report);
    return run_give_account(&b->run, &report, b->flags.report);
}

/* ---- The run. */

bool broadcast_is_complete(const struct broadcast *b)
{
    return b->record.state == BROADCAST_COMPLETE && is_unchanged(b) && broadcast_left(b) == 0;
}

static int send_all(struct broadcast *b)
{
    struct dispatch_source source = {b, broadcast_next};
    struct err e;

    if (!run_source(&b->run, &source, &e)) {
        if (b->run.has_begun)
            (void)give_account(b); /* what is known is worth saying beside the error */
        return call_fail(&e);
    }
    if (dispatch_end(b->run.dispatch) == DISPATCH_FINISHED && !b->flags.limit &&
        !run_left(&b->run) && !broadcast_refused(b) && !put_record(b, BROADCAST_COMPLETE, &e))
        return call_fail(&e);
    return give_account(b);
}

static void begin_tally(struct broadcast *b)
{
    struct tally *tally = dispatch_tally(b->run.dispatch);

    memcpy(tally->before, b->record.counts, sizeof(tally->before));
    tally->expected = broadcast_expected(b);
    tally->overlap = tally->expected - most_of(b);
    b->waiting.broadcast = b->plan.name;
    dispatch_take_up(b->run.dispatch, &b->waiting, b->record.counts[STATE_WAITING], 0);
}

/* Complete; but its unknown ones may still be settled. */
static int stay_for_webhooks(struct broadcast *b)
{
    const struct dispatch_source nothing = {b, dispatch_no_message};
    struct err e;

    if (b->run.webhook.seconds && b->record.counts[STATE_UNKNOWN] &&
        !run_source(&b->run, &nothing, &e))
        return call_fail(&e);
    return give_account(b);
}

static int send_what_is_left(struct broadcast *b)
{
    struct ledger *l = dispatch_ledger(b->run.dispatch);
    struct broadcast_extent extent;
    struct err e;

    if (!webhook_wait_check(&b->run.webhook, &b->run.call.settings, &e) ||
        !ledger_broadcast_find(l, b->plan.name, &b->record, &e) || !broadcast_check_record(b, &e))
        return call_fail(&e);
    begin_tally(b);
    if (broadcast_is_complete(b)) {
        fprintf(stderr, "Broadcast %s is complete: nothing to send\n", b->plan.name);
        return stay_for_webhooks(b);
    }
    extent = broadcast_extent(b);
    broadcast_plan_print(&b->plan, &b->run.call.settings, &extent);
    if (!b->run.call.settings.enabled)
        return run_refuse_disabled();
    if (!run_may_send(&b->run, &e) || !broadcast_plan_confirm(&b->plan, &b->flags, &e))
        return call_fail(&e);
    broadcast_plan_save_rows(&b->plan);
    if (!put_record(b, BROADCAST_OPEN, &e) || !file_source_rewind(b->plan.source, &e))
        return call_fail(&e);
    return send_all(b);
}

static int refuse_empty(const struct broadcast *b)
{
    struct err e;

    (void)err_set(&e, EXIT_BAD_DATA, "%.200s: no row can be sent (%llu rejected; %s)", b->plan.path,
                  (unsigned long long)b->plan.file.rejected,
                  *b->plan.file.first_reject ? b->plan.file.first_reject : "no rows");
    return call_fail(&e);
}

static bool read_webhook(struct broadcast *b, struct err *e)
{
    const char *seconds = b->flags.webhook;

    if (!seconds)
        return true;
    b->run.webhook.seconds = WEBHOOK_WAIT_S;
    return !*seconds || text_to_int(seconds, 1, 86400, &b->run.webhook.seconds) ||
           err_set(e, EXIT_USAGE, "--webhook=%.40s: not a number of seconds (1 to 86400)", seconds);
}

static int give_plan(const struct broadcast *b)
{
    enum exit_code code = b->plan.file.rejected ? EXIT_SOME_FAILED : EXIT_DONE;
    struct broadcast_extent all = {.messages = b->plan.file.valid, .from_first = true};
    struct err e;

    broadcast_plan_print(&b->plan, &b->run.call.settings, &all);
    if (!broadcast_plan_is_expected(&b->plan, &b->flags, &e))
        return call_fail(&e);
    fprintf(stderr, "Dry run: nothing was sent\n");
    if (b->run.call.common.json)
        broadcast_plan_print_json(&b->plan, &b->run.call.settings, code);
    return (int)code;
}

static int run_planned(struct broadcast *b)
{
    struct err e;

    if (!read_webhook(b, &e) || (b->flags.report && !report_check_path(b->flags.report, &e)))
        return call_fail(&e);
    if (!b->plan.file.valid)
        return refuse_empty(b);
    if (b->flags.dry_run)
        return ca_file_check(b->run.call.settings.ca_file, &e) ? give_plan(b) : call_fail(&e);
    b->run.kind = "broadcast";
    b->run.name = b->run.broadcast = b->plan.name;
    b->run.rate = b->plan.rate;
    known_rows_begin(&b->known, b->plan.file.duplicates || b->plan.file.reused);
    b->run.known = &b->known;
    if (!run_open(&b->run, &e))
        return call_fail(&e);
    if (b->run.handover && b->flags.webhook)
        fprintf(stderr, "--webhook is left to the daemon, which has the ledger\n");
    return b->run.handover ? broadcast_hand_over(b) : send_what_is_left(b);
}

int command_broadcast(int argc, char **argv)
{
    struct broadcast *b = MEM_NEW(struct broadcast);
    struct err e;
    int code;

    run_begin(&b->run, argc, argv);
    if (call_begin(&b->run.call, &table, argc, argv, &b->flags)) {
        b->run.call.exit_code = broadcast_plan_make(&b->plan, &b->run.call, &b->flags, &e)
                                    ? run_planned(b)
                                    : call_fail(&e);
        run_close(&b->run);
        known_rows_end(&b->known);
        broadcast_plan_free(&b->plan);
        call_end(&b->run.call);
    }
    code = b->run.call.exit_code;
    mem_free(b);
    return code;
}
