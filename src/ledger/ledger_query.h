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
#include "core/webhook_status.h"
#include "ledger/ledger.h"

struct ledger_reader;

/* EXIT_NO_INPUT when there is no ledger at `path`, EXIT_NO_PERMISSION when that cannot be seen.
 * Returned: free with ledger_reader_close. */
bool ledger_reader_open(const char *path, struct ledger_reader **out, struct err *e) MUST_CHECK;
void ledger_reader_close(struct ledger_reader *r);

/* Members that are NULL or 0 do not filter; all others must hold. */
struct ledger_filter {
    const char *class_id;
    const char *test_num;
    const char *broadcast;
    const char *to;
    const char *id;
    unsigned states;   /* bit 1 << state; 0: all */
    unsigned statuses; /* bit 1 << webhook_status, as of now; 0: all. Only for a reader */
    int code;          /* of the newest outcome; for a reader also of what was undelivered */
    int64_t since_ms;  /* of the last change */
    int64_t until_ms;
    uint64_t recent; /* only the newest N, shown newest first; 0: all, oldest first */
};

/* What webhooks said of a message. */
struct ledger_delivery {
    enum webhook_status status;          /* that holds; WEBHOOK_NONE: none came */
    int64_t at_ms[WEBHOOK_STATUS_COUNT]; /* when each came first, by Meta's clock; 0: not */
    int code;                            /* of undelivered */
    char title[OUTCOME_TITLE_MAX];
    char wamid[OUTCOME_WAMID_MAX]; /* only where the outcome has none */
};

struct ledger_row {
    const struct message *message; /* borrowed during the callback */
    uint64_t number;
    struct outcome outcome; /* the newest; state as it is now (also sending) */
    unsigned attempts;      /* requests made or begun */
    int64_t at_ms;          /* of the last change */
    struct ledger_delivery delivery;
};

typedef bool (*ledger_row_fn)(void *context, const struct ledger_row *row);
/* Calls back for each message until it returns false. */
bool ledger_read(struct ledger_reader *r, const struct ledger_filter *filter, ledger_row_fn on_row,
                 void *context, struct err *e) MUST_CHECK;
/* Counts by state of what the filter lets through (`recent` is ignored). */
bool ledger_count(struct ledger_reader *r, const struct ledger_filter *filter,
                  uint64_t counts[STATE_COUNT], struct err *e) MUST_CHECK;

/* A broadcast as it is on record, its messages by state; number 0: it is not. */
bool ledger_reader_broadcast(struct ledger_reader *r, const char *name,
                             struct ledger_broadcast *out, struct err *e) MUST_CHECK;

/* Messages that are watched by their numbers: those that neither wait nor are being sent any more
 * leave `items`, which keeps its order, and are counted. About 2 us for each that is left. */
struct ledger_watched {
    uint64_t *items; /* the caller's */
    size_t count;
    uint64_t settled[STATE_COUNT]; /* added to */
    /* Those that were not accepted; NULL: not wanted. */
    void (*on_settled)(void *context, const struct outcome *outcome);
    void *context;
};
bool ledger_drop_settled(struct ledger_reader *r, struct ledger_watched *watched,
                         struct err *e) MUST_CHECK;

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

/* ---- What webhooks said. All zero in a ledger of version 1, which has none of it. */

/* Another copy of a message that Graph accepted. */
struct ledger_twin {
    unsigned attempt;
    int64_t at_ms;
    char wamid[OUTCOME_WAMID_MAX];
};
typedef void (*ledger_twin_fn)(void *context, const struct ledger_twin *twin);
bool ledger_twins(struct ledger_reader *r, uint64_t number, ledger_twin_fn on_twin, void *context,
                  struct err *e) MUST_CHECK;

enum { LEDGER_UNDELIVERED_MAX = 32 };
struct ledger_delivery_counts {
    uint64_t statuses[WEBHOOK_STATUS_COUNT]; /* messages by the status that holds */
    struct ledger_code_count undelivered[LEDGER_UNDELIVERED_MAX]; /* by code, most first */
    size_t undelivered_count;
    uint64_t resent; /* attempts after one that was unknown: possible duplicates */
    uint64_t twins;  /* duplicates that really happened */
};
/* Of a broadcast (NULL: of all). About 1 us for each message that webhooks spoke of. */
bool ledger_count_deliveries(struct ledger_reader *r, const char *broadcast,
                             struct ledger_delivery_counts *out, struct err *e) MUST_CHECK;
/* Its `resent` alone, of all broadcasts: the whole ledger is read. */
bool ledger_count_resent(struct ledger_reader *r, uint64_t *out, struct err *e) MUST_CHECK;

#endif
