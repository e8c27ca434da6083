/* SPDX-License-Identifier: MIT
 *
 * filter_flags.h: the filters that `log`, `retry` and `reconcile` share, from flags to a
 * ledger_filter.
 */
#ifndef COMMANDS_FILTER_FLAGS_H
#define COMMANDS_FILTER_FLAGS_H

#include "base/err.h"
#include "base/flags.h"
#include "ledger/ledger_query.h"

struct filter_flags {
    const char *class_id;
    const char *test_num;
    const char *broadcast;
    const char *to;
    const char *id;
    const char *state;
    const char *code;
    const char *since;
    const char *until;
};

/* The flags' rows for a table whose options struct has `struct filter_flags member`. */
#define FILTER_FLAG(type, member, field, flag_name, value_name, text)                   \
    {                                                                                   \
        .name = (flag_name), .kind = FLAG_TEXT, .offset = offsetof(type, member.field), \
        .value = (value_name), .help = (text)                                           \
    }
#define FILTER_FLAGS(type, member)                                                               \
    FILTER_FLAG(type, member, class_id, "class", "CLASS", "messages of this class_id"),          \
        FILTER_FLAG(type, member, test_num, "test", "N", "messages of this test_num"),           \
        FILTER_FLAG(type, member, broadcast, "broadcast", "NAME", "messages of this broadcast"), \
        FILTER_FLAG(type, member, to, "to", "NUMBER", "messages to this number"),                \
        FILTER_FLAG(type, member, id, "id", "ID", "the message with this id"),                   \
        FILTER_FLAG(type, member, state, "state", "STATE,...", "messages in these states"),      \
        FILTER_FLAG(type, member, code, "code", "CODE",                                          \
                    "messages whose last error has this code"),                                  \
        FILTER_FLAG(type, member, since, "since", "TIME",                                        \
                    "changed at or after (RFC 3339, 2h, 3d)"),                                   \
        FILTER_FLAG(type, member, until, "until", "TIME", "changed before")

/* `to` is normalised into `number` (PHONE_SIZE). EXIT_USAGE names the flag. */
bool filter_flags_read(const struct filter_flags *flags, char *number, struct ledger_filter *out,
                       struct err *e) MUST_CHECK;
/* Does it let every message through? */
bool filter_is_empty(const struct ledger_filter *filter);
/* Where nothing was found: says so on standard error if no message at all, in whatever state, is of
 * that class, test, broadcast, number or id. A mistyped name looks like good news otherwise. */
void filter_say_if_nobody(const struct ledger_filter *filter, const char *ledger_path);
/* Does any of them narrow what is shown? */
bool filter_flags_given(const struct filter_flags *flags);

#endif
