/* SPDX-License-Identifier: MIT */
#include "core/message.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"
#include "core/content.h"
#include "core/message_field.h"
#include "core/phone.h"

#include <string.h>

enum text_key {
    TEXT_ID,
    TEXT_TO,
    TEXT_TEMPLATE,
    TEXT_LANG,
    TEXT_CONTENT,
    TEXT_CLASS_ID,
    TEXT_TEST_NUM,
    TEXT_BROADCAST,
    TEXT_SENDER,
    TEXT_REF,
    TEXT_COUNT,
};

/* A message before it has memory of its own: its texts are borrowed. */
struct draft {
    struct hash_part texts[TEXT_COUNT];
    int64_t not_before_ms;
    int64_t expires_at_ms;
};

/* ---- A message of a draft. */

static const char *put_text(char **at, const struct hash_part *text)
{
    char *copy = *at;

    if (text->len)
        memcpy(copy, text->bytes, text->len);
    copy[text->len] = '\0';
    *at = copy + text->len + 1;
    return copy;
}

static uint64_t content_hash(const struct hash_part *texts)
{
    return hash64_parts(
        (struct hash_part[]){
            texts[TEXT_TO],
            texts[TEXT_TEMPLATE],
            texts[TEXT_LANG],
            texts[TEXT_CONTENT],
        },
        4);
}

static uint64_t pair_hash(const struct hash_part *texts)
{
    return hash_quick((struct hash_part[]){texts[TEXT_SENDER], texts[TEXT_TO]}, 2);
}

/* The message and its texts are one piece of memory. */
static struct message *message_of(const struct draft *d)
{
    size_t size = sizeof(struct message) + TEXT_COUNT;
    struct message *m;
    char *at;

    for (size_t i = 0; i < TEXT_COUNT; i++)
        size += d->texts[i].len;
    m = mem_alloc(size);
    at = (char *)(m + 1);
    m->id = put_text(&at, &d->texts[TEXT_ID]);
    m->to = put_text(&at, &d->texts[TEXT_TO]);
    m->template_name = put_text(&at, &d->texts[TEXT_TEMPLATE]);
    m->lang = put_text(&at, &d->texts[TEXT_LANG]);
    m->content = put_text(&at, &d->texts[TEXT_CONTENT]);
    m->class_id = put_text(&at, &d->texts[TEXT_CLASS_ID]);
    m->test_num = put_text(&at, &d->texts[TEXT_TEST_NUM]);
    m->broadcast = put_text(&at, &d->texts[TEXT_BROADCAST]);
    m->sender = put_text(&at, &d->texts[TEXT_SENDER]);
    m->ref = put_text(&at, &d->texts[TEXT_REF]);
    m->not_before_ms = d->not_before_ms;
    m->expires_at_ms = d->expires_at_ms;
    m->id_hash = hash64(d->texts[TEXT_ID].bytes, d->texts[TEXT_ID].len);
    m->content_hash = content_hash(d->texts);
    m->pair_hash = pair_hash(d->texts);
    return m;
}

static struct hash_part text_of(const char *text)
{
    return (struct hash_part){.bytes = text ? text : "", .len = text ? strlen(text) : 0};
}

struct message *message_restore(const struct message *values)
{
    struct draft d = {
        .texts =
            {
                [TEXT_ID] = text_of(values->id),
                [TEXT_TO] = text_of(values->to),
                [TEXT_TEMPLATE] = text_of(values->template_name),
                [TEXT_LANG] = text_of(values->lang),
                [TEXT_CONTENT] = text_of(values->content),
                [TEXT_CLASS_ID] = text_of(values->class_id),
                [TEXT_TEST_NUM] = text_of(values->test_num),
                [TEXT_BROADCAST] = text_of(values->broadcast),
                [TEXT_SENDER] = text_of(values->sender),
                [TEXT_REF] = text_of(values->ref),
            },
        .not_before_ms = values->not_before_ms,
        .expires_at_ms = values->expires_at_ms,
    };

    return message_of(&d);
}

void message_free(struct message *m)
{
    mem_free(m);
}

/* ---- Rules of the plain texts: what is wrong and what is allowed, or NULL. */

static const char *template_fault(const char *text, size_t len)
{
    const char *fault = "is no template name; a to z, 0 to 9 and _, at most 512, are allowed";

    if (len > MESSAGE_TEMPLATE_MAX)
        return fault;
    for (size_t i = 0; i < len; i++)
        if (!((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '0' && text[i] <= '9') ||
              text[i] == '_'))
            return fault;
    return NULL;
}

static size_t letters(const char *text, size_t len)
{
    size_t count = 0;

    while (count < len && ((text[count] >= 'a' && text[count] <= 'z') ||
                           (text[count] >= 'A' && text[count] <= 'Z')))
        count++;
    return count;
}

/* "en", "fil", "en_US", "zh-Hant" */
static const char *lang_fault(const char *text, size_t len)
{
    size_t language = letters(text, len);
    size_t region = 0;

    if (language < len && (text[language] == '_' || text[language] == '-'))
        region = letters(text + language + 1, len - language - 1) + 1;
    if (language >= 2 && language <= 3 && language + region == len &&
        (region == 0 || (region >= 3 && region <= 5)))
        return NULL;
    return "is no language code; codes like en, fil, en_US are allowed";
}

static const char *sender_fault(const char *text, size_t len)
{
    size_t digits = 0;

    while (digits < len && text[digits] >= '0' && text[digits] <= '9')
        digits++;
    return digits == len && len <= MESSAGE_SENDER_MAX
               ? NULL
               : "is no phone_id; 1 to 32 digits are allowed";
}

static const char *label_fault(const char *text, size_t len)
{
    if (len <= MESSAGE_LABEL_MAX && utf8_is_valid(text, len) && !utf8_has_control(text, len))
        return NULL;
    return "is no label; up to 128 bytes of UTF-8 without control characters are allowed";
}

static const char *id_fault(const char *text, size_t len)
{
    if (len <= MESSAGE_ID_MAX && utf8_is_valid(text, len) && !utf8_has_control(text, len))
        return NULL;
    return "is no id; 1 to 128 bytes of UTF-8 without control characters are allowed";
}

static const char *ref_fault(const char *text, size_t len)
{
    if (len <= MESSAGE_REF_MAX && utf8_is_valid(text, len) && !memchr(text, '\0', len))
        return NULL;
    return "is no ref; up to 512 bytes of UTF-8 without NUL are allowed";
}

struct text_rule {
    enum field_slot slot;
    enum text_key key;
    const char *(*fault)(const char *text, size_t len);
    const char *missing; /* why it must be there; NULL: it need not */
};

static const struct text_rule rules[] = {
    {SLOT_TEMPLATE, TEXT_TEMPLATE, template_fault,
     "template: missing, and template.name is not set; the name of an approved template is "
     "allowed"},
    {SLOT_LANG, TEXT_LANG, lang_fault,
     "lang: missing, and template.lang is not set; codes like en, fil, en_US are allowed"},
    {SLOT_SENDER, TEXT_SENDER, sender_fault,
     "sender: missing, and whatsapp.phone_id is not set; 1 to 32 digits are allowed"},
    {SLOT_ID, TEXT_ID, id_fault, NULL},
    {SLOT_CLASS_ID, TEXT_CLASS_ID, label_fault, NULL},
    {SLOT_TEST_NUM, TEXT_TEST_NUM, label_fault, NULL},
    {SLOT_BROADCAST, TEXT_BROADCAST, label_fault, NULL},
    {SLOT_REF, TEXT_REF, ref_fault, NULL},
};

const char *message_value_fault(const char *field, const char *value)
{
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
        if (strcmp(field_slot_name(rules[i].slot), field) == 0)
            return rules[i].fault(value, strlen(value));
    return NULL;
}

/* ---- Fields into a draft. */

static void take_defaults(struct draft *d, const struct message_context *context)
{
    const struct message_defaults *defaults = context->defaults;

    *d = (struct draft){0};
    for (size_t i = 0; i < TEXT_COUNT; i++)
        d->texts[i].bytes = "";
    d->texts[TEXT_TEMPLATE] = text_of(defaults->template_name);
    d->texts[TEXT_LANG] = text_of(defaults->lang);
    d->texts[TEXT_SENDER] = text_of(defaults->sender);
    d->texts[TEXT_BROADCAST] = text_of(defaults->broadcast);
    if (context->id_rule == ID_FROM_SOURCE)
        d->texts[TEXT_ID] = text_of(context->source_id);
}

/* The field in `slot`, NULL when it is not given. False when it is no text. */
static bool take_text(const struct field_set *set, enum field_slot slot, const struct field **out,
                      struct reject *why)
{
    *out = field_given(set, slot);
    if (*out && (*out)->is_json)
        return reject_set(why, "%s: is an array or object; text is allowed", (*out)->name);
    return true;
}

static bool take_by_rule(struct draft *d, const struct field_set *set, const struct text_rule *rule,
                         struct reject *why)
{
    struct hash_part *text = &d->texts[rule->key];
    const struct field *f;
    const char *fault;

    if (!take_text(set, rule->slot, &f, why))
        return false;
    if (f)
        *text = (struct hash_part){.bytes = f->value, .len = f->len};
    if (text->len == 0)
        return !rule->missing || reject_set(why, "%s", rule->missing);
    fault = rule->fault(text->bytes, text->len);
    return !fault || reject_value(why, field_slot_name(rule->slot), text->bytes, text->len, fault);
}

static bool take_phone(struct draft *d, const struct field_set *set, char phone[PHONE_SIZE],
                       struct reject *why)
{
    static const char allowed[] = "E.164 with '+', 8 to 15 digits, is allowed";
    const struct field *f;
    const char *fault;

    if (!take_text(set, SLOT_TO, &f, why))
        return false;
    if (!f)
        return reject_set(why, "to: missing; %s", allowed);
    if (!phone_parse(f->value, f->len, phone, &fault)) {
        char shown[REJECT_SHOWN_SIZE];

        return reject_set(why, "to: \"%s\" %s; %s", reject_show(shown, f->value, f->len), fault,
                          allowed);
    }
    d->texts[TEXT_TO] = text_of(phone);
    return true;
}

static bool take_time(const struct field_set *set, enum field_slot slot, int64_t *out,
                      struct reject *why)
{
    const struct field *f;

    if (!take_text(set, slot, &f, why))
        return false;
    if (!f || text_to_time_ms(f->value, f->len, out))
        return true;
    return reject_value(why, f->name, f->value, f->len,
                        "is no time; RFC 3339 like 2026-04-02T09:30:00Z, or Unix seconds, is "
                        "allowed");
}

static bool take_times(struct draft *d, const struct field_set *set, struct reject *why)
{
    if (!take_time(set, SLOT_NOT_BEFORE, &d->not_before_ms, why) ||
        !take_time(set, SLOT_EXPIRES_AT, &d->expires_at_ms, why))
        return false;
    if (d->expires_at_ms && d->expires_at_ms < d->not_before_ms)
        return reject_value(why, "expires_at", set->slots[SLOT_EXPIRES_AT]->value,
                            set->slots[SLOT_EXPIRES_AT]->len,
                            "is before not_before; a later time is allowed");
    return true;
}

static bool take_content(struct draft *d, const struct field_set *set,
                         const struct message_context *context, struct buf *content,
                         struct reject *why)
{
    const char *usual = context->defaults->template_name;
    const struct hash_part *template = &d->texts[TEXT_TEMPLATE];
    struct content_source source = {
        .set = set,
        .defaults = context->defaults,
        .is_default_template = usual && strlen(usual) == template->len &&
                               memcmp(usual, template->bytes, template->len) == 0,
    };

    if (!content_write(content, &source, why))
        return false;
    d->texts[TEXT_CONTENT] = (struct hash_part){.bytes = buf_text(content), .len = content->len};
    return true;
}

static void derive_id(struct draft *d, char id[33])
{
    const struct hash_part *texts = d->texts;

    hash128_hex(
        (struct hash_part[]){
            texts[TEXT_BROADCAST],
            texts[TEXT_SENDER],
            texts[TEXT_TO],
            texts[TEXT_TEMPLATE],
            texts[TEXT_LANG],
            texts[TEXT_CONTENT],
        },
        6, id);
    d->texts[TEXT_ID] = (struct hash_part){.bytes = id, .len = 32};
}

static bool take_fields(struct draft *d, const struct field_set *set, struct reject *why)
{
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
        if (!take_by_rule(d, set, &rules[i], why))
            return false;
    return take_times(d, set, why);
}

struct message *message_from_fields(const struct field *fields, size_t count,
                                    const struct message_context *context, struct reject *why)
{
    struct buf content = buf_new(MESSAGE_CONTENT_MAX);
    struct message *m = NULL;
    struct field_set set;
    struct draft d;
    char phone[PHONE_SIZE], id[33];

    take_defaults(&d, context);
    if (field_set_sort(&set, fields, count, why) && take_phone(&d, &set, phone, why) &&
        take_fields(&d, &set, why) && take_content(&d, &set, context, &content, why)) {
        if (d.texts[TEXT_ID].len == 0)
            derive_id(&d, id);
        m = message_of(&d);
    }
    buf_free(&content);
    return m;
}
