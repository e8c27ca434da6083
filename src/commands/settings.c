/* SPDX-License-Identifier: MIT */
#include "commands/settings.h"

#include "base/config_value.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYSTEM_FILE   "/etc/tidings/tidings.conf"
#define SYSTEM_FOLDER "/var/lib/tidings"

/* ---- Where things are. */

static char *join(const char *folder, const char *rest)
{
    size_t size = strlen(folder) + strlen(rest) + 1;
    char *path = mem_alloc(size);

    (void)snprintf(path, size, "%s%s", folder, rest); /* sized to fit */
    return path;
}

/* The file of this kind below $`variable`, or below $HOME/`home_default`; NULL without either. */
static char *user_path(const char *variable, const char *home_default, const char *rest)
{
    const char *folder = getenv(variable);
    const char *home = getenv("HOME");
    char *below_home, *path;

    if (folder && *folder == '/')
        return join(folder, rest);
    if (!home || *home != '/')
        return NULL;
    below_home = join(home, home_default);
    path = join(below_home, rest);
    mem_free(below_home);
    return path;
}

static char *default_ledger_path(void)
{
    const char *state = getenv("STATE_DIRECTORY");
    char *path;

    if (state && *state == '/')
        return join(state, "/ledger.db");
    if (access(SYSTEM_FOLDER, W_OK) == 0)
        return mem_strdup(SYSTEM_FOLDER "/ledger.db");
    path = user_path("XDG_STATE_HOME", "/.local/state", "/tidings/ledger.db");
    return path ? path : mem_strdup(SYSTEM_FOLDER "/ledger.db");
}

/* A service's settings, and not its ledger: whoever types `pause` now pauses nothing of it. */
static void warn_of_own_ledger(const struct settings *s)
{
    size_t len = strlen(SYSTEM_FOLDER);

    if (strcmp(s->file, SYSTEM_FILE) != 0 || access(SYSTEM_FOLDER, F_OK) != 0 ||
        getenv("STATE_DIRECTORY") || strncmp(s->ledger_path, SYSTEM_FOLDER, len) == 0)
        return;
    fprintf(stderr,
            "tidings: warning: " SYSTEM_FOLDER " is not this user's to write: the ledger is %s; "
            "what is meant for a service is typed as its user\n",
            s->ledger_path);
}

static char *find_file(const char *given)
{
    const char *variable = getenv("TIDINGS_CONFIG");
    char *user;

    if (given)
        return mem_strdup(given);
    if (variable && *variable)
        return mem_strdup(variable);
    user = user_path("XDG_CONFIG_HOME", "/.config", "/tidings/tidings.conf");
    if (user && access(user, F_OK) == 0)
        return user;
    mem_free(user);
    /* Also where it may not be looked at: without a service's settings a command would look for its
     * daemon and its ledger in the wrong place, and say that nothing runs. */
    if (access(SYSTEM_FILE, F_OK) == 0 || errno == EACCES)
        return mem_strdup(SYSTEM_FILE);
    return mem_strdup("");
}

static void print_lines(const char *prefix, const struct buf *lines)
{
    const char *line = buf_text(lines);

    while (*line) {
        size_t len = strcspn(line, "\n");

        fprintf(stderr, "tidings: %s%.*s\n", prefix, (int)len, line);
        line += len + (line[len] == '\n');
    }
}

bool settings_load(struct settings *s, const struct settings_sources *sources)
{
    struct buf errors = buf_new(65536);
    struct buf warnings = buf_new(65536);
    struct config_sources from = {
        .environment = environ,
        .sets = sources->sets,
        .set_count = sources->set_count,
    };
    bool ok;

    *s = (struct settings){.file = find_file(sources->file)};
    from.file = *s->file ? s->file : NULL;
    ok = config_load(&settings_table, &from, s, &errors, &warnings);
    print_lines("warning: ", &warnings);
    print_lines("", &errors);
    buf_free(&errors);
    buf_free(&warnings);
    if (ok && !*s->ledger_path) {
        mem_free(s->ledger_path);
        s->ledger_path = default_ledger_path();
        warn_of_own_ledger(s);
    }
    if (ok && !*s->control_socket) {
        mem_free(s->control_socket);
        s->control_socket = join(s->ledger_path, ".sock");
    }
    return ok;
}

void settings_free(struct settings *s)
{
    config_free(&settings_table, s);
    mem_free(s->file);
    s->file = NULL;
}

static const struct config_key *key_named(const char *name)
{
    size_t i = 0;

    while (strcmp(settings_table.keys[i].name, name) != 0) /* the caller knows it is there */
        i++;
    return &settings_table.keys[i];
}

bool settings_check_flag(const char *flag, const char *key, const char *value, struct err *e)
{
    const struct config_key *k = key_named(key);
    struct settings scratch = {0};
    struct buf allowed = buf_new(4096);
    const char *reason = config_value_set(k, value, &scratch);

    if (k->type == CONFIG_TEXT) { /* its check says what is allowed */
        buf_adds(&allowed, reason ? reason : "");
        reason = reason ? "is not allowed" : NULL;
    } else {
        config_allowed(k, &allowed);
    }
    if (reason)
        (void)err_set(e, EXIT_USAGE, "%s: '%.100s' %s (%s)", flag, value, reason,
                      buf_text(&allowed));
    buf_free(&allowed);
    config_free(&settings_table, &scratch);
    return !reason;
}

static size_t size_of(enum config_type type)
{
    switch (type) {
    case CONFIG_TEXT:
        return sizeof(char *);
    case CONFIG_BOOL:
        return sizeof(bool);
    case CONFIG_INT:
        return sizeof(int64_t);
    case CONFIG_RATE:
        return sizeof(double);
    case CONFIG_CHOICE:
        return sizeof(int);
    }
    return 0;
}

static bool is_same(const struct config_key *key, const char *a, const char *b)
{
    const char *left, *right;

    if (key->type != CONFIG_TEXT)
        return memcmp(a, b, size_of(key->type)) == 0;
    memcpy(&left, a, sizeof(left));
    memcpy(&right, b, sizeof(right));
    return strcmp(left, right) == 0;
}

void settings_keep_fixed(struct settings *fresh, struct settings *now, struct buf *changed)
{
    for (size_t i = 0; i < settings_table.count; i++) {
        const struct config_key *key = &settings_table.keys[i];
        char *theirs = (char *)fresh + key->offset, *ours = (char *)now + key->offset;
        char swap[sizeof(int64_t)];

        if (key->reloadable)
            continue;
        if (!is_same(key, theirs, ours))
            buf_addf(changed, "%s%s", changed->len ? ", " : "", key->name);
        memcpy(swap, theirs, size_of(key->type));
        memcpy(theirs, ours, size_of(key->type));
        memcpy(ours, swap, size_of(key->type));
    }
}

bool settings_can_send(const struct settings *s, struct err *e)
{
    if (*s->phone_id)
        return true;
    return err_set(e, EXIT_CONFIG,
                   "whatsapp.phone_id is not set: put it into %s, or into WHATSAPP_PHONE_ID "
                   "(digits, as Meta's dashboard shows the id)",
                   *s->file ? s->file : "a configuration file (--config)");
}

/* A column's name may have blanks in it. */
static char *trimmed(char *item)
{
    size_t len;

    item += strspn(item, " \t");
    len = strlen(item);
    while (len && strchr(" \t", item[len - 1]))
        item[--len] = '\0';
    return item;
}

const char **settings_split_list(const char *list, size_t *count)
{
    size_t len = strlen(list);
    size_t slots = len / 2 + 2;
    const char **items = mem_alloc(slots * sizeof(char *) + len + 1);
    char *text = (char *)(items + slots);
    char *rest = text;
    char *item;

    memcpy(text, list, len + 1);
    *count = 0;
    while ((item = strsep(&rest, ","))) {
        item = trimmed(item);
        if (*item && *count < slots)
            items[(*count)++] = item;
    }
    return items;
}
