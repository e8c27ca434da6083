/* SPDX-License-Identifier: MIT */
#include "commands/handover_watch.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "commands/next_command.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
    LOOK_MS = 250,     /* between two looks at the ledger, and four times what a look took */
    PACE_US = 5000000, /* the pace is that of one to two such spans */
    NOTE_MAX = HALT_WHAT_MAX + HALT_TEXT_MAX + 64,
};

/* How much was done at a moment. */
struct mark {
    int64_t at_us;
    uint64_t done;
};

struct handover_watch {
    struct run *run;
    struct watch_source source;
    struct ledger_reader *reader;
    struct tally tally;
    uint64_t counts[STATE_COUNT];
    struct json *status;    /* the daemon's last */
    int64_t retries_before; /* the daemon's */
    char note[NOTE_MAX];    /* "": none */
    bool is_gone;           /* the daemon */
    bool is_held;           /* the only message */
    bool was_interrupted;
    bool is_showing;
    sigset_t before;
    struct mark marks[2]; /* the older first */
    int64_t looked_us;
    int64_t look_took_us;
    int64_t shown_us;
    enum watch_end end;
};

static const struct halts no_halts;

/* ---- Signals: kept while it is watched, and taken here. */

static sigset_t our_signals(void)
{
    sigset_t signals;

    (void)sigemptyset(&signals); /* these fail for bad arguments only */
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    return signals;
}

static void keep_signals(struct handover_watch *w)
{
    sigset_t signals = our_signals();

    (void)sigprocmask(SIG_BLOCK, &signals, &w->before); /* fails for bad arguments only */
}

static void let_signals_go(const struct handover_watch *w)
{
    (void)sigprocmask(SIG_SETMASK, &w->before, NULL); /* the same */
}

bool handover_watch_interrupted(struct handover_watch *w)
{
    const struct timespec at_once = {0, 0};
    sigset_t signals = our_signals();

    w->was_interrupted |= sigtimedwait(&signals, NULL, &at_once) > 0;
    return w->was_interrupted;
}

/* ---- What the daemon says. */

static const char *text_of(const struct json *object, const char *key)
{
    const char *text = json_string(json_get(object, key), NULL);

    return text ? text : "";
}

static int64_t number_of(const struct json *object, const char *key)
{
    int64_t value;

    return json_int(json_get(object, key), &value) ? value : 0;
}

static bool is_state(const struct handover_watch *w, const char *state)
{
    return strcmp(text_of(w->status, "state"), state) == 0;
}

/* Would a halt of this subject hold the only message? As engine_answer.c names them. */
static bool covers_only(const struct handover_watch *w, const char *what)
{
    const struct message *m = w->source.only;
    char sender[HALT_WHAT_MAX], template_name[HALT_WHAT_MAX];

    if (!m)
        return false;
    (void)snprintf(sender, sizeof(sender), "sender %s", m->sender); /* cut names still match */
    (void)snprintf(template_name, sizeof(template_name), "template %.100s (%s)", m->template_name,
                   m->lang); /* the same */
    return strcmp(what, sender) == 0 || strcmp(what, template_name) == 0;
}

/* The first halt in words; of a person, or one that needs one. */
static void read_halts(struct handover_watch *w)
{
    const struct json *halts = json_get(w->status, "halts");

    for (size_t i = 0; i < json_count(halts); i++) {
        const struct json *halt = json_at(halts, i);

        w->is_held |= covers_only(w, text_of(halt, "what"));
        if (!*w->note)
            (void)snprintf(w->note, sizeof(w->note), "%.150s is stopped: %.300s",
                           text_of(halt, "what"), text_of(halt, "hint")); /* cut if too long */
    }
}

static void set_note(struct handover_watch *w, const char *text)
{
    (void)snprintf(w->note, sizeof(w->note), "%s", text); /* they fit */
}

static void read_status(struct handover_watch *w)
{
    const char *own = w->source.note ? w->source.note(w->source.context) : NULL;

    w->note[0] = '\0';
    w->is_held = is_state(w, "paused") || is_state(w, "disabled") || is_state(w, "halted");
    if (is_state(w, "paused"))
        set_note(w, "the daemon is paused: `tidings resume` goes on");
    else if (is_state(w, "disabled"))
        set_note(w, "the daemon is switched off (whatsapp.enabled): switch it on and reload it");
    else if (is_state(w, "network down"))
        set_note(w, "Graph does not answer the daemon: one message at a time until it does");
    else if (is_state(w, "draining"))
        set_note(w, "the daemon is ending: what it has in flight is finished");
    else if (own)
        set_note(w, own);
    read_halts(w);
}

static void ask_status(struct handover_watch *w)
{
    struct err e;
    struct json *status = w->is_gone ? NULL : handover_status(w->run->handover, &e);

    if (!status) {
        w->is_gone = true;
        return;
    }
    if (!w->status)
        w->retries_before = number_of(status, "retries");
    json_free(w->status);
    w->status = status;
    read_status(w);
}

const char *handover_watch_note(const struct handover_watch *w)
{
    return *w->note ? w->note : NULL;
}

/* ---- Looking. */

static uint64_t left(const struct handover_watch *w)
{
    return w->counts[STATE_WAITING] + w->counts[STATE_SENDING];
}

static void mark_pace(struct handover_watch *w)
{
    struct mark now = {w->looked_us, tally_done(&w->tally)};

    if (w->marks[1].at_us && now.at_us - w->marks[1].at_us < PACE_US)
        return;
    w->marks[0] = w->marks[1].at_us ? w->marks[1] : now;
    w->marks[1] = now;
}

/* Of this work alone: the daemon's rate is for others, too. */
static double pace_of(const struct handover_watch *w)
{
    int64_t took_us = w->looked_us - w->marks[0].at_us;
    uint64_t done = tally_done(&w->tally) - w->marks[0].done;

    return took_us > 0 ? (double)done * 1e6 / (double)took_us : 0;
}

static bool look(struct handover_watch *w, struct err *e)
{
    int64_t began_us = clock_mono_us();

    memset(w->counts, 0, sizeof(w->counts));
    if (!w->source.count(w->source.context, w->reader, w->counts, e))
        return false;
    w->looked_us = clock_mono_us();
    w->look_took_us = w->looked_us - began_us;
    tally_take(&w->tally, w->counts, w->looked_us);
    mark_pace(w);
    ask_status(w);
    return true;
}

static struct progress_facts facts_of(const struct handover_watch *w)
{
    const struct json *rate = json_get(w->status, "rate");
    struct progress_facts f = {
        .tally = &w->tally,
        .retries = (uint64_t)(number_of(w->status, "retries") - w->retries_before),
        .waiting = w->counts[STATE_WAITING],
        .in_flight = (unsigned)number_of(w->status, "in_flight"),
        .note = handover_watch_note(w),
    };

    (void)json_double(json_get(rate, "allowed"), &f.rate_allowed); /* 0 where it is not there */
    (void)json_double(json_get(rate, "actual"), &f.rate_actual);   /* the same */
    f.pace = f.note && f.rate_actual <= 0 ? 0 : pace_of(w);
    return f;
}

static void show(struct handover_watch *w)
{
    int64_t every_us = progress_interval_ms(&w->run->progress) * 1000;
    struct progress_facts facts = facts_of(w);

    if (!every_us || (w->shown_us && w->looked_us - w->shown_us < every_us))
        return;
    w->shown_us = w->looked_us;
    progress_show(&w->run->progress, &facts);
}

static int64_t pause_us(const struct handover_watch *w)
{
    return w->look_took_us * 4 > LOOK_MS * 1000 ? w->look_took_us * 4 : LOOK_MS * 1000;
}

bool handover_watch_glance(struct handover_watch *w, struct err *e)
{
    if (clock_mono_us() - w->looked_us < pause_us(w))
        return true;
    if (!look(w, e))
        return false;
    show(w);
    return true;
}

/* Whether it is over; a daemon that ended may have finished before. */
static bool is_over(struct handover_watch *w)
{
    if (!left(w))
        w->end = WATCH_DONE;
    else if (w->is_gone)
        w->end = WATCH_DAEMON_GONE;
    else if (handover_watch_interrupted(w))
        w->end = WATCH_INTERRUPTED;
    else if (w->source.only && w->is_held)
        w->end = WATCH_HELD;
    else
        return false;
    return true;
}

bool handover_watch_run(struct handover_watch *w, enum watch_end *end, struct err *e)
{
    for (;;) {
        if (!look(w, e))
            return false;
        if (is_over(w))
            break;
        show(w);
        w->is_gone |= handover_wait(w->run->handover, pause_us(w) / 1000);
    }
    *end = w->end;
    return true;
}

void handover_watch_expect(struct handover_watch *w, uint64_t expected)
{
    w->tally.expected = expected;
}

/* ---- From the beginning to the account. */

bool handover_watch_begin(struct run *r, const struct watch_source *source,
                          struct handover_watch **out, struct err *e)
{
    struct handover_watch *w = MEM_NEW(struct handover_watch);

    w->run = r;
    w->source = *source;
    if (!ledger_reader_open(r->call.settings.ledger_path, &w->reader, e)) {
        mem_free(w);
        return false;
    }
    keep_signals(w);
    progress_begin(&r->progress, r->name, r->call.common.quiet, r->call.colour);
    w->is_showing = true;
    run_quieten_log(r);
    *out = w;
    if (look(w, e))
        return true;
    handover_watch_end(w);
    return false;
}

static void stop_showing(struct handover_watch *w)
{
    struct progress_facts facts = facts_of(w);

    if (w->is_showing)
        progress_end(&w->run->progress, &facts);
    w->is_showing = false;
}

/* Ctrl-C stops the watching alone: whoever wanted to stop the sending is told how. */
static void say_left_to_daemon(const struct handover_watch *w)
{
    const char *name = w->run->broadcast;
    struct buf look = buf_new(1024), hold = buf_new(1024);

    next_command_add(&look, &(struct next_command){"log", "--broadcast", name, ""});
    if (name)
        text_quote(&hold, name);
    fprintf(stderr,
            "tidings: the daemon goes on with it; to hold %s: tidings pause%s%s; to look: "
            "tidings status, %s\n",
            name ? "it" : "everything", name ? " " : "", buf_text(&hold), buf_text(&look));
    buf_free(&look);
    buf_free(&hold);
}

void handover_watch_say_end(struct handover_watch *w)
{
    stop_showing(w);
    switch (w->end) {
    case WATCH_DONE:
        break;
    case WATCH_INTERRUPTED:
        say_left_to_daemon(w);
        break;
    case WATCH_DAEMON_GONE:
        fprintf(stderr, "tidings: the daemon has ended: what it has not sent waits in the ledger; "
                        "start it again, or give the same command again\n");
        break;
    case WATCH_HELD:
        fprintf(stderr, "tidings: it waits: %s\n", w->note);
        break;
    }
}

int handover_watch_account(struct handover_watch *w, struct report *report, const char *path)
{
    struct run *r = w->run;

    w->tally.reused = handover_counts(r->handover).reused;
    handover_watch_say_end(w);
    report->name = r->name;
    report->broadcast = r->broadcast;
    report->ledger_path = r->call.settings.ledger_path;
    report->end = w->end == WATCH_DONE ? DISPATCH_FINISHED : DISPATCH_INTERRUPTED;
    report->by_daemon = true;
    report->tally = &w->tally;
    report->halts = &no_halts;
    report->command = r->command;
    report->known = r->known;
    report->left = left(w) + r->later;
    report->took_us = clock_mono_us() - w->tally.began_us;
    run_read_truth(r, report);
    report->exit_code = w->end == WATCH_DONE ? report_exit_code(report) : EXIT_WORK_LEFT;
    if (w->end == WATCH_INTERRUPTED && !r->call.common.json && !path)
        return (int)report->exit_code;
    return run_give_account(r, report, path);
}

void handover_watch_end(struct handover_watch *w)
{
    stop_showing(w);
    let_signals_go(w);
    ledger_reader_close(w->reader);
    json_free(w->status);
    mem_free(w);
}
