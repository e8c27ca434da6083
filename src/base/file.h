/* SPDX-License-Identifier: MIT
 *
 * file.h: files that are written whole or not at all: into a temporary file of the same folder,
 * synced, renamed over the old one, and the folder synced. And the folders for them.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/attr.h"
#include "base/err.h"

#include <sys/types.h>

/* Makes the folders that `path` lies in, for this user alone; those that are there stay as they
 * are. On disk when it returns. `path` is not empty. EXIT_CANT_CREATE with folder and reason. */
bool file_make_folders(const char *path, struct err *e) MUST_CHECK;

/* The names in the folder that `path` lies in are on disk. False: errno says why not. */
bool file_sync_folder(const char *path) MUST_CHECK;

/* Descriptors 0, 1 and 2 that are closed are held, so that no file or socket gets their number and
 * what is printed ends in it. Reading and writing them still fails. At the start of a program. */
void file_hold_standard(void);

/* A file being written. */
struct file_writer {
    int fd;
    char temp[4096]; /* the temporary file's path */
    char path[4096];
};

/* EXIT_CANT_CREATE with path and reason; also where something stands that is no regular file. */
bool file_begin(struct file_writer *w, const char *path, mode_t mode, struct err *e) MUST_CHECK;
bool file_add(struct file_writer *w, const void *bytes, size_t len, struct err *e) MUST_CHECK;
/* In place of the old one, on disk. */
bool file_commit(struct file_writer *w, struct err *e) MUST_CHECK;
/* The same, but never in place of anything that is there: EXIT_CANT_CREATE. */
bool file_commit_new(struct file_writer *w, struct err *e) MUST_CHECK;
/* Nothing happened; harmless after file_commit. */
void file_abandon(struct file_writer *w);

/* All of it at once, mode 0600. */
bool file_write_whole(const char *path, const void *bytes, size_t len, struct err *e) MUST_CHECK;

#endif
