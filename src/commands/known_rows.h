/* SPDX-License-Identifier: MIT
 *
 * known_rows.h: rows of a file that are not sent since the ledger has their id: of another
 * broadcast, or with other content. Counted, and the first ones named.
 *
 * Model: a row whose message is on record in its own broadcast is none of these: it is among that
 * broadcast's states (the same command again finds nothing but such). Where a file has an id more
 * than once, that id counts once. Memory: 32 to 64 bytes for each row with other content, and in a
 * file with duplicates for each of these ids.
 */
#ifndef COMMANDS_KNOWN_ROWS_H
#define COMMANDS_KNOWN_ROWS_H

#include "base/map.h"
#include "core/record.h"

enum { KNOWN_SHOWN = 3 };
/* Ids, the first KNOWN_SHOWN of `count`. */
struct known_ids {
    uint64_t count;
    char shown[KNOWN_SHOWN][MESSAGE_ID_MAX + 1];
};

struct known_rows {
    struct known_ids on_record; /* the same content, of another broadcast or of none */
    struct known_ids reused;    /* other content: rejected */
    struct map *refused;        /* the same rows, by file_plan_key */
    struct map *seen;           /* ids of both; NULL: no id comes twice */
};

/* Rows that name another broadcast, in which their message waits since an earlier run: this one
 * does not go on with them. */
struct rows_apart {
    uint64_t count;
    bool are_many; /* broadcasts */
    char broadcast[MESSAGE_LABEL_MAX + 1];
};
void rows_apart_add(struct rows_apart *a, const char *broadcast);

/* `repeats`: an id may come twice. */
void known_rows_begin(struct known_rows *k, bool repeats);
void known_rows_end(struct known_rows *k);
/* `admission`: known or reused; `elsewhere`: as record.h has it. */
void known_rows_add(struct known_rows *k, const struct message *m, enum admission admission,
                    bool elsewhere);
/* Rows with other content, those that a file reuses itself among them. */
uint64_t known_rows_refused(const struct known_rows *k);

#endif
