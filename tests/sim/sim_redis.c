/* SPDX-License-Identifier: MIT */
#include "sim_redis.h"

#include "base/mem.h"
#include "core/stream.h"
#include "core/webhook_status.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* No id is in both lanes: PREFIX:dead names an entry by it alone. */
enum { HIGH_SEQ = 1 << 24 };

#define NO_GROUP "NOGROUP No such key or consumer group"
#define NO_KEY   "ERR no such key"

void sim_redis_init(struct sim_redis *r, const struct sim_source *source, unsigned messages)
{
    *r = (struct sim_redis){.source = source, .messages = messages};
    r->now.told = mem_alloc(messages * sizeof(struct sim_told));
    r->lost_entry = mem_alloc(messages * sizeof(bool));
    r->lost_result = mem_alloc(messages * sizeof(bool));
    r->twice_added = mem_alloc(messages * sizeof(bool));
    for (unsigned row = 0, fresh = 0; row < source->row_count; row++) {
        r->twice_added[source->rows[row].index] |= source->rows[row].index != fresh;
        fresh += source->rows[row].index == fresh;
    }
}

static void data_free(struct sim_data *d)
{
    for (size_t lane = 0; lane < LANE_COUNT; lane++)
        mem_free(d->lanes[lane].entries);
    mem_free(d->told);
    *d = (struct sim_data){0};
}

void sim_redis_free(struct sim_redis *r)
{
    data_free(&r->now);
    data_free(&r->saved);
    mem_free(r->lost_entry);
    mem_free(r->lost_result);
    mem_free(r->twice_added);
}

/* ---- Entries. */

void sim_redis_add(struct sim_redis *r, enum stream_lane lane, int row, int64_t now_ms)
{
    struct sim_lane *l = &r->now.lanes[lane];
    struct stream_id id = {(uint64_t)now_ms, lane == LANE_HIGH ? HIGH_SEQ : 0};

    if (l->count == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 256;
        l->entries = mem_realloc(l->entries, l->cap * sizeof(struct sim_entry));
    }
    if (l->count && l->entries[l->count - 1].id.ms >= id.ms)
        id = stream_id_next(l->entries[l->count - 1].id);
    l->entries[l->count++] = (struct sim_entry){.id = id, .row = row};
    l->has_stream = true;
}

/* The first place whose id is not below. */
static unsigned place_of(const struct sim_lane *l, struct stream_id id)
{
    unsigned from = l->base, to = l->count;

    while (from < to) {
        unsigned middle = (from + to) / 2;

        if (stream_id_compare(l->entries[middle].id, id) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

struct sim_entry *sim_redis_find(struct sim_redis *r, enum stream_lane lane, struct stream_id id)
{
    struct sim_lane *l = &r->now.lanes[lane];
    unsigned place = place_of(l, id);

    if (place == l->count || stream_id_compare(l->entries[place].id, id) != 0)
        return NULL;
    return &l->entries[place];
}

static bool has_unread(const struct sim_lane *l)
{
    for (unsigned i = l->next; i < l->count; i++)
        if (!l->entries[i].is_gone)
            return true;
    return false;
}

bool sim_redis_is_drained(const struct sim_redis *r)
{
    for (size_t lane = 0; lane < LANE_COUNT; lane++)
        if (r->now.lanes[lane].pending || has_unread(&r->now.lanes[lane]))
            return false;
    return true;
}

static void lose_entry(struct sim_redis *r, struct sim_entry *entry)
{
    if (!entry->is_gone && entry->state != ENTRY_ACKED && entry->row >= 0)
        r->lost_entry[r->source->rows[entry->row].index] = true;
    entry->is_gone = true;
}

/* ---- Commands and replies. */

/* "$LEN\r\nTEXT\r\n": returns what is behind it. */
static const char *next_text(const char *at, const char **text, size_t *len)
{
    *len = strtoul(at + 1, NULL, 10);
    *text = strchr(at, '\n') + 1;
    return *text + *len + 2;
}

static bool is_text(const char *text, size_t len, const char *word)
{
    return strlen(word) == len && memcmp(text, word, len) == 0;
}

static void take_result_field(struct sim_command *c, const char *name, const char *text)
{
    struct message m = {.id = text};

    if (strcmp(name, "id") == 0)
        c->index = *text ? sim_source_index(&m) : UINT_MAX;
    else if (strcmp(name, "state") == 0 && !state_parse(text, &c->state))
        c->state = 0; /* no rule takes it */
    else if (strcmp(name, "at") == 0)
        c->at_ms = strtoll(text, NULL, 10);
    for (int s = 1; s < WEBHOOK_STATUS_COUNT; s++)
        if (strcmp(name, "status") == 0 &&
            strcmp(text, webhook_status_name((enum webhook_status)s)) == 0)
            c->statuses = 1u << s;
}

static void take_field(struct sim_command *c, const struct field *f)
{
    char text[64] = "";

    memcpy(text, f->value, f->len < sizeof(text) ? f->len : sizeof(text) - 1);
    if (c->target != TARGET_DEAD)
        take_result_field(c, f->name, text);
    else if (strcmp(f->name, "entry") == 0 && !stream_id_parse(f->value, f->len, &c->dead))
        c->dead = (struct stream_id){0}; /* no entry has it */
}

static void read_add(struct sim_command *c, const struct stream_add *add)
{
    static const char *const names[] = {"id", "state", "status", "at", "entry"};
    const char *at = add->bytes;

    c->target = add->target;
    for (unsigned i = 0; i < add->texts; i += 2) {
        const char *name;
        struct field f;
        size_t len;

        at = next_text(next_text(at, &name, &len), &f.value, &f.len);
        for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
            f.name = names[n];
            if (is_text(name, len, names[n]))
                take_field(c, &f);
        }
    }
}

struct sim_command *sim_command_new(const struct stream_command *c, uint64_t run)
{
    struct sim_command *copy = MEM_NEW(struct sim_command);

    *copy = (struct sim_command){
        .verb = c->verb,
        .lane = c->lane,
        .after = c->after,
        .count = c->count,
        .block_ms = c->block_ms,
        .one_lane = c->one_lane,
        .run = run,
        .id_count = c->id_count,
    };
    if (c->id_count) {
        copy->ids = mem_alloc(c->id_count * sizeof(*copy->ids));
        memcpy(copy->ids, c->ids, c->id_count * sizeof(*copy->ids));
    }
    if (c->add)
        read_add(copy, c->add);
    return copy;
}

void sim_command_free(struct sim_command *c)
{
    if (c)
        mem_free(c->ids);
    mem_free(c);
}

void sim_reply_free(struct sim_reply *r)
{
    mem_free(r->picks);
    mem_free(r);
}

static void pick(struct sim_reply *out, const struct sim_lane *l, enum stream_lane lane,
                 unsigned place)
{
    const struct sim_entry *entry = &l->entries[place];

    if (out->pick_count % 64 == 0)
        out->picks = mem_realloc(out->picks, (out->pick_count + 64) * sizeof(struct sim_pick));
    out->picks[out->pick_count++] =
        (struct sim_pick){lane, place, entry->is_gone, entry->row, entry->id};
}

/* ---- Reading. */

static void read_own(struct sim_redis *r, const struct sim_command *c, struct sim_reply *out)
{
    struct sim_lane *l = &r->now.lanes[c->lane];

    if (!l->has_group)
        out->plain.error = NO_GROUP;
    else if (l->pending)
        for (unsigned i = place_of(l, stream_id_next(c->after));
             i < l->next && out->pick_count < c->count; i++)
            if (l->entries[i].state == ENTRY_PENDING)
                pick(out, l, c->lane, i);
}

static void deliver(struct sim_redis *r, enum stream_lane lane, unsigned count,
                    struct sim_reply *out)
{
    struct sim_lane *l = &r->now.lanes[lane];

    for (; l->next < l->count && count; l->next++) {
        if (l->entries[l->next].is_gone)
            continue;
        l->entries[l->next].state = ENTRY_PENDING;
        l->pending++;
        count--;
        pick(out, l, lane, l->next);
    }
}

/* False: nothing is there to be read. */
static bool read_new(struct sim_redis *r, const struct sim_command *c, struct sim_reply *out)
{
    bool waits = c->verb == STREAM_READ_NEW;

    bool both = waits && !c->one_lane;

    for (unsigned lane = 0; lane < LANE_COUNT; lane++)
        if ((both || lane == (unsigned)c->lane) && !r->now.lanes[lane].has_group)
            out->plain.error = NO_GROUP;
    for (unsigned lane = 0; lane < LANE_COUNT && !out->plain.error; lane++)
        if (both || lane == (unsigned)c->lane)
            deliver(r, lane, c->count, out);
    return out->pick_count || out->plain.error || !waits;
}

/* ---- The lock. */

static void lock(struct sim_redis *r, const struct sim_command *c, int64_t now_ms,
                 struct sim_reply *out)
{
    struct sim_lock *k = &r->now.lock;

    if (k->holder != LOCK_FREE && k->until_ms <= now_ms && now_ms >= r->stays_until)
        *k = (struct sim_lock){0};
    if (c->verb == STREAM_LOCK_FREE) {
        if (k->holder == LOCK_OURS && k->run == c->run)
            *k = (struct sim_lock){0};
    } else if (k->holder == LOCK_FREE || (k->holder == LOCK_OURS && k->run == c->run) ||
               (k->holder == LOCK_OURS && c->verb == STREAM_LOCK_TAKE)) {
        *k = (struct sim_lock){LOCK_OURS, c->run, now_ms + STREAM_LOCK_MS, false};
        r->lock_lost = false;
    } else {
        out->plain.holder = "the rival";
    }
}

void sim_redis_rival(struct sim_redis *r, int64_t now_ms, int64_t stay_ms)
{
    struct sim_lock *k = &r->now.lock;

    if (k->holder == LOCK_OURS && k->until_ms > now_ms && !r->lock_lost)
        return;
    *k = (struct sim_lock){LOCK_RIVAL, 0, now_ms + stay_ms, !r->lock_lost};
    r->stays_until = k->until_ms;
}

/* ---- Settling. */

static void acknowledge(struct sim_redis *r, const struct sim_command *c, struct sim_reply *out)
{
    struct sim_lane *l = &r->now.lanes[c->lane];

    for (size_t i = 0; l->has_group && i < c->id_count; i++) {
        struct sim_entry *entry = sim_redis_find(r, c->lane, c->ids[i]);

        if (!entry || entry->state != ENTRY_PENDING)
            continue;
        entry->state = ENTRY_ACKED;
        entry->was_acked = true;
        l->pending--;
        out->plain.number++;
    }
}

static void bury(struct sim_redis *r, struct stream_id id)
{
    for (unsigned lane = 0; lane < LANE_COUNT; lane++) {
        struct sim_entry *entry = sim_redis_find(r, lane, id);

        if (entry)
            entry->is_dead = true;
    }
}

static void add(struct sim_redis *r, const struct sim_command *c)
{
    struct sim_told *told;

    if (c->target == TARGET_DEAD)
        bury(r, c->dead);
    if (c->target == TARGET_DEAD || c->index >= r->messages)
        return;
    told = &r->now.told[c->index];
    told->statuses |= c->statuses;
    if (c->target == TARGET_STATUS)
        return;
    if (!told->count || c->at_ms >= told->at_ms) {
        told->state = c->state;
        told->at_ms = c->at_ms;
    }
    told->count++;
}

static void fetch(struct sim_redis *r, const struct sim_command *c, struct sim_reply *out)
{
    struct sim_lane *l = &r->now.lanes[c->lane];
    struct sim_entry *entry = sim_redis_find(r, c->lane, c->after);

    if (entry && !entry->is_gone)
        pick(out, l, c->lane, (unsigned)(entry - l->entries));
}

/* ---- Group, looks and trimming. */

/* At 0: with the first entry that is there. */
static void make_group(struct sim_redis *r, const struct sim_command *c, struct sim_reply *out)
{
    struct sim_lane *l = &r->now.lanes[c->lane];

    if (l->has_group) {
        out->plain.error = "BUSYGROUP Consumer Group name already exists";
        return;
    }
    l->has_group = l->has_stream = true;
    l->next = l->base;
}

static void look_group(const struct sim_lane *l, struct stream_reply *out)
{
    if (!l->has_stream) {
        out->error = NO_KEY;
        return;
    }
    out->is_missing = !l->has_group;
    out->number = 1;
    out->lag = out->counted = -1;
    if (l->next > l->base)
        out->id = l->entries[l->next - 1].id;
}

static void look_pending(const struct sim_lane *l, struct stream_reply *out)
{
    out->error = l->has_group ? NULL : NO_GROUP;
    out->number = l->pending;
    for (unsigned i = l->base; l->pending && i < l->next; i++) {
        if (l->entries[i].state != ENTRY_PENDING)
            continue;
        out->id = l->entries[i].id;
        return;
    }
}

static void look_stream(const struct sim_lane *l, struct stream_reply *out)
{
    out->error = l->has_stream ? NULL : NO_KEY;
    out->counted = -1;
    for (unsigned i = l->count; i > l->base; i--) {
        if (l->entries[i - 1].is_gone)
            continue;
        out->number++;
        out->id = l->entries[i - 1].id;
    }
}

static void look_next(const struct sim_lane *l, const struct sim_command *c, struct sim_reply *out)
{
    for (unsigned i = place_of(l, stream_id_next(c->after)); i < l->count; i++) {
        if (l->entries[i].is_gone)
            continue;
        pick(out, l, c->lane, i);
        return;
    }
}

static void trim(struct sim_redis *r, const struct sim_command *c)
{
    struct sim_lane *l = &r->now.lanes[c->lane];
    unsigned end = place_of(l, c->after);

    for (unsigned i = l->base; i < end; i++)
        l->entries[i].is_gone = true;
}

static void list(const struct sim_lane *l, const struct sim_command *c, struct sim_reply *out)
{
    if (!l->has_group)
        out->plain.error = NO_GROUP;
    for (unsigned i = place_of(l, c->after); i < l->next && out->pick_count < c->count; i++)
        if (l->entries[i].state == ENTRY_PENDING)
            pick(out, l, c->lane, i);
}

/* ---- All. */

/* False: it waits for entries. */
static bool perform(struct sim_redis *r, const struct sim_command *c, int64_t now_ms,
                    struct sim_reply *out)
{
    struct sim_lane *l = &r->now.lanes[c->lane];

    switch (c->verb) {
    case STREAM_READ_OWN:
        read_own(r, c, out);
        break;
    case STREAM_READ_HIGH:
    case STREAM_READ_NEW:
        return read_new(r, c, out);
    case STREAM_LOCK_TAKE:
    case STREAM_LOCK_RENEW:
    case STREAM_LOCK_FREE:
        lock(r, c, now_ms, out);
        break;
    case STREAM_GROUP_MAKE:
        make_group(r, c, out);
        break;
    case STREAM_ACK:
        acknowledge(r, c, out);
        break;
    case STREAM_ADD:
        add(r, c);
        break;
    case STREAM_FETCH:
        fetch(r, c, out);
        break;
    case STREAM_LIST_PENDING:
        list(l, c, out);
        break;
    case STREAM_CLAIM: /* nobody else has any */
    case STREAM_KEEP:
        out->plain.error = l->has_group ? NULL : NO_GROUP;
        break;
    case STREAM_LOOK_GROUP:
        look_group(l, &out->plain);
        break;
    case STREAM_LOOK_PENDING:
        look_pending(l, &out->plain);
        break;
    case STREAM_LOOK_STREAM:
        look_stream(l, &out->plain);
        break;
    case STREAM_LOOK_NEXT:
        look_next(l, c, out);
        break;
    case STREAM_TRIM:
        trim(r, c);
        break;
    }
    return true;
}

struct sim_reply *sim_redis_execute(struct sim_redis *r, const struct sim_command *c,
                                    int64_t now_ms, bool may_wait)
{
    struct sim_reply *out = MEM_NEW(struct sim_reply);

    out->plain = (struct stream_reply){.verb = c->verb, .lane = c->lane, .id_count = c->id_count};
    if (r->trouble && (!r->only_adds || c->verb == STREAM_ADD))
        out->plain.error = r->trouble;
    else if (!perform(r, c, now_ms, out) && may_wait) {
        sim_reply_free(out);
        return NULL;
    }
    return out;
}

/* ---- What befalls it. */

static void copy(struct sim_data *to, const struct sim_data *from, unsigned messages)
{
    data_free(to);
    *to = *from;
    for (size_t lane = 0; lane < LANE_COUNT; lane++) {
        struct sim_lane *l = &to->lanes[lane];
        size_t size = l->cap * sizeof(struct sim_entry);

        l->entries = size ? memcpy(mem_alloc(size), l->entries, size) : NULL;
    }
    to->told = memcpy(mem_alloc(messages * sizeof(struct sim_told)), from->told,
                      messages * sizeof(struct sim_told));
}

void sim_redis_save(struct sim_redis *r)
{
    copy(&r->saved, &r->now, r->messages);
    r->has_saved = true;
}

/* What was put on PREFIX:dead, and confirmed before it was lost, is not put there again. */
static void excuse_dead(struct sim_lane *saved, const struct sim_lane *now)
{
    for (unsigned i = 0; i < saved->count && i < now->count; i++)
        saved->entries[i].is_dead |= now->entries[i].is_dead;
}

/* A result that was confirmed before it was lost is not told again. */
void sim_redis_crash(struct sim_redis *r)
{
    for (size_t lane = 0; lane < LANE_COUNT; lane++)
        excuse_dead(&r->saved.lanes[lane], &r->now.lanes[lane]);
    for (unsigned i = 0; i < r->messages; i++)
        r->lost_result[i] |= r->now.told[i].count != r->saved.told[i].count ||
                             r->now.told[i].statuses != r->saved.told[i].statuses;
    for (unsigned row = r->saved.next_row; row < r->now.next_row; row++)
        r->twice_added[r->source->rows[row].index] = true;
    data_free(&r->now);
    r->now = r->saved;
    r->saved = (struct sim_data){0};
    r->has_saved = false;
    r->lock_lost = true;
}

void sim_redis_delete(struct sim_redis *r, enum stream_lane lane)
{
    struct sim_lane *l = &r->now.lanes[lane];

    for (unsigned i = l->base; i < l->count; i++)
        lose_entry(r, &l->entries[i]);
    l->base = l->next = l->count;
    l->pending = 0;
    l->has_group = l->has_stream = false;
}

void sim_redis_flush(struct sim_redis *r)
{
    for (unsigned lane = 0; lane < LANE_COUNT; lane++)
        sim_redis_delete(r, lane);
    for (unsigned i = 0; i < r->messages; i++) {
        r->lost_result[i] |= r->now.told[i].count || r->now.told[i].statuses;
        r->now.told[i] = (struct sim_told){0};
    }
    r->now.lock = (struct sim_lock){0};
    r->lock_lost = true;
}

void sim_redis_drop_group(struct sim_redis *r, enum stream_lane lane)
{
    struct sim_lane *l = &r->now.lanes[lane];

    for (unsigned i = l->base; i < l->count; i++)
        l->entries[i].state = ENTRY_UNREAD;
    l->next = l->base;
    l->pending = 0;
    l->has_group = false;
}

void sim_redis_cut(struct sim_redis *r, enum stream_lane lane, unsigned count)
{
    struct sim_lane *l = &r->now.lanes[lane];

    for (unsigned i = l->base; i < l->count && count; i++) {
        if (l->entries[i].is_gone)
            continue;
        lose_entry(r, &l->entries[i]);
        count--;
    }
}
