/* SPDX-License-Identifier: MIT
 *
 * config.h: configuration from one table of keys.
 *
 * Model: the program declares a table (section.key, type, default, range, reloadable, help) and a
 * struct of settings whose members the table's offsets name. Values come from the file, then the
 * environment, then --set, each beating the one before (a key's older variable is beaten by its
 * TIDINGS_ one). Every error is collected, not only the first, a line each:
 * "WHERE: section.key: reason (what is allowed)", WHERE being FILE:LINE, the variable, or --set.
 * A wrong value is an error even where another source would beat it.
 * The file: [section] and key = value lines; comments begin with ; or # (within a line with " ;");
 * UTF-8, with a byte order mark or without; a line holds at most 197 bytes (inih's line buffer).
 * Lifetime: texts are copied into the settings; free them with config_free.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_type {
    CONFIG_TEXT,   /* char *, never NULL after config_load; "" is none */
    CONFIG_BOOL,   /* bool: true/false, yes/no, on/off, 1/0 */
    CONFIG_INT,    /* int64_t in [min, max] */
    CONFIG_RATE,   /* double in [min, max], or "unlimited" (0) */
    CONFIG_CHOICE, /* int: the index in `choices` */
};

struct config_key {
    const char *name; /* "section.key" */
    enum config_type type;
    size_t offset;           /* in the settings struct */
    const char *fallback;    /* the default, as text */
    double min, max;         /* CONFIG_INT, CONFIG_RATE */
    const char *choices;     /* CONFIG_CHOICE: "hold|resend" */
    const char *environment; /* an older variable's name that keeps working, or NULL */
    bool reloadable;         /* SIGHUP may change it */
    bool secret;             /* CONFIG_TEXT: may hold a password: not shown in errors */
    bool false_wins;         /* CONFIG_BOOL: false from any source holds */
    const char *allowed;     /* shown in errors instead of the range; may be NULL */
    /* CONFIG_TEXT: a check of the text: NULL, or what is allowed (of a secret, what is wrong, too).
     * May be NULL. Not asked about an empty text where the default is none. */
    const char *(*check)(const char *value);
    const char *help; /* one or two lines for the sample file and the manual */
};

struct config_table {
    const struct config_key *keys;
    size_t count;
    const char *environment_prefix; /* "TIDINGS_" */
    const char *file_variable;      /* "TIDINGS_CONFIG": begins so and is no key; may be NULL */
};

struct config_sources {
    const char *file;         /* path, or NULL for none */
    char *const *environment; /* environ, or NULL */
    const char *const *sets;  /* "SECTION.KEY=VALUE" */
    size_t set_count;
};

/* Fills `settings` (zeroed by the caller). On failure `errors` holds every error, a line each, and
 * `settings` is to be freed all the same. `warnings` gets unknown TIDINGS_ variables, a line each.
 * Both are added to.
 */
bool config_load(const struct config_table *table, const struct config_sources *sources,
                 void *settings, struct buf *errors, struct buf *warnings) MUST_CHECK;
void config_free(const struct config_table *table, void *settings);
/* What the key takes, as errors and the manual say it: "1 to 100", "hold, resend". */
void config_allowed(const struct config_key *key, struct buf *out);
/* The key's variable: TIDINGS_SECTION_KEY. */
void config_variable(const struct config_table *table, const struct config_key *key,
                     struct buf *out);
/* Appends the commented sample file that the table describes. */
void config_sample(const struct config_table *table, struct buf *out);

#endif
