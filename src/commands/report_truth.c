/* SPDX-License-Identifier: MIT */
#include "commands/report_truth.h"

#include "base/clock.h"
#include "base/text.h"
#include "commands/next_command.h"
#include "core/error_policy.h"
#include "core/phone.h"

#include <string.h>

/* ---- Reading. */

static bool keep_unknown(void *context, const struct ledger_row *row)
{
    struct report_truth *t = context;
    struct report_unknown *u = &t->unknown[t->unknown_count++];

    text_copy(u->id, sizeof(u->id), row->message->id, strlen(row->message->id));
    text_copy(u->to, sizeof(u->to), row->message->to, strlen(row->message->to));
    u->reason = row->outcome.reason;
    u->at_ms = row->at_ms;
    return t->unknown_count < REPORT_UNKNOWN_MAX;
}

static bool read_all(struct ledger_reader *reader, const char *broadcast, struct report_truth *out,
                     struct err *e)
{
    const struct ledger_filter unknown = {.broadcast = broadcast, .states = 1U << STATE_UNKNOWN};
    struct ledger_codes codes = {.items = out->codes, .max = REPORT_CODES_MAX};

    if (!ledger_codes(reader, broadcast, &codes, e) ||
        !ledger_count_deliveries(reader, broadcast, &out->deliveries, e) ||
        !ledger_read(reader, &unknown, keep_unknown, out, e))
        return false;
    out->code_count = codes.count;
    return true;
}

bool report_truth_read(const char *ledger_path, const char *broadcast, struct report_truth *out,
                       struct err *e)
{
    struct ledger_reader *reader;
    bool ok;

    out->code_count = out->unknown_count = 0;
    if (!ledger_reader_open(ledger_path, &reader, e))
        return false;
    ok = read_all(reader, broadcast, out, e);
    ledger_reader_close(reader);
    return ok;
}

bool report_truth_read_cut_off(const char *ledger_path, const char *broadcast,
                               struct report_truth *out, struct err *e)
{
    const struct ledger_filter sending = {.broadcast = broadcast, .states = 1U << STATE_SENDING};
    struct ledger_reader *reader;
    uint64_t counts[STATE_COUNT];
    bool ok;

    out->was_cut_off = true;
    if (!ledger_reader_open(ledger_path, &reader, e))
        return false;
    ok = ledger_count(reader, &sending, counts, e);
    ledger_reader_close(reader);
    if (ok)
        out->in_flight = counts[STATE_SENDING];
    return ok;
}

static bool count_resent(struct ledger_reader *reader, const char *broadcast, uint64_t *out,
                         struct err *e)
{
    struct ledger_delivery_counts counts;

    if (!broadcast)
        return ledger_count_resent(reader, out, e);
    if (!ledger_count_deliveries(reader, broadcast, &counts, e))
        return false;
    *out = counts.resent;
    return true;
}

bool report_truth_read_resent(const char *ledger_path, const char *broadcast, uint64_t *out,
                              struct err *e)
{
    struct ledger_reader *reader;
    bool ok;

    if (!ledger_reader_open(ledger_path, &reader, e))
        return false;
    ok = count_resent(reader, broadcast, out, e);
    ledger_reader_close(reader);
    return ok;
}

/* ---- Gathering. */

static bool is_same_code(const struct ledger_code_count *c, const struct outcome *o)
{
    return c->state == o->state && c->reason == o->reason && c->code == o->code;
}

static void count_code(struct report_truth *t, const struct outcome *o)
{
    size_t i = 0;

    while (i < t->code_count && !is_same_code(&t->codes[i], o))
        i++;
    if (i == REPORT_CODES_MAX)
        return;
    if (i == t->code_count) {
        t->codes[i] = (struct ledger_code_count){o->state, o->reason, o->code, 0, ""};
        text_copy(t->codes[i].title, sizeof(t->codes[i].title), o->title, strlen(o->title));
        t->code_count++;
    }
    t->codes[i].count++;
}

static void keep_as_unknown(struct report_truth *t, const struct engine_view *view)
{
    const struct message *m = view->message;
    struct report_unknown *u = &t->unknown[t->unknown_count++];

    text_copy(u->id, sizeof(u->id), m->id, strlen(m->id));
    text_copy(u->to, sizeof(u->to), m->to, strlen(m->to));
    u->reason = view->outcome->reason;
    u->at_ms = view->at_ms;
}

void report_truth_add(struct report_truth *t, const struct outcome *o,
                      const struct engine_view *view)
{
    if (o->state == STATE_WAITING || o->state == STATE_ACCEPTED || o->next_ms)
        return;
    count_code(t, o);
    if (view && o->state == STATE_UNKNOWN && t->unknown_count < REPORT_UNKNOWN_MAX)
        keep_as_unknown(t, view);
}

uint64_t report_truth_cancelled(const struct report_truth *t)
{
    uint64_t count = 0;

    for (size_t i = 0; i < t->code_count; i++) {
        if (t->codes[i].state == STATE_SKIPPED && t->codes[i].reason == REASON_CANCELLED)
            count += t->codes[i].count;
    }
    return count;
}

/* ---- Text. */

static const char *hint_of(int code)
{
    struct graph_error error = {.code = code};

    return code ? error_policy_find(&error)->hint : "";
}

static const char *title_of(const struct ledger_code_count *c)
{
    struct graph_error error = {.code = c->code};

    if (*c->title)
        return c->title;
    if (c->code)
        return error_policy_find(&error)->title;
    return c->state == STATE_UNKNOWN ? unknown_evidence(c->reason) : reason_name(c->reason);
}

static void add_code(const struct ledger_code_count *c, const char *what, struct buf *out)
{
    char count[32];

    text_grouped(c->count, count);
    buf_addf(out, "  %s %s: ", count, what);
    if (c->code)
        buf_addf(out, "code %d, ", c->code);
    buf_addf(out, "%s\n", title_of(c));
    if (*hint_of(c->code))
        buf_addf(out, "      → %s\n", hint_of(c->code));
}

static void add_count(uint64_t value, const char *what, struct buf *out)
{
    char count[32];

    text_grouped(value, count);
    if (value)
        buf_addf(out, "  %s %s\n", count, what);
}

static void add_statuses(const struct ledger_delivery_counts *d, struct buf *out)
{
    static const enum webhook_status shown[] = {WEBHOOK_SENT, WEBHOOK_DELIVERED, WEBHOOK_READ,
                                                WEBHOOK_UNDELIVERED};
    const char *before = "  of those accepted, webhooks say: ";

    for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
        char count[32];

        if (!d->statuses[shown[i]])
            continue;
        text_grouped(d->statuses[shown[i]], count);
        buf_addf(out, "%s%s %s", before, webhook_status_name(shown[i]), count);
        before = ", ";
    }
    if (*before == ',')
        buf_addc(out, '\n');
}

void report_truth_text(const struct report_truth *t, struct buf *out)
{
    const struct ledger_delivery_counts *d = &t->deliveries;

    for (size_t i = 0; i < t->code_count; i++) {
        if (t->codes[i].state != STATE_ACCEPTED)
            add_code(&t->codes[i], state_name(t->codes[i].state), out);
    }
    add_statuses(d, out);
    for (size_t i = 0; i < d->undelivered_count; i++)
        add_code(&d->undelivered[i], "accepted, but undelivered", out);
    if (d->undelivered_count)
        buf_adds(out,
                 "      `tidings retry` leaves them, since Graph accepted them: give their rows "
                 "another --name\n");
    add_count(d->resent, "possible duplicates: sent again after an attempt that is unknown", out);
    add_count(d->twins, "duplicates that really happened: Graph accepted a message twice", out);
}

const char *unknown_evidence(enum reason reason)
{
    switch (reason) {
    case REASON_NO_ANSWER:
        return "the request left, and no answer came";
    case REASON_BAD_ANSWER:
        return "an answer came that says nothing";
    case REASON_UNSURE_ERROR:
        return "Graph answered with an error after which it may have sent it all the same";
    case REASON_INTERRUPTED:
        return "a crash: the request may have left";
    case REASON_TAKEN_OVER:
        return "another worker had it, and may have sent it";
    case REASON_NONE:
    case REASON_REFUSED:
    case REASON_ATTEMPTS_USED:
    case REASON_NOT_SENT:
    case REASON_WITHDRAWN:
    case REASON_OPTED_OUT:
    case REASON_EXPIRED:
    case REASON_INVALID:
    case REASON_CANCELLED:
    case REASON_NOT_DUE:
    case REASON_HELD:
    case REASON_RETRY:
    case REASON_WEBHOOK:
    case REASON_BY_HAND:
    case REASON_GIVEN_UP:
        break;
    }
    return reason_name(reason);
}

static void add_unknown(const struct report_unknown *u, struct buf *out)
{
    char to[PHONE_MASKED_SIZE], at[CLOCK_TEXT_SIZE];

    phone_mask(u->to, to);
    clock_text(u->at_ms, at);
    buf_addf(out, "    %s  %-18s %-34.34s %s\n", at, to, u->id, unknown_evidence(u->reason));
}

static void add_cut_off(const struct report_truth *t, struct buf *out)
{
    char count[32];

    text_grouped(t->in_flight, count);
    buf_addf(out,
             "\n  %s in flight when it stopped: Graph may have sent them, or not. The same command "
             "lists them as unknown.\n",
             t->in_flight ? count : "What was");
}

void report_truth_end(const struct report_truth *t, uint64_t unknown, const char *broadcast,
                      struct buf *out)
{
    char count[32];

    if (t->was_cut_off)
        add_cut_off(t, out);
    if (t->was_cut_off && !unknown)
        return;
    text_grouped(unknown, count);
    buf_addf(out, "\n  %s unknown%s\n", count, unknown ? ": Graph may have sent them, or not" : "");
    if (!unknown)
        return;
    for (size_t i = 0; i < t->unknown_count; i++)
        add_unknown(&t->unknown[i], out);
    if (unknown > t->unknown_count && t->unknown_count)
        buf_addf(out, "    and %llu more\n", (unsigned long long)(unknown - t->unknown_count));
    next_command_line(
        out, "What to do:", &(struct next_command){"reconcile", "--broadcast", broadcast, ""});
}

/* ---- JSON. */

static void put_code(struct json_writer *w, const struct ledger_code_count *c)
{
    json_put_int(w, "code", c->code);
    json_put_int(w, "count", (int64_t)c->count);
    json_put_string(w, "title", c->title);
    json_put_string(w, "hint", hint_of(c->code));
}

static void put_codes(struct json_writer *w, const struct report_truth *t)
{
    json_begin(w, "codes", '[');
    for (size_t i = 0; i < t->code_count; i++) {
        const struct ledger_code_count *c = &t->codes[i];

        if (c->state == STATE_ACCEPTED)
            continue;
        json_begin(w, NULL, '{');
        json_put_string(w, "state", state_name(c->state));
        json_put_string(w, "reason", reason_name(c->reason));
        put_code(w, c);
        json_end(w, '}');
    }
    json_end(w, ']');
}

static void put_deliveries(struct json_writer *w, const struct ledger_delivery_counts *d)
{
    json_begin(w, "statuses", '{');
    for (unsigned s = WEBHOOK_SENT; s < WEBHOOK_STATUS_COUNT; s++)
        json_put_int(w, webhook_status_name((enum webhook_status)s), (int64_t)d->statuses[s]);
    json_end(w, '}');
    json_begin(w, "undelivered", '[');
    for (size_t i = 0; i < d->undelivered_count; i++) {
        json_begin(w, NULL, '{');
        put_code(w, &d->undelivered[i]);
        json_end(w, '}');
    }
    json_end(w, ']');
    json_put_int(w, "possible_duplicates", (int64_t)d->resent);
    json_put_int(w, "accepted_twice", (int64_t)d->twins);
}

void report_truth_json(const struct report_truth *t, struct json_writer *w)
{
    put_codes(w, t);
    put_deliveries(w, &t->deliveries);
    json_begin(w, "unknown", '[');
    for (size_t i = 0; i < t->unknown_count; i++) {
        char at[CLOCK_TEXT_SIZE];

        clock_text(t->unknown[i].at_ms, at);
        json_begin(w, NULL, '{');
        json_put_string(w, "id", t->unknown[i].id);
        json_put_string(w, "to", t->unknown[i].to);
        json_put_string(w, "reason", reason_name(t->unknown[i].reason));
        json_put_string(w, "at", at);
        json_end(w, '}');
    }
    json_end(w, ']');
}
