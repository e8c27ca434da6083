/* SPDX-License-Identifier: MIT */
#include "core/halt.h"

#include "base/hash.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[HALT_KIND_COUNT] = {
    [HALT_NONE] = "none",         [HALT_TOKEN] = "token",       [HALT_ACCOUNT] = "account",
    [HALT_SENDER] = "sender",     [HALT_TEMPLATE] = "template", [HALT_NETWORK] = "network",
    [HALT_OPERATOR] = "operator", [HALT_DISABLED] = "disabled", [HALT_WINDOW] = "window",
};

const char *halt_name(enum halt_kind kind)
{
    return kind_names[kind];
}

bool halt_is_wanted(enum halt_kind kind)
{
    return kind == HALT_OPERATOR || kind == HALT_DISABLED;
}

static bool is_narrow_kind(enum halt_kind kind)
{
    return kind == HALT_SENDER || kind == HALT_TEMPLATE;
}

uint64_t halt_subject(enum halt_kind kind, const struct message *m)
{
    struct hash_part sender[] = {{m->sender, strlen(m->sender)}};
    struct hash_part template[] = {
        {m->template_name, strlen(m->template_name)},
        {m->lang, strlen(m->lang)},
    };
    uint64_t subject;

    if (!is_narrow_kind(kind))
        return 0;
    subject = kind == HALT_SENDER ? hash_quick(sender, ARRAY_SIZE(sender))
                                  : hash_quick(template, ARRAY_SIZE(template));
    return subject ? subject : 1; /* 0 would be everything */
}

static struct halt *find(struct halts *h, enum halt_kind kind, uint64_t subject)
{
    for (unsigned i = 0; i < h->count; i++) {
        if (h->items[i].kind == kind && h->items[i].subject == subject)
            return &h->items[i];
    }
    return NULL;
}

static unsigned count_narrow(const struct halts *h)
{
    unsigned count = 0;

    for (unsigned i = 0; i < h->count; i++) {
        if (h->items[i].subject)
            count++;
    }
    return count;
}

static void widen(struct halt *halt)
{
    halt->subject = 0;
    (void)snprintf(halt->what, sizeof(halt->what), "everything: more than %d %ss are stopped",
                   HALT_NARROW_MAX, halt_name(halt->kind)); /* fits */
}

bool halt_raise(struct halts *h, const struct halt *halt)
{
    struct halt added = *halt;
    struct halt *known;

    if (!is_narrow_kind(added.kind))
        added.subject = 0;
    known = find(h, added.kind, added.subject);
    if (!known && added.subject && count_narrow(h) >= HALT_NARROW_MAX) {
        widen(&added);
        known = find(h, added.kind, added.subject);
    }
    if (known) {
        if (added.until_us > known->until_us) {
            added.since_ms = known->since_ms;
            *known = added;
        }
        return false;
    }
    assert(h->count < HALT_MAX);
    h->items[h->count++] = added;
    return true;
}

static void drop(struct halts *h, unsigned index)
{
    h->count--;
    memmove(&h->items[index], &h->items[index + 1], (h->count - index) * sizeof(struct halt));
}

void halt_clear(struct halts *h, enum halt_kind kind)
{
    for (unsigned i = h->count; i-- > 0;) {
        if (h->items[i].kind == kind)
            drop(h, i);
    }
}

void halt_expire(struct halts *h, int64_t now_us)
{
    for (unsigned i = h->count; i-- > 0;) {
        if (h->items[i].until_us <= now_us)
            drop(h, i);
    }
}

const struct halt *halt_covers(const struct halts *h, const struct message *m)
{
    uint64_t subjects[HALT_KIND_COUNT] = {0};

    if (h->count == 0)
        return NULL;
    subjects[HALT_SENDER] = halt_subject(HALT_SENDER, m);
    subjects[HALT_TEMPLATE] = halt_subject(HALT_TEMPLATE, m);
    for (unsigned i = 0; i < h->count; i++) {
        const struct halt *halt = &h->items[i];

        if (halt->subject == 0 || halt->subject == subjects[halt->kind])
            return halt;
    }
    return NULL;
}

const struct halt *halt_of_all(const struct halts *h)
{
    for (unsigned i = 0; i < h->count; i++) {
        if (h->items[i].subject == 0)
            return &h->items[i];
    }
    return NULL;
}
