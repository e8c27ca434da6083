/* SPDX-License-Identifier: MIT
 *
 * file_plan.h: the first reading of a file: what is in it, and what cannot be sent.
 *
 * Model: every row is read and checked. Valid rows are distinct by id: the first holds, a later one
 * with the same content is a duplicate (dropped, counted), one with other content is a reject
 * (id_reused). Rejects are written to FILE.rejected.csv, whole, by a temporary file and a rename
 * (JSONL rejects too: its columns are the first row's keys); without rejects an old one is removed.
 * Distinctness is found out of core (hashes spilled to an unlinked temporary file beside the ledger
 * and looked at a part at a time), so memory does not grow with the file.
 */
#ifndef IO_FILE_PLAN_H
#define IO_FILE_PLAN_H

#include "io/file_source.h"

struct file_plan {
    uint64_t rows;       /* all data rows */
    uint64_t valid;      /* valid, distinct messages */
    uint64_t duplicates; /* the same id and content again */
    uint64_t rejected;   /* rows written aside */
    uint64_t recipients; /* distinct numbers among the valid (an estimate is marked in docs) */
    char first_to[20];   /* of the first valid row */
    char first_id[129];
    char first_reject[300]; /* "line 7: to: ..." of the first one */
    unsigned char file_hash[32];
};

struct file_plan_options {
    const char *temp_dir;     /* where to spill */
    const char *rejects_path; /* NULL: do not write them (dry run) */
    uint64_t limit;           /* look at no more than this many valid rows; 0: all */
    /* Called now and then so that a terminal can show it; may be NULL. Returning false stops the
     * reading (Ctrl-C): EXIT_WORK_LEFT. */
    bool (*on_progress)(void *context, uint64_t position, uint64_t size);
    void *context;
};

/* Reads the source to its end. */
bool file_plan_make(struct file_source *s, const struct file_plan_options *options,
                    struct file_plan *out, struct err *e) MUST_CHECK;

/* Copies standard input whole to `path` (0600) before the first reading; EXIT_CANT_CREATE. */
bool file_plan_copy_input(int fd, const char *path, struct err *e) MUST_CHECK;

#endif
