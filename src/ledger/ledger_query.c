/* SPDX-License-Identifier: MIT */
#include "ledger/ledger_query.h"

#include "base/mem.h"
#include "base/text.h"
#include "ledger/broadcast_row.h"
#include "ledger/ledger_query_internal.h"
#include "ledger/row.h"
#include "ledger/schema.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static bool open_parts(struct ledger_reader *r, const char *path, struct err *e)
{
    return db_check_place(path, e) && db_open(path, DB_READ, &r->db, e) &&
           schema_open(r->db, DB_READ, e) && words_open(r->db, &r->words, e) &&
           scan_open(r->db, r->words, &r->scan, e) && reader_open_deliveries(r, e);
}

/* What may not be seen may well be there. */
static bool fail_unseen(const char *path, struct err *e)
{
    if (errno == EACCES)
        return err_set(e, EXIT_NO_PERMISSION,
                       "ledger %.250s: this user (uid %u) may not look into its folder", path,
                       (unsigned)geteuid());
    return err_set(e, EXIT_NO_INPUT,
                   "no ledger at %.250s: %s; nothing was sent from here yet, or ledger.path says "
                   "another place",
                   path, strerror(errno));
}

bool ledger_reader_open(const char *path, struct ledger_reader **out, struct err *e)
{
    struct ledger_reader *r;

    if (access(path, F_OK) != 0)
        return fail_unseen(path, e);
    r = MEM_NEW(struct ledger_reader);
    if (!open_parts(r, path, e)) {
        ledger_reader_close(r);
        return false;
    }
    *out = r;
    return true;
}

void ledger_reader_close(struct ledger_reader *r)
{
    if (!r)
        return;
    words_free(r->words);
    if (r->db)
        db_close(r->db, false);
    mem_free(r);
}

bool reader_begin(struct ledger_reader *r, struct err *e)
{
    return db_exec(r->db, "BEGIN", e);
}

bool reader_end(struct ledger_reader *r, bool sound)
{
    return db_exec(r->db, "ROLLBACK", NULL) && sound;
}

bool reader_word(struct ledger_reader *r, const char *broadcast, int64_t *word, struct err *e)
{
    *word = 0;
    if (!broadcast || !broadcast[0])
        return true;
    if (!words_find(r->words, broadcast, word, e))
        return false;
    *word = *word ? *word : -1;
    return true;
}

/* ---- Messages. */

struct reading {
    struct ledger_reader *reader;
    const struct ledger_filter *filter;
    ledger_row_fn on_row;
    void *context;
    uint64_t left; /* rows still wanted */
};

/* The newest outcome, with what stands in `open` over it. */
static bool current_outcome(struct ledger_reader *r, const struct scan_hit *hit,
                            struct outcome *out, struct err *e)
{
    if (!standing_outcome(&r->scan.standings, hit->number, out, e))
        return false;
    out->state = hit->standing.state;
    if (hit->standing.open)
        out->reason = hit->standing.reason;
    if (hit->standing.state == STATE_WAITING)
        out->next_ms = hit->standing.due_ms;
    return true;
}

/* ---- What the scan knows nothing of: what webhooks said. */

static bool wants_delivery(const struct ledger_filter *f)
{
    return f->statuses || f->code;
}

/* As a row shows it: of what was undelivered, why. */
static bool shown_code(struct ledger_reader *r, const struct scan_hit *hit,
                       const struct ledger_delivery *d, int *code, struct err *e)
{
    struct outcome newest = {.code = hit->standing.code};

    if (hit->standing.open && !standing_outcome(&r->scan.standings, hit->number, &newest, e))
        return false;
    *code = newest.code || d->status != WEBHOOK_UNDELIVERED ? newest.code : d->code;
    return true;
}

static bool is_wanted(const struct ledger_filter *f, const struct ledger_delivery *d, int code)
{
    return (!f->statuses || f->statuses & 1U << d->status) && (!f->code || f->code == code);
}

/* What the scan is asked for. */
static struct ledger_filter for_scan(const struct ledger_filter *f)
{
    struct ledger_filter wide = *f;

    wide.code = 0;
    if (f->recent && wants_delivery(f))
        wide.recent = UINT64_MAX;
    return wide;
}

static bool tell_row(void *context, const struct scan_hit *hit, bool *go_on, struct err *e)
{
    struct reading *reading = context;
    struct ledger_row row = {
        .number = hit->number,
        .attempts = hit->standing.attempt,
        .at_ms = hit->standing.at_ms,
    };
    struct message *message;
    int code;

    if (!reader_delivery(reading->reader, hit->number, &row.delivery, e) ||
        !shown_code(reading->reader, hit, &row.delivery, &code, e))
        return false;
    if (!is_wanted(reading->filter, &row.delivery, code))
        return true;
    if (!current_outcome(reading->reader, hit, &row.outcome, e) ||
        !row_message(hit->row, reading->reader->words, &message, e))
        return false;
    row.message = message;
    *go_on = reading->on_row(reading->context, &row) && --reading->left > 0;
    message_free(message);
    return true;
}

bool ledger_read(struct ledger_reader *r, const struct ledger_filter *filter, ledger_row_fn on_row,
                 void *context, struct err *e)
{
    struct reading reading = {r, filter, on_row, context, UINT64_MAX};
    const struct ledger_filter wide = for_scan(filter);
    const struct scan_visitor visitor = {.on_hit = tell_row, .context = &reading};

    if (filter->recent)
        reading.left = filter->recent;
    return reader_begin(r, e) && reader_end(r, scan_each(&r->scan, &wide, &visitor, e));
}

/* ---- Counts. */

struct counting {
    struct ledger_reader *reader;
    const struct ledger_filter *filter;
    uint64_t *counts;
};

static bool count_one(void *context, const struct scan_hit *hit, bool *go_on, struct err *e)
{
    struct counting *c = context;
    struct ledger_delivery delivery;
    int code;

    (void)go_on;
    if (wants_delivery(c->filter)) {
        if (!reader_delivery(c->reader, hit->number, &delivery, e) ||
            !shown_code(c->reader, hit, &delivery, &code, e))
            return false;
        if (!is_wanted(c->filter, &delivery, code))
            return true;
    }
    c->counts[hit->standing.state]++;
    return true;
}

/* Only by broadcast and state: the tally knows. */
static bool is_for_tally(const struct ledger_filter *f)
{
    return !f->class_id && !f->test_num && !f->to && !f->id && !f->code && !f->since_ms &&
           !f->until_ms && !f->statuses;
}

static bool read_tally(struct ledger_reader *r, const struct ledger_filter *filter,
                       uint64_t counts[STATE_COUNT], struct err *e)
{
    sqlite3_stmt *query;
    bool row = true, sound;
    int64_t word;

    if (!reader_word(r, filter->broadcast, &word, e))
        return false;
    if (!db_prepare(r->db,
                    "SELECT state, sum(count) FROM tally WHERE state BETWEEN 1 AND 6"
                    " AND (?1 IS NULL OR broadcast=?1) AND (?2=0 OR ?2>>state&1) GROUP BY state",
                    &query, e))
        return false;
    if (filter->broadcast)
        (void)sqlite3_bind_int64(query, 1, word);
    (void)sqlite3_bind_int64(query, 2, filter->states); /* the indexes are right */
    while ((sound = db_next(r->db, query, &row, e)) && row)
        counts[sqlite3_column_int(query, 0)] = (uint64_t)sqlite3_column_int64(query, 1);
    db_finish(query);
    return sound;
}

bool ledger_count(struct ledger_reader *r, const struct ledger_filter *filter,
                  uint64_t counts[STATE_COUNT], struct err *e)
{
    struct counting counting = {r, filter, counts};
    const struct scan_visitor visitor = {.on_hit = count_one, .context = &counting};
    struct ledger_filter all = for_scan(filter);

    all.recent = 0;
    memset(counts, 0, STATE_COUNT * sizeof(counts[0]));
    if (!reader_begin(r, e))
        return false;
    if (is_for_tally(filter))
        return reader_end(r, read_tally(r, filter, counts, e));
    return reader_end(r, scan_each(&r->scan, &all, &visitor, e));
}

/* ---- What is watched. */

bool ledger_reader_broadcast(struct ledger_reader *r, const char *name,
                             struct ledger_broadcast *out, struct err *e)
{
    return reader_begin(r, e) && reader_end(r, broadcast_row_find(r->db, r->words, name, out, e));
}

static bool tell_settled(struct ledger_reader *r, const struct ledger_watched *w, uint64_t number,
                         enum state state, struct err *e)
{
    struct outcome outcome;

    if (!w->on_settled || state == STATE_ACCEPTED)
        return true;
    if (!standing_outcome(&r->scan.standings, number, &outcome, e))
        return false;
    outcome.state = state;
    w->on_settled(w->context, &outcome);
    return true;
}

static bool drop_settled(struct ledger_reader *r, struct ledger_watched *w, struct err *e)
{
    struct standing now;
    size_t kept = 0;

    for (size_t i = 0; i < w->count; i++) {
        if (!standing_get(&r->scan.standings, w->items[i], &now, e))
            return false;
        if (now.state == STATE_WAITING || now.state == STATE_SENDING) {
            w->items[kept++] = w->items[i];
            continue;
        }
        w->settled[now.state]++;
        if (!tell_settled(r, w, w->items[i], now.state, e))
            return false;
    }
    w->count = kept;
    return true;
}

bool ledger_drop_settled(struct ledger_reader *r, struct ledger_watched *watched, struct err *e)
{
    return reader_begin(r, e) && reader_end(r, drop_settled(r, watched, e));
}

/* ---- Attempts of one message. */

/* An intent and the outcome of the same attempt; a decision has no intent. */
#define HISTORY                                                              \
    "WITH intent(key, at_ms) AS (SELECT ?1<<17|2, created_ms FROM message"   \
    " WHERE number=?1 AND intended"                                          \
    " UNION ALL SELECT key, at_ms FROM attempt WHERE " KEY_OF_MESSAGE_1 ")," \
    " done AS (SELECT * FROM outcome WHERE " KEY_OF_MESSAGE_1 ")"            \
    " SELECT intent.key, intent.at_ms, done.at_ms, " OUTCOME_COLUMNS         \
    " FROM intent LEFT JOIN done ON done.key=intent.key"                     \
    " UNION ALL SELECT key, 0, at_ms, " OUTCOME_COLUMNS                      \
    " FROM done WHERE key NOT IN (SELECT key FROM intent) ORDER BY 1"

static void tell_attempt(sqlite3_stmt *row, ledger_history_fn on_attempt, void *context)
{
    struct ledger_attempt attempt = {
        .attempt = key_attempt(sqlite3_column_int64(row, 0)),
        .at_ms = sqlite3_column_int64(row, 1),
        .done_ms = sqlite3_column_int64(row, 2),
    };

    outcome_columns(row, 3, &attempt.outcome);
    if (!attempt.done_ms)
        attempt.outcome.state = STATE_SENDING;
    on_attempt(context, &attempt);
}

bool ledger_history(struct ledger_reader *r, uint64_t number, ledger_history_fn on_attempt,
                    void *context, struct err *e)
{
    sqlite3_stmt *query;
    bool row = true, sound;

    if (!db_prepare(r->db, HISTORY, &query, e))
        return false;
    (void)sqlite3_bind_int64(query, 1, (int64_t)number); /* the index is right */
    while ((sound = db_next(r->db, query, &row, e)) && row)
        tell_attempt(query, on_attempt, context);
    db_finish(query);
    return sound;
}

/* ---- What went wrong, by code. */

/* Plainly accepted ones are left out: the tally counts them. Of each message the newest outcome;
 * not of those that `retry` has opened again. */
#define CODES                                                                            \
    "SELECT o.state, o.reason, o.code, count(*), max(o.title) FROM outcome o"            \
    " CROSS JOIN message m ON m.number=o.key>>17"                                        \
    " WHERE (o.state IN (4, 5, 6) OR (o.state=3 AND o.reason<>0))"                       \
    " AND (?1 IS NULL OR m.broadcast=?1)"                                                \
    " AND NOT EXISTS(SELECT 1 FROM outcome n WHERE n.key>o.key AND n.key<=o.key|131071)" \
    " AND NOT EXISTS(SELECT 1 FROM open p WHERE p.number=m.number AND p.state<>o.state)" \
    " GROUP BY o.state, o.reason, o.code ORDER BY 4 DESC, 1, 2, 3 LIMIT ?2"

static void read_code(sqlite3_stmt *row, struct ledger_code_count *out)
{
    const char *title = db_text(row, 4);

    out->state = (enum state)sqlite3_column_int(row, 0);
    out->reason = (enum reason)sqlite3_column_int(row, 1);
    out->code = sqlite3_column_int(row, 2);
    out->count = (uint64_t)sqlite3_column_int64(row, 3);
    text_copy(out->title, sizeof(out->title), title, strlen(title));
}

static bool read_codes(struct ledger_reader *r, sqlite3_stmt *query, struct ledger_codes *codes,
                       struct err *e)
{
    bool row = true;

    for (codes->count = 0;; codes->count++) {
        if (!db_next(r->db, query, &row, e))
            return false;
        if (!row)
            return true;
        read_code(query, &codes->items[codes->count]);
    }
}

bool ledger_codes(struct ledger_reader *r, const char *broadcast, struct ledger_codes *codes,
                  struct err *e)
{
    sqlite3_stmt *query;
    int64_t word;
    bool sound;

    codes->count = 0;
    if (!reader_word(r, broadcast, &word, e) || !db_prepare(r->db, CODES, &query, e))
        return false;
    if (broadcast)
        (void)sqlite3_bind_int64(query, 1, word);
    (void)sqlite3_bind_int64(query, 2, (int64_t)codes->max); /* the indexes are right */
    sound = read_codes(r, query, codes, e);
    db_finish(query);
    return sound;
}
