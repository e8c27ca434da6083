/* SPDX-License-Identifier: MIT */
#include "ledger/words.h"

#include "base/mem.h"

#include <string.h>

enum { CACHE_SLOTS = 256 }; /* a power of two */

struct entry {
    char *text; /* NULL: free */
    int64_t number;
};

struct words {
    struct db *db;
    sqlite3_stmt *find;
    sqlite3_stmt *add;
    sqlite3_stmt *read;
    struct entry by_text[CACHE_SLOTS];
    struct entry by_number[CACHE_SLOTS];
};

/* FNV-1a: a few bytes, no adversary: a bad spread costs a query. */
static size_t slot_of_text(const char *text)
{
    uint32_t hash = 2166136261U;

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619U;
    return (hash ^ hash >> 16) % CACHE_SLOTS;
}

static void remember(struct entry *slot, const char *text, int64_t number)
{
    mem_free(slot->text);
    slot->text = mem_strdup(text);
    slot->number = number;
}

bool words_open(struct db *db, struct words **out, struct err *e)
{
    struct words *w = MEM_NEW(struct words);
    const struct db_sql sqls[] = {
        {&w->find, "SELECT number FROM word WHERE text=?1"},
        {&w->add, "INSERT INTO word(text) VALUES(?1)"},
        {&w->read, "SELECT text FROM word WHERE number=?1"},
    };

    w->db = db;
    if (!db_prepare_all(db, sqls, ARRAY_SIZE(sqls), e)) {
        words_free(w);
        return false;
    }
    *out = w;
    return true;
}

void words_free(struct words *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < CACHE_SLOTS; i++) {
        mem_free(w->by_text[i].text);
        mem_free(w->by_number[i].text);
    }
    mem_free(w);
}

bool words_find(struct words *w, const char *text, int64_t *number, struct err *e)
{
    struct entry *slot = &w->by_text[slot_of_text(text)];

    *number = 0;
    if (!text[0])
        return true;
    if (slot->text && strcmp(slot->text, text) == 0) {
        *number = slot->number;
        return true;
    }
    db_bind_text(w->find, 1, text);
    if (!db_number(w->db, w->find, 0, number, e))
        return false;
    if (*number)
        remember(slot, text, *number);
    return true;
}

bool words_intern(struct words *w, const char *text, int64_t *number, struct err *e)
{
    if (!words_find(w, text, number, e))
        return false;
    if (*number || !text[0])
        return true;
    db_bind_text(w->add, 1, text);
    if (!db_run(w->db, w->add, e))
        return false;
    *number = sqlite3_last_insert_rowid(w->db->handle);
    remember(&w->by_text[slot_of_text(text)], text, *number);
    return true;
}

static bool load(struct words *w, int64_t number, struct entry *slot, struct err *e)
{
    bool row;

    (void)sqlite3_bind_int64(w->read, 1, number); /* the index is right */
    if (!db_next(w->db, w->read, &row, e))
        return false;
    remember(slot, row ? db_text(w->read, 0) : "", number);
    (void)sqlite3_reset(w->read); /* a query that was left early */
    return true;
}

bool words_text(struct words *w, int64_t number, const char **text, struct err *e)
{
    struct entry *slot = &w->by_number[(uint64_t)number % CACHE_SLOTS];

    *text = "";
    if (number == 0)
        return true;
    if ((!slot->text || slot->number != number) && !load(w, number, slot, e))
        return false;
    *text = slot->text;
    return true;
}
