/* SPDX-License-Identifier: MIT
 *
 * ledger_query.h: reading the ledger for people: log, retry's plan, the report. Read-only, beside a
 * running writer: it opens its own connection, never checkpoints, and changes nothing.
 */
#ifndef LEDGER_LEDGER_QUERY_H
#define LEDGER_LEDGER_QUERY_H

#include "base/err.h"
#include "core/message.h"
#include "core/outcome.h"

struct ledger_reader;

/* EXIT_NO_INPUT when there is no ledger at `path`. Returned: free with ledger_reader_close. */
bool ledger_reader_open(const char *path, struct ledger_reader **out, struct err *e) MUST_CHECK;
void ledger_reader_close(struct ledger_reader *r);

/* Members that are NULL or 0 do not filter; all others must hold. */
struct ledger_filter {
    const char *class_id;
    const char *test_num;
    const char *broadcast;
    const char *to;
    const char *id;
    unsigned states; /* bit 1 << state; 0: all */
    int code;
    int64_t since_ms; /* of the last change */
    int64_t until_ms;
    uint64_t recent; /* only the newest N, shown newest first; 0: all, oldest first */
};

struct ledger_row {
    const struct message *message; /* borrowed during the callback */
    uint64_t number;
    struct outcome outcome; /* the newest; state as it is now (also sending) */
    unsigned attempts;      /* requests made or begun */
    int64_t at_ms;          /* of the last change */
};

typedef bool (*ledger_row_fn)(void *context, const struct ledger_row *row);
/* Calls back for each message until it returns false. */
bool ledger_read(struct ledger_reader *r, const struct ledger_filter *filter, ledger_row_fn on_row,
                 void *context, struct err *e) MUST_CHECK;
/* Counts by state of what the filter lets through (`recent` is ignored). */
bool ledger_count(struct ledger_reader *r, const struct ledger_filter *filter,
                  uint64_t counts[STATE_COUNT], struct err *e) MUST_CHECK;

struct ledger_attempt {
    unsigned attempt;
    int64_t at_ms;   /* of the intent */
    int64_t done_ms; /* of the outcome; 0: none yet */
    struct outcome outcome;
};
typedef void (*ledger_history_fn)(void *context, const struct ledger_attempt *attempt);
/* Every attempt of one message, oldest first. */
bool ledger_history(struct ledger_reader *r, uint64_t number, ledger_history_fn on_attempt,
                    void *context, struct err *e) MUST_CHECK;

/* Failures (and other final states) of a broadcast (NULL: all) by code and reason, most first. */
struct ledger_code_count {
    enum state state;
    enum reason reason;
    int code;
    uint64_t count;
    char title[OUTCOME_TITLE_MAX];
};
/* Up to `codes->max` of them. */
struct ledger_codes {
    struct ledger_code_count *items; /* the caller's, room for `max` */
    size_t max;
    size_t count; /* result */
};
bool ledger_codes(struct ledger_reader *r, const char *broadcast, struct ledger_codes *codes,
                  struct err *e) MUST_CHECK;

#endif
