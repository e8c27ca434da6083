/* SPDX-License-Identifier: MIT */
#include "core/message_field.h"

#include <string.h>

static const char *const plain_names[SLOT_P] = {
    [SLOT_TO] = "to",
    [SLOT_ID] = "id",
    [SLOT_TEMPLATE] = "template",
    [SLOT_LANG] = "lang",
    [SLOT_PARAMS] = "params",
    [SLOT_COMPONENTS] = "components",
    [SLOT_HEADER] = "header",
    [SLOT_CLASS_ID] = "class_id",
    [SLOT_TEST_NUM] = "test_num",
    [SLOT_BROADCAST] = "broadcast",
    [SLOT_SENDER] = "sender",
    [SLOT_NOT_BEFORE] = "not_before",
    [SLOT_EXPIRES_AT] = "expires_at",
    [SLOT_REF] = "ref",
};

/* Names that end in a number, without a zero in front. */
struct numbered_name {
    const char *prefix;
    unsigned first, last; /* numbers that have a slot */
    unsigned slot;        /* of the first */
    unsigned beyond;      /* slot of numbers above the last */
};

static const struct numbered_name numbered_names[] = {
    {"p", 1, MESSAGE_PARAMS_MAX, SLOT_P, SLOT_BEYOND},
    {"url_button_", 0, MESSAGE_BUTTONS_MAX - 1, SLOT_URL, SLOT_NONE},
    {"quick_reply_", 0, MESSAGE_BUTTONS_MAX - 1, SLOT_REPLY, SLOT_NONE},
};

/* The whole of `digits`; false when it is no number of 1 to 6 digits as we write them. */
static bool read_number(const char *digits, unsigned *number)
{
    size_t len = strspn(digits, "0123456789");

    if (len == 0 || len > 6 || digits[len] || (digits[0] == '0' && len > 1))
        return false;
    *number = 0;
    for (size_t i = 0; i < len; i++)
        *number = *number * 10 + (unsigned)(digits[i] - '0');
    return true;
}

static unsigned numbered_slot(const struct numbered_name *n, const char *name)
{
    size_t prefix = strlen(n->prefix);
    unsigned number;

    if (strncmp(name, n->prefix, prefix) != 0 || !read_number(name + prefix, &number) ||
        number < n->first)
        return SLOT_NONE;
    return number <= n->last ? n->slot + (number - n->first) : n->beyond;
}

unsigned field_slot(const char *name)
{
    for (unsigned slot = 0; slot < SLOT_P; slot++)
        if (name[0] == plain_names[slot][0] && strcmp(name, plain_names[slot]) == 0)
            return slot;
    for (size_t i = 0; i < ARRAY_SIZE(numbered_names); i++) {
        unsigned slot = SLOT_NONE;

        if (name[0] == numbered_names[i].prefix[0])
            slot = numbered_slot(&numbered_names[i], name);
        if (slot != SLOT_NONE)
            return slot;
    }
    return SLOT_NONE;
}

const char *field_slot_name(enum field_slot slot)
{
    return plain_names[slot];
}

const char *param_column(const char *param)
{
    const char *equals = strchr(param, '=');

    return equals ? equals + 1 : param;
}

static void note_slot(struct field_set *set, unsigned slot)
{
    if (slot >= SLOT_P && slot < SLOT_URL && slot - SLOT_P >= set->p_last)
        set->p_last = slot - SLOT_P + 1;
    if (slot == SLOT_HEADER || slot >= SLOT_URL)
        set->has_extras = true;
}

bool field_set_sort(struct field_set *set, const struct field *fields, size_t count,
                    struct reject *why)
{
    *set = (struct field_set){.fields = fields, .count = count};
    for (size_t i = 0; i < count; i++) {
        unsigned slot = field_slot(fields[i].name);

        if (slot == SLOT_NONE)
            continue;
        if (slot == SLOT_BEYOND)
            return reject_set(why, "%s: too many parameters; p1 to p%d are allowed", fields[i].name,
                              MESSAGE_PARAMS_MAX);
        if (set->slots[slot])
            return reject_set(why, "%s: comes twice; once is allowed", fields[i].name);
        set->slots[slot] = &fields[i];
        note_slot(set, slot);
    }
    return true;
}

const struct field *field_given(const struct field_set *set, unsigned slot)
{
    const struct field *f = set->slots[slot];

    return f && f->len > 0 ? f : NULL;
}

const struct field *field_find(const struct field_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->fields[i].name, name) == 0)
            return &set->fields[i];
    return NULL;
}

bool message_field_is_known(const char *name, const struct message_defaults *defaults)
{
    if (field_slot(name) != SLOT_NONE)
        return true;
    for (size_t i = 0; i < defaults->param_count; i++)
        if (strcmp(name, param_column(defaults->params[i])) == 0)
            return true;
    return false;
}
