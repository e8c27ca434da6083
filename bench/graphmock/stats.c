/* SPDX-License-Identifier: MIT */
#include "stats.h"

#include "base/text.h"

/* A stall is worth a word from half of what the sender's usual guard of 1 % makes up for. */
enum { SECOND_US = 1000000, STALL_US = 5000 };

void stats_init(struct stats *s, int64_t now_us)
{
    *s = (struct stats){.started_us = now_us, .messages = map_new_for(STATS_ROOM)};
}

static void forget_phones(struct stats *s)
{
    for (size_t i = 0; i < s->phone_count; i++) {
        window_free(&s->phones[i].arrivals);
        window_free(&s->phones[i].passed);
    }
}

void stats_free(struct stats *s)
{
    forget_phones(s);
    map_free(s->messages);
}

void stats_reset(struct stats *s)
{
    struct stats old = *s;

    forget_phones(s);
    map_free(s->messages);
    stats_init(s, old.started_us);
    s->connections = old.connections;
    s->http2_connections = old.http2_connections;
    s->failed_handshakes = old.failed_handshakes;
    s->open = s->most_open = old.open;
}

struct phone *stats_phone(struct stats *s, struct slice id)
{
    struct phone *p;

    for (size_t i = 0; i < s->phone_count; i++)
        if (slice_is(id, s->phones[i].id))
            return &s->phones[i];
    if (s->phone_count == STATS_PHONES_MAX || id.len >= PHONE_ID_SIZE)
        return NULL;
    p = &s->phones[s->phone_count++];
    text_copy(p->id, sizeof(p->id), id.at, id.len);
    return p;
}

void stats_arrived(struct stats *s, struct phone *phone, int64_t now_us)
{
    size_t in_window = window_add(&phone->arrivals, now_us);
    int64_t second = (now_us - s->first_us) / SECOND_US;

    s->sends++;
    phone->received++;
    if (in_window > phone->highest_arrivals)
        phone->highest_arrivals = in_window;
    if (second >= 0 && second < STATS_SECONDS_MAX)
        s->seconds[second]++;
}

struct message_counts stats_message(const struct stats *s, uint64_t identity)
{
    uint64_t counts = 0;

    (void)map_get(s->messages, identity, &counts); /* 0 when new */
    return (struct message_counts){.received = (uint32_t)counts,
                                   .accepted = (uint32_t)(counts >> 32)};
}

static void count_message(struct stats *s, uint64_t identity, struct message_counts counts)
{
    map_put(s->messages, identity, (uint64_t)counts.accepted << 32 | counts.received);
}

void stats_received(struct stats *s, uint64_t identity)
{
    struct message_counts counts = stats_message(s, identity);

    if (++counts.received == 2)
        s->received_again++;
    count_message(s, identity, counts);
}

void stats_accepted(struct stats *s, struct phone *phone, uint64_t identity)
{
    struct message_counts counts = stats_message(s, identity);

    if (++counts.accepted == 2)
        s->accepted_again++;
    count_message(s, identity, counts);
    s->accepted++;
    phone->accepted++;
}

void stats_refused(struct stats *s, int64_t code)
{
    s->refused++;
    for (size_t i = 0; i < s->code_count; i++) {
        if (s->codes[i].code == code) {
            s->codes[i].count++;
            return;
        }
    }
    if (s->code_count < STATS_CODES_MAX)
        s->codes[s->code_count++] = (struct code_count){.code = code, .count = 1};
}

void stats_throttled(struct stats *s, int64_t now_us)
{
    if (s->stalls.last_us && now_us - s->stalls.last_us <= SECOND_US)
        s->stalls.throttles++;
}

void stats_woke(struct stats *s, int64_t late_us, int64_t now_us)
{
    if (late_us < STALL_US)
        return;
    s->stalls.count++;
    s->stalls.last_us = now_us;
    if (late_us > s->stalls.longest_us)
        s->stalls.longest_us = late_us;
}
