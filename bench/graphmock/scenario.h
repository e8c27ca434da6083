/* SPDX-License-Identifier: MIT
 *
 * scenario.h: flags from a file, for set-ups worth keeping.
 *
 * Model: a line is a flag without its dashes, and its value behind a blank: `fault close@p0.01`;
 * empty lines and those that begin with '#' say nothing. The file's flags come before those of the
 * command line, which so have the last word where only one value counts.
 * Lifetime: the texts live in struct scenario until scenario_free.
 */
#ifndef GRAPHMOCK_SCENARIO_H
#define GRAPHMOCK_SCENARIO_H

#include "base/err.h"

enum { SCENARIO_ARGUMENTS_MAX = 512 };

struct scenario {
    char *text[SCENARIO_ARGUMENTS_MAX];
    int count;
};

bool scenario_read(struct scenario *s, const char *path, struct err *e) MUST_CHECK;
void scenario_free(struct scenario *s);

#endif
