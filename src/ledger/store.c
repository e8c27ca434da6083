/* SPDX-License-Identifier: MIT */
#include "ledger/store.h"

#include "base/hash.h"
#include "base/mem.h"
#include "ledger/delivery_row.h"
#include "ledger/pack.h"
#include "ledger/row.h"
#include "ledger/schema.h"
#include "ledger/store_internal.h"

#include <string.h>

enum {
    CHECKPOINT_PAGES = 1024, /* 4 MB of WAL */
    LOW_LAG = 1024,          /* messages that an open may look at for nothing */
};

#define OUTCOME_VALUES \
    "outcome(key, at_ms, " OUTCOME_COLUMNS ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)"

static bool prepare(struct store *s, struct err *e)
{
    const struct db_sql sqls[] = {
        {&s->begin, "BEGIN"},
        {&s->commit, "COMMIT"},
        {&s->add_message,
         "INSERT INTO message(number, id, recipient, template, lang, sender, broadcast, content,"
         " class_id, test_num, ref, not_before_ms, expires_at_ms, content_hash, created_ms,"
         " intended) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16)"},
        {&s->add_attempt, "INSERT INTO attempt(key, at_ms) VALUES(?1,?2)"},
        {&s->add_outcome, "INSERT INTO " OUTCOME_VALUES},
        {&s->put_decision, "INSERT OR REPLACE INTO " OUTCOME_VALUES},
        {&s->put_open, "INSERT OR REPLACE INTO open(number, state, attempt, tries, due_ms, reason,"
                       " at_ms, broadcast) VALUES(?1,?2,?3,?4,?5,?6,?7,?8)"},
        {&s->message, "SELECT " ROW_COLUMNS " FROM message WHERE number=?1"},
        {&s->get_delivery, "SELECT " DELIVERY_COLUMNS " FROM delivery WHERE number=?1"},
        {&s->put_delivery, "INSERT OR REPLACE INTO delivery(number, " DELIVERY_COLUMNS
                           ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)"},
        {&s->put_twin,
         "INSERT OR IGNORE INTO twin(key, at_ms, wamid) SELECT ?1, ?2, ?3 WHERE NOT EXISTS("
         "SELECT 1 FROM twin WHERE key BETWEEN ?1>>17<<17 AND ?1|131071 AND wamid=?3)"},
        {&s->add_status, "INSERT INTO outbox(number, status, code, at_ms, wamid)"
                         " VALUES(?1,?2,?3,?4,?5)"},
        {&s->add_outbox, "INSERT INTO outbox(number) VALUES(?1)"},
        {&s->drop_open, "DELETE FROM open WHERE number=?1"},
        {&s->identity, "SELECT id, content_hash, broadcast FROM message WHERE number=?1"},
        {&s->add_tally, "INSERT INTO tally(broadcast, state, count) VALUES(?1,?2,?3)"
                        " ON CONFLICT DO UPDATE SET count=count+excluded.count"},
    };

    return db_prepare_all(s->db, sqls, ARRAY_SIZE(sqls), e);
}

static bool open_parts(struct store *s, const char *path, size_t run_size, struct err *e)
{
    return db_open(path, DB_WRITE, &s->db, e) && schema_open(s->db, DB_WRITE, e) &&
           db_settle(s->db, e) && words_open(s->db, &s->words, e) &&
           scan_open(s->db, s->words, &s->scan, e) &&
           key_index_open(s->db, run_size, &s->keys, e) && prepare(s, e) && store_recover(s, e);
}

bool store_open(const char *path, size_t run_size, struct store **out, struct err *e)
{
    struct store *s = MEM_NEW(struct store);

    s->under_way = map_new();
    if (!open_parts(s, path, run_size, e)) {
        store_close(s, false);
        return false;
    }
    *out = s;
    return true;
}

void store_close(struct store *s, bool sound)
{
    map_free(s->under_way);
    words_free(s->words);
    key_index_free(s->keys);
    if (s->db)
        db_close(s->db, sound);
    mem_free(s);
}

const struct ledger_facts *store_facts(const struct store *s)
{
    return &s->facts;
}

/* ---- Tally. */

static bool write_delta(struct store *s, const struct tally_delta *delta, struct err *e)
{
    (void)sqlite3_bind_int64(s->add_tally, 1, delta->broadcast); /* the indexes are right */
    for (int state = 1; state < STATE_COUNT; state++) {
        if (!delta->change[state])
            continue;
        (void)sqlite3_bind_int(s->add_tally, 2, state);
        (void)sqlite3_bind_int64(s->add_tally, 3, delta->change[state]);
        if (!db_run(s->db, s->add_tally, e))
            return false;
    }
    return true;
}

bool store_write_tally(struct store *s, struct err *e)
{
    for (size_t i = 0; i < s->delta_count; i++)
        if (!write_delta(s, &s->deltas[i], e))
            return false;
    s->delta_count = 0;
    return true;
}

bool store_count(struct store *s, int64_t broadcast, int from, int to, struct err *e)
{
    size_t i = 0;

    while (i < s->delta_count && s->deltas[i].broadcast != broadcast)
        i++;
    if (i == STORE_DELTAS) {
        if (!store_write_tally(s, e))
            return false;
        i = 0;
    }
    if (i == s->delta_count) {
        s->deltas[i] = (struct tally_delta){.broadcast = broadcast};
        s->delta_count++;
    }
    s->deltas[i].change[from]--; /* [0] is nobody's */
    s->deltas[i].change[to]++;
    s->totals[from]--;
    s->totals[to]++;
    return true;
}

/* ---- Is the id known? */

struct asked {
    struct store *store;
    struct identity *wanted;
};

static bool is_same_id(void *context, uint64_t number, bool *same, struct err *e)
{
    struct asked *asked = context;
    sqlite3_stmt *query = asked->store->identity;
    char id[MESSAGE_ID_MAX + 1];
    bool row;

    *same = false;
    (void)sqlite3_bind_int64(query, 1, (int64_t)number); /* the index is right */
    if (!db_next(asked->store->db, query, &row, e))
        return false;
    if (!row)
        return true;
    pack_column_id(query, 0, id);
    *same = asked->wanted->id ? strcmp(id, asked->wanted->id) == 0
                              : hash64(id, strlen(id)) == asked->wanted->key;
    asked->wanted->content_hash = (uint64_t)sqlite3_column_int64(query, 1);
    asked->wanted->broadcast = sqlite3_column_int64(query, 2);
    (void)sqlite3_reset(query); /* a query that was left early */
    return true;
}

bool store_identify(struct store *s, struct identity *wanted, uint64_t *number, struct err *e)
{
    struct asked asked = {.store = s, .wanted = wanted};
    const struct key_match match = {.is_it = is_same_id, .context = &asked};

    return key_index_find(s->keys, wanted->key, &match, number, e);
}

/* What is known of it, to be told again; the state is that of now. */
static bool read_known(struct store *s, const struct record *r, const struct standing *standing,
                       struct err *e)
{
    if (!standing_outcome(&s->scan.standings, r->number, r->found, e))
        return false;
    r->found->state = standing->state;
    return true;
}

static bool is_elsewhere(struct store *s, const struct record *r, int64_t broadcast, bool *out,
                         struct err *e)
{
    int64_t number;

    if (!words_find(s->words, r->message->broadcast, &number, e))
        return false;
    *out = broadcast != number || (!number && *r->message->broadcast);
    return true;
}

static bool probe(struct store *s, struct record *r, struct err *e)
{
    struct identity wanted = {.id = r->message->id, .key = r->message->id_hash};
    struct standing standing;

    r->admission = ADMISSION_NEW;
    r->elsewhere = false;
    if (!store_identify(s, &wanted, &r->number, e))
        return false;
    if (!r->number)
        return true;
    if (!standing_get(&s->scan.standings, r->number, &standing, e))
        return false;
    r->admission =
        wanted.content_hash == r->message->content_hash ? ADMISSION_KNOWN : ADMISSION_REUSED;
    r->known = standing.state;
    r->known_attempt = standing.attempt;
    r->known_at_ms = standing.at_ms;
    return is_elsewhere(s, r, wanted.broadcast, &r->elsewhere, e) &&
           (!r->found || read_known(s, r, &standing, e));
}

/* ---- Admission. */

static bool bind_words(struct store *s, const struct message *m, int64_t *broadcast, struct err *e)
{
    const char *const texts[] = {m->template_name, m->lang, m->sender, m->broadcast};
    int64_t number = 0;

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (!words_intern(s->words, texts[i], &number, e))
            return false;
        (void)sqlite3_bind_int64(s->add_message, 4 + (int)i, number); /* the index is right */
    }
    *broadcast = number;
    return true;
}

static bool add_message(struct store *s, const struct record *r, int64_t *broadcast, struct err *e)
{
    const struct message *m = r->message;
    sqlite3_stmt *add = s->add_message;
    struct pack id;

    if (!bind_words(s, m, broadcast, e))
        return false;
    (void)sqlite3_bind_int64(add, 1, (int64_t)r->number); /* all indexes are right */
    pack_bind_id(add, 2, m->id, &id);
    pack_bind_phone(add, 3, m->to);
    db_bind_text(add, 8, m->content);
    db_bind_text(add, 9, m->class_id);
    db_bind_text(add, 10, m->test_num);
    db_bind_text(add, 11, m->ref);
    (void)sqlite3_bind_int64(add, 12, m->not_before_ms);
    (void)sqlite3_bind_int64(add, 13, m->expires_at_ms);
    (void)sqlite3_bind_int64(add, 14, (int64_t)m->content_hash);
    (void)sqlite3_bind_int64(add, 15, r->at_ms);
    (void)sqlite3_bind_int(add, 16, r->intend);
    return db_run(s->db, add, e);
}

static bool take_in(struct store *s, const struct record *r, int64_t broadcast, struct err *e)
{
    const struct standing waiting = {
        .state = STATE_WAITING,
        .due_ms = r->due_ms,
        .reason = r->due_ms > r->at_ms ? REASON_NOT_DUE : REASON_NONE,
        .at_ms = r->at_ms,
    };

    if (!r->intend)
        return store_put_open(s, (struct seat){r->number, broadcast}, &waiting, e);
    map_put(s->under_way, r->number, 0);
    return true;
}

bool store_admit(struct store *s, struct record *r, struct err *e)
{
    int64_t broadcast;

    if (!probe(s, r, e))
        return false;
    if (r->admission != ADMISSION_NEW)
        return true;
    r->number = s->next_number++;
    s->wrote = true;
    return add_message(s, r, &broadcast, e) && take_in(s, r, broadcast, e) &&
           key_index_add(s->keys, r->message->id_hash, r->number, e) &&
           store_count(s, broadcast, 0, r->intend ? STATE_SENDING : STATE_WAITING, e);
}

/* ---- Intents and outcomes. */

_Static_assert((RECORD_ATTEMPT_MAX << 1 | 1) >> KEY_SHIFT == 0, "keys have room for every attempt");

bool store_put_open(struct store *s, struct seat of, const struct standing *now, struct err *e)
{
    (void)sqlite3_bind_int64(s->put_open, 1, (int64_t)of.number); /* all indexes are right */
    (void)sqlite3_bind_int(s->put_open, 2, (int)now->state);
    (void)sqlite3_bind_int(s->put_open, 3, (int)now->attempt);
    (void)sqlite3_bind_int(s->put_open, 4, (int)now->tries);
    (void)sqlite3_bind_int64(s->put_open, 5, now->due_ms);
    (void)sqlite3_bind_int(s->put_open, 6, (int)now->reason);
    (void)sqlite3_bind_int64(s->put_open, 7, now->at_ms);
    (void)sqlite3_bind_int64(s->put_open, 8, of.broadcast);
    return db_run(s->db, s->put_open, e);
}

/* Where the message of a record stands. */
static bool standing_of(struct store *s, const struct record *r, struct standing *out,
                        struct err *e)
{
    uint64_t nothing;

    if (map_get(s->under_way, r->number, &nothing)) {
        *out = (struct standing){.state = STATE_SENDING, .attempt = 1};
        return true;
    }
    if (r->number >= s->next_number)
        return err_set(e, EXIT_BUG, "ledger %s: a record came for message %llu, which is not in it",
                       s->db->path, (unsigned long long)r->number);
    return standing_get(&s->scan.standings, r->number, out, e);
}

/* The same of one that must not be finished, unless it only waited and is skipped too late. */
static bool open_standing_of(struct store *s, struct record *r, struct standing *out, struct err *e)
{
    if (!standing_of(s, r, out, e))
        return false;
    r->overtaken = state_is_final(out->state) && r->outcome->state == STATE_SKIPPED;
    if (!out->open && out->state != STATE_SENDING && !r->overtaken)
        return err_set(e, EXIT_BUG,
                       "ledger %s: an outcome came for message %llu, which is finished",
                       s->db->path, (unsigned long long)r->number);
    return true;
}

static bool intend(struct store *s, struct record *r, struct err *e)
{
    struct standing now, before;
    int64_t broadcast;

    if (!standing_of(s, r, &before, e) ||
        !words_intern(s->words, r->message->broadcast, &broadcast, e))
        return false;
    r->overtaken = state_is_final(before.state);
    if (r->overtaken)
        return true;
    if (before.state == STATE_SENDING || r->attempt <= before.attempt ||
        r->attempt > RECORD_ATTEMPT_MAX)
        return err_set(e, EXIT_BUG, "ledger %s: attempt %u of message %llu after attempt %u",
                       s->db->path, r->attempt, (unsigned long long)r->number, before.attempt);
    now = before;
    now.state = STATE_SENDING;
    now.attempt = r->attempt;
    now.at_ms = r->at_ms;
    s->wrote = true;
    (void)sqlite3_bind_int64(s->add_attempt, 1, key_of(r->number, r->attempt, false));
    (void)sqlite3_bind_int64(s->add_attempt, 2, r->at_ms); /* the indexes are right */
    return db_run(s->db, s->add_attempt, e) &&
           store_put_open(s, (struct seat){r->number, broadcast}, &now, e) &&
           store_count(s, broadcast, (int)before.state, STATE_SENDING, e);
}

/* An attempt has one outcome; of several decisions after it the last one holds. */
static bool add_outcome(struct store *s, const struct settlement *m, struct err *e)
{
    const struct outcome *o = m->outcome;
    bool decision = m->from.state != STATE_SENDING;
    sqlite3_stmt *add = decision ? s->put_decision : s->add_outcome;
    struct pack wamid;

    (void)sqlite3_bind_int64(add, 1, key_of(m->number, m->from.attempt, decision));
    (void)sqlite3_bind_int64(add, 2, m->at_ms); /* all indexes are right */
    (void)sqlite3_bind_int(add, 3, (int)o->state);
    (void)sqlite3_bind_int(add, 4, (int)o->reason);
    (void)sqlite3_bind_int(add, 5, o->code);
    (void)sqlite3_bind_int(add, 6, o->http_status);
    (void)sqlite3_bind_int64(add, 7, o->next_ms);
    (void)sqlite3_bind_int64(add, 8, o->latency_us);
    (void)sqlite3_bind_int(add, 9, o->counts);
    pack_bind_wamid(add, 10, o->wamid, &wamid);
    db_bind_text(add, 11, o->title);
    db_bind_text(add, 12, o->details);
    db_bind_text(add, 13, o->trace);
    return db_run(s->db, add, e);
}

static bool drop_open(struct store *s, uint64_t number, struct err *e)
{
    (void)sqlite3_bind_int64(s->drop_open, 1, (int64_t)number); /* the index is right */
    return db_run(s->db, s->drop_open, e);
}

/* A message that its source still holds needs no row: the source is told, or asks again. */
static bool put_outbox(struct store *s, const struct settlement *m, struct err *e)
{
    if (!s->publishes || m->outcome->state == STATE_WAITING)
        return true;
    if (s->has_stream && m->from.state == STATE_SENDING && !m->from.open &&
        m->outcome->reason != REASON_INTERRUPTED)
        return true;
    (void)sqlite3_bind_int64(s->add_outbox, 1, (int64_t)m->number); /* the index is right */
    return db_run(s->db, s->add_outbox, e);
}

bool store_settle(struct store *s, const struct settlement *m, struct err *e)
{
    struct standing now = {
        /* Unknown, and to be sent again: it waits. */
        .state = m->outcome->next_ms > 0 ? STATE_WAITING : m->outcome->state,
        .attempt = m->from.attempt,
        .tries = m->tries,
        .due_ms = m->outcome->next_ms,
        .reason = m->outcome->reason,
        .at_ms = m->at_ms,
    };

    s->wrote = true;
    if (!add_outcome(s, m, e) || !put_outbox(s, m, e) ||
        !store_count(s, m->broadcast, (int)m->from.state, (int)now.state, e))
        return false;
    if (!m->from.open)
        (void)map_remove(s->under_way, m->number); /* recovery settles what was never in it */
    if (!state_is_final(now.state)) {
        if (!store_put_open(s, (struct seat){m->number, m->broadcast}, &now, e))
            return false;
    } else if (m->from.open && !drop_open(s, m->number, e)) {
        return false;
    }
    if (now.state == STATE_ACCEPTED && m->from.attempt < 2) /* the usual: nothing to compare */
        return true;
    return store_settle_told(s, m, e);
}

static bool conclude(struct store *s, struct record *r, struct err *e)
{
    struct settlement m = {
        .number = r->number,
        .outcome = r->outcome,
        .at_ms = r->at_ms,
        .tries = r->tries,
        .overtaken = &r->overtaken,
    };

    if (!open_standing_of(s, r, &m.from, e))
        return false;
    return r->overtaken || (words_intern(s->words, r->message->broadcast, &m.broadcast, e) &&
                            store_settle(s, &m, e));
}

/* ---- Batches. */

bool store_begin(struct store *s, struct err *e)
{
    s->wrote = false;
    return db_run(s->db, s->begin, e);
}

bool store_apply(struct store *s, struct record *r, struct err *e)
{
    switch (r->kind) {
    case RECORD_PROBE:
        return probe(s, r, e);
    case RECORD_ADMIT:
        return store_admit(s, r, e);
    case RECORD_INTENT:
        return intend(s, r, e);
    case RECORD_OUTCOME:
        return conclude(s, r, e);
    }
    return err_set(e, EXIT_BUG, "ledger: a record of kind %d", (int)r->kind);
}

static bool save_low(struct store *s, struct err *e)
{
    uint64_t nothing;

    while (s->low < s->next_number && !map_get(s->under_way, s->low, &nothing))
        s->low++;
    if (s->low - s->low_saved < LOW_LAG)
        return true;
    s->low_saved = s->low;
    return meta_set(s->db, META_LOW, (int64_t)s->low, e);
}

bool store_commit(struct store *s, struct err *e)
{
    if (!db_is_in_place(s->db, e))
        return false;
    if (s->wrote && (!key_index_step(s->keys, e) || !store_write_tally(s, e) || !save_low(s, e)))
        return false;
    if (!db_run(s->db, s->commit, e))
        return false;
    if (s->db->wal_pages < s->checkpointed)
        s->checkpointed = 0; /* it began anew */
    return true;
}

bool store_wants_checkpoint(const struct store *s)
{
    return s->db->wal_pages >= s->checkpointed + CHECKPOINT_PAGES;
}

bool store_checkpoint(struct store *s, struct err *e)
{
    s->checkpointed = s->db->wal_pages; /* also where a reader is in the way: not at once again */
    return db_checkpoint(s->db, e);
}
