/* SPDX-License-Identifier: MIT
 *
 * words.h: texts that many messages share, kept once and named by a number. "" is number 0.
 *
 * Model: the table `word`, and in front of it a cache of fixed size in either direction.
 * Lifetime: a text that was returned is borrowed until the next call.
 */
#ifndef LEDGER_WORDS_H
#define LEDGER_WORDS_H

#include "ledger/db.h"

struct words;

/* Returned: free with words_free, before the connection is closed. */
bool words_open(struct db *db, struct words **out, struct err *e) MUST_CHECK;
void words_free(struct words *w);

/* The number of `text`; 0 when it has none. */
bool words_find(struct words *w, const char *text, int64_t *number, struct err *e) MUST_CHECK;
/* The same; a new text gets a number. Only for the writer. */
bool words_intern(struct words *w, const char *text, int64_t *number, struct err *e) MUST_CHECK;
/* The text of a number, "" when there is none. */
bool words_text(struct words *w, int64_t number, const char **text, struct err *e) MUST_CHECK;

#endif
