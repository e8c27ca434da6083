/* SPDX-License-Identifier: MIT
 *
 * message_field.h: the names that a message's fields have, and the fields of one message sorted by
 * them. For message.c and content.c.
 *
 * Model: each name has a slot. Numbered names (p1.., url_button_0.., quick_reply_0..) have a run of
 * slots. Names without a slot are columns of the template, or unknown.
 */
#ifndef CORE_MESSAGE_FIELD_H
#define CORE_MESSAGE_FIELD_H

#include "core/message.h"

enum field_slot {
    SLOT_TO,
    SLOT_ID,
    SLOT_TEMPLATE,
    SLOT_LANG,
    SLOT_PARAMS,
    SLOT_COMPONENTS,
    SLOT_HEADER,
    SLOT_CLASS_ID,
    SLOT_TEST_NUM,
    SLOT_BROADCAST,
    SLOT_SENDER,
    SLOT_NOT_BEFORE,
    SLOT_EXPIRES_AT,
    SLOT_REF,
    SLOT_P, /* p1 */
    SLOT_URL = SLOT_P + MESSAGE_PARAMS_MAX,
    SLOT_REPLY = SLOT_URL + MESSAGE_BUTTONS_MAX,
    SLOT_COUNT = SLOT_REPLY + MESSAGE_BUTTONS_MAX,
    SLOT_BEYOND, /* p65 and above: known, and refused */
    SLOT_NONE,
};

struct field_set {
    const struct field *fields; /* as given; borrowed */
    size_t count;
    const struct field *slots[SLOT_COUNT]; /* NULL: not there */
    unsigned p_last;                       /* the highest N of p1..pN that is there; 0: none */
    bool has_extras;                       /* a header or a button is there */
};

unsigned field_slot(const char *name);
/* The name of a slot below SLOT_P. */
const char *field_slot_name(enum field_slot slot);
/* "name=COLUMN" -> "COLUMN". Borrowed from `param`. */
const char *param_column(const char *param);

/* Refuses a name that comes twice, and a p beyond MESSAGE_PARAMS_MAX. */
bool field_set_sort(struct field_set *set, const struct field *fields, size_t count,
                    struct reject *why) MUST_CHECK;
/* The field in `slot` when it is there and not empty. */
const struct field *field_given(const struct field_set *set, unsigned slot);
/* The field of any name, known or not; NULL when it is not there. */
const struct field *field_find(const struct field_set *set, const char *name);

#endif
