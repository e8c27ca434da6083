/* SPDX-License-Identifier: MIT */
#include "sim_redis.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/stream.h"
#include "core/webhook_status.h"

#include <assert.h>
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
    r->was_others = mem_alloc(messages * sizeof(bool));
    r->sent_by_other = mem_alloc(messages * sizeof(bool));
    (void)sim_redis_name(r, "the other"); /* SIM_STRANGER */
    for (unsigned row = 0, fresh = 0; row < source->row_count; row++) {
        r->twice_added[source->rows[row].index] |= source->rows[row].index != fresh;
        fresh += source->rows[row].index == fresh;
    }
}

void sim_data_free(struct sim_data *d)
{
    for (size_t lane = 0; lane < LANE_COUNT; lane++)
        mem_free(d->lanes[lane].entries);
    mem_free(d->told);
    *d = (struct sim_data){0};
}

void sim_redis_free(struct sim_redis *r)
{
    sim_data_free(&r->now);
    sim_data_free(&r->saved);
    mem_free(r->lost_entry);
    mem_free(r->lost_result);
    mem_free(r->twice_added);
    mem_free(r->was_others);
    mem_free(r->sent_by_other);
}

unsigned sim_redis_name(struct sim_redis *r, const char *name)
{
    for (unsigned i = 0; i < r->name_count; i++)
        if (strcmp(r->names[i], name) == 0)
            return i;
    assert(r->name_count < SIM_NAMES_MAX);
    text_copy(r->names[r->name_count], SIM_NAME_SIZE, name, strlen(name));
    return r->name_count++;
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

struct sim_command *sim_command_new(const struct stream_command *c)
{
    struct sim_command *copy = MEM_NEW(struct sim_command);

    *copy = (struct sim_command){
        .verb = c->verb,
        .lane = c->lane,
        .after = c->after,
        .count = c->count,
        .block_ms = c->block_ms,
        .one_lane = c->one_lane,
        .idle_ms = c->idle_ms,
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
        (struct sim_pick){lane, place, entry->is_gone, entry->row, entry->owner, entry->id};
}

/* ---- Reading. */

static bool is_pending_with(const struct sim_entry *entry, unsigned name)
{
    return entry->state == ENTRY_PENDING && (name == SIM_ANYBODY || entry->owner == name);
}

static void touch(struct sim_entry *entry, unsigned owner, int64_t now_ms)
{
    entry->owner = (unsigned char)owner;
    entry->idle_at_ms = now_ms;
}

static void read_own(struct sim_redis *r, const struct sim_command *c, int64_t now_ms,
                     struct sim_reply *out)
{
    struct sim_lane *l = &r->now.lanes[c->lane];

    if (!l->has_group)
        out->plain.error = NO_GROUP;
    else if (l->pending)
        for (unsigned i = place_of(l, stream_id_next(c->after));
             i < l->next && out->pick_count < c->count; i++) {
            if (!is_pending_with(&l->entries[i], c->me))
                continue;
            touch(&l->entries[i], c->me, now_ms);
            pick(out, l, c->lane, i);
        }
}

static void deliver(struct sim_redis *r, const struct sim_command *c, enum stream_lane lane,
                    int64_t now_ms, struct sim_reply *out)
{
    struct sim_lane *l = &r->now.lanes[lane];
    unsigned count = c->count;

    for (; l->next < l->count && count; l->next++) {
        if (l->entries[l->next].is_gone)
            continue;
        l->entries[l->next].state = ENTRY_PENDING;
        touch(&l->entries[l->next], c->me, now_ms);
        l->pending++;
        count--;
        pick(out, l, lane, l->next);
    }
}

/* False: nothing is there to be read. */
static bool read_new(struct sim_redis *r, const struct sim_command *c, int64_t now_ms,
                     struct sim_reply *out)
{
    bool waits = c->verb == STREAM_READ_NEW;
    bool both = waits && !c->one_lane;

    for (unsigned lane = 0; lane < LANE_COUNT; lane++)
        if ((both || lane == (unsigned)c->lane) && !r->now.lanes[lane].has_group)
            out->plain.error = NO_GROUP;
    for (unsigned lane = 0; lane < LANE_COUNT && !out->plain.error; lane++)
        if (both || lane == (unsigned)c->lane)
            deliver(r, c, lane, now_ms, out);
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

static bool is_idle(const struct sim_entry *entry, int64_t idle_ms, int64_t now_ms)
{
    return now_ms - entry->idle_at_ms >= idle_ms;
}

static void list(const struct sim_lane *l, const struct sim_command *c, int64_t now_ms,
                 struct sim_reply *out)
{
    if (!l->has_group)
        out->plain.error = NO_GROUP;
    for (unsigned i = place_of(l, c->after); i < l->next && out->pick_count < c->count; i++)
        if (is_pending_with(&l->entries[i], c->consumer) &&
            is_idle(&l->entries[i], c->idle_ms, now_ms))
            pick(out, l, c->lane, i);
}

/* XCLAIM, with and without JUSTID. Redis 7 drops what was deleted from what is pending. */
static void claim(struct sim_redis *r, const struct sim_command *c, int64_t now_ms,
                  struct sim_reply *out)
{
    struct sim_lane *l = &r->now.lanes[c->lane];

    for (size_t i = 0; l->has_group && i < c->id_count; i++) {
        struct sim_entry *entry = sim_redis_find(r, c->lane, c->ids[i]);

        if (!entry || entry->state != ENTRY_PENDING || !is_idle(entry, c->idle_ms, now_ms))
            continue;
        if (entry->is_gone) {
            entry->state = ENTRY_ACKED;
            l->pending--;
            continue;
        }
        touch(entry, c->consumer, now_ms);
        pick(out, l, c->lane, (unsigned)(entry - l->entries));
    }
}

/* ---- All. */

/* False: it waits for entries. */
static bool perform(struct sim_redis *r, const struct sim_command *c, int64_t now_ms,
                    struct sim_reply *out)
{
    struct sim_lane *l = &r->now.lanes[c->lane];

    switch (c->verb) {
    case STREAM_READ_OWN:
        read_own(r, c, now_ms, out);
        break;
    case STREAM_READ_HIGH:
    case STREAM_READ_NEW:
        return read_new(r, c, now_ms, out);
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
        list(l, c, now_ms, out);
        break;
    case STREAM_CLAIM:
    case STREAM_KEEP:
        out->plain.error = l->has_group ? NULL : NO_GROUP;
        if (r->source->config->has_company)
            claim(r, c, now_ms, out);
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
