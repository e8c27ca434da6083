/* SPDX-License-Identifier: MIT
 *
 * stats.h: what the mock has seen, counted.
 *
 * Model: a request is any HTTP request that came whole; a send is one to /messages that Graph
 * looked at (faults that lose a message unread do not make it one). Sends of the same message
 * (payload_identity) are counted by two numbers each: how often received, how often accepted.
 */
#ifndef GRAPHMOCK_STATS_H
#define GRAPHMOCK_STATS_H

#include "base/map.h"
#include "slice.h"
#include "window.h"

#include <stdbool.h>

enum { STATS_CODES_MAX = 64, STATS_PHONES_MAX = 64, STATS_SECONDS_MAX = 7200, PHONE_ID_SIZE = 24 };

/* Messages, and pairs, that are counted without a pause to grow (map.h): 13 minutes at 1,000 a
 * second, in 16 MB each that are taken as they are used. */
enum { STATS_ROOM = 786432 };

struct code_count {
    int64_t code;
    uint64_t count;
};

/* A number that sends, and its two windows. */
struct phone {
    char id[PHONE_ID_SIZE];
    uint64_t received, accepted;
    struct window arrivals; /* every send */
    struct window passed;   /* those that the throughput limit let through */
    uint64_t highest_arrivals, highest_passed;
};

/* Moments at which the mock itself was held up (by the machine, or by its own work). What waited
 * then is counted as having arrived together, later than it did. */
struct stalls {
    uint64_t count;
    int64_t longest_us;
    int64_t last_us;    /* the end of the last one; 0: none yet */
    uint64_t throttles; /* 130429 within a second after a stall: perhaps not the sender's fault */
};

struct stats {
    uint64_t requests, sends, accepted;
    uint64_t refused;                        /* answered with an error object */
    uint64_t lost;                           /* requests that a fault lost unread */
    uint64_t received_again, accepted_again; /* messages that came, were accepted, more than once */
    int64_t started_us;                      /* of the mock; kept over a reset */
    int64_t first_us;                        /* first request; 0: none yet */
    struct code_count codes[STATS_CODES_MAX];
    size_t code_count;
    struct phone phones[STATS_PHONES_MAX];
    size_t phone_count;
    struct stalls stalls;
    struct map *messages;                /* identity -> accepted << 32 | received */
    uint32_t seconds[STATS_SECONDS_MAX]; /* arrivals in each second since the first */
    /* connections; these survive a reset */
    uint64_t connections, http2_connections, failed_handshakes, open, most_open;
};

void stats_init(struct stats *s, int64_t now_us);
void stats_free(struct stats *s);
/* Forgets everything but the connections. */
void stats_reset(struct stats *s);

/* The number of that id, made when new; NULL when there are too many. */
struct phone *stats_phone(struct stats *s, struct slice id);
void stats_arrived(struct stats *s, struct phone *phone, int64_t now_us);
void stats_received(struct stats *s, uint64_t identity);
/* How often the message came, and was accepted, until now. */
struct message_counts {
    uint32_t received, accepted;
};
struct message_counts stats_message(const struct stats *s, uint64_t identity);
void stats_accepted(struct stats *s, struct phone *phone, uint64_t identity);
void stats_refused(struct stats *s, int64_t code);
/* The throughput limit refused. */
void stats_throttled(struct stats *s, int64_t now_us);
/* A wake-up came `late_us` after its time. */
void stats_woke(struct stats *s, int64_t late_us, int64_t now_us);

#endif
