/* SPDX-License-Identifier: MIT
 *
 * sim_source.h: the file that a simulated run sends: the same rows in each life of the process.
 *
 * Model: row r is message `sim_source_row(s, r)`; some rows repeat a message of before, some of
 * these with other content under the same id (variant 1). What a request was made of can be read
 * back from its body.
 */
#ifndef SIM_SIM_SOURCE_H
#define SIM_SIM_SOURCE_H

#include "core/message.h"
#include "sim_config.h"

enum { SIM_ID_SIZE = 40, SIM_SENDERS = 2 };

struct sim_row_of_file {
    unsigned index;   /* the message */
    unsigned variant; /* 0, or 1: other content */
};

struct sim_source {
    const struct sim_config *config;
    uint64_t seed;
    unsigned messages;
    struct sim_row_of_file *rows;
    unsigned row_count;
};

void sim_source_init(struct sim_source *s, const struct sim_config *config, uint64_t seed,
                     unsigned messages);
void sim_source_free(struct sim_source *s);

/* The same row as a stream's entry has it. */
enum { SIM_FIELDS_MAX = 9 };
struct sim_fields {
    struct message *message; /* what the texts are in */
    char times[2][24];
    struct field fields[SIM_FIELDS_MAX];
    size_t count;
};
void sim_source_fields(const struct sim_source *s, int row, struct sim_fields *out);

/* Returned: taken by the caller. */
struct message *sim_source_message(const struct sim_source *s, unsigned index, unsigned variant);
void sim_source_id(unsigned index, char out[SIM_ID_SIZE]);
/* Which message is this? */
unsigned sim_source_index(const struct message *m);
unsigned sim_source_variant(const struct message *m);
/* The same from a request's body; false when it is none of ours. */
bool sim_source_read_body(const char *body, size_t len, struct sim_row_of_file *out);
unsigned sim_source_sender(unsigned index);
/* Messages to the one recipient that gets many. */
bool sim_source_is_hot(const struct sim_source *s, unsigned index);

#endif
