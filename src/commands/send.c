/* SPDX-License-Identifier: MIT
 *
 * send.c: one test message, through the same engine and ledger as everything else; where a daemon
 * holds the ledger, by it: the daemon has the message on disk, then its outcome is awaited.
 */
#include "commands/send.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/terminal.h"
#include "base/text.h"
#include "commands/handover_watch.h"
#include "commands/message_flags.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    PARAMS_MAX = MESSAGE_PARAMS_MAX,
    ANSWER_MAX = 3 * MESSAGE_BODY_MAX + 1, /* characters of three bytes, and a NUL */
};

struct send_flags {
    const char *template_name;
    const char *lang;
    const char *sender;
    const char *id;
    const char *params; /* JSON */
};

#define FLAG(flag_name, member, value_name, text)                                              \
    {                                                                                          \
        .name = (flag_name), .kind = FLAG_TEXT, .offset = offsetof(struct send_flags, member), \
        .value = (value_name), .help = (text)                                                  \
    }

static const struct flag flags[] = {
    FLAG("template", template_name, "NAME", "the template (default: template.name)"),
    FLAG("lang", lang, "LANG", "its language (default: template.lang)"),
    FLAG("sender", sender, "ID", "phone_id to send from"),
    FLAG("id", id, "ID", "the message's id (default: a new one)"),
    FLAG("params", params, "JSON", "body parameters as a JSON array, or object for named ones"),
};

static const struct flag_table table =
    FLAG_TABLE("send", "TO [PARAM...]", "one test message", flags);

struct send {
    struct run run;
    struct send_flags flags;
    struct message *message; /* until the engine takes it */
    int recorded;            /* the exit code of what is on record of it */
    char id[64];
    char to[64];                          /* asked for on a terminal */
    char answers[PARAMS_MAX][ANSWER_MAX]; /* the same */
    char names[PARAMS_MAX][8];            /* p1, p2, ... */
    struct field fields[PARAMS_MAX + 8];
    size_t field_count;
};

/* ---- The message from the command line, and from questions on a terminal. */

static void add_field(struct send *s, const char *name, const char *value)
{
    s->fields[s->field_count++] = (struct field){name, value, strlen(value), false};
}

static void add_param(struct send *s, size_t index, const char *value)
{
    (void)snprintf(s->names[index], sizeof(s->names[index]), "p%u", (unsigned)index + 1);
    add_field(s, s->names[index], value);
}

static bool ask(const char *question, char *out, size_t size, struct err *e)
{
    if (terminal_ask(question, out, size))
        return true;
    return err_set(e, EXIT_USAGE, "send: no answer; nothing was sent");
}

/* How many parameters the default template takes; other templates are taken at their word. */
static size_t params_wanted(const struct send *s)
{
    size_t count;
    const char **names;

    if (s->flags.params || (s->flags.template_name &&
                            strcmp(s->flags.template_name, s->run.call.settings.template_name)))
        return 0;
    names = settings_split_list(s->run.call.settings.template_params, &count);
    mem_free(names);
    return count < PARAMS_MAX ? count : PARAMS_MAX;
}

static bool check_count(const struct send *s, size_t have, struct err *e)
{
    size_t wanted = params_wanted(s);

    return !wanted || have <= wanted ||
           err_set(e, EXIT_USAGE, "send: template %s takes %zu parameters (%.200s), %zu given",
                   s->run.call.settings.template_name, wanted, s->run.call.settings.template_params,
                   have);
}

static bool ask_missing(struct send *s, size_t have, struct err *e)
{
    size_t wanted = params_wanted(s);
    size_t count;
    const char **names;
    bool ok = true;

    if (have >= wanted)
        return true;
    if (!terminal_is(STDIN_FILENO))
        return err_set(e, EXIT_USAGE, "send: template %s takes %zu parameters (%s), %zu given",
                       s->run.call.settings.template_name, wanted,
                       s->run.call.settings.template_params, have);
    names = settings_split_list(s->run.call.settings.template_params, &count);
    for (size_t i = have; ok && i < wanted; i++) {
        ok = ask(names[i], s->answers[i], sizeof(s->answers[i]), e);
        add_param(s, i, s->answers[i]);
    }
    mem_free(names);
    return ok;
}

static bool collect_fields(struct send *s, struct err *e)
{
    const struct flag_arguments *arguments = &s->run.call.arguments;
    const char *to = s->to;
    size_t params = arguments->count ? arguments->count - 1 : 0;

    if (params > PARAMS_MAX)
        return err_set(e, EXIT_USAGE, "send: at most %d parameters", PARAMS_MAX);
    if (s->flags.params && params)
        return err_set(e, EXIT_USAGE,
                       "send: PARAM... and --params are both given: one of them is allowed");
    if (!check_count(s, params, e))
        return false;
    if (arguments->count)
        to = arguments->items[0];
    else if (!terminal_is(STDIN_FILENO))
        return err_set(e, EXIT_USAGE, "send wants TO, a number such as +919800000001");
    else if (!ask("to", s->to, sizeof(s->to), e))
        return false;
    add_field(s, "to", to);
    for (size_t i = 0; i < params; i++)
        add_param(s, i, arguments->items[i + 1]);
    if (s->flags.params)
        add_field(s, "params", s->flags.params);
    return ask_missing(s, params, e);
}

/* --params of the default template: as many as it takes. */
static const char **expected_params(const struct send *s, struct message_defaults *defaults)
{
    const char **names =
        settings_split_list(s->run.call.settings.template_params, &defaults->param_count);

    defaults->params = names;
    if (!s->flags.params ||
        strcmp(defaults->template_name, s->run.call.settings.template_name) != 0)
        defaults->param_count = 0;
    return names;
}

/* Fields have the names of what was given for them: "to: ..." is TO's. */
static bool refuse(const char *why, struct err *e)
{
    const char *rest = strchr(why, ':');
    unsigned param;

    if (sscanf(why, "p%3u:", &param) == 1)
        return err_set(e, EXIT_USAGE, "send: PARAM %u%s", param, rest);
    if (strncmp(why, "to:", 3) == 0)
        return err_set(e, EXIT_USAGE, "send: TO%s", rest);
    return err_set(e, EXIT_USAGE, "send: --%s", why); /* params, id */
}

static void make_id(struct send *s)
{
    unsigned char random[12];

    random_bytes(random, sizeof(random));
    memcpy(s->id, "send-", 5);
    hex_encode(random, sizeof(random), s->id + 5);
}

static bool make_message(struct send *s, struct err *e)
{
    const struct settings *settings = &s->run.call.settings;
    struct message_defaults defaults = {
        .template_name = s->flags.template_name ? s->flags.template_name : settings->template_name,
        .lang = s->flags.lang ? s->flags.lang : settings->template_lang,
        .sender = s->flags.sender ? s->flags.sender : settings->phone_id,
        .broadcast = "",
    };
    struct message_context context = {
        .defaults = &defaults,
        .id_rule = ID_FROM_SOURCE,
        .source_id = s->flags.id ? s->flags.id : s->id,
    };
    const char **params;
    struct reject why;

    make_id(s);
    if (!collect_fields(s, e))
        return false;
    params = expected_params(s, &defaults);
    s->message = message_from_fields(s->fields, s->field_count, &context, &why);
    mem_free(params);
    return s->message || refuse(why.text, e);
}

/* ---- Sending it. */

static bool next_message(void *context, struct message **out, struct err *e)
{
    struct send *s = context;

    (void)e;
    *out = s->message;
    s->message = NULL;
    return true;
}

/* What is said of it; all of it may be "" or 0 but the id and the state. */
struct answer {
    const char *id, *state, *reason, *wamid, *title, *details;
    int code;
};

static void print_json(const struct answer *a)
{
    struct buf line = buf_new(8192);
    struct json_writer w = {.out = &line};

    json_begin(&w, NULL, '{');
    json_put_int(&w, "v", 1);
    json_put_string(&w, "id", a->id);
    json_put_string(&w, "state", a->state);
    json_put_string(&w, "reason", a->reason);
    json_put_string(&w, "wamid", a->wamid);
    json_put_int(&w, "code", a->code);
    json_put_string(&w, "error", *a->details ? a->details : a->title);
    json_end(&w, '}');
    puts(buf_text(&line));
    buf_free(&line);
}

static void print_text(const struct answer *a)
{
    printf("%s: %s", a->id, a->state);
    if (*a->wamid)
        printf(" %s", a->wamid);
    else if (!*a->title)
        printf("%s%s", *a->reason ? " " : "", a->reason);
    if (a->code)
        printf(" code %d", a->code);
    if (*a->title)
        printf(" %s", a->title);
    printf("%s%s\n", *a->details ? ": " : "", a->details);
}

static void print_answer(const struct send *s, const struct answer *a)
{
    if (s->run.call.common.json)
        print_json(a);
    else
        print_text(a);
}

static enum exit_code exit_code_of(const struct outcome *o)
{
    switch (o->state) {
    case STATE_ACCEPTED:
        return EXIT_DONE;
    case STATE_UNKNOWN:
        return EXIT_SOME_UNKNOWN;
    case STATE_FAILED:
        return EXIT_SOME_FAILED;
    case STATE_SKIPPED: /* as a broadcast has it: cancelled is left undone */
        return o->reason == REASON_CANCELLED ? EXIT_WORK_LEFT : EXIT_SOME_FAILED;
    case STATE_WAITING:
    case STATE_SENDING:
        break;
    }
    return EXIT_WORK_LEFT;
}

static bool on_row(void *context, const struct ledger_row *row)
{
    struct send *s = context;
    const struct outcome *o = &row->outcome;
    const struct answer a = {
        .id = row->message->id,
        .state = state_name(o->state),
        .reason = reason_name(o->reason),
        .wamid = o->wamid,
        .code = o->code,
        .title = o->title,
        .details = o->details,
    };

    s->recorded = (int)exit_code_of(o);
    print_answer(s, &a);
    return false;
}

/* What is on record under this id is another message's. */
static int tell_reused(const struct send *s, const char *id)
{
    const struct answer a = {
        .id = id,
        .state = "rejected",
        .reason = "id_reused",
        .wamid = "",
        .title = "id_reused",
        .details = "this id is on record with other content; nothing was sent",
    };

    print_answer(s, &a);
    return EXIT_SOME_FAILED;
}

static void print_result(struct send *s, const char *id)
{
    struct ledger_filter filter = {.id = id};
    struct ledger_reader *reader;
    struct err e;

    if (!ledger_reader_open(s->run.call.settings.ledger_path, &reader, &e)) {
        s->recorded = call_fail(&e);
        return;
    }
    if (!ledger_read(reader, &filter, on_row, s, &e))
        s->recorded = call_fail(&e);
    ledger_reader_close(reader);
}

static void say_known(void)
{
    fprintf(stderr, "tidings: this id is on record already: nothing was sent\n");
}

static int send_it(struct send *s)
{
    struct dispatch_source source = {s, next_message};
    struct report report = {0};
    char *id = mem_strdup(s->message->id);
    struct err e;
    bool ok;

    dispatch_tally(s->run.dispatch)->expected = 1;
    ok = run_may_send(&s->run, &e) && run_source(&s->run, &source, &e);
    if (!ok) {
        mem_free(id);
        return call_fail(&e);
    }
    run_fill_report(&s->run, &report);
    if (dispatch_tally(s->run.dispatch)->reused)
        (void)tell_reused(s, id); /* the report has the code */
    else
        print_result(s, id);
    mem_free(id);
    if (!dispatch_tally(s->run.dispatch)->known)
        return (int)report.exit_code;
    say_known();
    return report.exit_code == EXIT_DONE ? s->recorded : (int)report.exit_code;
}

/* ---- By the daemon. */

static bool count(void *context, struct ledger_reader *reader, uint64_t counts[STATE_COUNT],
                  struct err *e)
{
    const struct send *s = context;
    const struct ledger_filter filter = {.id = s->message->id};

    return ledger_count(reader, &filter, counts, e);
}

/* The daemon has it on disk; what becomes of it? */
static int watch_it(struct send *s)
{
    const struct watch_source source = {.context = s, .count = count, .only = s->message};
    struct handover_watch *w;
    struct err e;
    enum watch_end end;
    int code;

    if (!handover_watch_begin(&s->run, &source, &w, &e))
        return call_fail(&e);
    if (handover_watch_run(w, &end, &e)) {
        handover_watch_say_end(w);
        print_result(s, s->message->id);
        code = end == WATCH_DONE ? s->recorded : EXIT_WORK_LEFT;
    } else {
        code = call_fail(&e);
    }
    handover_watch_end(w);
    return code;
}

static int hand_over(struct send *s)
{
    struct handover *h = s->run.handover;
    struct message *given = message_restore(s->message);
    struct handover_counts counts;
    struct err e;

    if (!handover_give(h, given, &e) || !handover_flush(h, &e))
        return call_fail(&e);
    counts = handover_counts(h);
    if (counts.reused)
        return tell_reused(s, s->message->id);
    if (counts.known)
        say_known();
    return watch_it(s);
}

static bool check_flags(const struct send *s, struct err *e)
{
    const struct message_flags given = {s->flags.template_name, s->flags.lang, s->flags.sender,
                                        NULL};

    if (s->flags.params && !*s->flags.params)
        return err_set(e, EXIT_USAGE, "--params: '' is not allowed (a JSON array or object)");
    if (s->flags.id && !*s->flags.id)
        return err_set(e, EXIT_USAGE,
                       "--id: '' is not allowed (1 to 128 bytes; left out, a new "
                       "one is made)");
    return message_flags_check(&given, e);
}

static int send_one(struct send *s)
{
    struct err e;

    if (!check_flags(s, &e))
        return call_fail(&e);
    if (!s->flags.sender && !settings_can_send(&s->run.call.settings, &e))
        return call_fail(&e);
    if (!make_message(s, &e))
        return call_fail(&e);
    if (!s->run.call.settings.enabled)
        return run_refuse_disabled();
    s->run.kind = s->run.name = "send";
    s->run.rate = s->run.call.settings.rate;
    s->run.call.common.quiet = true; /* one line says it all */
    if (!run_open(&s->run, &e))
        return call_fail(&e);
    return s->run.handover ? hand_over(s) : send_it(s);
}

int command_send(int argc, char **argv)
{
    struct send *s = MEM_NEW(struct send);
    int code;

    run_begin(&s->run, argc, argv);
    if (call_begin(&s->run.call, &table, argc, argv, &s->flags)) {
        s->run.call.exit_code = send_one(s);
        message_free(s->message);
        run_close(&s->run);
        call_end(&s->run.call);
    }
    code = s->run.call.exit_code;
    mem_free(s);
    return code;
}
