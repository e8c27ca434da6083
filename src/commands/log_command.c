/* SPDX-License-Identifier: MIT */
#include "commands/log_command.h"

#include "base/clock.h"
#include "base/csv_write.h"
#include "base/json.h"
#include "base/text.h"
#include "commands/command.h"
#include "commands/filter_flags.h"
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
    bool history; /* every attempt of each */
    uint64_t shown;
    struct buf line;
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

static void fill_columns(struct columns *c, const struct ledger_row *row)
{
    const struct message *m = row->message;
    const struct outcome *o = &row->outcome;

    (void)snprintf(c->attempts, sizeof(c->attempts), "%u", row->attempts);
    (void)snprintf(c->code, sizeof(c->code), "%d", o->code);
    clock_text(row->at_ms, c->at);
    const char *const text[15] = {m->id,
                                  m->to,
                                  state_name(o->state),
                                  o->reason ? reason_name(o->reason) : "",
                                  "",
                                  o->wamid,
                                  o->code ? c->code : "",
                                  error_of(o),
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
        buf_addf(out, " %s", o->wamid);
    else if (o->reason)
        buf_addf(out, " %s", reason_name(o->reason));
    if (o->code)
        buf_addf(out, " code=%d", o->code);
    if (*error_of(o))
        buf_addf(out, " %s", error_of(o));
    buf_addc(out, '\n');
}

/* ---- Every attempt. */

static void on_attempt(void *context, const struct ledger_attempt *a)
{
    struct view *v = context;
    const struct outcome *o = &a->outcome;
    char at[CLOCK_TEXT_SIZE];

    clock_text(a->at_ms ? a->at_ms : a->done_ms, at);
    printf("    attempt %-3u %s  %-9s %-16s", a->attempt, at,
           a->done_ms ? state_name(o->state) : state_name(STATE_SENDING), reason_name(o->reason));
    if (a->done_ms)
        printf(" http=%d code=%d ms=%lld", o->http_status, o->code,
               (long long)(o->latency_us / 1000));
    printf("%s%s\n", *error_of(o) ? " " : "", error_of(o));
    (void)v;
}

static bool on_row(void *context, const struct ledger_row *row)
{
    struct view *v = context;
    struct columns columns;
    struct err e;

    buf_clear(&v->line);
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
        return ledger_history(v->reader, row->number, on_attempt, v, &e);
    return true;
}

/* ---- The command. */

static bool read_flags(struct view *v, struct err *e)
{
    struct log_flags *f = &v->flags;
    bool narrowed = f->all || f->sent || f->failed || filter_flags_given(&f->filter);

    if (v->call.arguments.count)
        return err_set(e, EXIT_USAGE, "log takes flags only: %.60s is not one",
                       v->call.arguments.items[0]);
    if (!filter_flags_read(&f->filter, v->number, &v->filter, e))
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
