/* SPDX-License-Identifier: MIT
 *
 * flags.h: command-line flags from a table.
 *
 * Model: a command has one table of flags; parsing, the help text and "did you mean" come from it.
 * Long options take --x=y and --x y; short ones -x y. "--" ends the flags; what is no flag is an
 * argument, and so is "-". A value that itself looks like a flag must be given as --x=y: most
 * likely the value was forgotten. Errors are EXIT_USAGE and name the flag, the reason, what is
 * allowed, and the nearest known name. -h and --help are always known.
 * Lifetime: values are borrowed from argv.
 */
#ifndef BASE_FLAGS_H
#define BASE_FLAGS_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum flag_kind {
    FLAG_SWITCH,   /* bool: present or not */
    FLAG_TEXT,     /* const char *: the last one holds */
    FLAG_REPEATED, /* struct flag_values: each one is kept */
    FLAG_COUNT,    /* uint64_t: a whole number from 1 on; 0: not given */
    FLAG_OPTIONAL, /* const char *: value only as --x=y; "" when given without */
};

enum { FLAG_VALUES_MAX = 64 };

struct flag_values {
    const char *items[FLAG_VALUES_MAX];
    size_t count;
};

struct flag {
    const char *name; /* long name without dashes */
    char letter;      /* short name, 0 when none */
    enum flag_kind kind;
    size_t offset;     /* of the value in the command's options struct */
    const char *value; /* what the help calls the value: "FILE"; NULL for switches */
    const char *help;  /* one line */
};

struct flag_table {
    const char *command;   /* "broadcast" */
    const char *arguments; /* "FILE", shown in the usage line */
    const char *summary;   /* one line */
    const struct flag *flags;
    size_t count;
    const struct flag *common; /* flags that all commands share; may be NULL */
    size_t common_count;
    bool is_program; /* `command` is a program of its own, none of tidings */
};

enum { FLAG_ARGUMENTS_MAX = 80 };

struct flag_arguments {
    const char *items[FLAG_ARGUMENTS_MAX];
    size_t count;
    bool help; /* -h or --help was given */
};

/* What is parsed, and where to. */
struct flag_input {
    int argc; /* without the program and the command */
    char *const *argv;
    void *options; /* the struct that the flags' offsets point into, zeroed by the caller */
    void *common;  /* the same for the offsets of the common flags; may be NULL without such */
};

bool flags_parse(const struct flag_table *table, const struct flag_input *input,
                 struct flag_arguments *arguments, struct err *e) MUST_CHECK;
/* Appends the usage text. */
void flags_help(const struct flag_table *table, struct buf *out);
/* The name in `names` nearest to `word` by edit distance, or that begins with it; NULL when none is
 * near. For commands too. */
const char *flags_nearest(const char *word, const char *const *names, size_t count);

#endif
