/* SPDX-License-Identifier: MIT
 *
 * broadcast_plan.h: what a broadcast is about to do: its file read and checked, its name, template,
 * sender and pace, and what the operator is asked.
 */
#ifndef COMMANDS_BROADCAST_PLAN_H
#define COMMANDS_BROADCAST_PLAN_H

#include "commands/command.h"
#include "io/file_plan.h"

struct broadcast_flags {
    const char *name;
    const char *template_name;
    const char *lang;
    const char *params;
    const char *rate;
    const char *sender;
    uint64_t limit;
    bool dry_run;
    const char *expect_count; /* NULL: not given */
    bool yes;
    bool accept_changes;
    const char *webhook; /* "" or seconds; NULL: not given */
    const char *report;
};

struct broadcast_plan {
    char name[MESSAGE_LABEL_MAX + 1];
    char path[4096];      /* of the file that is read: FILE, or the copy of standard input */
    char new_input[4104]; /* where that copy is until it goes on record; "": none, or it did */
    char rejects_path[4200];
    char temp_dir[4096];
    char manifest_path[4400];        /* where the rows of what is on record are kept */
    struct manifest *manifest;       /* the rows of the file; NULL: a dry run, or saved already */
    struct manifest_changes differs; /* of the file on record; at_least: or not known at all */
    char changes[200];               /* "3 rows differ: ..." of the file on record; "": not known */
    double rate;                     /* RATE_UNLIMITED or a second */
    const char *params_text;         /* the columns, as given */
    const char **params;             /* split; free with mem_free */
    struct message_defaults defaults;
    struct message_context context;
    struct file_source *source;
    struct file_plan file;  /* what is in it */
    unsigned char hash[32]; /* of what else decides ids: template, lang, params, sender */
};

/* Checks flags, opens and reads the file. Free with broadcast_plan_free in both cases. */
bool broadcast_plan_make(struct broadcast_plan *p, const struct call *c,
                         const struct broadcast_flags *flags, struct err *e) MUST_CHECK;
void broadcast_plan_free(struct broadcast_plan *p);
/* The name is on record with another file, of this key: says in `changes` how many rows differ. */
void broadcast_plan_compare(struct broadcast_plan *p, const struct manifest_key *recorded);
/* It goes on record: keeps the rows for such a comparison, and standard input's copy. What cannot
 * be kept is a warning. */
void broadcast_plan_save_rows(struct broadcast_plan *p);
/* Writes the rejects file again, with rows that the ledger refused (file_plan.h) in it. `rejected`:
 * how many it has then. */
bool broadcast_plan_reject(struct broadcast_plan *p, const struct broadcast_flags *flags,
                           struct map *refused, uint64_t *rejected, struct err *e) MUST_CHECK;
/* Messages still to send: exactly, or at most so many; from the file's first, or from within. */
struct broadcast_extent {
    uint64_t messages;
    bool is_exact;
    bool from_first;
};
/* What is about to happen, in a few lines, on standard error. */
void broadcast_plan_print(const struct broadcast_plan *p, const struct settings *s,
                          const struct broadcast_extent *extent);
/* Only columns with these names can make a row one of another broadcast, or of an id that is known
 * from elsewhere: without them it is known whose the rows are. */
bool broadcast_plan_names_others(const struct broadcast_plan *p);
/* A dry run on standard output, as one JSON object. */
void broadcast_plan_print_json(const struct broadcast_plan *p, const struct settings *s,
                               enum exit_code code);
/* Has the file as many messages as --expect-count says, where that is given? EXIT_USAGE. */
bool broadcast_plan_is_expected(const struct broadcast_plan *p, const struct broadcast_flags *flags,
                                struct err *e) MUST_CHECK;
/* Asks on a terminal; elsewhere wants --yes or a right --expect-count. EXIT_USAGE. */
bool broadcast_plan_confirm(const struct broadcast_plan *p, const struct broadcast_flags *flags,
                            struct err *e) MUST_CHECK;

#endif
