/* SPDX-License-Identifier: MIT
 *
 * message_flags.h: the flags of `send` and `broadcast` that stand for keys of the configuration:
 * --template, --lang, --sender, --param. They are checked as flags, before any row is looked at.
 */
#ifndef COMMANDS_MESSAGE_FLAGS_H
#define COMMANDS_MESSAGE_FLAGS_H

#include "base/err.h"

struct message_flags {
    const char *template_name; /* NULL: not given, as all of them */
    const char *lang;
    const char *sender;
    const char *params; /* "COLUMN,...": "" or "''" for none */
};

/* EXIT_USAGE: names the flag, its value, and what is allowed. */
bool message_flags_check(const struct message_flags *flags, struct err *e) MUST_CHECK;

/* Of a list of columns as template.params and --param have it ("a,b" or "name=a,name=b"): NULL, or
 * what is allowed. "" is a list of none. */
const char *param_list_fault(const char *list) MUST_CHECK;

#endif
