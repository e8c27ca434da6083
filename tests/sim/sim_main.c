/* SPDX-License-Identifier: MIT
 *
 * sim_main.c: runs seeds and says what happened; tests/sim/run adds it up.
 *
 *     tidings_sim [--seeds N] [--messages N] [--first SEED] [--check-trace 1]
 *
 * Prints a line `seed N TRACE` for each, and at the end lines `sum NAME COUNT`; ends 1 at the first
 * seed that broke a rule, after `broken N SENTENCE`.
 */
#include "base/log.h"
#include "base/text.h"
#include "sim_world.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>

enum { KEEP_BYTES = 256 << 20 }; /* of freed memory: the same is wanted again at once */

struct settings {
    int64_t seeds, messages, first, check_trace;
};

static bool read_arguments(struct settings *s, int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        int64_t *number = strcmp(argv[i], "--seeds") == 0         ? &s->seeds
                          : strcmp(argv[i], "--messages") == 0    ? &s->messages
                          : strcmp(argv[i], "--first") == 0       ? &s->first
                          : strcmp(argv[i], "--check-trace") == 0 ? &s->check_trace
                                                                  : NULL;

        if (!number || !text_to_int(value, 0, 100000000, number))
            return false;
    }
    return s->messages > 0;
}

static void add(struct sim_result *sum, const struct sim_result *one)
{
    sum->messages += one->messages;
    sum->requests += one->requests;
    sum->lives += one->lives;
    sum->commits += one->commits;
    sum->unknown += one->unknown;
    sum->lost += one->lost;
    sum->lost_by_redis += one->lost_by_redis;
    sum->streams += one->streams;
    sum->hooks += one->hooks;
    sum->statuses += one->statuses;
    sum->settled += one->settled;
    sum->twins += one->twins;
    sum->twice_undeclared += one->twice_undeclared;
    sum->twice_declared += one->twice_declared;
    sum->sectors_lost += one->sectors_lost;
    sum->sectors_torn += one->sectors_torn;
    if (one->worst_ambiguity > sum->worst_ambiguity)
        sum->worst_ambiguity = one->worst_ambiguity;
    for (int i = 0; i < FATE_COUNT; i++)
        sum->fates[i] += one->fates[i];
    for (int i = 0; i < FAULT_COUNT; i++)
        sum->faults[i] += one->faults[i];
}

static void print_one(const char *name, uint64_t count)
{
    printf("sum %s: %llu\n", name, (unsigned long long)count);
}

static void print_sum(const struct sim_result *sum)
{
    print_one("messages", sum->messages);
    print_one("requests", sum->requests);
    print_one("lives", sum->lives);
    print_one("commits", sum->commits);
    print_one("unknown", sum->unknown);
    print_one("lost", sum->lost);
    print_one("twice_undeclared", sum->twice_undeclared);
    print_one("twice_declared", sum->twice_declared);
    print_one("worst_ambiguity", sum->worst_ambiguity);
    for (int i = 0; i < FATE_COUNT; i++)
        print_one(fate_name((enum fate)i), sum->fates[i]);
    for (int i = 0; i < FAULT_COUNT; i++)
        print_one(fault_name((enum fault)i), sum->faults[i]);
    print_one("runs with a stream", sum->streams);
    print_one("webhook bodies answered with 200", sum->hooks);
    print_one("statuses taken", sum->statuses);
    print_one("settled by a webhook", sum->settled);
    print_one("duplicates on record", sum->twins);
    print_one("trimmed or deleted before the read", sum->lost_by_redis);
    print_one("sectors lost", sum->sectors_lost);
    print_one("sectors torn", sum->sectors_torn);
}

/* One seed, and the same again where it is asked for. */
static void run(const struct settings *s, uint64_t seed, struct sim_result *one)
{
    struct sim_options options = {seed, (unsigned)s->messages};
    struct sim_result again;

    sim_run(&options, one);
    if (!s->check_trace || one->failure[0])
        return;
    sim_run(&options, &again);
    if (again.trace != one->trace)
        (void)snprintf(one->failure, sizeof(one->failure), "the same seed went another way");
}

int main(int argc, char **argv)
{
    struct settings s = {.seeds = 20, .messages = 2000, .first = 1};
    struct sim_result sum = {0};
    bool holds = true;

    if (!read_arguments(&s, argc, argv)) {
        fprintf(stderr, "usage: tidings_sim [--seeds N] [--messages N] [--first SEED]"
                        " [--check-trace 1]\n");
        return 64;
    }
    log_set_level(LOG_ERROR);
    (void)mallopt(M_MMAP_THRESHOLD, KEEP_BYTES); /* speed alone */
    (void)mallopt(M_TRIM_THRESHOLD, KEEP_BYTES);
    for (int64_t seed = s.first; holds && seed < s.first + s.seeds; seed++) {
        struct sim_result one;

        run(&s, (uint64_t)seed, &one);
        add(&sum, &one);
        holds = !one.failure[0];
        if (holds)
            printf("seed %lld %016llx\n", (long long)seed, (unsigned long long)one.trace);
        else
            printf("broken %lld %s\n", (long long)seed, one.failure);
    }
    print_sum(&sum);
    return holds ? 0 : 1;
}
