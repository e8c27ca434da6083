/* SPDX-License-Identifier: MIT */
#include "io/file_plan.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/distinct.h"
#include "io/rejects_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PROGRESS_ROWS = 1024, /* a few milliseconds of reading */
    COPY_SIZE = 65536,
};

#define REFUSED_REASON \
    "id_reused: the ledger has this id with other content; `tidings log --id` shows it"

struct planning {
    struct file_source *source;
    const struct file_plan_options *options;
    struct file_plan *plan;
    struct distinct *distinct;
    struct map *limited;          /* ids seen; NULL: no limit */
    struct rejects_file *rejects; /* NULL: they are not wanted */
    uint64_t first_reject_line;   /* 0: none yet */
};

uint64_t file_plan_key(const struct message *m)
{
    return m->id_hash ^ (m->content_hash << 32 | m->content_hash >> 32);
}

static bool is_full(const struct planning *p)
{
    return p->limited && map_count(p->limited) == p->options->limit;
}

static bool go_on(const struct planning *p, uint64_t rows, struct err *e)
{
    const struct file_plan_options *o = p->options;

    if (!o->on_progress || rows % PROGRESS_ROWS != 0)
        return true;
    return o->on_progress(o->context, file_source_position(p->source),
                          file_source_size(p->source)) ||
           err_set(e, EXIT_WORK_LEFT, "stopped while the file was read; nothing was sent");
}

static void note_first_reject(struct planning *p, uint64_t line, const char *reason)
{
    if (p->first_reject_line && p->first_reject_line < line)
        return;
    p->first_reject_line = line;
    (void)snprintf(p->plan->first_reject, sizeof(p->plan->first_reject), "line %llu: %s",
                   (unsigned long long)line, reason); /* it fits */
}

static bool take_reject(struct planning *p, const struct row *row, struct err *e)
{
    p->plan->rejected++;
    note_first_reject(p, row->line, row->reject.text);
    return !p->rejects || rejects_add(p->rejects, row->line, row->reject.text, e);
}

static bool take_message(struct planning *p, const struct row *row, struct err *e)
{
    const struct message *m = row->message;
    const struct distinct_row seen = {
        .id = m->id_hash,
        .content = m->content_hash,
        .recipient = strtoull(m->to + 1, NULL, 10), /* past the '+' */
        .line = row->line,
    };

    if (!*p->plan->first_id) {
        text_copy(p->plan->first_id, sizeof(p->plan->first_id), m->id, strlen(m->id));
        text_copy(p->plan->first_to, sizeof(p->plan->first_to), m->to, strlen(m->to));
    }
    if (p->limited)
        map_put(p->limited, m->id_hash, 0);
    return distinct_add(p->distinct, &seen, e);
}

static bool take_row(struct planning *p, struct row *row, struct err *e)
{
    bool ok;

    p->plan->rows++;
    p->plan->last_line = row->line;
    if (row->kind == ROW_REJECT)
        return take_reject(p, row, e);
    ok = take_message(p, row, e);
    message_free(row->message);
    return ok;
}

/* Behind the limit: it counts for the hash alone. */
static bool pass_over_rest(struct planning *p, struct err *e)
{
    if (p->options->manifest)
        manifest_end_early(p->options->manifest);
    return file_source_drain(p->source, e);
}

static bool first_look(struct planning *p, struct err *e)
{
    struct row row;

    for (;;) {
        if (is_full(p))
            return pass_over_rest(p, e);
        if (!file_source_next(p->source, &row, e))
            return false;
        if (row.kind == ROW_END)
            return true;
        if (!take_row(p, &row, e) || !go_on(p, p->plan->rows, e))
            return false;
    }
}

static void reused_reason(const struct distinct_reused *reused, struct reject *out)
{
    (void)snprintf(out->text, sizeof(out->text),
                   "id_reused: the row in line %llu has the same id and other content",
                   (unsigned long long)reused->first_line); /* it fits */
}

static bool settle(struct planning *p, struct err *e)
{
    struct distinct_counts counts;
    struct distinct_reused reused;
    struct reject why;

    if (!distinct_settle(p->distinct, &counts, e) || !distinct_next_reused(p->distinct, &reused, e))
        return false;
    if (reused.line) {
        reused_reason(&reused, &why);
        note_first_reject(p, reused.line, why.text);
    }
    distinct_rewind_reused(p->distinct);
    p->plan->valid = counts.ids;
    p->plan->duplicates = counts.duplicates;
    p->plan->reused = counts.reused;
    p->plan->rejected += counts.reused;
    p->plan->recipients = counts.recipients;
    return true;
}

/* The first row of those that say the same; the others are duplicates of it. */
static bool find_refused(const struct planning *p, const struct message *m)
{
    uint64_t key = file_plan_key(m), met;

    if (!p->options->refused || !map_get(p->options->refused, key, &met) || met)
        return false;
    map_put(p->options->refused, key, 1);
    return true;
}

/* One row of the second look: aside with it where it was a reject, or is one now. */
static bool look_again(struct planning *p, struct distinct_reused *reused, struct err *e)
{
    struct row row;
    bool is_refused;

    if (!file_source_next(p->source, &row, e))
        return false;
    is_refused = row.kind == ROW_MESSAGE && find_refused(p, row.message);
    message_free(row.message);
    if (row.kind == ROW_REJECT)
        return rejects_add(p->rejects, row.line, row.reject.text, e);
    if (row.line == reused->line) {
        reused_reason(reused, &row.reject);
        return rejects_add(p->rejects, row.line, row.reject.text, e) &&
               distinct_next_reused(p->distinct, reused, e);
    }
    p->plan->refused += is_refused;
    return !is_refused || rejects_add(p->rejects, row.line, REFUSED_REASON, e);
}

static bool second_look(struct planning *p, struct err *e)
{
    struct distinct_reused reused;

    rejects_restart(p->rejects);
    if (!file_source_rewind(p->source, e) || !distinct_next_reused(p->distinct, &reused, e))
        return false;
    for (uint64_t i = 1; i <= p->plan->rows; i++) {
        if (!look_again(p, &reused, e) || !go_on(p, i, e))
            return false;
    }
    return true;
}

static bool write_rejects(struct planning *p, struct err *e)
{
    if (!p->rejects)
        return true;
    if ((p->plan->reused || p->options->refused || rejects_lack_columns(p->rejects)) &&
        !second_look(p, e))
        return false;
    return rejects_commit(p->rejects, e);
}

bool file_plan_make(struct file_source *s, const struct file_plan_options *options,
                    struct file_plan *out, struct err *e)
{
    struct planning p = {.source = s, .options = options, .plan = out};
    bool ok;

    *out = (struct file_plan){0};
    p.distinct = distinct_new(options->temp_dir);
    distinct_keep(p.distinct, options->manifest);
    p.limited = options->limit ? map_new() : NULL;
    p.rejects = options->rejects_path ? rejects_new(options->rejects_path, s) : NULL;
    ok = first_look(&p, e);
    file_source_hash(s, out->file_hash);
    ok = ok && settle(&p, e) && write_rejects(&p, e);
    rejects_free(p.rejects);
    map_free(p.limited);
    distinct_free(p.distinct);
    return ok;
}

static bool copy_all(int fd, struct file_writer *to, struct err *e)
{
    char *bytes = mem_alloc(COPY_SIZE);
    bool ok = true;
    ssize_t got = 0;

    do {
        got = read(fd, bytes, COPY_SIZE);
        if (got > 0)
            ok = file_add(to, bytes, (size_t)got, e);
    } while (ok && (got > 0 || (got < 0 && errno == EINTR)));
    mem_free(bytes);
    if (ok && got < 0)
        return err_set(e, EXIT_NO_INPUT, "standard input cannot be read: %s", strerror(errno));
    return ok;
}

bool file_plan_copy_input(int fd, const char *path, struct err *e)
{
    struct file_writer copy;
    bool ok;

    if (!file_begin(&copy, path, 0600, e))
        return false;
    ok = copy_all(fd, &copy, e) && file_commit(&copy, e);
    file_abandon(&copy);
    return ok;
}
