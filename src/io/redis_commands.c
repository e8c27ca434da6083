/* SPDX-License-Identifier: MIT */
#include "io/redis_commands.h"

#include "base/mem.h"
#include "core/resp.h"
#include "core/stream_names.h"

#include <string.h>

enum { NAME_MAX_BYTES = 4096, ENTRY_TEXTS_MAX = 2048 };

struct redis_commands {
    char *lanes[LANE_COUNT];
    char *targets[TARGET_COUNT];
    char *lock;
    char *lock_value; /* "OWNER RUN HOLDER" */
    char *lock_owner; /* "OWNER " */
    char *group;
    char *consumer;
    int64_t maxlen;
    struct stream_raw *raws; /* of the last reply */
    size_t raw_cap;
    struct field *fields;
    size_t field_cap;
};

/* Takes the lock when nobody has it, renews it when this run has it, and takes it over from another
 * run of the same owner when ARGV[4] says so. Returns whose it is instead. A renewal needs no
 * memory: it goes on when Redis has none left. */
static const char take_script[] =
    "local v = redis.call('GET', KEYS[1]) "
    "if v == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[3]) return '' end "
    "if not v or (ARGV[4] == '1' and string.sub(v, 1, #ARGV[2]) == ARGV[2]) then "
    "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3]) return '' end "
    "return v";

static const char free_script[] =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return ''";

/* ---- Names. */

struct redis_commands *redis_commands_new(const struct stream_options *o)
{
    struct redis_commands *c = MEM_NEW(struct redis_commands);
    struct buf value = buf_new(NAME_MAX_BYTES), owner = buf_new(NAME_MAX_BYTES);

    for (unsigned lane = 0; lane < LANE_COUNT; lane++)
        c->lanes[lane] = stream_lane_name(o->stream, lane);
    for (unsigned target = 0; target < TARGET_COUNT; target++)
        c->targets[target] = stream_target_name(o->stream, target);
    c->lock = stream_lock_name(o);
    buf_addf(&value, "%s %s %s", o->owner, o->run, o->holder);
    c->lock_value = buf_take(&value);
    buf_addf(&owner, "%s ", o->owner);
    c->lock_owner = buf_take(&owner);
    c->group = mem_strdup(o->group);
    c->consumer = mem_strdup(o->consumer);
    c->maxlen = o->result_maxlen;
    return c;
}

void redis_commands_free(struct redis_commands *c)
{
    for (size_t i = 0; i < LANE_COUNT; i++)
        mem_free(c->lanes[i]);
    for (size_t i = 0; i < TARGET_COUNT; i++)
        mem_free(c->targets[i]);
    mem_free(c->lock);
    mem_free(c->lock_value);
    mem_free(c->lock_owner);
    mem_free(c->group);
    mem_free(c->consumer);
    mem_free(c->raws);
    mem_free(c->fields);
    mem_free(c);
}

void redis_commands_set_maxlen(struct redis_commands *c, int64_t maxlen)
{
    c->maxlen = maxlen;
}

/* ---- Writing. */

static void put_texts(struct buf *out, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        resp_text(out, texts[i]);
}

#define PUT(out, ...)                                  \
    put_texts(out, (const char *const[]){__VA_ARGS__}, \
              sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *const))

static void write_read(const struct redis_commands *c, const struct stream_command *k,
                       struct buf *out)
{
    bool blocks = k->verb == STREAM_READ_NEW;
    bool both = blocks && !k->one_lane;

    resp_array(out, both ? 13 : blocks ? 11 : 9);
    PUT(out, "XREADGROUP", "GROUP", c->group, c->consumer, "COUNT");
    resp_int(out, k->count);
    if (blocks) {
        resp_text(out, "BLOCK");
        resp_int(out, k->block_ms);
    }
    if (both) {
        PUT(out, "STREAMS", c->lanes[LANE_HIGH], c->lanes[LANE_NORMAL], ">", ">");
    } else if (blocks) {
        PUT(out, "STREAMS", c->lanes[k->lane], ">");
    } else if (k->verb == STREAM_READ_HIGH) {
        PUT(out, "STREAMS", c->lanes[LANE_HIGH], ">");
    } else {
        PUT(out, "STREAMS", c->lanes[k->lane]);
        resp_id(out, k->after);
    }
}

static void write_lock(const struct redis_commands *c, const struct stream_command *k,
                       struct buf *out)
{
    if (k->verb == STREAM_LOCK_FREE) {
        resp_array(out, 5);
        PUT(out, "EVAL", free_script, "1", c->lock, c->lock_value);
        return;
    }
    resp_array(out, 8);
    PUT(out, "EVAL", take_script, "1", c->lock, c->lock_value, c->lock_owner);
    resp_int(out, STREAM_LOCK_MS);
    resp_text(out, k->verb == STREAM_LOCK_TAKE ? "1" : "0");
}

static void write_ids(const struct stream_command *k, struct buf *out)
{
    for (size_t i = 0; i < k->id_count; i++)
        resp_id(out, k->ids[i]);
}

static void write_claim(const struct redis_commands *c, const struct stream_command *k,
                        struct buf *out)
{
    bool keep = k->verb == STREAM_KEEP;

    resp_array(out, 5 + k->id_count + (keep ? 1 : 0));
    PUT(out, "XCLAIM", c->lanes[k->lane], c->group, k->consumer);
    resp_int(out, k->idle_ms);
    write_ids(k, out);
    if (keep)
        resp_text(out, "JUSTID");
}

static void write_ack(const struct redis_commands *c, const struct stream_command *k,
                      struct buf *out)
{
    resp_array(out, 3 + k->id_count);
    PUT(out, "XACK", c->lanes[k->lane], c->group);
    write_ids(k, out);
}

static void write_add(const struct redis_commands *c, const struct stream_command *k,
                      struct buf *out)
{
    resp_array(out, 6 + k->add->texts);
    PUT(out, "XADD", c->targets[k->add->target], "MAXLEN", "~");
    resp_int(out, c->maxlen);
    resp_text(out, "*");
    buf_add(out, k->add->bytes, k->add->len);
}

static void write_list(const struct redis_commands *c, const struct stream_command *k,
                       struct buf *out)
{
    resp_array(out, 6 + (k->idle_ms ? 2u : 0) + (k->consumer ? 1u : 0));
    PUT(out, "XPENDING", c->lanes[k->lane], c->group);
    if (k->idle_ms) {
        resp_text(out, "IDLE");
        resp_int(out, k->idle_ms);
    }
    resp_id(out, k->after);
    resp_text(out, "+");
    resp_int(out, k->count);
    if (k->consumer)
        resp_text(out, k->consumer);
}

/* One entry, from `first` on and not above `last`. */
static void write_range(const char *stream, struct stream_id first, const struct stream_id *last,
                        struct buf *out)
{
    resp_array(out, 6);
    PUT(out, "XRANGE", stream);
    resp_id(out, first);
    if (last)
        resp_id(out, *last);
    else
        resp_text(out, "+");
    PUT(out, "COUNT", "1");
}

static void write_group(const struct redis_commands *c, const struct stream_command *k,
                        struct buf *out)
{
    resp_array(out, 6);
    PUT(out, "XGROUP", "CREATE", c->lanes[k->lane], c->group, "0", "MKSTREAM");
}

static void write_look(const struct redis_commands *c, const struct stream_command *k,
                       struct buf *out)
{
    const char *stream = c->lanes[k->lane];

    resp_array(out, 3);
    if (k->verb == STREAM_LOOK_PENDING)
        PUT(out, "XPENDING", stream, c->group);
    else
        PUT(out, "XINFO", k->verb == STREAM_LOOK_GROUP ? "GROUPS" : "STREAM", stream);
}

static void write_trim(const struct redis_commands *c, const struct stream_command *k,
                       struct buf *out)
{
    resp_array(out, 5);
    PUT(out, "XTRIM", c->lanes[k->lane], "MINID", "~");
    resp_id(out, k->after);
}

void redis_command_write(const struct redis_commands *c, const struct stream_command *k,
                         struct buf *out)
{
    switch (k->verb) {
    case STREAM_READ_OWN:
    case STREAM_READ_HIGH:
    case STREAM_READ_NEW:
        write_read(c, k, out);
        break;
    case STREAM_LOCK_TAKE:
    case STREAM_LOCK_RENEW:
    case STREAM_LOCK_FREE:
        write_lock(c, k, out);
        break;
    case STREAM_GROUP_MAKE:
        write_group(c, k, out);
        break;
    case STREAM_ACK:
        write_ack(c, k, out);
        break;
    case STREAM_ADD:
        write_add(c, k, out);
        break;
    case STREAM_FETCH:
        write_range(c->lanes[k->lane], k->after, &k->after, out);
        break;
    case STREAM_LIST_PENDING:
        write_list(c, k, out);
        break;
    case STREAM_CLAIM:
    case STREAM_KEEP:
        write_claim(c, k, out);
        break;
    case STREAM_LOOK_GROUP:
    case STREAM_LOOK_PENDING:
    case STREAM_LOOK_STREAM:
        write_look(c, k, out);
        break;
    case STREAM_LOOK_NEXT:
        write_range(c->lanes[k->lane], stream_id_next(k->after), NULL, out);
        break;
    case STREAM_TRIM:
        write_trim(c, k, out);
        break;
    }
}

/* ---- Reading. */

static bool read_id(const struct redis_value *value, struct stream_id *out)
{
    return value->kind == REDIS_TEXT && stream_id_parse(value->text, value->len, out);
}

static bool has_nul(const struct redis_value *text)
{
    return strlen(redis_value_text(text)) != text->len;
}

/* What a producer can put into an entry and a message cannot have. */
static const char *fault_of(const struct redis_value *texts)
{
    if (texts->len % 2)
        return "entry: has a name without a value";
    if (texts->len > ENTRY_TEXTS_MAX)
        return "entry: has more than 1024 fields; up to 1024 are allowed";
    for (size_t i = 0; i < texts->len; i++) {
        if (texts->items[i].kind != REDIS_TEXT)
            return "entry: has fields that are no texts";
        if (i % 2 == 0 && has_nul(&texts->items[i]))
            return "entry: has a name with a NUL in it";
    }
    return NULL;
}

static struct field field_of(const struct redis_value *name, const struct redis_value *value)
{
    return (struct field){
        .name = redis_value_text(name),
        .value = redis_value_text(value),
        .len = value->kind == REDIS_TEXT ? value->len : 0,
    };
}

/* [id, [name, value, ...]], or [id, nil]; [id, consumer, idle, deliveries]; "id". */
static bool read_entry(struct redis_commands *c, const struct redis_value *value,
                       struct stream_raw *raw, size_t *field_count)
{
    const struct redis_value *second = redis_value_item(value, 1);
    const struct redis_value *id = value->kind == REDIS_LIST ? redis_value_item(value, 0) : value;
    size_t pairs = redis_value_count(second) / 2;

    raw->is_gone = second->kind == REDIS_NIL;
    raw->consumer = redis_value_text(second);
    raw->fields = pairs ? c->fields + *field_count : NULL;
    raw->field_count = pairs;
    if (second->kind == REDIS_LIST)
        raw->fault = fault_of(second);
    for (size_t i = 0; i < pairs; i++)
        c->fields[(*field_count)++] = field_of(&second->items[2 * i], &second->items[2 * i + 1]);
    return read_id(id, &raw->id);
}

static size_t pairs_of(const struct redis_value *entries)
{
    size_t pairs = 0;

    for (size_t i = 0; i < redis_value_count(entries); i++)
        pairs += redis_value_count(redis_value_item(&entries->items[i], 1)) / 2;
    return pairs;
}

/* Room for that many; what is there moves, and is not looked at before all are read. */
static void make_room(struct redis_commands *c, size_t raws, size_t fields)
{
    if (raws > c->raw_cap) {
        c->raws = mem_realloc(c->raws, raws * sizeof(*c->raws));
        c->raw_cap = raws;
    }
    if (fields > c->field_cap) {
        c->fields = mem_realloc(c->fields, fields * sizeof(*c->fields));
        c->field_cap = fields;
    }
}

static bool read_entries(struct redis_commands *c, const struct redis_value *entries,
                         enum stream_lane lane, struct stream_reply *reply, size_t *field_count)
{
    for (size_t i = 0; i < redis_value_count(entries); i++) {
        struct stream_raw *raw = &c->raws[reply->entry_count];

        if (entries->items[i].kind == REDIS_NIL) /* claimed and gone, before Redis 7 */
            continue;
        *raw = (struct stream_raw){.lane = lane};
        if (!read_entry(c, &entries->items[i], raw, field_count))
            return false;
        reply->entry_count++;
    }
    reply->entries = c->raws;
    return true;
}

static bool read_list(struct redis_commands *c, const struct redis_value *value,
                      struct stream_reply *reply)
{
    size_t fields = 0;

    if (value->kind != REDIS_LIST)
        return false;
    make_room(c, value->len, pairs_of(value));
    return read_entries(c, value, reply->lane, reply, &fields);
}

/* [[stream, entries], ...], or nil when nothing came. */
static bool read_streams(struct redis_commands *c, const struct redis_value *value,
                         struct stream_reply *reply)
{
    size_t raws = 0, pairs = 0, fields = 0;

    if (value->kind == REDIS_NIL)
        return true;
    if (value->kind != REDIS_LIST)
        return false;
    for (size_t i = 0; i < value->len; i++) {
        const struct redis_value *entries = redis_value_item(&value->items[i], 1);

        raws += redis_value_count(entries);
        pairs += pairs_of(entries);
    }
    make_room(c, raws, pairs);
    for (size_t i = 0; i < value->len; i++) {
        const char *stream = redis_value_text(redis_value_item(&value->items[i], 0));
        bool high = strcmp(stream, c->lanes[LANE_HIGH]) == 0;

        if (!high && strcmp(stream, c->lanes[LANE_NORMAL]) != 0)
            return false;
        if (!read_entries(c, redis_value_item(&value->items[i], 1), high ? LANE_HIGH : LANE_NORMAL,
                          reply, &fields))
            return false;
    }
    return true;
}

/* "OWNER RUN HOLDER" -> "HOLDER" */
static const char *holder_of(const char *value)
{
    for (int i = 0; i < 2; i++) {
        const char *space = strchr(value, ' ');

        value = space ? space + 1 : value;
    }
    return value;
}

static bool read_lock(const struct redis_value *value, struct stream_reply *reply)
{
    if (value->kind != REDIS_TEXT)
        return false;
    reply->holder = value->len ? holder_of(value->text) : NULL;
    return true;
}

/* The group's line among those of the stream. */
static bool read_group(const struct redis_commands *c, const struct redis_value *value,
                       struct stream_reply *reply)
{
    if (value->kind != REDIS_LIST)
        return false;
    reply->number = (int64_t)value->len;
    reply->is_missing = true;
    for (size_t i = 0; i < value->len; i++) {
        const struct redis_value *group = &value->items[i];

        if (strcmp(redis_value_text(redis_value_get(group, "name")), c->group) != 0)
            continue;
        reply->is_missing = false;
        reply->lag = redis_value_number(redis_value_get(group, "lag"), -1);
        reply->counted = redis_value_number(redis_value_get(group, "entries-read"), -1);
        return read_id(redis_value_get(group, "last-delivered-id"), &reply->id);
    }
    return true;
}

/* [count, lowest, highest, consumers], with nils when there is none. */
static bool read_pending(const struct redis_value *value, struct stream_reply *reply)
{
    reply->number = redis_value_number(redis_value_item(value, 0), -1);
    return reply->number == 0 ||
           (reply->number > 0 && read_id(redis_value_item(value, 1), &reply->id));
}

static bool read_stream(const struct redis_value *value, struct stream_reply *reply)
{
    const struct redis_value *first = redis_value_get(value, "first-entry");

    if (!read_id(redis_value_get(value, "last-generated-id"), &reply->last))
        return false;
    reply->number = redis_value_number(redis_value_get(value, "length"), -1);
    reply->counted = redis_value_number(redis_value_get(value, "entries-added"), -1);
    return reply->number == 0 ||
           (reply->number > 0 && read_id(redis_value_item(first, 0), &reply->id));
}

static bool read_number(const struct redis_value *value, struct stream_reply *reply)
{
    reply->number = value->number;
    return value->kind == REDIS_INT;
}

static bool read_value(struct redis_commands *c, const struct redis_value *value,
                       struct stream_reply *reply)
{
    switch (reply->verb) {
    case STREAM_READ_OWN:
    case STREAM_READ_HIGH:
    case STREAM_READ_NEW:
        return read_streams(c, value, reply);
    case STREAM_LOCK_TAKE:
    case STREAM_LOCK_RENEW:
    case STREAM_LOCK_FREE:
        return read_lock(value, reply);
    case STREAM_GROUP_MAKE:
    case STREAM_ADD:
        return value->kind == REDIS_TEXT;
    case STREAM_ACK:
    case STREAM_TRIM:
        return read_number(value, reply);
    case STREAM_FETCH:
    case STREAM_LIST_PENDING:
    case STREAM_CLAIM:
    case STREAM_KEEP:
    case STREAM_LOOK_NEXT:
        return read_list(c, value, reply);
    case STREAM_LOOK_GROUP:
        return read_group(c, value, reply);
    case STREAM_LOOK_PENDING:
        return read_pending(value, reply);
    case STREAM_LOOK_STREAM:
        return read_stream(value, reply);
    }
    return false;
}

void redis_reply_read(struct redis_commands *c, const struct redis_value *value,
                      struct stream_reply *reply)
{
    if (value->kind == REDIS_ERROR) {
        reply->error = value->text;
    } else if (!read_value(c, value, reply)) {
        reply->error = "a reply that makes no sense";
        reply->entry_count = 0;
    }
}
