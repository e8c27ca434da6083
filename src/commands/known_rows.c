/* SPDX-License-Identifier: MIT */
#include "commands/known_rows.h"

#include "base/text.h"
#include "io/file_plan.h"

#include <string.h>

void known_rows_begin(struct known_rows *k, bool repeats)
{
    *k = (struct known_rows){.refused = map_new(), .seen = repeats ? map_new() : NULL};
}

void known_rows_end(struct known_rows *k)
{
    map_free(k->refused);
    map_free(k->seen);
    *k = (struct known_rows){0};
}

static void count(struct known_ids *ids, const struct message *m)
{
    if (ids->count < KNOWN_SHOWN)
        text_copy(ids->shown[ids->count], sizeof(ids->shown[0]), m->id, strlen(m->id));
    ids->count++;
}

static bool is_first(struct known_rows *k, uint64_t id_hash)
{
    uint64_t value;

    if (!k->seen)
        return true;
    if (map_get(k->seen, id_hash, &value))
        return false;
    map_put(k->seen, id_hash, 0);
    return true;
}

void known_rows_add(struct known_rows *k, const struct message *m, enum admission admission,
                    bool elsewhere)
{
    bool reused = admission == ADMISSION_REUSED;

    if (!reused && !elsewhere)
        return;
    if (reused)
        map_put(k->refused, file_plan_key(m), 0);
    if (is_first(k, m->id_hash))
        count(reused ? &k->reused : &k->on_record, m);
}

void rows_apart_add(struct rows_apart *a, const char *broadcast)
{
    if (!a->count++)
        text_copy(a->broadcast, sizeof(a->broadcast), broadcast, strlen(broadcast));
    a->are_many |= strcmp(a->broadcast, broadcast) != 0;
}

uint64_t known_rows_refused(const struct known_rows *k)
{
    return k->refused ? map_count(k->refused) : 0;
}
