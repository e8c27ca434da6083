/* SPDX-License-Identifier: MIT */
#include "commands/log_command.h"

#include "base/clock.h"
#include "base/csv_write.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "commands/command.h"
#include "commands/filter_flags.h"
#include "core/error_policy.h"
#include "core/phone.h"

#include <stdio.h>
#include <string.h>

enum { RECENT = 10, LINE_MAX_BYTES = 65536 };

struct log_flags {
    struct filter_flags filter;
    uint64_t recent;
    bool all;
    bool sent;
    bool failed;
    bool count;
    bool csv;
    const char *status;
};

#define SWITCH(flag_name, member, text)                                                         \
    {                                                                                           \
        .name = (flag_name), .kind = FLAG_SWITCH, .offset = offsetof(struct log_flags, member), \
        .help = (text)                                                                          \
    }

static const struct flag flags[] = {
    FILTER_FLAGS(struct log_flags, filter),
    {.name = "recent",
     .kind = FLAG_COUNT,
     .offset = offsetof(struct log_flags, recent),
     .value = "N",
     .help = "the N most recent (default: 10, without a filter)"},
    SWITCH("all", all, "every message"),
    SWITCH("sent", sent, "state accepted"),
    SWITCH("failed", failed, "state failed"),
    {.name = "status",
     .kind = FLAG_TEXT,
     .offset = offsetof(struct log_flags, status),
     .value = "STATUS,...",
     .help = "what webhooks said last (sent, delivered, read, undelivered)"},
    SWITCH("count", count, "the number alone"),
    SWITCH("csv", csv, "CSV on standard output"),
};

static const struct flag_table table = FLAG_TABLE("log", "", "what became of the messages", flags);

struct view {
    struct call call;
    struct log_flags flags;
    struct ledger_filter filter;
    struct ledger_reader *reader;
    char number[PHONE_SIZE];
    bool history;     /* every attempt of each */
    bool was_unknown; /* the attempt before, of this message */
    uint64_t shown;
    struct buf line;
    struct err failure; /* of a row's history; code 0: none */
};

/* ---- A row in each form; names and order are the contract's. */

struct columns {
    const char *text[15];
    char attempts[24], code[16], at[CLOCK_TEXT_SIZE];
};

static const char *const names[15] = {"id",       "to",        "state",  "reason",   "status",
                                      "wamid",    "code",      "error",  "attempts", "class_id",
                                      "test_num", "broadcast", "sender", "ref",      "at"};

static const char *error_of(const struct outcome *o)
{
    return *o->details ? o->details : o->title;
}

static const char *wamid_of(const struct ledger_row *row)
{
    return *row->outcome.wamid ? row->outcome.wamid : row->delivery.wamid;
}

/* Several devices: it may have been delivered all the same. */
static bool is_undelivered(const struct ledger_row *row)
{
    return row->delivery.status == WEBHOOK_UNDELIVERED;
}

/* What Graph refused it with; of an accepted one, why it was not delivered. */
static int code_of(const struct ledger_row *row)
{
    return row->outcome.code || !is_undelivered(row) ? row->outcome.code : row->delivery.code;
}

static const char *why_of(const struct ledger_row *row)
{
    const char *refused = error_of(&row->outcome);

    return *refused || !is_undelivered(row) ? refused : row->delivery.title;
}

static void fill_columns(struct columns *c, const struct ledger_row *row)
{
    const struct message *m = row->message;
    const struct outcome *o = &row->outcome;

    (void)snprintf(c->attempts, sizeof(c->attempts), "%u", row->attempts);
    (void)snprintf(c->code, sizeof(c->code), "%d", code_of(row));
    clock_text(row->at_ms, c->at);
    const char *const text[15] = {m->id,
                                  m->to,
                                  state_name(o->state),
                                  o->reason ? reason_name(o->reason) : "",
                                  webhook_status_name(row->delivery.status),
                                  wamid_of(row),
                                  code_of(row) ? c->code : "",
                                  why_of(row),
                                  c->attempts,
                                  m->class_id,
                                  m->test_num,
                                  m->broadcast,
                                  m->sender,
                                  m->ref,
                                  c->at};

    memcpy(c->text, text, sizeof(text));
}

static bool is_number(const char *name)
{
    return strcmp(name, "code") == 0 || strcmp(name, "attempts") == 0;
}

static void add_json(struct buf *out, const struct columns *c)
{
    struct json_writer w = {.out = out};

    json_begin(&w, NULL, '{');
    json_put_int(&w, "v", 1);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (!is_number(names[i]))
            json_put_string(&w, names[i], c->text[i]);
        else
            json_put_raw(&w, names[i], *c->text[i] ? c->text[i] : "0");
    }
    json_end(&w, '}');
    buf_addc(out, '\n');
}

static void add_csv(struct buf *out, const struct columns *c)
{
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(names[i], "to") == 0) /* always a number, whatever a spreadsheet thinks of '+' */
            csv_write_field(out, c->text[i], strlen(c->text[i]), i == 0);
        else
            csv_write_safe(out, c->text[i], i == 0);
    }
    buf_adds(out, "\r\n");
}

static void add_row(struct buf *out, const struct ledger_row *row)
{
    const struct outcome *o = &row->outcome;
    char to[PHONE_MASKED_SIZE], at[CLOCK_TEXT_SIZE];

    phone_mask(row->message->to, to);
    clock_text(row->at_ms, at);
    buf_addf(out, "%s  %-9s %-18s %-34.34s", at, state_name(o->state), to, row->message->id);
    if (o->state == STATE_ACCEPTED)
        buf_addf(out, " %s", wamid_of(row));
    if (o->reason)
        buf_addf(out, " %s", reason_name(o->reason));
    if (row->delivery.status)
        buf_addf(out, " %s", webhook_status_name(row->delivery.status));
    if (code_of(row))
        buf_addf(out, " code=%d", code_of(row));
    if (*why_of(row))
        buf_addf(out, " %s", why_of(row));
    buf_addc(out, '\n');
}

/* ---- What webhooks said of one. */

static void print_status(const struct ledger_delivery *d, enum webhook_status status)
{
    struct graph_error error = {.code = d->code};
    char at[CLOCK_TEXT_SIZE];

    if (!d->at_ms[status])
        return;
    clock_text(d->at_ms[status], at);
    printf("    %-11s %s", webhook_status_name(status), at);
    if (status == WEBHOOK_UNDELIVERED && d->code)
        printf("  code=%d %s\n      → %s", d->code, d->title, error_policy_find(&error)->hint);
    printf("\n");
}

static void on_twin(void *context, const struct ledger_twin *twin)
{
    char at[CLOCK_TEXT_SIZE];

    (void)context;
    clock_text(twin->at_ms, at);
    printf("    accepted twice: wamid %s (attempt %u, %s)\n", twin->wamid, twin->attempt, at);
}

static bool print_statuses(struct view *v, const struct ledger_row *row, struct err *e)
{
    static const enum webhook_status order[] = {WEBHOOK_SENT, WEBHOOK_DELIVERED, WEBHOOK_READ,
                                                WEBHOOK_UNDELIVERED};

    for (size_t i = 0; i < ARRAY_SIZE(order); i++)
        print_status(&row->delivery, order[i]);
    return ledger_twins(v->reader, row->number, on_twin, v, e);
}

/* ---- Every attempt. */

/* The attempt that follows shows that this was chosen: by hand, or by retry.ambiguous. */
static void print_resent(struct view *v, const char at[CLOCK_TEXT_SIZE])
{
    if (v->was_unknown)
        printf("    decision    %s  sent again  after an unknown attempt: a possible duplicate\n",
               at);
    v->was_unknown = false;
}

static void on_attempt(void *context, const struct ledger_attempt *a)
{
    struct view *v = context;
    const struct outcome *o = &a->outcome;
    char at[CLOCK_TEXT_SIZE];

    clock_text(a->at_ms ? a->at_ms : a->done_ms, at);
    if (!a->at_ms) { /* no attempt: by rule, by hand, by a webhook */
        printf("    decision    %s  %-9s %s\n", at, state_name(o->state), reason_name(o->reason));
        return;
    }
    print_resent(v, at);
    v->was_unknown = a->done_ms && o->state == STATE_UNKNOWN;
    printf("    attempt %-3u %s  %-9s %-16s", a->attempt, at,
           a->done_ms ? state_name(o->state) : state_name(STATE_SENDING), reason_name(o->reason));
    if (a->done_ms)
        printf(" http=%d code=%d ms=%lld", o->http_status, o->code,
               (long long)(o->latency_us / 1000));
    printf("%s%s\n", *error_of(o) ? " " : "", error_of(o));
}

static bool on_row(void *context, const struct ledger_row *row)
{
    struct view *v = context;
    struct columns columns;

    buf_clear(&v->line);
    v->was_unknown = false;
    fill_columns(&columns, row);
    if (v->call.common.json)
        add_json(&v->line, &columns);
    else if (v->flags.csv)
        add_csv(&v->line, &columns);
    else
        add_row(&v->line, row);
    v->shown++;
    if (fwrite(v->line.data, 1, v->line.len, stdout) != v->line.len)
        return false; /* the reader has gone */
    if (v->history && !v->call.common.json && !v->flags.csv)
        return ledger_history(v->reader, row->number, on_attempt, v, &v->failure) &&
               print_statuses(v, row, &v->failure);
    return true;
}

/* ---- The command. */

static bool parse_status(const char *word, unsigned *mask)
{
    for (unsigned s = WEBHOOK_SENT; s < WEBHOOK_STATUS_COUNT; s++) {
        if (strcmp(word, webhook_status_name((enum webhook_status)s)) == 0) {
            *mask |= 1U << s;
            return true;
        }
    }
    return false;
}

static bool read_statuses(const char *list, unsigned *mask, struct err *e)
{
    char *copy = mem_strdup(list);
    char *rest = copy;
    char *word;
    bool ok = true;

    while (ok && (word = strsep(&rest, ",")))
        ok = parse_status(word, mask) ||
             err_set(e, EXIT_USAGE,
                     "--status: '%.40s' is no status (sent, delivered, read, undelivered)", word);
    mem_free(copy);
    return ok;
}

static bool read_flags(struct view *v, struct err *e)
{
    struct log_flags *f = &v->flags;
    bool narrowed = f->all || f->sent || f->failed || f->status || filter_flags_given(&f->filter);

    if (v->call.arguments.count)
        return err_set(e, EXIT_USAGE, "log takes flags only: %.60s is not one",
                       v->call.arguments.items[0]);
    if (f->csv && v->call.common.json)
        return err_set(e, EXIT_USAGE, "log takes one of --csv and --json");
    if (f->recent && f->all)
        return err_set(e, EXIT_USAGE, "log takes one of --recent and --all");
    if (!filter_flags_read(&f->filter, v->number, &v->filter, e) ||
        (f->status && !read_statuses(f->status, &v->filter.statuses, e)))
        return false;
    if (f->sent)
        v->filter.states |= 1u << STATE_ACCEPTED;
    if (f->failed)
        v->filter.states |= 1u << STATE_FAILED;
    v->filter.recent = f->recent ? f->recent : narrowed ? 0 : RECENT;
    v->history = f->filter.id != NULL;
    return true;
}

static bool print_counts(struct view *v, struct err *e)
{
    uint64_t counts[STATE_COUNT] = {0};
    uint64_t sum = 0;

    if (!ledger_count(v->reader, &v->filter, counts, e))
        return false;
    for (enum state s = STATE_WAITING; s <= STATE_SKIPPED; s++)
        sum += counts[s];
    if (v->flags.count) {
        v->shown = sum;
        printf("%llu\n", (unsigned long long)sum);
        return true;
    }
    for (enum state s = STATE_WAITING; s <= STATE_SKIPPED; s++) {
        if (counts[s] || s == STATE_ACCEPTED || s == STATE_FAILED || s == STATE_UNKNOWN ||
            s == STATE_SKIPPED)
            printf("%s%s %llu", s == STATE_WAITING ? "" : "  ", state_name(s),
                   (unsigned long long)counts[s]);
    }
    printf("\n");
    return true;
}

static bool show(struct view *v, struct err *e)
{
    bool is_plain = !v->call.common.json && !v->flags.csv;

    if (v->flags.count)
        return print_counts(v, e);
    if (v->flags.csv) {
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
            printf("%s%s", i ? "," : "", names[i]);
        printf("\r\n");
    }
    if (!ledger_read(v->reader, &v->filter, on_row, v, e))
        return false;
    if (v->failure.code) {
        *e = v->failure;
        return false;
    }
    return !is_plain || print_counts(v, e);
}

static int run(struct view *v)
{
    struct err e;
    bool ok;

    if (!read_flags(v, &e) || !ledger_reader_open(v->call.settings.ledger_path, &v->reader, &e))
        return call_fail(&e);
    ok = show(v, &e);
    ledger_reader_close(v->reader);
    if (ok && !v->shown)
        filter_say_if_nobody(&v->filter, v->call.settings.ledger_path);
    return ok ? EXIT_DONE : call_fail(&e);
}

int command_log(int argc, char **argv)
{
    struct view v = {.line = buf_new(LINE_MAX_BYTES)};

    if (call_begin(&v.call, &table, argc, argv, &v.flags)) {
        v.call.exit_code = run(&v);
        call_end(&v.call);
    }
    buf_free(&v.line);
    return v.call.exit_code;
}
