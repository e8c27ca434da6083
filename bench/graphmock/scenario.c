/* SPDX-License-Identifier: MIT */
#include "scenario.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MAX_SIZE = 1024 };

static char *flag_of(const char *line, size_t len)
{
    char flag[LINE_MAX_SIZE + 3];

    (void)snprintf(flag, sizeof(flag), "--%.*s", (int)len, line); /* it fits */
    return mem_strdup(flag);
}

/* "NAME VALUE" or "NAME" */
static void take_line(struct scenario *s, char *line)
{
    size_t name;

    line += strspn(line, " \t");
    line[strcspn(line, "\r\n")] = '\0';
    if (!*line || *line == '#')
        return;
    name = strcspn(line, " \t=");
    s->text[s->count++] = flag_of(line, name);
    if (!line[name])
        return;
    line += name + strspn(line + name, " \t=");
    s->text[s->count++] = mem_strdup(line);
}

bool scenario_read(struct scenario *s, const char *path, struct err *e)
{
    FILE *file = fopen(path, "re");
    char line[LINE_MAX_SIZE];

    if (!file)
        return err_set(e, EXIT_NO_INPUT, "--scenario %s: %s", path, strerror(errno));
    while (s->count + 2 <= SCENARIO_ARGUMENTS_MAX && fgets(line, sizeof(line), file))
        take_line(s, line);
    (void)fclose(file); /* it was only read */
    return s->count + 2 <= SCENARIO_ARGUMENTS_MAX ||
           err_set(e, EXIT_USAGE, "--scenario %s: too many lines", path);
}

void scenario_free(struct scenario *s)
{
    for (int i = 0; i < s->count; i++)
        mem_free(s->text[i]);
    s->count = 0;
}
