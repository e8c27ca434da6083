/* SPDX-License-Identifier: MIT
 *
 * ledger_bench: what the ledger costs, by itself: CPU a message by batch, bytes a message, asking
 * for known ids, opening. A yardstick, not a test.
 *
 *     ledger_bench [MESSAGES [FOLDER]]       default: 1,000,000 in a new folder under $TMPDIR
 *
 * A batch of N is what a commit carries at N messages' pace: N probes, N admissions with their
 * intents, and the N outcomes of those before. CPU is the process' user and system time; messages
 * are made beforehand, a lot at a time, and not counted.
 */
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "ledger/key_index.h"
#include "ledger/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOT = 4000, BATCHES = 3, WAMID_SIZE = 64 }; /* LOT: a multiple of every batch */

struct lot {
    struct message *messages[LOT];
    char wamids[LOT][WAMID_SIZE];
    struct record records[LOT];
};

struct bench {
    char folder[256];
    char path[300];
    uint64_t messages;
    struct lot lots[2];
};

static void die(const struct err *e)
{
    fprintf(stderr, "ledger_bench: %s\n", e->text);
    exit(1);
}

static int64_t cpu_us(void)
{
    struct timespec used;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used); /* Linux always has it */
    return (int64_t)used.tv_sec * 1000000 + used.tv_nsec / 1000;
}

static long resident_kb(void)
{
    struct rusage use;

    (void)getrusage(RUSAGE_SELF, &use); /* cannot fail for oneself */
    return use.ru_maxrss;
}

/* ---- Typical messages. */

static struct message *make_message(uint64_t n)
{
    const struct hash_part seed = {&n, sizeof(n)};
    char id[33], to[32], content[160];

    hash128_hex(&seed, 1, id);
    (void)snprintf(to, sizeof(to), "+91%010llu", (unsigned long long)(9800000000 + n % 100000000));
    (void)snprintf(content, sizeof(content),
                   "[\"Asha Rao\",\"Physics\",\"https://exam.example/r/abc%03llu\"]",
                   (unsigned long long)(n % 1000));
    return message_restore(&(struct message){
        .id = id,
        .to = to,
        .template_name = "results_update",
        .lang = "en_US",
        .content = content,
        .class_id = "A1",
        .test_num = "1",
        .broadcast = "results",
        .sender = "915988834937783",
    });
}

static void drop_lot(struct lot *lot)
{
    for (unsigned i = 0; i < LOT; i++)
        message_free(lot->messages[i]);
}

/* 42 bytes, as base64 56 characters: about the length of Graph's. */
static void make_wamid(uint64_t n, char out[WAMID_SIZE])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef";

    (void)snprintf(out, WAMID_SIZE, "wamid.HBgMOTE5ODEyMzQ1NjIxFQIAERgS");
    for (size_t i = strlen(out); i < 62; i++, n = n * 2862933555777941757U + 3037000493U)
        out[i] = digits[n >> 59];
    out[62] = '\0';
}

static void fill_lot(struct lot *lot, uint64_t first)
{
    for (unsigned i = 0; i < LOT; i++) {
        lot->messages[i] = make_message(first + i);
        make_wamid(first + i, lot->wamids[i]);
    }
}

/* ---- Sending. */

static void apply(struct store *s, struct record *r)
{
    struct err e;

    if (!store_apply(s, r, &e))
        die(&e);
}

static void apply_new(struct store *s, struct lot *lot, unsigned i)
{
    struct record *r = &lot->records[i];

    *r = (struct record){.kind = RECORD_PROBE, .message = lot->messages[i]};
    apply(s, r);
    r->kind = RECORD_ADMIT;
    r->intend = true;
    r->at_ms = clock_wall_ms();
    apply(s, r);
}

static void apply_outcome(struct store *s, struct lot *lot, unsigned i, struct outcome *o)
{
    struct record *r = &lot->records[i];

    memcpy(o->wamid, lot->wamids[i], WAMID_SIZE);
    *r = (struct record){
        .kind = RECORD_OUTCOME,
        .message = lot->messages[i],
        .number = r->number,
        .attempt = 1,
        .at_ms = clock_wall_ms(),
        .outcome = o,
    };
    apply(s, r);
}

/* One commit: batch `at` of `next` is admitted, the same one of `before` gets its outcomes. */
static void commit(struct bench *b, struct store *s, unsigned at, unsigned batch, bool first)
{
    struct outcome accepted = {
        .state = STATE_ACCEPTED, .http_status = 200, .latency_us = 301234, .counts = true};
    struct err e;

    if (!store_begin(s, &e))
        die(&e);
    for (unsigned i = 0; i < batch && !first; i++)
        apply_outcome(s, &b->lots[1], at + i, &accepted);
    for (unsigned i = 0; i < batch; i++)
        apply_new(s, &b->lots[0], at + i);
    if (!store_commit(s, &e) || (store_wants_checkpoint(s) && !store_checkpoint(s, &e)))
        die(&e);
}

static int64_t send_all(struct bench *b, struct store *s, unsigned batch)
{
    int64_t used_us = 0, began_us;

    for (uint64_t n = 0; n < b->messages; n += LOT) {
        fill_lot(&b->lots[0], n);
        began_us = cpu_us();
        for (unsigned at = 0; at < LOT; at += batch)
            commit(b, s, at, batch, n == 0);
        used_us += cpu_us() - began_us;
        if (n > 0)
            drop_lot(&b->lots[1]);
        b->lots[1] = b->lots[0];
    }
    drop_lot(&b->lots[1]);
    return used_us;
}

/* ---- Asking for every id again, as a complete broadcast that is run again does. */

static void ask_all(struct bench *b, struct store *s)
{
    int64_t used_us = 0, began_us;
    struct err e;

    for (uint64_t n = 0; n < b->messages; n += LOT) {
        fill_lot(&b->lots[0], n);
        began_us = cpu_us();
        if (!store_begin(s, &e))
            die(&e);
        for (unsigned i = 0; i < LOT; i++) {
            struct record *r = &b->lots[0].records[i];

            *r = (struct record){.kind = RECORD_PROBE, .message = b->lots[0].messages[i]};
            apply(s, r);
            if (r->admission != ADMISSION_KNOWN)
                die(&(struct err){.text = "an id was forgotten"});
        }
        if (!store_commit(s, &e))
            die(&e);
        used_us += cpu_us() - began_us;
        drop_lot(&b->lots[0]);
    }
    printf("  known ids again: %.2f us of CPU each\n", (double)used_us / (double)b->messages);
}

/* ---- One batch size. */

static struct store *open_store(const struct bench *b, const char *what)
{
    int64_t began_us = clock_mono_us();
    struct store *s;
    struct err e;

    if (!store_open(b->path, KEY_INDEX_RUN, &s, &e))
        die(&e);
    if (what)
        printf("  open %s: %.0f ms, %llu interrupted\n", what,
               (double)(clock_mono_us() - began_us) / 1000,
               (unsigned long long)store_facts(s)->interrupted);
    return s;
}

static void print_size(const struct bench *b)
{
    struct stat st;

    if (stat(b->path, &st) == 0)
        printf("  on disk: %.0f bytes a message\n", (double)st.st_size / (double)b->messages);
}

static void run(struct bench *b, unsigned batch)
{
    struct store *s;
    int64_t used_us;

    printf("batch %u, %llu messages\n", batch, (unsigned long long)b->messages);
    (void)unlink(b->path); /* of the batch before */
    s = open_store(b, NULL);
    used_us = send_all(b, s, batch);
    printf("  probe, admission, intent, outcome: %.2f us of CPU a message\n",
           (double)used_us / (double)b->messages);
    store_close(s, true);
    print_size(b);
    s = open_store(b, "after the end");
    ask_all(b, s);
    store_close(s, true);
    printf("  resident at most: %ld KB\n", resident_kb());
}

int main(int argc, char **argv)
{
    static const unsigned batches[BATCHES] = {1000, 250, 50};
    const char *tmp = getenv("TMPDIR");
    struct bench *b = MEM_NEW(struct bench);

    b->messages = argc > 1 ? strtoull(argv[1], NULL, 10) / LOT * LOT : 1000000;
    (void)snprintf(b->folder, sizeof(b->folder), "%s/ledger_bench.XXXXXX",
                   argc > 2 ? argv[2]
                   : tmp    ? tmp
                            : "/tmp");
    if (!mkdtemp(b->folder) || b->messages == 0) {
        fprintf(stderr, "usage: ledger_bench [MESSAGES [FOLDER]]\n");
        return 64;
    }
    (void)snprintf(b->path, sizeof(b->path), "%s/ledger.db", b->folder);
    for (unsigned i = 0; i < (b->messages > 2000000 ? 1 : BATCHES); i++)
        run(b, batches[i]);
    (void)unlink(b->path); /* nothing else is left in it */
    (void)rmdir(b->folder);
    mem_free(b);
    return 0;
}
