/* SPDX-License-Identifier: MIT
 *
 * file_plan.h: the first reading of a file: what is in it, and what cannot be sent.
 *
 * Model: every row is read and checked. Valid rows are distinct by id: the first holds, a later one
 * with the same content is a duplicate (dropped, counted), one with other content is a reject
 * (id_reused). Rejects are written whole (rejects_file.h), by rising line; without rejects an old
 * rejects file is removed. The file is read a second time only for rejects whose row or column was
 * not known as one the first time: reused ids, keys that a JSONL file shows late, and those that
 * the ledger refused (then the whole plan is made again, after the sending).
 * Distinctness is found out of core (distinct.h), so memory does not grow with the file.
 *
 * With a limit of N the plan ends with the row that brings the N-th distinct id. Duplicates, reused
 * ids and rejects up to that row count as ever, and use nothing of the limit up; rows behind it are
 * hashed but neither checked nor counted. Ids are kept in memory then: 32 to 64 bytes for each of
 * N.
 */
#ifndef IO_FILE_PLAN_H
#define IO_FILE_PLAN_H

#include "base/map.h"
#include "io/file_source.h"
#include "io/manifest.h"

struct file_plan {
    uint64_t rows;       /* all data rows: valid + duplicates + rejected */
    uint64_t valid;      /* valid, distinct messages */
    uint64_t duplicates; /* the same id and content again */
    uint64_t rejected;   /* rows written aside; those with a reused id too */
    uint64_t reused;     /* of them: with a reused id */
    uint64_t refused;    /* with options.refused: rows that are rejects for it alone */
    uint64_t recipients; /* distinct numbers among the valid; exact */
    uint64_t last_line;  /* of the last row that was looked at: with a limit, sending ends there */
    char first_to[20];   /* of the first valid row */
    char first_id[129];
    char first_reject[300]; /* "line 7: to: ..." of the first one; "" when there is none */
    unsigned char file_hash[32];
};

struct file_plan_options {
    const char *temp_dir;      /* where to spill */
    const char *rejects_path;  /* NULL: do not write them (dry run) */
    struct manifest *manifest; /* gets the valid, distinct rows; borrowed; NULL: not wanted */
    /* Rows, by file_plan_key, that the ledger refused since it has their id with other content:
     * written aside, too, each once (the first in the file). Its values change. NULL: none. */
    struct map *refused;
    uint64_t limit; /* end with this many distinct messages; 0: all */
    /* Called every 1024 rows so that a terminal can show it; may be NULL. Returning false stops the
     * reading (Ctrl-C): EXIT_WORK_LEFT. */
    bool (*on_progress)(void *context, uint64_t position, uint64_t size);
    void *context;
};

/* Of what a row says: its id and content. */
uint64_t file_plan_key(const struct message *m);

/* Reads the source, from where file_source_open left it, to its end. EXIT_BAD_DATA: changed while
 * it was read; EXIT_CANT_CREATE: spill or rejects cannot be written. What was there of a rejects
 * file stays as it was then. The source must be rewound before it is read again. */
bool file_plan_make(struct file_source *s, const struct file_plan_options *options,
                    struct file_plan *out, struct err *e) MUST_CHECK;

/* Copies standard input whole to `path` (0600, on disk, whole or not at all) before the first
 * reading; EXIT_CANT_CREATE, or EXIT_NO_INPUT when `fd` cannot be read. */
bool file_plan_copy_input(int fd, const char *path, struct err *e) MUST_CHECK;

#endif
