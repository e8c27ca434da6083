/* SPDX-License-Identifier: MIT
 *
 * engine_sim.c: runs seeds and says what happened.
 *
 *     engine_sim [--seeds N] [--messages N] [--first SEED] [--verbose]
 */
#include "base/text.h"
#include "sim_world.h"

#include <stdio.h>
#include <string.h>

struct settings {
    int64_t seeds, messages, first;
    bool verbose;
};

static bool read_arguments(struct settings *s, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        int64_t *number = strcmp(argv[i], "--seeds") == 0      ? &s->seeds
                          : strcmp(argv[i], "--messages") == 0 ? &s->messages
                          : strcmp(argv[i], "--first") == 0    ? &s->first
                                                               : NULL;

        if (strcmp(argv[i], "--verbose") == 0)
            s->verbose = true;
        else if (number && text_to_int(value, 1, 100000000, number))
            i++;
        else
            return false;
    }
    return true;
}

static void add(struct sim_result *sum, const struct sim_result *one)
{
    sum->messages += one->messages;
    sum->requests += one->requests;
    sum->crashes += one->crashes;
    sum->unknown += one->unknown;
    sum->lost += one->lost;
    sum->twice_undeclared += one->twice_undeclared;
    sum->twice_declared += one->twice_declared;
    if (one->worst_ambiguity > sum->worst_ambiguity)
        sum->worst_ambiguity = one->worst_ambiguity;
    for (int i = 0; i < FATE_COUNT; i++)
        sum->fates[i] += one->fates[i];
    sum->trace = sum->trace * 31 + one->trace;
}

static void print_sum(const struct settings *s, const struct sim_result *sum)
{
    printf("%lld seeds, %llu messages, %llu requests, %llu crashes\n", (long long)s->seeds,
           (unsigned long long)sum->messages, (unsigned long long)sum->requests,
           (unsigned long long)sum->crashes);
    for (int i = 0; i < FATE_COUNT; i++)
        printf("  %-34s %10llu\n", fate_name((enum fate)i), (unsigned long long)sum->fates[i]);
    printf("left unknown %llu, worst after one crash %llu, sent twice as declared %llu\n",
           (unsigned long long)sum->unknown, (unsigned long long)sum->worst_ambiguity,
           (unsigned long long)sum->twice_declared);
    printf("lost %llu, sent twice undeclared %llu, trace %016llx\n", (unsigned long long)sum->lost,
           (unsigned long long)sum->twice_undeclared, (unsigned long long)sum->trace);
}

int main(int argc, char **argv)
{
    struct settings s = {.seeds = 20, .messages = 10000, .first = 1};
    struct sim_result sum = {0};

    if (!read_arguments(&s, argc, argv)) {
        fprintf(stderr, "usage: engine_sim [--seeds N] [--messages N] [--first SEED]\n");
        return 64;
    }
    for (int64_t seed = s.first; seed < s.first + s.seeds; seed++) {
        struct sim_options options = {(uint64_t)seed, (unsigned)s.messages, s.verbose};
        struct sim_result one;

        sim_run(&options, &one);
        add(&sum, &one);
        if (one.failure[0]) {
            printf("seed %lld: %s\n", (long long)seed, one.failure);
            return 1;
        }
        if (s.verbose)
            printf("seed %lld: %llu requests, %llu unknown\n", (long long)seed,
                   (unsigned long long)one.requests, (unsigned long long)one.unknown);
    }
    print_sum(&s, &sum);
    return 0;
}
