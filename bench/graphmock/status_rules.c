/* SPDX-License-Identifier: MIT */
#include "status_rules.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { PIECE_MAX = 64, DAY_MS = 86400000 };

/* A share where `max` is 0, else a whole number from `min` to `max`. */
struct row {
    const char *key;
    size_t offset;
    int64_t min, max;
    double value; /* when it is not given */
    const char *help;
};

#define AT(member) offsetof(struct status_rules, member)

static const struct row rows[] = {
    {"delivered", AT(delivered), 0, 0, 0.95, "share of the messages that are delivered"},
    {"read", AT(read), 0, 0, 0.5, "share of the delivered ones that are read"},
    {"failed", AT(failed), 0, 0, 0, "share of the messages that fail after `sent`"},
    {"code", AT(code), 0, INT32_MAX, 131026, "the error they fail with"},
    {"duplicated", AT(duplicated), 0, 0, 0, "share of the statuses that come twice"},
    {"lost", AT(lost), 0, 0, 0, "share of the statuses that never come"},
    {"late", AT(late), 0, 0, 0, "share of the statuses that come late_ms later"},
    {"late_ms", AT(late_ms), 0, DAY_MS, 5000, "how much later"},
    {"no_opaque", AT(no_opaque), 0, 0, 0, "share of the statuses without callback data"},
    {"cut_opaque", AT(cut_opaque), 0, 0, 0, "share of the statuses with half of it"},
    {"reordered", AT(reordered), 0, 0, 0, "share of the messages with their last status first"},
    {"early", AT(early), 0, 0, 0, "share of the messages `sent` before the send is answered"},
    {"spread", AT(spread), 0, 0, 0.1, "share of the statuses with a change or entry of their own"},
    {"forged", AT(forged), 0, 0, 0, "share of the bodies that a forged one comes before"},
    {"batch", AT(batch), 1, 1000, 100, "statuses in a body, at most"},
    {"gather_ms", AT(gather_ms), 0, 60000, 20, "how long a body waits for more of them"},
    {"connections", AT(connections), 1, 64, 4, "at once"},
    {"timeout_ms", AT(timeout_ms), 1, DAY_MS, 10000, "how long it waits for an answer"},
    {"retry_ms", AT(retry_ms), 1, DAY_MS, 1000, "before the first repetition; then twice as long"},
    {"retries", AT(retries), 0, 1000, 20, "repetitions of a body, at most"},
};

static void *field(struct status_rules *r, const struct row *row)
{
    return (char *)r + row->offset;
}

static bool is_share(const struct row *row)
{
    return row->max == 0;
}

void status_rules_init(struct status_rules *r)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (is_share(&rows[i]))
            *(double *)field(r, &rows[i]) = rows[i].value;
        else
            *(int64_t *)field(r, &rows[i]) = (int64_t)rows[i].value;
    }
}

/* "KEY=VALUE" */
static bool set_one(struct status_rules *r, char *piece)
{
    char *value = strchr(piece, '=');

    if (!value)
        return false;
    *value++ = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (strcmp(rows[i].key, piece) != 0)
            continue;
        return is_share(&rows[i])
                   ? text_to_double(value, 0, 1, (double *)field(r, &rows[i]))
                   : text_to_int(value, rows[i].min, rows[i].max, (int64_t *)field(r, &rows[i]));
    }
    return false;
}

bool status_rules_add(struct status_rules *r, const char *spec, struct err *e)
{
    char piece[PIECE_MAX];
    const char *at = spec;

    for (;;) {
        size_t len = strcspn(at, ",");

        (void)snprintf(piece, sizeof(piece), "%.*s", (int)(len < PIECE_MAX ? len : 0), at);
        if (!set_one(r, piece))
            return err_set(e, EXIT_USAGE,
                           "--status '%s' is not KEY=VALUE[,KEY=VALUE...] with its keys and their "
                           "ranges; graphmock --help lists them",
                           spec);
        if (!at[len])
            return true;
        at += len + 1;
    }
}

void status_rules_help(struct buf *out)
{
    buf_adds(out, "\n--status takes KEY=VALUE[,KEY=VALUE...]. Shares are from 0 to 1:\n");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        buf_addf(out, "  %-12s %s (default %g)\n", rows[i].key, rows[i].help, rows[i].value);
}
