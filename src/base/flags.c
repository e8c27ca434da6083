/* SPDX-License-Identifier: MIT */
#include "base/flags.h"

#include "base/text.h"

#include <stdint.h>
#include <string.h>

/* The names of one command's flags, its own and the common ones, and --help. */
enum { NAMES_MAX = 128 };

struct parser {
    const struct flag_table *table;
    const struct flag_input *input;
    struct flag_arguments *arguments;
    struct err *e;
    int next; /* index of the argument that comes next */
};

/* A flag that was found, and where its value goes. */
struct target {
    const struct flag *flag;
    char *base;
};

/* --- looking up ------------------------------------------------------------------------------ */

static bool is_named(const struct flag *flag, const char *name, size_t len)
{
    return strlen(flag->name) == len && memcmp(flag->name, name, len) == 0;
}

/* `name` is a long name, or one letter when `is_letter`. */
static const struct flag *flag_find(const struct flag *flags, size_t count, const char *name,
                                    size_t len, bool is_letter)
{
    for (size_t i = 0; i < count; i++)
        if (is_letter ? flags[i].letter == *name : is_named(&flags[i], name, len))
            return &flags[i];
    return NULL;
}

static struct target target_find(const struct parser *p, const char *name, size_t len,
                                 bool is_letter)
{
    const struct flag_table *t = p->table;
    const struct flag *own = flag_find(t->flags, t->count, name, len, is_letter);
    const struct flag *common = flag_find(t->common, t->common_count, name, len, is_letter);

    if (own)
        return (struct target){own, p->input->options};
    return (struct target){common, p->input->common};
}

static bool is_near(const char *word, const char *name, size_t distance)
{
    size_t len = strlen(word);

    return distance <= (len < 5 ? 1 : 2) || (len >= 3 && strncmp(word, name, len) == 0);
}

const char *flags_nearest(const char *word, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    size_t least = SIZE_MAX;

    for (size_t i = 0; i < count; i++) {
        size_t distance = text_distance(word, names[i]);

        if (distance < least && is_near(word, names[i], distance)) {
            nearest = names[i];
            least = distance;
        }
    }
    return nearest;
}

static size_t names_add(const char **names, size_t used, const struct flag *flags, size_t count)
{
    for (size_t i = 0; i < count && used < NAMES_MAX; i++)
        names[used++] = flags[i].name;
    return used;
}

static bool refuse_unknown(const struct parser *p, const char *argument)
{
    const char *names[NAMES_MAX] = {"help"};
    const char *word = argument + strspn(argument, "-");
    size_t word_len = strcspn(word, "=");
    char copy[64];
    const char *nearest;
    size_t count = names_add(names, 1, p->table->flags, p->table->count);

    count = names_add(names, count, p->table->common, p->table->common_count);
    text_copy(copy, sizeof(copy), word, word_len);
    nearest = flags_nearest(copy, names, count);
    if (nearest)
        return err_set(p->e, EXIT_USAGE, "unknown flag %.*s (did you mean --%s?)",
                       (int)(word_len + (size_t)(word - argument)), argument, nearest);
    return err_set(p->e, EXIT_USAGE, "unknown flag %.*s ('%s%s%s' lists them)",
                   (int)(word_len + (size_t)(word - argument)), argument,
                   p->table->is_program ? "" : "tidings help ", p->table->command,
                   p->table->is_program ? " --help" : "");
}

/* --- values ---------------------------------------------------------------------------------- */

static bool store_repeated(const struct parser *p, const struct flag *flag,
                           struct flag_values *values, const char *value)
{
    if (values->count == FLAG_VALUES_MAX)
        return err_set(p->e, EXIT_USAGE, "--%s: given too often (at most %d times)", flag->name,
                       FLAG_VALUES_MAX);
    values->items[values->count++] = value;
    return true;
}

static bool store_count(const struct parser *p, const struct flag *flag, uint64_t *count,
                        const char *value)
{
    int64_t number;

    if (!text_to_int(value, 1, INT64_MAX, &number))
        return err_set(p->e, EXIT_USAGE, "--%s: '%.100s' is no whole number (1 or more)",
                       flag->name, value);
    *count = (uint64_t)number;
    return true;
}

static bool store(const struct parser *p, struct target to, const char *value)
{
    void *place = to.base + to.flag->offset;

    switch (to.flag->kind) {
    case FLAG_SWITCH:
        *(bool *)place = true;
        return true;
    case FLAG_TEXT:
    case FLAG_OPTIONAL:
        *(const char **)place = value;
        return true;
    case FLAG_REPEATED:
        return store_repeated(p, to.flag, place, value);
    case FLAG_COUNT:
        return store_count(p, to.flag, place, value);
    }
    return false;
}

/* "-", "-5" and "" can be meant as values; "-x" and "--x" are flags. */
static bool looks_like_flag(const char *text)
{
    return text[0] == '-' && text[1] != '\0' && !(text[1] >= '0' && text[1] <= '9');
}

static bool parse_value(struct parser *p, struct target to, const char *attached)
{
    const char *name = to.flag->name;
    const char *value = attached;

    if (to.flag->kind == FLAG_SWITCH && attached)
        return err_set(p->e, EXIT_USAGE, "--%s takes no value (it was given '%.100s')", name,
                       attached);
    if (to.flag->kind == FLAG_SWITCH || to.flag->kind == FLAG_OPTIONAL)
        return store(p, to, attached ? attached : "");
    if (!value && p->next < p->input->argc) {
        value = p->input->argv[p->next];
        if (looks_like_flag(value))
            return err_set(p->e, EXIT_USAGE,
                           "--%s wants a value, not %.100s (or write --%s=%.100s)", name, value,
                           name, value);
        p->next++;
    }
    if (!value)
        return err_set(p->e, EXIT_USAGE, "--%s wants a value: --%s %s", name, name,
                       to.flag->value ? to.flag->value : "VALUE");
    return store(p, to, value);
}

/* --- arguments ------------------------------------------------------------------------------- */

static bool parse_flag(struct parser *p, const char *argument)
{
    bool is_letter = argument[1] != '-';
    const char *name = argument + (is_letter ? 1 : 2);
    size_t len = strcspn(name, "=");
    const char *attached = name[len] == '=' ? name + len + 1 : NULL;
    struct target to;

    if (strcmp(argument, "-h") == 0 || strcmp(argument, "--help") == 0) {
        p->arguments->help = true;
        return true;
    }
    if (is_letter && len != 1)
        return refuse_unknown(p, argument);
    to = target_find(p, name, len, is_letter);
    if (!to.flag)
        return refuse_unknown(p, argument);
    return parse_value(p, to, attached);
}

static bool keep_argument(struct parser *p, const char *argument)
{
    struct flag_arguments *a = p->arguments;

    if (a->count == FLAG_ARGUMENTS_MAX)
        return err_set(p->e, EXIT_USAGE, "too many arguments (at most %d), from '%s' on",
                       FLAG_ARGUMENTS_MAX, argument);
    a->items[a->count++] = argument;
    return true;
}

bool flags_parse(const struct flag_table *table, const struct flag_input *input,
                 struct flag_arguments *arguments, struct err *e)
{
    struct parser p = {.table = table, .input = input, .arguments = arguments, .e = e};
    bool flags_ended = false;

    *arguments = (struct flag_arguments){0};
    while (p.next < input->argc) {
        const char *argument = input->argv[p.next++];
        bool is_flag = !flags_ended && argument[0] == '-' && argument[1] != '\0';

        if (is_flag && strcmp(argument, "--") == 0)
            flags_ended = true;
        else if (!(is_flag ? parse_flag(&p, argument) : keep_argument(&p, argument)))
            return false;
    }
    return true;
}

/* --- help ------------------------------------------------------------------------------------ */

/* "  -c, --config FILE" */
static void flag_write_left(const struct flag *flag, struct buf *out)
{
    if (flag->letter)
        buf_addf(out, "  -%c, --%s", flag->letter, flag->name);
    else
        buf_addf(out, "      --%s", flag->name);
    if (flag->kind == FLAG_OPTIONAL)
        buf_addf(out, "[=%s]", flag->value);
    else if (flag->value)
        buf_addf(out, " %s", flag->value);
}

static size_t widest(const struct flag *flags, size_t count, size_t so_far)
{
    for (size_t i = 0; i < count; i++) {
        struct buf left = buf_new(256);

        flag_write_left(&flags[i], &left);
        so_far = left.len > so_far ? left.len : so_far;
        buf_free(&left);
    }
    return so_far;
}

static void write_flags(const struct flag *flags, size_t count, size_t width, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        size_t start = out->len;

        flag_write_left(&flags[i], out);
        while (buf_ok(out) && out->len < start + width + 2)
            buf_addc(out, ' ');
        buf_addf(out, "%s\n", flags[i].help);
    }
}

void flags_help(const struct flag_table *table, struct buf *out)
{
    static const struct flag help = {.name = "help", .letter = 'h', .help = "this text"};
    size_t width = widest(table->flags, table->count, 0);

    width = widest(table->common, table->common_count, width);
    buf_addf(out, "Usage: %s%s [FLAG...]%s%s\n\n%s\n\nFlags:\n",
             table->is_program ? "" : "tidings ", table->command,
             table->arguments && *table->arguments ? " " : "",
             table->arguments ? table->arguments : "", table->summary);
    write_flags(table->flags, table->count, width, out);
    write_flags(&help, 1, width, out);
    if (table->common_count > 0)
        buf_adds(out, "\nCommon flags:\n");
    write_flags(table->common, table->common_count, width, out);
}
