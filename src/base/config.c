/* SPDX-License-Identifier: MIT */
#include "base/config.h"

#include "base/config_file.h"
#include "base/config_value.h"
#include "base/flags.h"
#include "base/mem.h"
#include "base/text.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_SIZE = 128, WHERE_SIZE = 512, MESSAGE_SIZE = 1024, SHOWN_BYTES = 200 };

/* What has been seen of one key. */
struct seen {
    int line;        /* in the file; 0: not there */
    bool held_false; /* some source said false */
};

struct loader {
    const struct config_table *table;
    void *settings;
    struct buf *errors;
    struct buf *warnings;
    struct seen *seen;  /* one for each key */
    const char **names; /* of the keys */
    const char *file;
    bool skip_section; /* an unknown one: it was complained about as a whole */
    bool failed;
};

/* --- complaining ----------------------------------------------------------------------------- */

static void PRINTF_LIKE(3, 4) complain(struct loader *l, const char *where, const char *format, ...)
{
    char message[MESSAGE_SIZE];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args); /* a cut sentence still helps */
    va_end(args);
    text_make_plain(message);
    buf_addf(l->errors, "%s: %s\n", where, message);
    l->failed = true;
}

static void where_in_file(const struct loader *l, int line, char out[WHERE_SIZE])
{
    (void)snprintf(out, WHERE_SIZE, "%s:%d", l->file, line); /* a cut path still helps */
    text_make_plain(out);
}

/* The key that was most likely meant: near by its letters, or the same name in another section. */
static const char *nearest_key(const struct loader *l, const char *name)
{
    const char *nearest = flags_nearest(name, l->names, l->table->count);
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; !nearest && dot && i < l->table->count; i++)
        if (strcmp(strrchr(l->names[i], '.'), dot) == 0)
            nearest = l->names[i];
    return nearest;
}

static bool is_section_of(const char *key_name, const char *section, size_t len)
{
    return strncmp(key_name, section, len) == 0 && key_name[len] == '.';
}

static void add_to_list(struct buf *out, const char *name, size_t len)
{
    buf_adds(out, out->len ? ", " : "");
    buf_add(out, name, len);
}

/* "a, b": the sections, each once (a section's keys stand together in the table). */
static void list_sections(const struct loader *l, struct buf *out)
{
    for (size_t i = 0; i < l->table->count; i++) {
        size_t len = strcspn(l->names[i], ".");

        if (i == 0 || !is_section_of(l->names[i - 1], l->names[i], len))
            add_to_list(out, l->names[i], len);
    }
}

/* The keys of the section that `name` begins with; nothing where there is no such section. */
static void list_keys(const struct loader *l, const char *name, struct buf *out)
{
    size_t len = strcspn(name, ".");

    for (size_t i = 0; i < l->table->count; i++)
        if (is_section_of(l->names[i], name, len))
            add_to_list(out, l->names[i] + len + 1, strlen(l->names[i]) - len - 1);
}

static void complain_unknown(struct loader *l, const char *where, const char *name)
{
    const char *nearest = nearest_key(l, name);
    struct buf there = buf_new(MESSAGE_SIZE / 2);

    list_keys(l, name, &there);
    if (nearest) {
        complain(l, where, "%.200s: unknown key (did you mean %s?)", name, nearest);
    } else if (there.len) {
        complain(l, where, "%.200s: unknown key ([%.*s] has %s)", name, (int)strcspn(name, "."),
                 name, buf_text(&there));
    } else {
        list_sections(l, &there);
        complain(l, where, "%.200s: unknown key (the sections are %s)", name, buf_text(&there));
    }
    buf_free(&there);
}

static void complain_value(struct loader *l, const char *where, const struct config_key *key,
                           const char *value, const char *reason)
{
    struct buf allowed = buf_new(MESSAGE_SIZE);

    if (key->type == CONFIG_TEXT) { /* its check knows what is allowed */
        buf_adds(&allowed, reason);
        reason = "is not allowed";
    } else {
        config_allowed(key, &allowed);
    }
    if (key->secret)
        complain(l, where, "%s: %s", key->name, buf_text(&allowed));
    else
        complain(l, where, "%s: '%.*s' %s (%s)", key->name, SHOWN_BYTES, value, reason,
                 buf_text(&allowed));
    buf_free(&allowed);
}

/* --- what is allowed ------------------------------------------------------------------------- */

static void write_bound(double bound, struct buf *out)
{
    char text[32];

    if (bound >= 0 && bound < 1e15 && bound == floor(bound)) {
        text_grouped((uint64_t)bound, text);
        buf_adds(out, text);
    } else {
        buf_addf(out, "%g", bound);
    }
}

static void write_choices(const char *choices, struct buf *out)
{
    for (; *choices; choices++)
        buf_adds(out, *choices == '|' ? ", " : (const char[]){*choices, '\0'});
}

static void write_range(const struct config_key *key, struct buf *out)
{
    write_bound(key->min, out);
    buf_adds(out, " to ");
    write_bound(key->max, out);
}

void config_allowed(const struct config_key *key, struct buf *out)
{
    if (key->allowed) {
        buf_adds(out, key->allowed);
        return;
    }
    switch (key->type) {
    case CONFIG_TEXT:
        break;
    case CONFIG_BOOL:
        buf_adds(out, "true or false");
        break;
    case CONFIG_INT:
        write_range(key, out);
        break;
    case CONFIG_RATE:
        write_range(key, out);
        buf_adds(out, ", or unlimited");
        break;
    case CONFIG_CHOICE:
        write_choices(key->choices, out);
        break;
    }
}

/* --- one value ------------------------------------------------------------------------------- */

static const struct config_key *key_find(const struct config_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->keys[i].name, name) == 0)
            return &table->keys[i];
    return NULL;
}

static struct seen *seen_of(const struct loader *l, const struct config_key *key)
{
    return &l->seen[key - l->table->keys];
}

/* Where false wins, what was false stays false. */
static void hold_false(const struct loader *l, const struct config_key *key)
{
    bool *place = (bool *)(void *)((char *)l->settings + key->offset);

    if (!key->false_wins)
        return;
    *place = *place && !seen_of(l, key)->held_false;
    seen_of(l, key)->held_false = !*place;
}

static void take(struct loader *l, const char *where, const struct config_key *key,
                 const char *value)
{
    const char *reason = config_value_set(key, value, l->settings);

    if (reason)
        complain_value(l, where, key, value, reason);
    else
        hold_false(l, key);
}

/* --- the sources ----------------------------------------------------------------------------- */

static void take_defaults(struct loader *l)
{
    for (size_t i = 0; i < l->table->count; i++) {
        const struct config_key *key = &l->table->keys[i];
        const char *fallback = key->fallback ? key->fallback : "";
        const char *reason = NULL;

        if (key->fallback || key->type == CONFIG_TEXT)
            reason = config_value_set(key, fallback, l->settings);
        assert(!reason); /* a default that is not allowed is a bug in the table */
    }
}

/* The sections of the table, each once: `storage` gets the texts, `names` points at them; both have
 * room for as many as there are keys. Returns how many. */
static size_t section_names(const struct loader *l, char (*storage)[NAME_MAX_SIZE],
                            const char **names)
{
    size_t count = 0;

    for (size_t i = 0; i < l->table->count; i++) {
        if (count > 0 && is_section_of(l->names[i], names[count - 1], strlen(names[count - 1])))
            continue;
        text_copy(storage[count], NAME_MAX_SIZE, l->names[i], strcspn(l->names[i], "."));
        names[count] = storage[count];
        count++;
    }
    return count;
}

static void complain_section(struct loader *l, int line, const char *section)
{
    char(*storage)[NAME_MAX_SIZE] = mem_alloc(l->table->count * sizeof(*storage));
    const char **names = mem_alloc(l->table->count * sizeof(*names));
    const char *nearest = flags_nearest(section, names, section_names(l, storage, names));
    struct buf there = buf_new(MESSAGE_SIZE / 2);
    char where[WHERE_SIZE];

    where_in_file(l, line, where);
    list_sections(l, &there);
    if (nearest)
        complain(l, where, "[%s]: unknown section (did you mean [%s]?)", section, nearest);
    else
        complain(l, where, "[%s]: unknown section (there are %s)", section, buf_text(&there));
    buf_free(&there);
    mem_free(names);
    mem_free(storage);
}

static void on_section(void *context, int line, const char *section)
{
    struct loader *l = context;

    l->skip_section = false;
    for (size_t i = 0; i < l->table->count; i++)
        if (is_section_of(l->names[i], section, strlen(section)))
            return;
    l->skip_section = true;
    complain_section(l, line, section);
}

static void take_from_file(struct loader *l, const char *where, const struct config_pair *pair,
                           const char *name)
{
    const struct config_key *key = key_find(l->table, name);

    if (!key) {
        complain_unknown(l, where, name);
    } else if (seen_of(l, key)->line > 0) {
        complain(l, where, "%s: given twice (first in line %d)", name, seen_of(l, key)->line);
    } else {
        seen_of(l, key)->line = pair->line;
        take(l, where, key, pair->value);
    }
}

static void on_pair(void *context, const struct config_pair *pair)
{
    struct loader *l = context;
    char where[WHERE_SIZE];
    char name[NAME_MAX_SIZE];

    if (l->skip_section)
        return;
    where_in_file(l, pair->line, where);
    (void)snprintf(name, sizeof(name), "%s.%s", pair->section, pair->name); /* inih's are short */
    if (*pair->section)
        take_from_file(l, where, pair, name);
    else
        complain(l, where, "%s: a key before the first [section]", pair->name);
}

static void on_problem(void *context, int line, const char *reason)
{
    struct loader *l = context;
    char where[WHERE_SIZE];

    where_in_file(l, line, where);
    complain(l, where, "%s", reason);
}

static void take_file(struct loader *l)
{
    const struct config_events events = {on_section, on_pair, on_problem, l};
    struct err e;

    if (l->file && !config_file_read(l->file, &events, &e)) {
        buf_addf(l->errors, "%s\n", e.text);
        l->failed = true;
    }
}

void config_variable(const struct config_table *table, const struct config_key *key,
                     struct buf *out)
{
    buf_adds(out, table->environment_prefix);
    for (const char *c = key->name; *c; c++)
        buf_addc(out, *c == '.' ? '_' : (char)toupper((unsigned char)*c));
}

/* The value of `name` in the environment, or NULL. */
static const char *variable_value(char *const *environment, const char *name)
{
    size_t len = strlen(name);

    for (; *environment; environment++)
        if (strncmp(*environment, name, len) == 0 && (*environment)[len] == '=')
            return *environment + len + 1;
    return NULL;
}

static void take_variable(struct loader *l, char *const *environment, const char *name,
                          const struct config_key *key)
{
    const char *value = name ? variable_value(environment, name) : NULL;
    char where[WHERE_SIZE];

    if (!value)
        return;
    (void)snprintf(where, sizeof(where), "environment %s", name); /* names are short */
    take(l, where, key, value);
}

/* The older name first: the newer one beats it. */
static void take_environment(struct loader *l, char *const *environment)
{
    for (size_t i = 0; i < l->table->count; i++) {
        const struct config_key *key = &l->table->keys[i];
        struct buf name = buf_new(NAME_MAX_SIZE);

        config_variable(l->table, key, &name);
        take_variable(l, environment, key->environment, key);
        take_variable(l, environment, buf_text(&name), key);
        buf_free(&name);
    }
}

static bool is_known_variable(const struct loader *l, const char *name)
{
    bool known = l->table->file_variable && strcmp(name, l->table->file_variable) == 0;

    for (size_t i = 0; !known && i < l->table->count; i++) {
        struct buf variable = buf_new(NAME_MAX_SIZE);

        config_variable(l->table, &l->table->keys[i], &variable);
        known = strcmp(name, buf_text(&variable)) == 0;
        buf_free(&variable);
    }
    return known;
}

static void warn_of_unknown_variables(const struct loader *l, char *const *environment)
{
    const char *prefix = l->table->environment_prefix;

    for (; *environment; environment++) {
        char *name = mem_strndup(*environment, strcspn(*environment, "="));

        text_make_plain(name);
        if (strncmp(name, prefix, strlen(prefix)) == 0 && !is_known_variable(l, name))
            buf_addf(l->warnings, "environment %s: no such key; it is ignored\n", name);
        mem_free(name);
    }
}

static void take_set(struct loader *l, const char *set)
{
    size_t len = strcspn(set, "=");
    char *name = mem_strndup(set, len);
    const struct config_key *key = key_find(l->table, name);

    if (set[len] != '=')
        complain(l, "--set", "%s: no '=' in it (SECTION.KEY=VALUE is wanted)", set);
    else if (!len)
        complain(l, "--set", "%.200s: no key before the '=' (SECTION.KEY=VALUE is wanted)", set);
    else if (!key)
        complain_unknown(l, "--set", name);
    else
        take(l, "--set", key, set + len + 1);
    mem_free(name);
}

/* --- all of it ------------------------------------------------------------------------------- */

bool config_load(const struct config_table *table, const struct config_sources *sources,
                 void *settings, struct buf *errors, struct buf *warnings)
{
    struct loader l = {
        .table = table,
        .settings = settings,
        .errors = errors,
        .warnings = warnings,
        .seen = mem_alloc(table->count * sizeof(struct seen)),
        .names = mem_alloc(table->count * sizeof(char *)),
        .file = sources->file,
    };

    for (size_t i = 0; i < table->count; i++)
        l.names[i] = table->keys[i].name;
    take_defaults(&l);
    take_file(&l);
    if (sources->environment) {
        take_environment(&l, sources->environment);
        warn_of_unknown_variables(&l, sources->environment);
    }
    for (size_t i = 0; i < sources->set_count; i++)
        take_set(&l, sources->sets[i]);
    mem_free(l.names);
    mem_free(l.seen);
    return !l.failed;
}

void config_free(const struct config_table *table, void *settings)
{
    for (size_t i = 0; i < table->count; i++) {
        char **place = (char **)(void *)((char *)settings + table->keys[i].offset);

        if (table->keys[i].type != CONFIG_TEXT)
            continue;
        mem_free(*place);
        *place = NULL;
    }
}
