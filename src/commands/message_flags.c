/* SPDX-License-Identifier: MIT */
#include "commands/message_flags.h"

#include "base/mem.h"
#include "commands/settings.h"
#include "core/content_text.h"
#include "core/message.h"

#include <string.h>

/* ---- A list of columns. */

static bool is_blank_or_end(char c)
{
    return c == ' ' || c == '\t' || c == '\0';
}

/* "name=COLUMN": a name that Graph takes, and a column right behind the '='. */
static const char *named_fault(const char *item)
{
    const char *equals = strchr(item, '=');

    if (content_name_fault(item, (size_t)(equals - item)) || is_blank_or_end(equals[1]))
        return "name=COLUMN without blanks around the '=', names of a to z, 0 to 9 and _";
    return NULL;
}

static bool is_named_before(const char *const *items, size_t index)
{
    size_t len = strcspn(items[index], "=") + 1; /* with the '=' */

    for (size_t i = 0; i < index; i++)
        if (strncmp(items[i], items[index], len) == 0)
            return true;
    return false;
}

static const char *item_fault(const char *const *items, size_t index)
{
    bool named = strchr(items[index], '=') != NULL;

    if (named != (strchr(items[0], '=') != NULL))
        return "columns, or name=COLUMN for each of them: not some of both";
    if (!named)
        return NULL;
    return is_named_before(items, index) ? "name=COLUMN, no name twice" : named_fault(items[index]);
}

static size_t count_commas(const char *list)
{
    size_t count = 0;

    for (; *list; list++)
        count += *list == ',';
    return count;
}

static const char *items_fault(const char *const *items, size_t count, size_t wanted)
{
    const char *fault = NULL;

    if (count != wanted)
        return "columns with a comma between them, none of them empty";
    if (count > MESSAGE_PARAMS_MAX)
        return "at most 64 columns";
    for (size_t i = 0; i < count && !fault; i++)
        fault = item_fault(items, i);
    return fault;
}

const char *param_list_fault(const char *list)
{
    const char *fault;
    const char **items;
    size_t count;

    if (!list[strspn(list, " \t")])
        return NULL; /* the template has none */
    items = settings_split_list(list, &count);
    fault = items_fault(items, count, count_commas(list) + 1);
    mem_free(items);
    return fault;
}

/* ---- The flags. */

static bool check_params(const char *params, struct err *e)
{
    const char *fault = params && strcmp(params, "''") != 0 ? param_list_fault(params) : NULL;

    return !fault || err_set(e, EXIT_USAGE, "--param: '%.100s' is not allowed (%s)", params, fault);
}

static bool check_sender(const char *sender, struct err *e)
{
    if (sender && !*sender)
        return err_set(e, EXIT_USAGE, "--sender: '' is not allowed (a phone_id, 1 to 32 digits)");
    return !sender || settings_check_flag("--sender", "whatsapp.phone_id", sender, e);
}

bool message_flags_check(const struct message_flags *f, struct err *e)
{
    return (!f->template_name ||
            settings_check_flag("--template", "template.name", f->template_name, e)) &&
           (!f->lang || settings_check_flag("--lang", "template.lang", f->lang, e)) &&
           check_sender(f->sender, e) && check_params(f->params, e);
}
