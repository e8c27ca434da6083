/* SPDX-License-Identifier: MIT
 *
 * db.h: one SQLite connection as the ledger uses it: its settings, its errors in words, and the few
 * steps of running a prepared statement.
 *
 * Model: WAL, synchronous=FULL, pages of 4096 bytes, a page cache of 1 MB whatever the size of the
 * file, no memory map. Checkpoints never happen by themselves: db_checkpoint does them.
 * SQLite before 3.51.3 can corrupt a WAL when two connections write or checkpoint at once: only the
 * holder of the ledger's lock opens with DB_WRITE, and a reader never checkpoints.
 * Lifetime: statements belong to the connection and end with it. One thread at a time.
 * Failure: every SQLite error becomes EXIT_LEDGER_IO and a sentence that says what to do.
 */
#ifndef LEDGER_DB_H
#define LEDGER_DB_H

#include "base/attr.h"
#include "base/err.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct db {
    sqlite3 *handle;
    char *path;
    int wal_pages; /* in the WAL after the last commit */
};

enum db_mode { DB_READ, DB_WRITE };

/* Is a file there, or nothing? EXIT_CONFIG. Before db_open, where that may not be so. */
bool db_check_place(const char *path, struct err *e) MUST_CHECK;
/* Returned: free with db_close. */
bool db_open(const char *path, enum db_mode mode, struct db **out, struct err *e) MUST_CHECK;
/* `sound`: move the WAL into the file first. Otherwise the files stay as they are. */
void db_close(struct db *db, bool sound);

/* `sql` is a constant of the program. The statement is the connection's. */
bool db_prepare(struct db *db, const char *sql, sqlite3_stmt **out, struct err *e) MUST_CHECK;
/* Several at once, all or nothing. */
struct db_sql {
    sqlite3_stmt **out;
    const char *sql;
};
bool db_prepare_all(struct db *db, const struct db_sql *sqls, size_t count,
                    struct err *e) MUST_CHECK;
/* Runs constant statements that give no rows. */
bool db_exec(struct db *db, const char *sql, struct err *e) MUST_CHECK;
/* Runs a prepared statement that gives no rows, and resets it; bindings stay. */
bool db_run(struct db *db, sqlite3_stmt *statement, struct err *e) MUST_CHECK;
/* The next row of a query; `*row` is false after the last one, and the statement is reset. */
bool db_next(struct db *db, sqlite3_stmt *statement, bool *row, struct err *e) MUST_CHECK;
/* The first row's first column; `otherwise` when there is no row or it is NULL. */
bool db_number(struct db *db, sqlite3_stmt *statement, int64_t otherwise, int64_t *out,
               struct err *e) MUST_CHECK;
/* The same of a constant query without parameters; 0 when there is no row or it is NULL. */
bool db_ask(struct db *db, const char *sql, int64_t *out, struct err *e) MUST_CHECK;
/* Ends a statement that was prepared for one call. */
void db_finish(sqlite3_stmt *statement);
/* Moves what it can from the WAL into the file without waiting for readers. */
bool db_checkpoint(struct db *db, struct err *e) MUST_CHECK;
/* Puts on disk what a read of the WAL sees. What an open finds there may be in the page cache
 * alone: a process that was killed before its sync leaves it so, and so does a sync that failed,
 * after which the kernel takes the pages for written. So the bytes are written again over
 * themselves, which cannot make anything worse, and synced. For the writer, after the first query
 * and before anybody relies on its answer. */
bool db_settle(struct db *db, struct err *e) MUST_CHECK;
/* The path still leads to the file that is open. Else what is written is nowhere:
 * EXIT_LEDGER_IO. */
bool db_is_in_place(struct db *db, struct err *e) MUST_CHECK;

/* Binds text, borrowed until the statement is reset; "" and NULL become NULL. */
void db_bind_text(sqlite3_stmt *statement, int at, const char *text);
/* A column as text, never NULL. Borrowed until the statement moves. */
const char *db_text(sqlite3_stmt *statement, int at);

#endif
