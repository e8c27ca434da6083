/* SPDX-License-Identifier: MIT
 *
 * test_stream_fixture.h: the stream's decisions under test, command by command, without a Redis.
 */
#ifndef TEST_STREAM_FIXTURE_H
#define TEST_STREAM_FIXTURE_H

#include "core/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

enum { SENT_MAX = 256, OFFERED_MAX = 64, NOTES_MAX = 64 };

struct sent {
    enum stream_verb verb;
    enum stream_lane lane;
    bool one_lane;
    unsigned count;
    size_t id_count;
    struct stream_id after, first_id;
    int64_t idle_ms;
    char consumer[16]; /* "": none */
};

struct test {
    struct stream *stream;
    struct sent sent[SENT_MAX];
    size_t sent_count, looked_at[LINK_COUNT];
    struct stream_entry *offered[OFFERED_MAX];
    size_t offered_count, taken_over_count;
    unsigned drops[LINK_COUNT];
    struct err refused;
    bool was_refused, drained;
    int64_t now_ms;
    char notes[NOTES_MAX][512]; /* but those for debugging */
    size_t note_count;
};

static struct test t;

static const struct message_defaults defaults = {
    .template_name = "hello",
    .lang = "en",
    .sender = "1234567890",
    .broadcast = "",
};

static inline void on_send(void *context, const struct stream_command *c)
{
    (void)context;
    assert_true(t.sent_count < SENT_MAX);
    t.sent[t.sent_count++] = (struct sent){
        .verb = c->verb,
        .lane = c->lane,
        .one_lane = c->one_lane,
        .count = c->count,
        .id_count = c->id_count,
        .after = c->after,
        .first_id = c->id_count ? c->ids[0] : (struct stream_id){0},
        .idle_ms = c->idle_ms,
    };
    if (c->consumer)
        (void)snprintf(t.sent[t.sent_count - 1].consumer, sizeof(t.sent->consumer), "%s",
                       c->consumer);
}

static inline void on_drop(void *context, enum stream_link link)
{
    (void)context;
    t.drops[link]++;
}

static inline void on_message(void *context, struct message *m, struct stream_entry *entry,
                              bool taken_over)
{
    (void)context;
    t.taken_over_count += taken_over;
    assert_true(t.offered_count < OFFERED_MAX);
    t.offered[t.offered_count++] = entry;
    message_free(m);
}

static inline void on_published(void *context, uint64_t cookie)
{
    (void)context;
    (void)cookie;
}

static inline void on_refused(void *context, const struct err *why)
{
    (void)context;
    t.was_refused = true;
    t.refused = *why;
}

static inline void on_drained(void *context)
{
    (void)context;
    t.drained = true;
}

static inline void on_note(void *context, enum stream_level level, const char *text)
{
    (void)context;
    assert_true(strlen(text) > 0);
    if (level != STREAM_DEBUG && t.note_count < NOTES_MAX)
        (void)snprintf(t.notes[t.note_count++], sizeof(t.notes[0]), "%s", text);
}

static inline struct stream_now now(void)
{
    return (struct stream_now){.mono_ms = t.now_ms, .wall_ms = t.now_ms, .random = 7};
}

static inline void open_stream(const char *taken, const char *const *former, size_t former_count)
{
    const struct stream_options options = {
        .stream = "t:send",
        .group = "g",
        .consumer = "me",
        .taken = taken,
        .former = former,
        .former_count = former_count,
        .owner = "ledger",
        .run = "run",
        .holder = "the test",
        .phone_id = "1234567890",
        .claim_idle_ms = 120000,
        .defaults = &defaults,
    };
    const struct stream_ports ports = {
        NULL, on_send, on_drop, on_message, on_published, on_refused, on_drained, on_note,
    };

    memset(&t, 0, sizeof(t));
    t.now_ms = 1000000;
    t.stream = stream_new(&options, &ports);
}

static inline int setup(void **state)
{
    (void)state;
    open_stream(NULL, NULL, 0);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    stream_free(t.stream);
    return 0;
}

static inline void turn(void)
{
    stream_turn(t.stream, now());
}

/* The next command of a link that is there, other than looks, which are answered on the way. NULL:
 * none. */
static const struct sent *next_of(enum stream_link link)
{
    while (t.looked_at[link] < t.sent_count) {
        const struct sent *sent = &t.sent[t.looked_at[link]++];

        if (stream_verb_link(sent->verb) != link)
            continue;
        if (sent->verb < STREAM_LOOK_GROUP)
            return sent;
        stream_on_reply(t.stream,
                        &(struct stream_reply){.verb = sent->verb, .lane = sent->lane, .lag = -1},
                        now());
        turn();
    }
    return NULL;
}

static const struct sent *expect(enum stream_verb verb)
{
    const struct sent *sent = next_of(stream_verb_link(verb));

    if (!sent || sent->verb != verb)
        fail_msg("command %d, not %d", sent ? (int)sent->verb : -1, (int)verb);
    return sent;
}

static inline void expect_nothing_of(enum stream_link link)
{
    const struct sent *sent = next_of(link);

    if (sent)
        fail_msg("command %d", (int)sent->verb);
}

static inline void answer(const struct stream_reply *reply)
{
    stream_on_reply(t.stream, reply, now());
    turn();
}

static inline void well(enum stream_verb verb, enum stream_lane lane)
{
    answer(&(struct stream_reply){.verb = verb, .lane = lane});
}

static inline void wrong(enum stream_verb verb, const char *error)
{
    answer(&(struct stream_reply){.verb = verb, .error = error});
}

/* Up to the first read of own pending entries; so late that one walk over them is enough. */
static inline void start(void)
{
    stream_want(t.stream, 10);
    stream_on_up(t.stream, LINK_READER, now());
    stream_on_up(t.stream, LINK_WRITER, now());
    t.now_ms += STREAM_WALK_AGAIN_MS;
    turn();
    (void)expect(STREAM_LOCK_TAKE);
    well(STREAM_LOCK_TAKE, LANE_HIGH);
    assert_int_equal(expect(STREAM_GROUP_MAKE)->lane, LANE_HIGH);
    well(STREAM_GROUP_MAKE, LANE_HIGH);
    assert_int_equal(expect(STREAM_GROUP_MAKE)->lane, LANE_NORMAL);
    well(STREAM_GROUP_MAKE, LANE_NORMAL);
}

static inline void walk(enum stream_lane lane)
{
    assert_int_equal(expect(STREAM_READ_OWN)->lane, lane);
    well(STREAM_READ_OWN, lane);
}

/* Up to the first read of new entries. */
static inline void start_reading(void)
{
    start();
    walk(LANE_HIGH);
    walk(LANE_NORMAL);
    (void)expect(STREAM_READ_HIGH);
}

static inline struct stream_raw raw_of(enum stream_lane lane, uint64_t ms)
{
    static const struct field fields[] = {{.name = "to", .value = "+98000000001", .len = 12}};

    return (struct stream_raw){.lane = lane, .id = {ms, 0}, .fields = fields, .field_count = 1};
}

static inline void bring(enum stream_verb verb, uint64_t ms, size_t count)
{
    struct stream_raw raws[16];

    for (size_t i = 0; i < count; i++)
        raws[i] = raw_of(LANE_NORMAL, ms + i);
    answer(&(struct stream_reply){
        .verb = verb, .lane = LANE_NORMAL, .entries = raws, .entry_count = count});
}

static inline void settle(size_t i, bool with_result)
{
    const struct message m = {
        .id = "i", .to = "+1", .class_id = "", .test_num = "", .broadcast = "", .ref = ""};
    const struct outcome o = {.state = STATE_ACCEPTED};

    stream_settle(t.stream, t.offered[i],
                  with_result ? &(struct stream_result){&m, &o, 1, 1} : NULL);
}

static inline struct stream_facts facts(void)
{
    struct stream_facts facts;

    stream_look(t.stream, now(), &facts);
    return facts;
}

#define STREAM_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
