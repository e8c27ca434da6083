/* SPDX-License-Identifier: MIT */
#include "base/config.h"

#include <string.h>

static size_t section_len(const struct config_key *key)
{
    return strcspn(key->name, ".");
}

static bool begins_section(const struct config_table *table, size_t index)
{
    const struct config_key *key = &table->keys[index];

    return index == 0 || strncmp(key->name, table->keys[index - 1].name, section_len(key) + 1) != 0;
}

/* Each line of the help as a comment of its own. */
static void write_help(const char *help, struct buf *out)
{
    while (help && *help) {
        size_t len = strcspn(help, "\n");

        buf_addf(out, "# %.*s\n", (int)len, help);
        help += len + (help[len] ? 1 : 0);
    }
}

static void write_key(const struct config_table *table, const struct config_key *key,
                      struct buf *out)
{
    size_t start;

    write_help(key->help, out);
    buf_adds(out, "# ");
    start = out->len;
    config_allowed(key, out);
    buf_adds(out, out->len > start ? "; " : "");
    config_variable(table, key, out);
    if (key->environment)
        buf_addf(out, ", %s", key->environment);
    buf_addf(out, "%s\n#%s =%s%s\n", key->reloadable ? "; read again on SIGHUP" : "",
             key->name + section_len(key) + 1, key->fallback ? " " : "",
             key->fallback ? key->fallback : "");
}

void config_sample(const struct config_table *table, struct buf *out)
{
    buf_adds(out,
             "# Every key with its default: take the '#' away to change one. Above it stands what\n"
             "# it takes, and the environment variable that beats this file.\n");
    for (size_t i = 0; i < table->count; i++) {
        const struct config_key *key = &table->keys[i];

        buf_addc(out, '\n');
        if (begins_section(table, i))
            buf_addf(out, "[%.*s]\n\n", (int)section_len(key), key->name);
        write_key(table, key, out);
    }
}
