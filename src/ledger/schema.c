/* SPDX-License-Identifier: MIT */
#include "ledger/schema.h"

#include "base/clock.h"
#include "base/hash.h"

/* application_id: "tdng". user_version: raise it when an older program would misread the file. */
#define SCHEMA_APPLICATION 1952738919
#define SCHEMA_VERSION     2

#define TEXT_OF(number) #number
#define TEXT(number)    TEXT_OF(number)

static const char SCHEMA[] =
    "CREATE TABLE meta(name INTEGER PRIMARY KEY, value INTEGER NOT NULL);"
    "CREATE TABLE word(number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);"
    "CREATE TABLE broadcast(word INTEGER PRIMARY KEY, state INTEGER NOT NULL, file_hash BLOB,"
    " plan_hash BLOB, created_ms INTEGER NOT NULL);"
    /* id and recipient have no type: packed or text (pack.h). */
    "CREATE TABLE message(number INTEGER PRIMARY KEY, id NOT NULL, recipient NOT NULL,"
    " template INTEGER, lang INTEGER, sender INTEGER, broadcast INTEGER, content TEXT,"
    " class_id TEXT, test_num TEXT, ref TEXT, not_before_ms INTEGER, expires_at_ms INTEGER,"
    " content_hash INTEGER, created_ms INTEGER, intended INTEGER);"
    "CREATE TABLE attempt(key INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL);"
    "CREATE INDEX attempt_at ON attempt(at_ms);"
    "CREATE TABLE outcome(key INTEGER PRIMARY KEY, state INTEGER, reason INTEGER, code INTEGER,"
    " http INTEGER, at_ms INTEGER, latency_us INTEGER, next_ms INTEGER, counts INTEGER, wamid,"
    " title TEXT, details TEXT, trace TEXT);"
    "CREATE TABLE open(number INTEGER PRIMARY KEY, state INTEGER, attempt INTEGER, tries INTEGER,"
    " due_ms INTEGER, reason INTEGER, at_ms INTEGER, broadcast INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE tally(broadcast INTEGER, state INTEGER, count INTEGER,"
    " PRIMARY KEY(broadcast, state)) WITHOUT ROWID;"
    "CREATE TABLE key_index(pair INTEGER PRIMARY KEY);"
    "PRAGMA application_id=" TEXT(SCHEMA_APPLICATION) ";";

/* What version 2 added; runs after SCHEMA, and over a ledger of version 1. */
static const char VERSION_2[] =
    "CREATE INDEX open_due ON open(broadcast, due_ms) WHERE state=1;"
    "CREATE TABLE outbox(seq INTEGER PRIMARY KEY AUTOINCREMENT, number INTEGER NOT NULL,"
    " status INTEGER, code INTEGER, at_ms INTEGER, wamid);"
    "CREATE TABLE delivery(number INTEGER PRIMARY KEY, status INTEGER NOT NULL, sent_ms INTEGER,"
    " delivered_ms INTEGER, read_ms INTEGER, undelivered_ms INTEGER, code INTEGER, title TEXT,"
    " wamid);"
    "CREATE TABLE twin(key INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, wamid NOT NULL);"
    "CREATE TABLE consumer(name TEXT PRIMARY KEY, used_ms INTEGER NOT NULL);"
    "PRAGMA user_version=" TEXT(SCHEMA_VERSION);

static const char FROM_1_TO_2[] =
    "ALTER TABLE open ADD COLUMN broadcast INTEGER NOT NULL DEFAULT 0;"
    "UPDATE open SET broadcast=(SELECT broadcast FROM message m WHERE m.number=open.number)";

bool meta_get(struct db *db, enum meta name, int64_t *value, struct err *e)
{
    sqlite3_stmt *query;
    bool done;

    if (!db_prepare(db, "SELECT value FROM meta WHERE name=?1", &query, e))
        return false;
    (void)sqlite3_bind_int(query, 1, (int)name); /* the index is right */
    done = db_number(db, query, 0, value, e);
    db_finish(query);
    return done;
}

bool meta_set(struct db *db, enum meta name, int64_t value, struct err *e)
{
    sqlite3_stmt *update;
    bool done;

    if (!db_prepare(db, "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)", &update, e))
        return false;
    (void)sqlite3_bind_int(update, 1, (int)name); /* the indexes are right */
    (void)sqlite3_bind_int64(update, 2, value);
    done = db_run(db, update, e);
    db_finish(update);
    return done;
}

static bool create(struct db *db, struct err *e)
{
    int64_t id;

    random_bytes(&id, sizeof(id));
    return db_exec(db, "BEGIN IMMEDIATE", e) && db_exec(db, SCHEMA, e) &&
           db_exec(db, VERSION_2, e) && meta_set(db, META_LEDGER_ID, id, e) &&
           meta_set(db, META_CREATED_MS, clock_wall_ms(), e) && db_exec(db, "COMMIT", e);
}

static bool is_empty(struct db *db, bool *empty, struct err *e)
{
    int64_t objects;

    if (!db_ask(db, "SELECT count(*) FROM sqlite_schema", &objects, e))
        return false;
    *empty = objects == 0;
    return true;
}

/* One transaction: a crash in it leaves version 1. A reader reads both. */
static bool migrate(struct db *db, struct err *e)
{
    return db_exec(db, "BEGIN IMMEDIATE", e) && db_exec(db, FROM_1_TO_2, e) &&
           db_exec(db, VERSION_2, e) && db_exec(db, "COMMIT", e);
}

static bool check(struct db *db, enum db_mode mode, struct err *e)
{
    int64_t application, version;

    if (!db_ask(db, "PRAGMA application_id", &application, e) ||
        !db_ask(db, "PRAGMA user_version", &version, e))
        return false;
    if (application != SCHEMA_APPLICATION)
        return err_set(e, EXIT_LEDGER_IO,
                       "%s is an SQLite file, but no ledger of tidings: set ledger.path to another",
                       db->path);
    if (version == 1)
        return mode == DB_READ || migrate(db, e);
    if (version != SCHEMA_VERSION)
        return err_set(e, EXIT_LEDGER_IO,
                       "ledger %s is of version %lld, this program reads version %d: use a newer "
                       "tidings",
                       db->path, (long long)version, SCHEMA_VERSION);
    return true;
}

bool schema_open(struct db *db, enum db_mode mode, struct err *e)
{
    bool empty;

    if (!is_empty(db, &empty, e))
        return false;
    if (empty && mode == DB_READ)
        return err_set(e, EXIT_NO_INPUT, "ledger %s is empty: nothing was ever recorded in it",
                       db->path);
    return (!empty || create(db, e)) && check(db, mode, e);
}
