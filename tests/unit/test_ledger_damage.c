/* SPDX-License-Identifier: MIT
 *
 * Files that are no ledger, and disks that are full.
 */
#include "test_ledger_support.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>

static const struct outcome ACCEPTED = {.state = STATE_ACCEPTED, .http_status = 200};

static int setup(void **state)
{
    struct box *b = box_new_in("/tmp");

    shell("mkdir %s/state", b->folder);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct box *b = *state;

    if (b->ledger)
        box_close(b);
    shell("! mountpoint -q %s/disk || umount %s/disk", b->folder, b->folder);
    box_free(b);
    return 0;
}

static void check_refused(struct box *b, const char *says)
{
    struct ledger_reader *reader;
    struct err e = {0};

    assert_false(box_try_open(b, &e));
    assert_int_equal(e.code, EXIT_LEDGER_IO);
    if (!strstr(e.text, says))
        fail_msg("'%s' does not say '%s'", e.text, says);
    e = (struct err){0};
    assert_false(ledger_reader_open(b->path, &reader, &e));
    assert_int_equal(e.code, EXIT_LEDGER_IO);
    assert_false(box_try_open(b, &e));
    assert_int_equal(e.code, EXIT_LEDGER_IO); /* the lock was let go */
}

static void test_a_text_file(void **state)
{
    struct box *b = *state;

    shell("yes 'to,p1' | head -c 9000 > %s", b->path);
    check_refused(b, "no ledger");
}

static void test_another_database(void **state)
{
    struct box *b = *state;
    sqlite3 *other;

    assert_int_equal(sqlite3_open(b->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "CREATE TABLE t(x)", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    check_refused(b, "no ledger of tidings");
}

/* Not even enough for a handle. */
static void test_no_memory(void **state)
{
    (void)sqlite3_hard_heap_limit64(1);
    check_refused(*state, "memory ran out");
    (void)sqlite3_hard_heap_limit64(0);
}

static void change(struct box *b, const char *sql)
{
    sqlite3 *file;

    box_open(b);
    box_close(b);
    assert_int_equal(sqlite3_open(b->path, &file), SQLITE_OK);
    assert_int_equal(sqlite3_exec(file, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(file), SQLITE_OK);
}

static void test_a_newer_version(void **state)
{
    struct box *b = *state;

    change(b, "PRAGMA user_version=3");
    check_refused(b, "use a newer tidings");
}

static void test_a_lost_table(void **state)
{
    struct box *b = *state;

    change(b, "DROP TABLE outcome");
    check_refused(b, "no such table");
}

static void test_marks_beyond_the_messages(void **state)
{
    struct box *b = *state;
    struct err e;

    change(b, "INSERT INTO meta VALUES(3, 17)");
    assert_false(box_try_open(b, &e));
    assert_int_equal(e.code, EXIT_LEDGER_IO);
    assert_non_null(strstr(e.text, "damaged"));
}

/* A flipped bit in a state must not be taken for a place in a table of states. */
static void test_a_state_that_is_none(void **state)
{
    static const char *const damages[] = {
        "UPDATE outcome SET state=300",
        "UPDATE outcome SET state=-5",
        "INSERT INTO open(number, state) VALUES(1, 7)",
        "INSERT INTO open(number, state) VALUES(1, 0)",
    };
    const struct ledger_filter filter = {.to = "+919800000001"};
    struct box *b = *state;
    struct message *m = message_with("1", "[]");
    struct record r;

    box_open(b);
    r = admit(b, m, true);
    conclude(b, &r, 1, &ACCEPTED);
    box_close(b);
    for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
        struct ledger_reader *reader;
        uint64_t counts[STATE_COUNT];
        struct err e = {0};

        change(b, damages[i]);
        assert_true(ledger_reader_open(b->path, &reader, &e));
        assert_false(ledger_count(reader, &filter, counts, &e));
        assert_int_equal(e.code, EXIT_LEDGER_IO);
        assert_non_null(strstr(e.text, "damaged"));
        ledger_reader_close(reader);
        change(b, "DELETE FROM open; UPDATE outcome SET state=3");
    }
    message_free(m);
}

static void test_a_broadcast_in_a_state_that_is_none(void **state)
{
    struct ledger_broadcast broadcast = {.state = BROADCAST_OPEN};
    struct box *b = *state;
    struct err e = {0};

    box_open(b);
    assert_true(ledger_broadcast_put(b->ledger, "results", &broadcast, &e));
    box_close(b);
    change(b, "UPDATE broadcast SET state=5");
    box_open(b);
    assert_false(ledger_broadcast_find(b->ledger, "results", &broadcast, &e));
    assert_int_equal(e.code, EXIT_LEDGER_IO);
    assert_non_null(strstr(e.text, "damaged"));
}

static void test_a_cut_file(void **state)
{
    struct box *b = *state;

    box_open(b);
    box_close(b);
    shell("truncate -s 9000 %s", b->path);
    check_refused(b, "damaged");
}

static void test_an_empty_file_is_a_new_ledger(void **state)
{
    struct box *b = *state;
    struct ledger_reader *reader;
    struct err e;

    shell(": > %s", b->path);
    assert_false(ledger_reader_open(b->path, &reader, &e));
    assert_int_equal(e.code, EXIT_NO_INPUT);
    box_open(b);
}

static void test_a_folder_that_cannot_be_made(void **state)
{
    struct box *b = *state;
    struct err e;

    shell("touch %s/file", b->folder);
    (void)snprintf(b->path, sizeof(b->path), "%s/file/ledger.db", b->folder);
    assert_false(box_try_open(b, &e));
    assert_int_equal(e.code, EXIT_CANT_CREATE);
}

/* Messages until the ledger breaks; returns how many came back. */
static unsigned fill(struct box *b, unsigned most)
{
    char *content = mem_alloc(20001);
    unsigned recorded = 0;

    memset(content, 'x', 20000);
    while (!b->broken && recorded < most) {
        char id[16];
        struct message *m;
        struct record r;

        (void)snprintf(id, sizeof(id), "%u", recorded);
        m = message_with(id, content);
        r = (struct record){.kind = RECORD_ADMIT, .message = m, .intend = true};
        box_do(b, &r);
        if (!b->broken) {
            conclude(b, &r, 1, &ACCEPTED);
            recorded++;
        }
        message_free(m);
    }
    mem_free(content);
    return recorded;
}

/* What came back is there afterwards; the rest is not, or unknown. */
static void check_broken(struct box *b, unsigned recorded)
{
    struct record late = {.kind = RECORD_PROBE, .message = NULL};
    unsigned returned = b->returned;
    enum state state;
    bool found;
    struct err e;

    assert_true(b->broken);
    assert_int_equal(b->error.code, EXIT_LEDGER_IO);
    ledger_submit(b->ledger, &late); /* never comes back */
    while (uv_run(&b->loop, UV_RUN_NOWAIT))
        ;
    assert_int_equal(b->returned, returned);
    assert_false(ledger_find(b->ledger, "0", &found, &state, &e));
    box_close(b);
    assert_true(recorded > 0);
}

static void check_recorded(struct box *b, unsigned recorded)
{
    struct message *m;
    char id[16];

    box_open(b);
    for (unsigned i = 0; i + 1 < recorded; i++) {
        (void)snprintf(id, sizeof(id), "%u", i);
        assert_int_equal(state_of(b, id), STATE_ACCEPTED);
    }
    m = message_with("again", "[]");
    assert_int_equal(admit(b, m, true).admission, ADMISSION_NEW);
    message_free(m);
}

static bool mount_small(struct box *b)
{
    char command[256];

    (void)snprintf(b->path, sizeof(b->path), "%s/disk/ledger.db", b->folder);
    (void)snprintf(command, sizeof(command),
                   "mkdir %s/disk && mount -t tmpfs -o size=3m none %s/disk 2>/dev/null", b->folder,
                   b->folder);
    return geteuid() == 0 && system(command) == 0;
}

static void test_a_full_disk(void **state)
{
    struct box *b = *state;
    unsigned recorded;

    if (!mount_small(b)) {
        print_message("no mount allowed: no small disk to fill\n");
        skip();
    }
    box_open(b);
    recorded = fill(b, 10000);
    assert_non_null(strstr(b->error.text, "free space"));
    check_broken(b, recorded);
    shell("mount -o remount,size=100m %s/disk", b->folder);
    check_recorded(b, recorded);
}

/* The same without root: the process may not make files longer. */
static void test_a_file_size_limit(void **state)
{
    struct box *b = *state;
    const struct rlimit small = {.rlim_cur = 3 << 20, .rlim_max = RLIM_INFINITY};
    struct rlimit before;
    unsigned recorded;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    box_open(b);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    recorded = fill(b, 10000);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    check_broken(b, recorded);
    check_recorded(b, recorded);
}

/* ---- A change that fails while a commit is on its way: its caller has the error. */

/* A put that the disk refuses. */
static void put_in_vain(struct box *b)
{
    const struct ledger_broadcast broadcast = {.state = BROADCAST_COMPLETE};
    const struct rlimit none = {.rlim_cur = 4096, .rlim_max = RLIM_INFINITY};
    struct rlimit before;
    struct err e = {0};

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    assert_false(ledger_broadcast_put(b->ledger, "results", &broadcast, &e));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(e.code, EXIT_LEDGER_IO);
}

static bool is_on_record(struct box *b, const char *id)
{
    enum state state;
    bool found = false;
    struct err e;

    assert_true(ledger_find(b->ledger, id, &found, &state, &e));
    return found;
}

/* Commits on the worker; the loop does not know yet. */
static void commit_unseen(struct box *b, struct record *r)
{
    ledger_submit(b->ledger, r);
    ledger_flush(b->ledger);
    while (!is_on_record(b, r->message->id))
        continue;
}

static void test_a_commit_that_came_before_is_told(void **state)
{
    struct box *b = *state;
    struct message *m = message_with("1", "[]");
    struct record r = {.kind = RECORD_ADMIT, .message = m, .intend = true};

    box_open(b);
    commit_unseen(b, &r);
    put_in_vain(b);
    while (uv_run(&b->loop, UV_RUN_NOWAIT) && !b->returned)
        continue;
    assert_int_equal(b->returned, 1);
    assert_false(b->broken);
    box_close(b);
    message_free(m);
}

static void test_closed_before_the_commit_is_told(void **state)
{
    struct box *b = *state;
    struct message *m = message_with("1", "[]");
    struct record r = {.kind = RECORD_ADMIT, .message = m, .intend = true};

    box_open(b);
    commit_unseen(b, &r);
    put_in_vain(b);
    box_close(b);
    assert_int_equal(b->returned, 0);
    assert_false(b->broken);
    message_free(m);
}

/* libuv's workers, until they are let go. */
enum { WORKERS = 4 };

struct held_workers {
    uv_work_t works[WORKERS];
    uv_sem_t held, let_go;
};

static void work_hold(uv_work_t *work)
{
    struct held_workers *h = work->data;

    uv_sem_post(&h->held);
    uv_sem_wait(&h->let_go);
}

static void hold_workers(struct held_workers *h, uv_loop_t *loop)
{
    assert_int_equal(uv_sem_init(&h->held, 0) | uv_sem_init(&h->let_go, 0), 0);
    for (size_t i = 0; i < WORKERS; i++) {
        h->works[i].data = h;
        assert_int_equal(uv_queue_work(loop, &h->works[i], work_hold, NULL), 0);
    }
    for (size_t i = 0; i < WORKERS; i++)
        uv_sem_wait(&h->held);
}

static void let_workers_go(struct held_workers *h)
{
    for (size_t i = 0; i < WORKERS; i++)
        uv_sem_post(&h->let_go);
}

static void submit_then_fail(struct box *b, struct held_workers *h, struct record *r)
{
    box_open(b);
    hold_workers(h, &b->loop);
    ledger_submit(b->ledger, r);
    ledger_flush(b->ledger);
    put_in_vain(b);
}

static void end_workers(struct held_workers *h)
{
    uv_sem_destroy(&h->held);
    uv_sem_destroy(&h->let_go);
}

static void test_a_commit_that_had_not_begun_never_does(void **state)
{
    struct box *b = *state;
    struct message *m = message_with("1", "[]");
    struct record r = {.kind = RECORD_ADMIT, .message = m, .intend = true};
    struct held_workers h;

    submit_then_fail(b, &h, &r);
    let_workers_go(&h);
    while (uv_run(&b->loop, UV_RUN_DEFAULT))
        continue;
    assert_int_equal(b->returned, 0);
    assert_false(b->broken);
    box_close(b);
    end_workers(&h);
    message_free(m);
}

static void test_closed_before_the_commit_begins(void **state)
{
    struct box *b = *state;
    struct message *m = message_with("1", "[]");
    struct record r = {.kind = RECORD_ADMIT, .message = m, .intend = true};
    struct held_workers h;

    submit_then_fail(b, &h, &r);
    ledger_close(b->ledger);
    b->ledger = NULL;
    let_workers_go(&h);
    while (uv_run(&b->loop, UV_RUN_DEFAULT))
        continue;
    assert_int_equal(b->returned, 0);
    assert_false(b->broken);
    end_workers(&h);
    message_free(m);
}

#define WITH_BOX(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BOX(test_a_text_file),
        WITH_BOX(test_another_database),
        WITH_BOX(test_no_memory),
        WITH_BOX(test_a_newer_version),
        WITH_BOX(test_a_lost_table),
        WITH_BOX(test_marks_beyond_the_messages),
        WITH_BOX(test_a_state_that_is_none),
        WITH_BOX(test_a_broadcast_in_a_state_that_is_none),
        WITH_BOX(test_a_cut_file),
        WITH_BOX(test_an_empty_file_is_a_new_ledger),
        WITH_BOX(test_a_folder_that_cannot_be_made),
        WITH_BOX(test_a_full_disk),
        WITH_BOX(test_a_file_size_limit),
        WITH_BOX(test_a_commit_that_came_before_is_told),
        WITH_BOX(test_closed_before_the_commit_is_told),
        WITH_BOX(test_a_commit_that_had_not_begun_never_does),
        WITH_BOX(test_closed_before_the_commit_begins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
