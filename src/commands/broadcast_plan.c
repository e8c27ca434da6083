/* SPDX-License-Identifier: MIT */
#include "commands/broadcast_plan.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/flags.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/terminal.h"
#include "base/text.h"
#include "commands/message_flags.h"
#include "core/message_field.h"
#include "core/phone.h"
#include "core/rate_limit.h"

#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PLAN_JSON_MAX = 1 << 23 }; /* bytes; the names of columns are the most of it */

/* ---- Names and paths. */

static bool choose_name(struct broadcast_plan *p, const char *file,
                        const struct broadcast_flags *flags, struct err *e)
{
    char copy[4096];
    const char *name = flags->name;

    if (!name && strcmp(file, "-") == 0)
        return err_set(e, EXIT_USAGE,
                       "standard input needs a --name, by which the broadcast goes on later");
    if (!name) {
        text_copy(copy, sizeof(copy), file, strlen(file));
        name = basename(copy);
    }
    if (!*name || strchr(name, '/') || message_value_fault("broadcast", name))
        return err_set(e, EXIT_USAGE,
                       "--name: '%.60s' is no name (1 to %d bytes of UTF-8 without '/' and control "
                       "characters)%s",
                       name, MESSAGE_LABEL_MAX,
                       flags->name ? "" : "; the file's base name is none");
    text_copy(p->name, sizeof(p->name), name, strlen(name));
    return true;
}

/* Standard input is copied whole beside the ledger before anything is sent from it. */
static bool choose_path(struct broadcast_plan *p, const char *file, const struct settings *s,
                        struct err *e)
{
    char folder[4096];

    if (strcmp(file, "-") != 0) {
        text_copy(p->path, sizeof(p->path), file, strlen(file));
        return true;
    }
    text_copy(folder, sizeof(folder), s->ledger_path, strlen(s->ledger_path));
    if (snprintf(p->path, sizeof(p->path), "%s/%s.input", dirname(folder), p->name) >=
        (int)sizeof(p->path))
        return err_set(e, EXIT_CONFIG, "ledger.path: too long a path");
    (void)snprintf(p->new_input, sizeof(p->new_input), "%s.new", p->path); /* it fits */
    return file_make_folders(p->path, e) && file_plan_copy_input(STDIN_FILENO, p->new_input, e);
}

/* The copy of a broadcast that goes on record takes the place of the one before it. */
static void keep_input(struct broadcast_plan *p)
{
    if (*p->new_input && (rename(p->new_input, p->path) != 0 || !file_sync_folder(p->path)))
        log_line(LOG_WARN, "Standard input is not kept", LOG_STR("path", p->path),
                 LOG_STR("why", strerror(errno)));
    p->new_input[0] = '\0';
}

static void drop_input(struct broadcast_plan *p)
{
    if (*p->new_input)
        (void)unlink(p->new_input); /* a left-over is replaced by the next one */
}

/* ---- Defaults: what messages are made of where the file says nothing. */

static void choose_defaults(struct broadcast_plan *p, const struct settings *s,
                            const struct broadcast_flags *flags)
{
    bool other = flags->template_name && strcmp(flags->template_name, s->template_name) != 0;
    const char *params = flags->params ? flags->params : other ? "" : s->template_params;
    size_t count;

    p->params_text = strcmp(params, "''") == 0 ? "" : params;
    p->params = settings_split_list(p->params_text, &count);
    p->defaults = (struct message_defaults){
        .template_name = flags->template_name ? flags->template_name : s->template_name,
        .lang = flags->lang ? flags->lang : s->template_lang,
        .sender = flags->sender ? flags->sender : s->phone_id,
        .broadcast = p->name,
        .params = p->params,
        .param_count = count,
    };
    p->context = (struct message_context){
        .defaults = &p->defaults,
        .id_rule = ID_FROM_CONTENT,
        .source_id = "",
    };
}

/* Another template's number is not known here. */
static bool check_param_count(const struct broadcast_plan *p, const struct settings *s,
                              struct err *e)
{
    size_t wanted, given = p->defaults.param_count;

    mem_free(settings_split_list(s->template_params, &wanted));
    if (!given || !wanted || given == wanted ||
        strcmp(p->defaults.template_name, s->template_name) != 0)
        return true;
    return err_set(e, EXIT_USAGE,
                   "--param: %zu columns, but template %.60s takes %zu parameters "
                   "(template.params)",
                   given, s->template_name, wanted);
}

static void hash_defaults(struct broadcast_plan *p)
{
    const char *parts[] = {p->defaults.template_name, p->defaults.lang, p->defaults.sender,
                           p->params_text};
    struct sha256 sha;

    sha256_start(&sha);
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        sha256_add(&sha, parts[i], strlen(parts[i]) + 1);
    sha256_end(&sha, p->hash);
}

/* ---- The first reading. */

static bool has_column(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Rows may fill the body in another way than by --param. */
static bool has_other_params(const char *const *names, size_t count)
{
    static const char *const others[] = {"params", "components", "p1", "template"};

    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        if (has_column(names, count, others[i]))
            return true;
    return false;
}

static bool refuse_column(const char *column, const char *const *names, size_t count, struct err *e)
{
    const char *near = flags_nearest(column, names, count);
    struct buf list = buf_new(250);

    for (size_t i = 0; i < count; i++)
        buf_addf(&list, "%s%s", i ? ", " : "", names[i]);
    (void)err_set(e, EXIT_BAD_DATA,
                  "--param: the file has no column `%.60s`%s%.60s%s; it has: %s%s", column,
                  near ? " (did you mean `" : "", near ? near : "", near ? "`?)" : "",
                  buf_text(&list), buf_ok(&list) ? "" : ", ...");
    buf_free(&list);
    return false;
}

/* Of a CSV file: a JSONL file shows its keys row by row. */
static bool check_columns(const struct broadcast_plan *p, const struct broadcast_flags *flags,
                          struct err *e)
{
    const char *const *names;
    size_t count = file_source_header(p->source, &names);

    if (!flags->params || file_source_format(p->source) != FILE_CSV ||
        has_other_params(names, count))
        return true;
    for (size_t i = 0; i < p->defaults.param_count; i++) {
        const char *column = param_column(p->params[i]);

        if (!has_column(names, count, column))
            return refuse_column(column, names, count, e);
    }
    return true;
}

/* While a file is read SIGINT and SIGTERM wait: the reading looks for them, and nothing half-made
 * stays behind when they are let through. */
static void hold_signals(sigset_t *before)
{
    sigset_t signals;

    (void)sigemptyset(&signals); /* these fail for bad arguments only */
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &signals, before);
}

static bool was_interrupted(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1);
}

static bool on_reading(void *context, uint64_t position, uint64_t size)
{
    (void)context;
    if (was_interrupted())
        return false;
    if (terminal_redraws(STDERR_FILENO) && size)
        fprintf(stderr, "\rreading: %3.0f %%\033[K", 100.0 * (double)position / (double)size);
    return true;
}

/* Beside the ledger, where that folder is there already. */
static void choose_temp_dir(struct broadcast_plan *p, const struct settings *s)
{
    char path[4096];
    const char *folder;

    text_copy(path, sizeof(path), s->ledger_path, strlen(s->ledger_path));
    folder = dirname(path);
    if (access(folder, W_OK) != 0)
        folder = "/tmp";
    text_copy(p->temp_dir, sizeof(p->temp_dir), folder, strlen(folder));
}

static bool read_file(struct broadcast_plan *p, const struct settings *s,
                      const struct broadcast_flags *flags, struct err *e)
{
    struct file_plan_options options = {
        .temp_dir = p->temp_dir,
        .rejects_path = flags->dry_run ? NULL : p->rejects_path,
        .limit = flags->limit,
        .on_progress = on_reading,
    };
    sigset_t before;
    bool ok;

    choose_temp_dir(p, s);
    p->manifest = flags->dry_run ? NULL : manifest_new(p->temp_dir);
    options.manifest = p->manifest;
    (void)snprintf(p->rejects_path, sizeof(p->rejects_path), "%s.rejected.csv", p->path);
    (void)snprintf(p->manifest_path, sizeof(p->manifest_path), "%s.%s.rows", s->ledger_path,
                   p->name);
    if (!file_source_open(*p->new_input ? p->new_input : p->path, &p->context, &p->source, e) ||
        !check_columns(p, flags, e))
        return false;
    hold_signals(&before);
    ok = file_plan_make(p->source, &options, &p->file, e);
    (void)sigprocmask(SIG_SETMASK, &before, NULL); /* fails for bad arguments only */
    if (terminal_redraws(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    return ok;
}

static bool parse_expected(const char *text, int64_t *out, struct err *e)
{
    return !text || text_to_int(text, 0, INT64_MAX, out) ||
           err_set(e, EXIT_USAGE, "--expect-count: '%.40s' is not a whole number (0 or more)",
                   text);
}

static bool read_rate(const char *text, double *out, struct err *e)
{
    if (!settings_check_flag("--rate", "rate.messages_per_second", text, e))
        return false;
    if (!text_to_double(text, 0, 1e6, out))
        *out = RATE_UNLIMITED; /* what is allowed and no number is that word */
    return true;
}

static bool check_file(const struct flag_arguments *arguments, const struct broadcast_flags *flags,
                       struct err *e)
{
    bool is_seconds = flags->webhook && !*flags->webhook;

    if (arguments->count > 1)
        return err_set(e, EXIT_USAGE, "broadcast takes one FILE; '%.60s' is too much%s",
                       arguments->items[1],
                       is_seconds ? " (seconds to wait are written --webhook=SECONDS)" : "");
    return (arguments->count && *arguments->items[0]) ||
           err_set(e, EXIT_USAGE,
                   "broadcast wants one FILE (a CSV or JSONL file, or - for standard input)");
}

static bool check_flags(struct broadcast_plan *p, const struct call *c,
                        const struct broadcast_flags *flags, struct err *e)
{
    const struct message_flags given = {flags->template_name, flags->lang, flags->sender,
                                        flags->params};
    int64_t expected;

    p->rate = c->settings.rate;
    if (flags->dry_run && flags->report)
        return err_set(
            e, EXIT_USAGE,
            "--report: a dry run has none (--json gives its plan); leave one of them out");
    if (!check_file(&c->arguments, flags, e) || !message_flags_check(&given, e) ||
        !parse_expected(flags->expect_count, &expected, e))
        return false;
    if (!flags->sender && !settings_can_send(&c->settings, e))
        return false;
    return !flags->rate || read_rate(flags->rate, &p->rate, e);
}

bool broadcast_plan_make(struct broadcast_plan *p, const struct call *c,
                         const struct broadcast_flags *flags, struct err *e)
{
    const char *file;

    *p = (struct broadcast_plan){.differs.at_least = true};
    if (!check_flags(p, c, flags, e))
        return false;
    file = c->arguments.items[0];
    if (!choose_name(p, file, flags, e) || !choose_path(p, file, &c->settings, e))
        return false;
    choose_defaults(p, &c->settings, flags);
    if (!check_param_count(p, &c->settings, e))
        return false;
    hash_defaults(p);
    return read_file(p, &c->settings, flags, e);
}

void broadcast_plan_free(struct broadcast_plan *p)
{
    if (p->source)
        file_source_close(p->source);
    drop_input(p);
    manifest_free(p->manifest);
    mem_free(p->params);
    *p = (struct broadcast_plan){0};
}

/* ---- The rows that a broadcast goes on record with. */

static void describe_changes(const struct manifest_changes *c, char *out, size_t size)
{
    uint64_t all = c->added + c->gone + c->changed;

    if (all)
        (void)snprintf(out, size, "%s%llu %s: %llu new, %llu gone, %llu changed", /* it fits */
                       c->at_least ? "at least " : "", (unsigned long long)all,
                       all == 1 ? "row differs" : "rows differ", (unsigned long long)c->added,
                       (unsigned long long)c->gone, (unsigned long long)c->changed);
    else if (!c->at_least)
        (void)snprintf(out, size,
                       "0 rows differ in their message, only in order, labels or "
                       "rejects"); /* it fits */
}

void broadcast_plan_compare(struct broadcast_plan *p, const struct manifest_key *recorded)
{
    struct manifest_changes changes;

    if (!p->manifest || !manifest_compare(p->manifest, p->manifest_path, recorded, &changes))
        return;
    p->differs = changes;
    describe_changes(&changes, p->changes, sizeof(p->changes));
}

void broadcast_plan_save_rows(struct broadcast_plan *p)
{
    const struct manifest_key key = {p->file.file_hash, p->hash};
    struct err e;

    keep_input(p);
    if (!manifest_save(p->manifest, p->manifest_path, &key, &e))
        log_line(LOG_WARN, "Rows are not on record: a changed file will not be compared with them",
                 LOG_STR("why", e.text));
    manifest_free(p->manifest); /* a megabyte that the sending has no use for */
    p->manifest = NULL;
}

bool broadcast_plan_reject(struct broadcast_plan *p, const struct broadcast_flags *flags,
                           struct map *refused, uint64_t *rejected, struct err *e)
{
    struct file_plan_options options = {
        .temp_dir = p->temp_dir,
        .rejects_path = p->rejects_path,
        .refused = refused,
        .limit = flags->limit,
    };
    struct file_plan again;

    if (!file_source_rewind(p->source, e) || !file_plan_make(p->source, &options, &again, e))
        return false;
    *rejected = again.rejected + again.refused;
    return true;
}

/* ---- What the operator sees and is asked. */

/* What others wrote: no control characters into a terminal. */
static void print_plain(const char *text)
{
    struct buf plain = buf_new(FILE_ROW_MAX);

    text_add_plain(&plain, text, strlen(text));
    fputs(buf_text(&plain), stderr);
    buf_free(&plain);
}

static void print_rows(const struct broadcast_plan *p)
{
    const struct file_plan *f = &p->file;

    fputs("  file       ", stderr);
    print_plain(p->path);
    fprintf(stderr, ": %llu rows, %llu valid, %llu duplicates, %llu rejected\n",
            (unsigned long long)f->rows, (unsigned long long)f->valid,
            (unsigned long long)f->duplicates, (unsigned long long)f->rejected);
    if (f->rejected)
        fprintf(stderr, "             %s\n", f->first_reject);
}

/* Said once, since a misspelt column is a missing value. */
static void print_unknown_columns(const struct broadcast_plan *p)
{
    const char *const *names;
    size_t count = file_source_unknown_columns(p->source, &names);

    for (size_t i = 0; i < count; i++) {
        fputs(i ? ", " : "  ignored    columns that no field uses: ", stderr);
        print_plain(names[i]);
    }
    if (count)
        fputc('\n', stderr);
}

static void print_pace(const struct broadcast_plan *p, uint64_t left)
{
    int64_t now_ms = clock_wall_ms();
    char finish[CLOCK_TEXT_SIZE];

    if (p->rate <= (double)RATE_UNLIMITED) {
        fprintf(stderr, "  rate       unlimited\n");
        return;
    }
    clock_time_of_day(now_ms + (int64_t)((double)left / p->rate * 1000), now_ms, finish);
    fprintf(stderr, "  rate       %.0f a second; done at about %s\n", p->rate, finish);
}

bool broadcast_plan_names_others(const struct broadcast_plan *p)
{
    const char *const *names;
    size_t count = file_source_header(p->source, &names);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], "id") == 0 || strcmp(names[i], "broadcast") == 0)
            return true;
    }
    return false;
}

static void print_extent(const struct broadcast_plan *p, const struct broadcast_extent *x)
{
    char first[PHONE_MASKED_SIZE];
    char count[32];

    phone_mask(p->file.first_to, first);
    text_grouped(x->messages, count);
    fprintf(stderr, "  to send    %s%s message%s", x->is_exact ? "" : "at most ", count,
            x->messages == 1 ? "" : "s");
    if (x->from_first)
        fprintf(stderr, ", the %s to %s", x->is_exact ? "first" : "file's first", first);
    fprintf(stderr, "%s\n", x->is_exact ? "" : "; what is on record is not sent again");
}

void broadcast_plan_print(const struct broadcast_plan *p, const struct settings *s,
                          const struct broadcast_extent *extent)
{
    fprintf(stderr, "Broadcast %s\n", p->name);
    print_rows(p);
    print_unknown_columns(p);
    print_extent(p, extent);
    fprintf(stderr, "  template   %s (%s), parameters: %s\n", p->defaults.template_name,
            p->defaults.lang, *p->params_text ? p->params_text : "as the rows have them");
    fprintf(stderr, "  sender     %s through %s\n", p->defaults.sender, s->api_base);
    if (*p->changes)
        fprintf(stderr, "  changes    %s\n", p->changes);
    print_pace(p, extent->messages);
    fprintf(stderr, "  ledger     %s\n", s->ledger_path);
}

static void put_file(const struct broadcast_plan *p, struct json_writer *w)
{
    const struct file_plan *f = &p->file;

    json_put_string(w, "file", p->path);
    json_put_int(w, "rows", (int64_t)f->rows);
    json_put_int(w, "valid", (int64_t)f->valid);
    json_put_int(w, "recipients", (int64_t)f->recipients);
    json_put_int(w, "duplicates", (int64_t)f->duplicates);
    json_put_int(w, "rejected", (int64_t)f->rejected);
    json_put_string(w, "first_reject", f->first_reject);
    json_put_string(w, "first_to", f->first_to);
}

static void put_unknown_columns(const struct broadcast_plan *p, struct json_writer *w)
{
    const char *const *names;
    size_t count = file_source_unknown_columns(p->source, &names);

    json_begin(w, "ignored", '[');
    for (size_t i = 0; i < count; i++)
        json_put_string(w, NULL, names[i]);
    json_end(w, ']');
}

void broadcast_plan_print_json(const struct broadcast_plan *p, const struct settings *s,
                               enum exit_code code)
{
    struct buf out = buf_new(PLAN_JSON_MAX);
    struct json_writer w = {.out = &out};

    json_begin(&w, NULL, '{');
    json_put_int(&w, "v", 1);
    json_put_string(&w, "name", p->name);
    json_put_bool(&w, "dry_run", true);
    json_put_int(&w, "exit_code", (int64_t)code);
    put_file(p, &w);
    put_unknown_columns(p, &w);
    json_put_string(&w, "template", p->defaults.template_name);
    json_put_string(&w, "lang", p->defaults.lang);
    json_put_string(&w, "params", p->params_text);
    json_put_string(&w, "sender", p->defaults.sender);
    json_put_string(&w, "api_base", s->api_base);
    if (p->rate > (double)RATE_UNLIMITED)
        json_put_double(&w, "rate", p->rate, 2);
    else
        json_put_string(&w, "rate", NULL);
    json_put_string(&w, "ledger", s->ledger_path);
    json_end(&w, '}');
    puts(buf_text(&out));
    buf_free(&out);
}

bool broadcast_plan_is_expected(const struct broadcast_plan *p, const struct broadcast_flags *flags,
                                struct err *e)
{
    int64_t expected = 0;

    if (!flags->expect_count)
        return true;
    if (!parse_expected(flags->expect_count, &expected, e))
        return false;
    return (uint64_t)expected == p->file.valid ||
           err_set(e, EXIT_USAGE,
                   "--expect-count %lld: the file has %llu valid, distinct messages; nothing was "
                   "sent",
                   (long long)expected, (unsigned long long)p->file.valid);
}

bool broadcast_plan_confirm(const struct broadcast_plan *p, const struct broadcast_flags *flags,
                            struct err *e)
{
    if (!broadcast_plan_is_expected(p, flags, e))
        return false;
    if (flags->expect_count || flags->yes)
        return true;
    if (terminal_is(STDIN_FILENO) && terminal_is(STDERR_FILENO)) {
        if (terminal_confirm("Send?"))
            return true;
        return err_set(e, EXIT_USAGE, "not confirmed; nothing was sent");
    }
    return err_set(e, EXIT_USAGE,
                   "no terminal to ask on: --yes, or --expect-count %llu, says that this is meant; "
                   "nothing was sent",
                   (unsigned long long)p->file.valid);
}
