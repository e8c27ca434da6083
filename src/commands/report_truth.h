/* SPDX-License-Identifier: MIT
 *
 * report_truth.h: the part of a report that the ledger tells, of a broadcast as a whole: failures
 * by code, what webhooks said, duplicates, and what is still unknown. A run that is not of one
 * broadcast as a whole (`retry`) gathers its own failures and unknown ones instead.
 */
#ifndef COMMANDS_REPORT_TRUTH_H
#define COMMANDS_REPORT_TRUTH_H

#include "base/buf.h"
#include "base/json.h"
#include "core/engine.h"
#include "core/phone.h"
#include "ledger/ledger_query.h"

enum { REPORT_CODES_MAX = 64, REPORT_UNKNOWN_MAX = 10 };

struct report_unknown {
    char id[MESSAGE_ID_MAX + 1];
    char to[PHONE_SIZE];
    enum reason reason;
    int64_t at_ms;
};

struct report_truth {
    struct ledger_code_count codes[REPORT_CODES_MAX];
    size_t code_count;
    struct ledger_delivery_counts deliveries;
    struct report_unknown unknown[REPORT_UNKNOWN_MAX]; /* the first ones */
    size_t unknown_count;
    bool was_cut_off;   /* the ledger broke, so that what was in flight has no outcome there */
    uint64_t in_flight; /* then: how many, where they could be counted */
};

/* `broadcast`: NULL is all. */
bool report_truth_read(const char *ledger_path, const char *broadcast, struct report_truth *out,
                       struct err *e) MUST_CHECK;

/* Of a run whose ledger broke: what was in flight, which is `sending` on record. */
bool report_truth_read_cut_off(const char *ledger_path, const char *broadcast,
                               struct report_truth *out, struct err *e) MUST_CHECK;

/* Possible duplicates. `broadcast`: NULL is all. */
bool report_truth_read_resent(const char *ledger_path, const char *broadcast, uint64_t *out,
                              struct err *e) MUST_CHECK;

/* Gathers what became of a message; `view` (NULL: not known) says of which. */
void report_truth_add(struct report_truth *t, const struct outcome *o,
                      const struct engine_view *view);

/* Messages that were cancelled. */
uint64_t report_truth_cancelled(const struct report_truth *t);

void report_truth_text(const struct report_truth *t, struct buf *out);
/* The last lines: "0 unknown", or the first of the `unknown` ones, and what to do. `broadcast` may
 * be NULL. */
void report_truth_end(const struct report_truth *t, uint64_t unknown, const char *broadcast,
                      struct buf *out);
void report_truth_json(const struct report_truth *t, struct json_writer *w);

/* What is known of an unknown message, in words. */
const char *unknown_evidence(enum reason reason);

#endif
