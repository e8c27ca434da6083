/* SPDX-License-Identifier: MIT */
#include "faults.h"

#include "base/text.h"
#include "random.h"

#include <stdio.h>

enum { PIECE_MAX = 128 };

struct kind_row {
    const char *name;
    enum fault_kind kind;
    bool has_arg;
    int64_t arg; /* when it has none */
    const char *help;
};

static const struct kind_row kinds[] = {
    {"code", FAULT_CODE, true, 0,
     "=N: Graph's error N; options status=S, subcode=N, transient, retry_after=S,\n"
     "                   accepted (the message was taken all the same)"},
    {"html500", FAULT_HTML, false, 500, "an HTML page with 500 (option accepted)"},
    {"html502", FAULT_HTML, false, 502, "the same with 502"},
    {"empty503", FAULT_EMPTY, false, 503, "503 without a body (option accepted)"},
    {"empty429", FAULT_EMPTY, false, 429, "429 without a body"},
    {"close", FAULT_CLOSE, false, 0, "accepts the message, closes instead of answering"},
    {"close_reused", FAULT_CLOSE_REUSED, false, 0,
     "the same, but only on a connection that had a request before: libcurl repeats silently"},
    {"close_unread", FAULT_CLOSE_UNREAD, false, 0, "closes; the message was never processed"},
    {"cut", FAULT_CUT, false, 0, "accepts, closes (HTTP/2: resets the stream) mid-answer"},
    {"hang", FAULT_HANG, false, 0, "never answers; the message was never processed"},
    {"hang_accepted", FAULT_HANG_ACCEPTED, false, 0, "accepts the message and never answers"},
    {"rst", FAULT_RST, false, 0, "accepts, then RST_STREAM(INTERNAL_ERROR); HTTP/1.1: TCP reset"},
    {"refused", FAULT_REFUSED, false, 0,
     "RST_STREAM(REFUSED_STREAM), not processed; HTTP/1.1: as close_unread"},
    {"goaway", FAULT_GOAWAY, false, 0,
     "answers, and a graceful GOAWAY in two steps; HTTP/1.1: as keepalive_close"},
    {"goaway_abrupt", FAULT_GOAWAY_ABRUPT, false, 0,
     "answers, and one GOAWAY as nginx: later streams are never processed; HTTP/1.1: closes "
     "unannounced after the answer"},
    {"noid", FAULT_NOID, false, 0, "accepts, answers 200 without messages"},
    {"big", FAULT_BIG, false, 0, "accepts, answers 10 MB"},
    {"brownout", FAULT_BROWNOUT, false, 0,
     "in its time span no request is answered or processed and no TLS handshake made"},
    {"slow", FAULT_SLOW, true, 0, "=MS: that much later (on top of others)"},
    {"held", FAULT_HELD, false, 0, "message_status held_for_quality_assessment (on top)"},
    {"paused", FAULT_PAUSED, false, 0, "message_status paused (on top)"},
    {"retry_after", FAULT_RETRY_AFTER, true, 0, "=S: a Retry-After header (on top)"},
    {"keepalive_close", FAULT_KEEPALIVE_CLOSE, false, 0,
     "HTTP/1.1: Connection: close after the answer; HTTP/2: as goaway_abrupt (on top)"},
};

static bool is_on_top(enum fault_kind kind)
{
    return kind >= FAULT_SLOW;
}

/* "10" or "10-20" */
static bool parse_range(const char *text, struct fault_range *out)
{
    char low[PIECE_MAX];
    const char *dash = strchr(text, '-');
    int64_t from, to;

    (void)snprintf(low, sizeof(low), "%.*s", dash ? (int)(dash - text) : PIECE_MAX - 1, text);
    if (!text_to_int(low, 1, INT64_MAX, &from) ||
        !text_to_int(dash ? dash + 1 : low, from, INT64_MAX, &to))
        return false;
    *out = (struct fault_range){.from = (uint64_t)from, .to = (uint64_t)to};
    return true;
}

/* "5s", "500ms" or "0" */
static bool parse_time(const char *text, uint64_t *us)
{
    char number[PIECE_MAX];
    size_t len = strlen(text);
    double value, unit = 1e6;

    (void)snprintf(number, sizeof(number), "%s", text);
    if (len > 2 && strcmp(text + len - 2, "ms") == 0) {
        unit = 1e3;
        number[len - 2] = '\0';
    } else if (len > 1 && text[len - 1] == 's') {
        number[len - 1] = '\0';
    }
    if (!text_to_double(number, 0, 1e6, &value))
        return false;
    *us = (uint64_t)(value * unit);
    return true;
}

/* "5s-25s" */
static bool parse_span(const char *text, struct fault_range *out)
{
    char from[PIECE_MAX];
    const char *dash = strchr(text, '-');

    if (!dash)
        return false;
    (void)snprintf(from, sizeof(from), "%.*s", (int)(dash - text), text);
    return parse_time(from, &out->from) && parse_time(dash + 1, &out->to) && out->from < out->to;
}

static bool parse_to(const char *text, char out[FAULT_TO_SIZE])
{
    const char *digits = *text == '+' ? text + 1 : text;

    if (!text_is_digits(digits) || strlen(digits) >= FAULT_TO_SIZE)
        return false;
    text_copy(out, FAULT_TO_SIZE, digits, strlen(digits));
    return true;
}

static bool starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool parse_when(const char *when, struct fault *f)
{
    int64_t every;

    if (starts(when, "to"))
        return parse_to(when + 2, f->to);
    if (starts(when, "try"))
        return parse_range(when + 3, &f->tries);
    if (starts(when, "every")) {
        if (!text_to_int(when + 5, 1, INT64_MAX, &every))
            return false;
        f->every = (uint64_t)every;
        return true;
    }
    switch (*when) {
    case 'p':
        return text_to_double(when + 1, 0, 1, &f->chance);
    case 'n':
        return parse_range(when + 1, &f->sends);
    case 't':
        return parse_span(when + 1, &f->span_us);
    }
    return false;
}

static bool parse_option(const char *option, struct fault *f)
{
    if (strcmp(option, "transient") == 0)
        f->transient = true;
    else if (strcmp(option, "accepted") == 0)
        f->accepted = true;
    else if (starts(option, "status="))
        return text_to_int(option + 7, 200, 599, &f->status);
    else if (starts(option, "subcode="))
        return text_to_int(option + 8, 1, INT32_MAX, &f->subcode);
    else if (starts(option, "retry_after="))
        return text_to_int(option + 12, 0, 86400, &f->retry_after_s);
    else
        return false;
    return true;
}

static const struct kind_row *find_kind(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

/* "NAME" or "NAME=ARG" */
static bool parse_kind(char *text, struct fault *f)
{
    char *arg = strchr(text, '=');
    const struct kind_row *row;

    if (arg)
        *arg++ = '\0';
    row = find_kind(text);
    if (!row || row->has_arg != (arg != NULL))
        return false;
    f->kind = row->kind;
    f->arg = row->arg;
    return !arg || text_to_int(arg, 0, INT32_MAX, &f->arg);
}

/* Copies the piece in front of one of `separators` to `piece`; gives back what follows, NULL at the
 * end. */
static const char *next_piece(const char *at, const char *separators, char piece[PIECE_MAX])
{
    size_t len = strcspn(at, separators);

    (void)snprintf(piece, PIECE_MAX, "%.*s", (int)(len < PIECE_MAX ? len : PIECE_MAX - 1), at);
    return at[len] ? at + len : NULL;
}

static bool parse_fault(const char *spec, struct fault *f)
{
    char piece[PIECE_MAX];
    const char *at = next_piece(spec, ",@", piece);

    *f = (struct fault){.spec = spec, .chance = 1, .retry_after_s = -1};
    if (!parse_kind(piece, f))
        return false;
    while (at) {
        bool is_when = *at == '@';

        at = next_piece(at + 1, is_when ? "@" : ",@", piece);
        if (is_when ? !parse_when(piece, f) : !parse_option(piece, f))
            return false;
    }
    return f->kind != FAULT_BROWNOUT || f->span_us.to > 0;
}

bool faults_add(struct faults *f, const char *spec, struct err *e)
{
    if (f->count == FAULTS_MAX)
        return err_set(e, EXIT_USAGE, "--fault %s: at most %d faults", spec, FAULTS_MAX);
    if (parse_fault(spec, &f->items[f->count])) {
        f->count++;
        return true;
    }
    return err_set(e, EXIT_USAGE,
                   "--fault '%s' is not KIND[=ARG][,OPTION...][@WHEN...]; graphmock --help lists "
                   "them",
                   spec);
}

static bool in_range(struct fault_range range, uint64_t value)
{
    return range.to == 0 || (value >= range.from && value <= range.to);
}

/* The same number from the same seed, fault and send. */
static double chance_of(const struct faults *f, size_t index, uint64_t send)
{
    uint64_t bits = random_mix(f->seed + index * UINT64_C(0x9e3779b97f4a7c15));

    return random_to_unit(random_mix(bits + send * UINT64_C(0xd1342543de82ef95)));
}

static bool matches(const struct faults *f, size_t index, const struct fault_facts *facts)
{
    const struct fault *fault = &f->items[index];

    if (fault->kind == FAULT_BROWNOUT || (fault->kind == FAULT_CLOSE_REUSED && facts->nth < 2))
        return false;
    if (fault->to[0] && strcmp(fault->to, facts->to) != 0)
        return false;
    if (!in_range(fault->sends, facts->send) || !in_range(fault->tries, facts->attempt))
        return false;
    if (fault->every && facts->send % fault->every != 0)
        return false;
    if (fault->span_us.to &&
        (facts->elapsed_us < fault->span_us.from || facts->elapsed_us >= fault->span_us.to))
        return false;
    return fault->chance >= 1 || chance_of(f, index, facts->send) < fault->chance;
}

static void add_on_top(const struct fault *fault, struct fault_plan *plan)
{
    if (fault->kind == FAULT_SLOW)
        plan->slow_us += fault->arg * 1000;
    else if (fault->kind == FAULT_HELD)
        plan->held = true;
    else if (fault->kind == FAULT_PAUSED)
        plan->paused = true;
    else if (fault->kind == FAULT_RETRY_AFTER)
        plan->retry_after_s = fault->arg;
    else
        plan->last = true;
}

void faults_plan(struct faults *f, const struct fault_facts *facts, struct fault_plan *out)
{
    *out = (struct fault_plan){.retry_after_s = -1};
    for (size_t i = 0; i < f->count; i++) {
        struct fault *fault = &f->items[i];
        bool on_top = is_on_top(fault->kind);

        if ((out->main && !on_top) || !matches(f, i, facts))
            continue;
        fault->hits++;
        if (on_top) {
            add_on_top(fault, out);
            continue;
        }
        out->main = fault;
        if (fault->retry_after_s >= 0)
            out->retry_after_s = fault->retry_after_s;
    }
}

struct fault *faults_brownout(struct faults *f, uint64_t elapsed_us)
{
    for (size_t i = 0; i < f->count; i++) {
        struct fault_range span = f->items[i].span_us;

        if (f->items[i].kind == FAULT_BROWNOUT && elapsed_us >= span.from && elapsed_us < span.to)
            return &f->items[i];
    }
    return NULL;
}

void faults_reset(struct faults *f)
{
    for (size_t i = 0; i < f->count; i++)
        f->items[i].hits = 0;
}

void faults_help(struct buf *out)
{
    buf_adds(out, "\nA fault is KIND[=ARG][,OPTION...][@WHEN...]. KIND is one of\n");
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        buf_addf(out, "  %-16s %s\n", kinds[i].name, kinds[i].help);
    buf_adds(out, "Every WHEN must hold; without one it always happens:\n"
                  "  pX               with probability X, from --seed\n"
                  "  to+NUMBER        sends to that number\n"
                  "  nA, nA-B         the A-th (to B-th) send\n"
                  "  everyK           every K-th send\n"
                  "  tryA, tryA-B     the A-th (to B-th) time that the same message comes\n"
                  "  tA-B             from A to B after the first request: t5s-25s, t0-500ms\n"
                  "Of the faults that match a send the first decides; those 'on top' add to it.\n");
}
