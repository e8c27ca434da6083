/* SPDX-License-Identifier: MIT */
#include "sim_source.h"

#include "base/mem.h"
#include "base/text.h"
#include "sim_clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEX_ID_LEN = 32, HOT = 1, COLD = 10, SPREAD_MS = 120000, MARK_MAX = 32 };

/* A chance of its own for each message, so that every life of the process reads the same. */
static struct sim_random chance_of(const struct sim_source *s, unsigned index)
{
    struct sim_random r = {s->seed ^ (uint64_t)index * 0x2545f4914f6cdd1du};

    (void)sim_random_next(&r);
    return r;
}

static struct sim_row_of_file draw_row(const struct sim_source *s, struct sim_random *r,
                                       unsigned fresh)
{
    struct sim_row_of_file row = {.index = fresh};

    if (fresh == 0 || !sim_random_chance(r, s->config->repeat_share))
        return row;
    row.index = (unsigned)(sim_random_chance(r, 5000)
                               ? sim_random_below(r, fresh)
                               : fresh - 1 - sim_random_below(r, fresh < 8 ? fresh : 8));
    row.variant = sim_random_chance(r, s->config->reuse_share);
    return row;
}

void sim_source_init(struct sim_source *s, const struct sim_config *config, uint64_t seed,
                     unsigned messages)
{
    struct sim_random r = {seed ^ 0x9e3779b97f4a7c15u};
    unsigned fresh = 0;

    *s = (struct sim_source){.config = config, .seed = seed, .messages = messages};
    s->rows = mem_alloc(2 * (size_t)messages * sizeof(struct sim_row_of_file));
    for (s->row_count = 0; fresh < messages && s->row_count < 2 * messages; s->row_count++) {
        s->rows[s->row_count] = draw_row(s, &r, fresh);
        fresh += s->rows[s->row_count].index == fresh;
    }
}

void sim_source_free(struct sim_source *s)
{
    mem_free(s->rows);
}

/* Ids of both forms that the ledger keeps. */
void sim_source_id(unsigned index, char out[SIM_ID_SIZE])
{
    (void)snprintf(out, SIM_ID_SIZE, index % 2 ? "%032x" : "%u", index); /* it fits */
}

unsigned sim_source_index(const struct message *m)
{
    return (unsigned)strtoul(m->id, NULL, strlen(m->id) == HEX_ID_LEN ? 16 : 10);
}

unsigned sim_source_variant(const struct message *m)
{
    return strstr(m->content, "other") != NULL;
}

unsigned sim_source_sender(unsigned index)
{
    return index % 7 == 6;
}

bool sim_source_is_hot(const struct sim_source *s, unsigned index)
{
    struct sim_random r = chance_of(s, index);

    return sim_random_chance(&r, s->config->hot_share);
}

static void draw_times(const struct sim_source *s, unsigned index, struct message *m)
{
    struct sim_random r = chance_of(s, index + 0x10000000);
    int64_t at_ms = SIM_START_WALL_MS + (int64_t)sim_random_below(&r, SPREAD_MS);

    if (sim_random_chance(&r, s->config->later_share))
        m->not_before_ms = at_ms;
    if (sim_random_chance(&r, s->config->expiry_share))
        m->expires_at_ms = at_ms + (int64_t)sim_random_below(&r, SPREAD_MS);
}

struct message *sim_source_message(const struct sim_source *s, unsigned index, unsigned variant)
{
    char id[SIM_ID_SIZE], to[24], content[MARK_MAX];
    struct message values = {
        .id = id,
        .to = to,
        .template_name = index % 11 == 10 ? "second_template" : "results_update",
        .lang = "en_US",
        .content = content,
        .sender = sim_source_sender(index) ? "200" : "100",
        .broadcast = "b",
    };

    sim_source_id(index, id);
    (void)snprintf(to, sizeof(to), "+9198%08u",
                   sim_source_is_hot(s, index) ? HOT : index + COLD); /* all of these fit */
    (void)snprintf(content, sizeof(content), "[\"m%u\",\"%s\"]", index, variant ? "other" : "same");
    draw_times(s, index, &values);
    return message_restore(&values);
}

static void put_field(struct sim_fields *f, const char *name, const char *value)
{
    f->fields[f->count++] = (struct field){.name = name, .value = value, .len = strlen(value)};
}

static void put_time(struct sim_fields *f, const char *name, int64_t at_ms, char out[24])
{
    if (!at_ms)
        return;
    (void)snprintf(out, 24, "%lld", (long long)at_ms / 1000); /* it fits */
    put_field(f, name, out);
}

void sim_source_fields(const struct sim_source *s, int row, struct sim_fields *out)
{
    const struct message *m;

    *out = (struct sim_fields){0};
    if (row < 0) {
        put_field(out, "to", "nobody");
        return;
    }
    m = out->message = sim_source_message(s, s->rows[row].index, s->rows[row].variant);
    put_field(out, "id", m->id);
    put_field(out, "to", m->to);
    put_field(out, "template", m->template_name);
    put_field(out, "params", m->content);
    put_field(out, "sender", m->sender);
    put_time(out, "not_before", m->not_before_ms, out->times[0]);
    put_time(out, "expires_at", m->expires_at_ms, out->times[1]);
}

bool sim_source_read_body(const char *body, size_t len, struct sim_row_of_file *out)
{
    const char *mark = memmem(body, len, "\"m", 2);

    while (mark && !(mark[2] >= '0' && mark[2] <= '9'))
        mark = memmem(mark + 2, len - (size_t)(mark + 2 - body), "\"m", 2);
    if (!mark)
        return false;
    out->index = (unsigned)strtoul(mark + 2, NULL, 10);
    out->variant = memmem(mark, len - (size_t)(mark - body), "\"other\"", 7) != NULL;
    return true;
}
