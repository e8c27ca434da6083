/* SPDX-License-Identifier: MIT */
#include "ledger/db.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BUSY_TIMEOUT_MS = 2000, /* a reader or our own recovery holds its locks far shorter */
    SETTLE_BYTES = 65536,   /* written again at a time */
};

/* What an operator should do about an error, by SQLite's extended code or its primary one; the
 * first is for the rest. */
static const struct advice {
    int code;
    const char *text;
} ADVICE[] = {
    {SQLITE_ERROR, "see that it is a ledger of this version and not damaged"},
    {SQLITE_FULL, "the disk is full: free space and run the same command again, nothing recorded "
                  "is lost"},
    {SQLITE_IOERR_SHMSIZE, "the disk is full, most likely: free space, nothing recorded is lost"},
    {SQLITE_IOERR, "check the disk, then run the same command again; what was under way is listed "
                   "as unknown"},
    {SQLITE_CORRUPT, "the file is damaged: restore a copy, or have `sqlite3 FILE .recover` save "
                     "what can be saved"},
    {SQLITE_NOTADB, "this file is no ledger: set ledger.path to another"},
    {SQLITE_READONLY, "it cannot be written: check its owner, its mode and the mount"},
    {SQLITE_NOMEM, "memory ran out: free some, then run the same command again"},
    {SQLITE_CANTOPEN, "it cannot be opened: check the folder, its owner and its mode"},
    {SQLITE_PERM, "it may not be opened: check its owner and its mode"},
    {SQLITE_BUSY, "another program has it locked: end that first"},
};

static const char *advice_for(int code)
{
    for (size_t i = 1; i < ARRAY_SIZE(ADVICE); i++)
        if (ADVICE[i].code == code || ADVICE[i].code == (code & 0xff))
            return ADVICE[i].text;
    return ADVICE[0].text;
}

/* The connection's last error in words. Returns false. */
static bool fail(struct db *db, struct err *e)
{
    int code = sqlite3_extended_errcode(db->handle);

    return err_set(e, EXIT_LEDGER_IO, "ledger %.250s: %s (SQLite %d): %s", db->path,
                   sqlite3_errmsg(db->handle), code, advice_for(code));
}

static int on_commit(void *context, sqlite3 *handle, const char *name, int pages)
{
    struct db *db = context;

    (void)handle;
    (void)name;
    db->wal_pages = pages;
    return SQLITE_OK;
}

/* SQLite would make the file with the process' umask. */
static bool make_private(const char *path, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0 && errno != EEXIST)
        return err_set(e, EXIT_CANT_CREATE, "cannot create the ledger %s: %s", path,
                       strerror(errno));
    if (fd >= 0)
        (void)close(fd); /* nothing was written */
    return true;
}

/* Anything else is an error of the disk to SQLite, and reading from a FIFO waits for ever. */
bool db_check_place(const char *path, struct err *e)
{
    struct stat at;

    return stat(path, &at) != 0 || S_ISREG(at.st_mode) ||
           err_set(e, EXIT_CONFIG, "ledger %.300s: is %s: set ledger.path to a file%s", path,
                   S_ISDIR(at.st_mode) ? "a folder" : "no regular file",
                   S_ISDIR(at.st_mode) ? " in it" : "");
}

static void harden(struct db *db)
{
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_FKEY, 0, NULL);
    (void)sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
}

/* 1 MB of pages, whatever the size of the file. */
#define COMMON_SETTINGS "PRAGMA cache_size=-1024; PRAGMA mmap_size=0; PRAGMA cell_size_check=ON; "

/* SQLite syncs the folder when it has made the WAL, and does not look whether that went well: a
 * power cut could take the whole WAL away. So it is done before, when SQLite reads for the first
 * time and thereby makes it, but has written nothing to it. */
static bool put_names_on_disk(struct db *db, struct err *e)
{
    if (!db_exec(db, "SELECT count(*) FROM sqlite_schema", e))
        return false;
    if (file_sync_folder(db->path))
        return true;
    return err_set(e, EXIT_LEDGER_IO, "ledger %s: its folder cannot be put on disk: %s", db->path,
                   strerror(errno));
}

static bool configure(struct db *db, enum db_mode mode, struct err *e)
{
    harden(db);
    if (mode == DB_READ) {
        (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        return db_exec(db, COMMON_SETTINGS "PRAGMA query_only=ON", e);
    }
    if (!db_exec(db,
                 COMMON_SETTINGS "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; "
                                 "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; "
                                 "PRAGMA journal_size_limit=16777216",
                 e))
        return false;
    sqlite3_wal_hook(db->handle, on_commit, db); /* wal_autocheckpoint takes an older one away */
    return put_names_on_disk(db, e);
}

bool db_open(const char *path, enum db_mode mode, struct db **out, struct err *e)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    struct db *db;

    if (mode == DB_WRITE && !make_private(path, e))
        return false;
    db = MEM_NEW(struct db);
    db->path = mem_strdup(path);
    flags |= mode == DB_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK) {
        fail(db, e);
        db_close(db, false);
        return false;
    }
    if (!configure(db, mode, e)) {
        db_close(db, false);
        return false;
    }
    *out = db;
    return true;
}

/* False where the disk failed: SQLite would try once more as it closes, hear that this sync went
 * well, though the kernel has let go of what the first one could not write, and delete the WAL that
 * still has it. The next open goes on from the WAL, and writes it anew (db_settle). */
static bool move_wal(struct db *db)
{
    int code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

    /* A reader in the way is no failure. */
    return code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED;
}

static void close_handle(struct db *db, bool sound)
{
    sqlite3_stmt *statement;

    while ((statement = sqlite3_next_stmt(db->handle, NULL)))
        (void)sqlite3_finalize(statement); /* tells again of an error that was told */
    if (!sound || !move_wal(db))
        (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_close(db->handle); /* nothing is left open in it */
}

void db_close(struct db *db, bool sound)
{
    if (db->handle) /* none where memory ran out for it */
        close_handle(db, sound);
    mem_free(db->path);
    mem_free(db);
}

bool db_prepare(struct db *db, const char *sql, sqlite3_stmt **out, struct err *e)
{
    if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) != SQLITE_OK)
        return fail(db, e);
    return true;
}

bool db_prepare_all(struct db *db, const struct db_sql *sqls, size_t count, struct err *e)
{
    for (size_t i = 0; i < count; i++)
        if (!db_prepare(db, sqls[i].sql, sqls[i].out, e))
            return false;
    return true;
}

bool db_exec(struct db *db, const char *sql, struct err *e)
{
    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return fail(db, e);
    return true;
}

bool db_run(struct db *db, sqlite3_stmt *statement, struct err *e)
{
    bool done = sqlite3_step(statement) == SQLITE_DONE || fail(db, e);

    (void)sqlite3_reset(statement); /* repeats the step's error */
    return done;
}

bool db_next(struct db *db, sqlite3_stmt *statement, bool *row, struct err *e)
{
    int code = sqlite3_step(statement);

    *row = code == SQLITE_ROW;
    if (code == SQLITE_ROW)
        return true;
    if (code != SQLITE_DONE)
        fail(db, e);
    (void)sqlite3_reset(statement); /* repeats the step's error */
    return code == SQLITE_DONE;
}

bool db_number(struct db *db, sqlite3_stmt *statement, int64_t otherwise, int64_t *out,
               struct err *e)
{
    bool row;

    if (!db_next(db, statement, &row, e))
        return false;
    *out = otherwise;
    if (!row)
        return true;
    if (sqlite3_column_type(statement, 0) != SQLITE_NULL)
        *out = sqlite3_column_int64(statement, 0);
    (void)sqlite3_reset(statement); /* a query that was left early */
    return true;
}

void db_finish(sqlite3_stmt *statement)
{
    (void)sqlite3_finalize(statement); /* tells again of the last step's error */
}

bool db_ask(struct db *db, const char *sql, int64_t *out, struct err *e)
{
    sqlite3_stmt *query;
    bool sound;

    if (!db_prepare(db, sql, &query, e))
        return false;
    sound = db_number(db, query, 0, out, e);
    db_finish(query);
    return sound;
}

bool db_checkpoint(struct db *db, struct err *e)
{
    int code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

    if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED)
        return true;
    return fail(db, e);
}

static int rewrite(sqlite3_file *file, sqlite3_int64 size)
{
    unsigned char bytes[SETTLE_BYTES];
    int code = SQLITE_OK;

    for (sqlite3_int64 at = 0; at < size && code == SQLITE_OK; at += SETTLE_BYTES) {
        int len = size - at < SETTLE_BYTES ? (int)(size - at) : SETTLE_BYTES;

        code = file->pMethods->xRead(file, bytes, len, at);
        if (code == SQLITE_OK)
            code = file->pMethods->xWrite(file, bytes, len, at);
    }
    return code == SQLITE_OK ? file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) : code;
}

bool db_settle(struct db *db, struct err *e)
{
    sqlite3_file *wal = NULL;
    sqlite3_int64 size = 0;
    int code;

    (void)sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER,
                               (void *)&wal); /* NULL: there is none */
    if (!wal || !wal->pMethods)
        return true;
    code = wal->pMethods->xFileSize(wal, &size);
    if (code == SQLITE_OK)
        code = rewrite(wal, size);
    if (code == SQLITE_OK)
        return true;
    return err_set(e, EXIT_LEDGER_IO, "ledger %s: its WAL cannot be put on disk (SQLite %d): %s",
                   db->path, code, advice_for(code));
}

bool db_is_in_place(struct db *db, struct err *e)
{
    int moved = 0;

    (void)sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_HAS_MOVED,
                               &moved); /* a VFS that does not know it leaves 0 */
    return !moved || err_set(e, EXIT_LEDGER_IO,
                             "ledger %.200s: was moved, replaced or deleted while it was open; put "
                             "it back, with its -wal, before anything runs again",
                             db->path);
}

void db_bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    if (text && text[0])
        (void)sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC); /* `at` is right */
    else
        (void)sqlite3_bind_null(statement, at);
}

const char *db_text(sqlite3_stmt *statement, int at)
{
    const unsigned char *text = sqlite3_column_text(statement, at);

    return text ? (const char *)text : "";
}
