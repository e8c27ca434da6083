/* SPDX-License-Identifier: MIT
 *
 * stream_settle.c: results added, then entries acknowledged.
 *
 * Happy path:
 *   - an entry is settled: its result waits in `unsent`, then in `sent` for Redis' answer;
 *   - the answer comes: the entry is due; the next turn acknowledges all that is due in one
 *     command;
 *   - the answer to that comes: the entry is forgotten.
 * Failure modes:
 *   - the caller rejects an entry: it is read back from the stream, and what is added is the entry
 *     itself, to the dead;
 *   - Redis refuses to add (no memory, no disk, the key is no stream): the entry stays
 *     unacknowledged, the result waits and is added again; other streams and acknowledgements go
 *     on;
 *   - the writer goes down: what was sent is sent again over the next connection. The result may
 *     be there twice; the one with the highest `at` holds, and these have the same.
 */
#include "core/stream_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

/* ---- Adding. */

static struct add *add_new(struct stream *s, enum stream_target target, unsigned texts)
{
    struct add *add = mem_alloc(sizeof(struct add) + s->scratch.len);
    char *bytes = (char *)(add + 1);

    assert(buf_ok(&s->scratch));
    memcpy(bytes, s->scratch.data, s->scratch.len);
    add->what = (struct stream_add){
        .target = target,
        .texts = texts,
        .len = s->scratch.len,
        .bytes = bytes,
    };
    list_append(&s->unsent[target], &add->node);
    s->adds++;
    return add;
}

static struct add *add_result(struct stream *s, const struct stream_result *result)
{
    buf_clear(&s->scratch);
    return add_new(s, TARGET_RESULT, stream_result_write(&s->scratch, result));
}

static void add_free(struct stream *s, struct add *add)
{
    list_remove(&add->node);
    s->adds--;
    s->publishing -= add->has_cookie;
    mem_free(add);
}

static void set_cookie(struct stream *s, struct add *add, uint64_t cookie)
{
    add->has_cookie = true;
    add->cookie = cookie;
    s->publishing++;
}

void stream_settle(struct stream *s, struct stream_entry *entry, const struct stream_result *result)
{
    if (!result) {
        window_move(&s->window, entry, STAGE_DUE);
        return;
    }
    window_move(&s->window, entry, STAGE_ADDING);
    add_result(s, result)->entry = entry;
}

void stream_reject(struct stream *s, struct stream_entry *entry, const char *reason)
{
    entry->reason = mem_strdup(reason);
    window_move(&s->window, entry, STAGE_REJECTED);
}

/* `entry` must be in STAGE_ADDING. */
void stream_bury(struct stream *s, struct stream_entry *entry, const struct stream_raw *raw,
                 const char *reason)
{
    struct add *add;
    char id[STREAM_ID_SIZE];

    stream_note(s, STREAM_WARN, "Entry %s/%s goes to the dead: %s", s->lane_name[entry->lane],
                stream_id_text(entry->id, id), reason);

    buf_clear(&s->scratch);
    add = add_new(s, TARGET_DEAD, stream_dead_write(&s->scratch, raw, reason));
    add->entry = entry;
}

void stream_publish_result(struct stream *s, const struct stream_result *result, uint64_t cookie)
{
    assert(stream_has_room(s));
    set_cookie(s, add_result(s, result), cookie);
}

void stream_publish_status(struct stream *s, const struct stream_status *status, uint64_t cookie)
{
    unsigned texts;

    assert(stream_has_room(s));
    buf_clear(&s->scratch);
    texts = stream_status_write(&s->scratch, status);
    set_cookie(s, add_new(s, TARGET_STATUS, texts), cookie);
}

bool stream_has_room(const struct stream *s)
{
    return s->publishing < STREAM_PUBLISH_MAX;
}

static void send_adds(struct stream *s, enum stream_target target)
{
    struct list *node;

    while ((node = list_pop(&s->unsent[target]))) {
        struct add *add = LIST_ITEM(node, struct add, node);

        list_append(&s->sent, node);
        stream_send(s, &(struct stream_command){.verb = STREAM_ADD, .add = &add->what});
    }
}

/* It is in Redis: what waits for that goes on. */
static void add_done(struct stream *s, struct add *add)
{
    struct stream_entry *entry = add->entry;
    bool has_cookie = add->has_cookie;
    uint64_t cookie = add->cookie;

    if (add->what.target == TARGET_DEAD)
        s->facts.dead++;
    else
        s->facts.published++;
    add_free(s, add);
    if (entry)
        window_move(&s->window, entry, STAGE_DUE);
    if (has_cookie)
        s->ports.on_published(s->ports.context, cookie);
}

void stream_on_added(struct stream *s, const struct stream_reply *reply, struct stream_now now)
{
    struct list *node = list_pop(&s->sent);
    struct add *add;

    assert(node);
    add = LIST_ITEM(node, struct add, node);
    if (reply->error) {
        list_append(&s->unsent[add->what.target], node);
        stream_fault(s, EFFORT_ADD + add->what.target, reply, now);
        return;
    }
    stream_effort_well(s, EFFORT_ADD + add->what.target);
    add_done(s, add);
}

/* ---- Rejected entries: read back, since their fields were not kept, and buried. */

static void send_fetches(struct stream *s)
{
    for (unsigned lane = 0; lane < LANE_COUNT; lane++) {
        struct stream_entry *entry;

        while ((entry = window_first(&s->window, lane, STAGE_REJECTED))) {
            window_move(&s->window, entry, STAGE_FETCHING);
            stream_send(s, &(struct stream_command){
                               .verb = STREAM_FETCH, .lane = lane, .after = entry->id});
        }
    }
}

void stream_on_fetched(struct stream *s, const struct stream_reply *reply, struct stream_now now)
{
    struct stream_entry *entry = window_first(&s->window, reply->lane, STAGE_FETCHING);
    const struct stream_raw bare = {.id = entry->id};

    if (reply->error) {
        window_move(&s->window, entry, STAGE_REJECTED);
        stream_fault(s, EFFORT_ADD + TARGET_DEAD, reply, now);
        return;
    }
    window_move(&s->window, entry, STAGE_ADDING);
    stream_bury(s, entry, reply->entry_count ? reply->entries : &bare, entry->reason);
}

/* ---- Acknowledging. */

/* One command of what is due in the lane. */
static void send_ack(struct stream *s, enum stream_lane lane)
{
    struct stream_entry *entry;
    size_t count = 0;

    while (count < STREAM_ACK_MAX && (entry = window_first(&s->window, lane, STAGE_DUE))) {
        window_move(&s->window, entry, STAGE_ACKING);
        s->acks[count++] = entry->id;
    }
    stream_send(s, &(struct stream_command){
                       .verb = STREAM_ACK,
                       .lane = lane,
                       .ids = s->acks,
                       .id_count = count,
                   });
}

void stream_on_acked(struct stream *s, const struct stream_reply *reply, struct stream_now now)
{
    for (size_t i = 0; i < reply->id_count; i++) {
        struct stream_entry *entry = window_first(&s->window, reply->lane, STAGE_ACKING);

        assert(entry);
        if (reply->error) {
            window_move(&s->window, entry, STAGE_DUE);
            continue;
        }
        s->facts.acked++;
        if (s->walking)
            window_move(&s->window, entry, STAGE_DONE);
        else
            window_release(&s->window, entry);
    }
    if (reply->error)
        stream_fault(s, EFFORT_ACK + reply->lane, reply, now);
    else
        stream_effort_well(s, EFFORT_ACK + reply->lane);
}

/* ---- Both. */

void stream_settle_next(struct stream *s, struct stream_now now)
{
    if (!s->up[LINK_WRITER])
        return;
    if (stream_may_try(s, EFFORT_ADD + TARGET_DEAD, now))
        send_fetches(s);
    for (unsigned target = 0; target < TARGET_COUNT; target++)
        if (stream_may_try(s, EFFORT_ADD + target, now))
            send_adds(s, target);
    for (unsigned lane = 0; lane < LANE_COUNT; lane++)
        while (stream_may_try(s, EFFORT_ACK + lane, now) &&
               window_first(&s->window, lane, STAGE_DUE))
            send_ack(s, lane);
}

void stream_settle_again(struct stream *s)
{
    struct list *node;

    for (unsigned target = 0; target < TARGET_COUNT; target++)
        list_splice(&s->sent, &s->unsent[target]);
    while ((node = list_pop(&s->sent)))
        list_append(&s->unsent[LIST_ITEM(node, struct add, node)->what.target], node);
    window_move_all(&s->window, STAGE_FETCHING, STAGE_REJECTED);
    window_move_all(&s->window, STAGE_ACKING, STAGE_DUE);
}

bool stream_is_settled(const struct stream *s)
{
    return s->window.held == 0 && s->adds == 0;
}

void stream_settle_free(struct stream *s)
{
    struct list *node;

    stream_settle_again(s);
    for (unsigned target = 0; target < TARGET_COUNT; target++)
        while ((node = list_pop(&s->unsent[target])))
            add_free(s, LIST_ITEM(node, struct add, node));
    buf_free(&s->scratch);
}
