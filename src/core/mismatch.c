/* SPDX-License-Identifier: MIT */
#include "core/mismatch.h"

#include <stddef.h>

static struct mismatch *find(struct mismatches *m, uint64_t subject)
{
    for (unsigned i = 0; i < MISMATCH_TEMPLATES_MAX; i++) {
        if (m->items[i].subject == subject)
            return &m->items[i];
    }
    return NULL;
}

static struct mismatch *add(struct mismatches *m, uint64_t subject)
{
    struct mismatch *item = &m->items[m->next];

    m->next = (m->next + 1) % MISMATCH_TEMPLATES_MAX;
    *item = (struct mismatch){.subject = subject};
    return item;
}

bool mismatch_refused(struct mismatches *m, uint64_t subject)
{
    struct mismatch *item = find(m, subject);

    if (!item)
        item = add(m, subject);
    if (++item->in_row < MISMATCH_IN_ROW)
        return false;
    item->in_row = 0;
    return true;
}

void mismatch_accepted(struct mismatches *m, uint64_t subject)
{
    struct mismatch *item = find(m, subject);

    if (item)
        item->in_row = 0;
}
