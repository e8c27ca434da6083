/* SPDX-License-Identifier: MIT
 *
 * fuzz_csv.c: any bytes as an input file, CSV or JSONL (that begins with '{'). What must hold:
 * lines rise; a second reading gives the same rows; the hash is that of the bytes; the plan counts
 * each row once; and a rejects file can be read, has a row for each reject, and all of them are
 * refused again, but for those that were refused only for an earlier row's sake.
 *
 *     clang -fsanitize=fuzzer,address,undefined ... && ./fuzz_csv -max_len=2000 -max_total_time=60
 */
#include "base/hash.h"
#include "io/file_plan.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char *const params[] = {"name"};

static const struct message_defaults defaults = {
    .template_name = "greeting",
    .lang = "en_US",
    .sender = "100200300",
    .broadcast = "fuzz",
    .params = params,
    .param_count = 1,
};

static const struct message_context context = {.defaults = &defaults, .id_rule = ID_FROM_CONTENT};

/* The rows' kinds, lines and ids in one hash, and their number. */
struct sum {
    struct sha256 sha;
    uint64_t rows;
    uint64_t rejected;
};

static void sum_row(struct sum *sum, const struct row *row)
{
    const char *text = row->message ? row->message->id : row->reject.text;

    sha256_add(&sum->sha, &row->line, sizeof(row->line));
    sha256_add(&sum->sha, text, strlen(text));
    sum->rows++;
    sum->rejected += row->kind == ROW_REJECT;
}

static struct sum read_all(struct file_source *s)
{
    struct sum sum = {.rows = 0};
    uint64_t line = 0;
    struct err e;
    struct row row;
    bool ok;

    sha256_start(&sum.sha);
    for (;;) {
        ok = file_source_next(s, &row, &e);
        assert(ok);
        if (row.kind == ROW_END)
            return sum;
        assert(row.line > line);
        line = row.line;
        sum_row(&sum, &row);
        message_free(row.message);
    }
}

static void rewind_source(struct file_source *s)
{
    struct err e;
    bool ok = file_source_rewind(s, &e);

    assert(ok);
}

static void check_readings(struct file_source *s, const uint8_t *bytes, size_t len)
{
    unsigned char want[SHA256_SIZE], got[SHA256_SIZE], again[SHA256_SIZE];
    struct sha256 sha;
    struct sum first = read_all(s), second;

    file_source_hash(s, got);
    sha256_start(&sha);
    sha256_add(&sha, bytes, len);
    sha256_end(&sha, want);
    assert(memcmp(got, want, sizeof(want)) == 0);
    rewind_source(s);
    second = read_all(s);
    sha256_end(&first.sha, got);
    sha256_end(&second.sha, again);
    assert(memcmp(got, again, sizeof(got)) == 0);
    rewind_source(s);
}

static void check_rejects(const char *path, const struct file_plan *plan)
{
    struct file_source *s;
    struct sum sum;
    struct err e;
    bool ok;

    if (plan->rejected == 0) {
        assert(access(path, F_OK) != 0);
        return;
    }
    ok = file_source_open(path, &context, &s, &e);
    assert(ok);
    sum = read_all(s);
    assert(sum.rows == plan->rejected);
    assert(sum.rejected >= plan->rejected - plan->reused);
    file_source_close(s);
}

static void check_plan(struct file_source *s)
{
    char path[64];
    struct file_plan_options options = {.temp_dir = "/dev/shm", .rejects_path = path};
    struct file_plan plan;
    struct err e;
    bool ok;

    (void)snprintf(path, sizeof(path), "/dev/shm/tidings-fuzz-%d", (int)getpid());
    ok = file_plan_make(s, &options, &plan, &e);
    assert(ok);
    assert(plan.rows == plan.valid + plan.duplicates + plan.rejected);
    assert(plan.recipients <= plan.valid && plan.reused <= plan.rejected);
    check_rejects(path, &plan);
    (void)unlink(path); /* it may not be there */
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char path[64];
    struct file_source *s;
    struct err e;
    int fd = memfd_create("input", MFD_CLOEXEC);
    bool written = fd >= 0 && write(fd, bytes, len) == (ssize_t)len;

    assert(written);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (file_source_open(path, &context, &s, &e)) {
        check_readings(s, bytes, len);
        check_plan(s);
        file_source_close(s);
    }
    (void)close(fd); /* it ends with it */
    return 0;
}
