/* SPDX-License-Identifier: MIT */
#include "ledger/scan.h"

#include "base/hash.h"
#include "ledger/key_index.h"
#include "ledger/row.h"
#include "ledger/schema.h"

#include <string.h>

#define MATCHES                                                                            \
    "SELECT " ROW_COLUMNS " FROM message WHERE number BETWEEN ?1 AND ?2 AND " SCAN_MATCHES \
    " ORDER BY number"

#define OPEN_ONES                                                        \
    "SELECT " ROW_COLUMNS " FROM open CROSS JOIN message"                \
    " ON message.number=open.number WHERE open.number BETWEEN ?1 AND ?2" \
    " AND " SCAN_MATCHES " ORDER BY open.number"

bool scan_open(struct db *db, struct words *words, struct scan *out, struct err *e)
{
    const struct db_sql sqls[] = {
        {&out->oldest_first, MATCHES},
        {&out->newest_first, MATCHES " DESC"},
        {&out->open_ones, OPEN_ONES},
        {&out->by_key, "SELECT pair FROM key_index WHERE pair BETWEEN ?1 AND ?2"},
    };

    out->db = db;
    out->words = words;
    return standings_open(db, &out->standings, e) && db_prepare_all(db, sqls, ARRAY_SIZE(sqls), e);
}

/* One pass over a range of numbers. */
struct pass {
    struct scan *scan;
    const struct ledger_filter *filter;
    const struct scan_visitor *visitor;
    sqlite3_stmt *query;
    uint64_t left; /* hits still wanted */
};

static bool stands_as_wanted(const struct ledger_filter *f, const struct standing *s)
{
    if (f->states && !(f->states & 1U << s->state))
        return false;
    if (f->code && f->code != s->code)
        return false;
    if (f->since_ms && s->at_ms < f->since_ms)
        return false;
    return !f->until_ms || s->at_ms <= f->until_ms;
}

/* The code of a message that is open is that of its newest outcome. */
static bool read_code(struct pass *p, struct scan_hit *hit, struct err *e)
{
    struct outcome newest;

    if (!p->filter->code || !hit->standing.open)
        return true;
    if (!standing_outcome(&p->scan->standings, hit->number, &newest, e))
        return false;
    hit->standing.code = newest.code;
    return true;
}

static bool visit(struct pass *p, bool *go_on, struct err *e)
{
    struct scan_hit hit = {
        .row = p->query,
        .number = (uint64_t)sqlite3_column_int64(p->query, ROW_NUMBER),
    };

    if (!standing_get(&p->scan->standings, hit.number, &hit.standing, e) || !read_code(p, &hit, e))
        return false;
    if (!hit.standing.at_ms)
        hit.standing.at_ms = sqlite3_column_int64(p->query, ROW_CREATED);
    if (!stands_as_wanted(p->filter, &hit.standing))
        return true;
    p->left--;
    if (!p->visitor->on_hit(p->visitor->context, &hit, go_on, e))
        return false;
    *go_on = *go_on && p->left > 0;
    return true;
}

static bool run_pass(struct pass *p, int64_t first, int64_t last, struct err *e)
{
    bool row = true, go_on = p->left > 0, sound = true;

    (void)sqlite3_bind_int64(p->query, 1, first); /* the indexes are right */
    (void)sqlite3_bind_int64(p->query, 2, last);
    while (sound && go_on) {
        sound = db_next(p->scan->db, p->query, &row, e);
        if (!sound || !row)
            break;
        sound = visit(p, &go_on, e);
    }
    (void)sqlite3_reset(p->query); /* a query that was left early */
    if (!go_on)
        p->left = 0;
    return sound;
}

/* What is above the mark is not in the table yet, or not all of it. */
static bool run_by_id(struct pass *p, struct err *e)
{
    sqlite3_stmt *by_key = p->scan->by_key;
    bool row = true, sound = true;
    uint64_t key;
    int64_t mark;

    if (!meta_get(p->scan->db, META_INDEXED, &mark, e))
        return false;
    key = hash64(p->filter->id, strlen(p->filter->id));
    (void)sqlite3_bind_int64(by_key, 1, pair_of(key, 0)); /* the indexes are right */
    (void)sqlite3_bind_int64(by_key, 2, pair_of(key, (uint64_t)mark));
    while (sound) {
        int64_t number;

        sound = db_next(p->scan->db, by_key, &row, e);
        if (!sound || !row)
            break;
        number = (int64_t)pair_number(sqlite3_column_int64(by_key, 0));
        sound = run_pass(p, number, number, e);
    }
    (void)sqlite3_reset(by_key); /* a query that was left early */
    return sound && run_pass(p, mark + 1, INT64_MAX, e);
}

bool scan_bind(struct scan *s, const struct ledger_filter *filter, struct scan_binding *b,
               struct err *e)
{
    int64_t broadcast = 0;

    (void)sqlite3_clear_bindings(b->query); /* cannot fail */
    db_bind_text(b->query, 3, filter->class_id);
    db_bind_text(b->query, 4, filter->test_num);
    if (filter->to)
        pack_bind_phone(b->query, 6, filter->to);
    if (filter->id)
        pack_bind_id(b->query, 7, filter->id, &b->scratch);
    b->none = false;
    if (!filter->broadcast)
        return true;
    if (!words_find(s->words, filter->broadcast, &broadcast, e))
        return false;
    (void)sqlite3_bind_int64(b->query, 5, broadcast); /* the index is right */
    b->none = broadcast == 0 && filter->broadcast[0];
    return true;
}

/* A message that waits or is unknown has a row in `open`. */
static bool is_open_only(const struct ledger_filter *f)
{
    return f->states && !(f->states & ~(1U << STATE_WAITING | 1U << STATE_UNKNOWN)) && !f->recent &&
           !f->id;
}

static sqlite3_stmt *query_of(const struct scan *s, const struct ledger_filter *filter)
{
    if (is_open_only(filter))
        return s->open_ones;
    return filter->recent ? s->newest_first : s->oldest_first;
}

bool scan_each(struct scan *s, const struct ledger_filter *filter,
               const struct scan_visitor *visitor, struct err *e)
{
    struct pass p = {
        .scan = s,
        .filter = filter,
        .visitor = visitor,
        .query = query_of(s, filter),
        .left = filter->recent ? filter->recent : UINT64_MAX,
    };
    struct scan_binding binding = {.query = p.query};

    if (!scan_bind(s, filter, &binding, e))
        return false;
    if (binding.none)
        return true;
    return filter->id ? run_by_id(&p, e) : run_pass(&p, 1, INT64_MAX, e);
}
