/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/hash.h"
#include "test_ledger_support.h"

#include <errno.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static const struct outcome ACCEPTED = {.state = STATE_ACCEPTED,
                                        .http_status = 200,
                                        .latency_us = 301234,
                                        .counts = true,
                                        .wamid = "wamid.HBgMOTE5ODEyMzQ1NjIxAA=="};
static const struct outcome REFUSED = {.state = STATE_WAITING,
                                       .reason = REASON_REFUSED,
                                       .code = 131056,
                                       .http_status = 400,
                                       .next_ms = 9000,
                                       .counts = true,
                                       .title = "(#131056) Pair rate limit hit"};
static const struct outcome FAILED = {.state = STATE_FAILED,
                                      .reason = REASON_REFUSED,
                                      .code = 131026,
                                      .http_status = 400,
                                      .counts = true,
                                      .title = "Message undeliverable",
                                      .details = "Not on WhatsApp",
                                      .trace = "Az8or2yhqkZfEZ"};
static const struct outcome UNKNOWN = {
    .state = STATE_UNKNOWN, .reason = REASON_NO_ANSWER, .counts = true};
static const struct outcome EXPIRED = {.state = STATE_SKIPPED, .reason = REASON_EXPIRED};

static int setup(void **state)
{
    *state = box_new();
    return 0;
}

static int teardown(void **state)
{
    box_free(*state);
    return 0;
}

static struct record admit_new(struct box *b, struct message *m, bool with_intent)
{
    struct record r = admit(b, m, with_intent);

    assert_int_equal(r.admission, ADMISSION_NEW);
    assert_true(r.number > 0);
    return r;
}

/* ---- Admission. */

static void test_new_known_reused(void **state)
{
    struct box *b = *state;
    struct message *m = message_with("id-1", "[\"Asha\"]");
    struct message *other = message_with("id-1", "[\"Ravi\"]");
    struct record first = admit_new(b, m, true), again, reused;

    again = admit(b, m, true);
    assert_int_equal(again.admission, ADMISSION_KNOWN);
    assert_int_equal(again.known, STATE_SENDING);
    assert_int_equal(again.number, first.number);
    reused = admit(b, other, true);
    assert_int_equal(reused.admission, ADMISSION_REUSED);
    assert_int_equal(tally_of(b, NULL, STATE_SENDING), 1);
    message_free(m);
    message_free(other);
}

static void test_known_from_elsewhere(void **state)
{
    struct box *b = *state;
    struct message *m = message_with("id-1", "[]");
    struct message other = *m;

    (void)admit_new(b, m, true);
    assert_false(admit(b, m, true).elsewhere);
    other.broadcast = ""; /* `send`, a stream */
    assert_true(admit(b, &other, true).elsewhere);
    other.broadcast = "never heard of";
    assert_true(admit(b, &other, true).elsewhere);
    other.broadcast = "";
    other.id = "id-2";
    other.id_hash = hash64("id-2", 4);
    (void)admit_new(b, &other, true);
    assert_false(admit(b, &other, true).elsewhere);
    other.broadcast = "never heard of"; /* no word has its number */
    assert_true(admit(b, &other, true).elsewhere);
    message_free(m);
}

static void test_probe_stores_nothing(void **state)
{
    struct box *b = *state;
    struct message *m = message_with("id-1", "[]");

    assert_int_equal(probe(b, m).admission, ADMISSION_NEW);
    assert_int_equal(state_of(b, "id-1"), 0);
    (void)admit_new(b, m, true); /* what was looked for in vain can be stored */
    assert_int_equal(probe(b, m).admission, ADMISSION_KNOWN);
    message_free(m);
}

static void test_same_id_twice_in_one_batch(void **state)
{
    struct box *b = *state;
    struct message *m = message_with("id-1", "[]");
    struct record one = {.kind = RECORD_ADMIT, .message = m, .intend = true}, two = one;

    ledger_submit(b->ledger, &one);
    box_do(b, &two);
    list_remove(&one.node);
    assert_int_equal(one.admission, ADMISSION_NEW);
    assert_int_equal(two.admission, ADMISSION_KNOWN);
    assert_int_equal(two.number, one.number);
    message_free(m);
}

static void test_come_back_in_order(void **state)
{
    enum { COUNT = 1000 };
    struct box *b = *state;
    static struct record records[COUNT];
    struct message *messages[COUNT];
    struct list *node = &b->back;

    for (unsigned i = 0; i < COUNT; i++) {
        char id[16];

        (void)snprintf(id, sizeof(id), "%u", i);
        messages[i] = message_with(id, "[]");
        records[i] = (struct record){.kind = RECORD_ADMIT, .message = messages[i], .intend = true};
        ledger_submit(b->ledger, &records[i]);
        assert_int_equal(b->returned, 0); /* never from inside the call */
    }
    box_wait(b);
    assert_int_equal(b->returned, COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        node = node->next;
        assert_ptr_equal(LIST_ITEM(node, struct record, node), &records[i]);
        assert_int_equal(records[i].number, i + 1);
        message_free(messages[i]);
    }
}

/* ---- Outcomes. */

static void check_outcome(struct box *b, const struct outcome *outcome, enum state expected)
{
    struct message *m = message_with("id-1", "[]");
    struct record r = admit_new(b, m, true);

    conclude(b, &r, 1, outcome);
    assert_false(b->broken);
    assert_int_equal(probe(b, m).known, expected);
    assert_int_equal(state_of(b, "id-1"), expected);
    assert_int_equal(tally_of(b, "results", STATE_SENDING), 0);
    assert_int_equal(tally_of(b, "results", expected), 1);
    box_close(b);
    box_open(b);
    assert_int_equal(state_of(b, "id-1"), expected);
    message_free(m);
}

static void test_accepted(void **state)
{
    check_outcome(*state, &ACCEPTED, STATE_ACCEPTED);
}

static void test_failed(void **state)
{
    check_outcome(*state, &FAILED, STATE_FAILED);
}

static void test_waiting(void **state)
{
    check_outcome(*state, &REFUSED, STATE_WAITING);
}

static void test_unknown(void **state)
{
    check_outcome(*state, &UNKNOWN, STATE_UNKNOWN);
}

static void test_unknown_to_be_sent_again_waits(void **state)
{
    struct outcome again = UNKNOWN;

    again.next_ms = 7000;
    check_outcome(*state, &again, STATE_WAITING);
}

static void test_skipped(void **state)
{
    check_outcome(*state, &EXPIRED, STATE_SKIPPED);
}

static void test_waits_then_is_sent(void **state)
{
    struct box *b = *state;
    struct message *m = message_with("id-1", "[]");
    struct record r = admit_new(b, m, false);

    assert_int_equal(state_of(b, "id-1"), STATE_WAITING);
    intend(b, &r, 1);
    assert_int_equal(state_of(b, "id-1"), STATE_SENDING);
    conclude(b, &r, 1, &REFUSED);
    assert_int_equal(state_of(b, "id-1"), STATE_WAITING);
    intend(b, &r, 2);
    conclude(b, &r, 2, &ACCEPTED);
    assert_int_equal(state_of(b, "id-1"), STATE_ACCEPTED);
    assert_int_equal(tally_of(b, "results", STATE_WAITING), 0);
    assert_int_equal(tally_of(b, "results", STATE_ACCEPTED), 1);
    message_free(m);
}

/* The engine skips under a number that no attempt has. */
static void test_skipped_while_it_waits(void **state)
{
    struct box *b = *state;
    struct message *m = message_with("id-1", "[]");
    struct record r = admit_new(b, m, true);

    conclude(b, &r, 1, &REFUSED);
    conclude(b, &r, 2, &EXPIRED);
    assert_false(b->broken);
    assert_int_equal(state_of(b, "id-1"), STATE_SKIPPED);
    message_free(m);
}

static void test_outcome_of_a_finished_message_is_our_bug(void **state)
{
    struct box *b = *state;
    struct message *m = message_with("id-1", "[]");
    struct record r = admit_new(b, m, true);

    conclude(b, &r, 1, &ACCEPTED);
    conclude(b, &r, 1, &FAILED);
    assert_true(b->broken);
    assert_int_equal(b->error.code, EXIT_BUG);
    message_free(m);
}

/* ---- After a crash. */

static void test_sending_becomes_unknown(void **state)
{
    struct box *b = *state, *after;
    struct message *first = message_with("first", "[]");
    struct message *later = message_with("later", "[]");
    struct message *done = message_with("done", "[]");
    struct message *held = message_with("held", "[]");
    int64_t before_ms = clock_wall_ms();
    struct record r;

    (void)admit_new(b, first, true);
    r = admit_new(b, later, false);
    intend(b, &r, 1);
    r = admit_new(b, done, true);
    conclude(b, &r, 1, &ACCEPTED);
    (void)admit_new(b, held, false);
    after = box_crashed(b);
    box_open(after);
    assert_int_equal(ledger_facts(after->ledger)->interrupted, 2);
    assert_true(ledger_facts(after->ledger)->last_attempt_ms >= before_ms); /* until then */
    assert_int_equal(state_of(after, "first"), STATE_UNKNOWN);
    assert_int_equal(state_of(after, "later"), STATE_UNKNOWN);
    assert_int_equal(state_of(after, "done"), STATE_ACCEPTED);
    assert_int_equal(state_of(after, "held"), STATE_WAITING);
    assert_int_equal(tally_of(after, "results", STATE_UNKNOWN), 2);
    assert_int_equal(tally_of(after, "results", STATE_SENDING), 0);
    box_close(after);
    box_open(after); /* once is enough */
    assert_int_equal(ledger_facts(after->ledger)->interrupted, 0);
    assert_int_equal(tally_of(after, "results", STATE_UNKNOWN), 2);
    box_free(after);
    message_free(first);
    message_free(later);
    message_free(done);
    message_free(held);
}

/* One that stays under way holds the mark back, whatever finishes above it. */
static void test_crash_finds_an_old_one(void **state)
{
    enum { COUNT = 3000 };
    struct box *b = *state, *after;
    struct message *old = message_with("old", "[]");

    (void)admit_new(b, old, true);
    for (unsigned i = 0; i < COUNT; i++) {
        char id[16];
        struct message *m;
        struct record admission, outcome;

        (void)snprintf(id, sizeof(id), "%u", i);
        m = message_with(id, "[]");
        admission = (struct record){.kind = RECORD_ADMIT, .message = m, .intend = true};
        outcome = (struct record){.kind = RECORD_OUTCOME,
                                  .message = m,
                                  .number = i + 2,
                                  .attempt = 1,
                                  .outcome = &ACCEPTED};
        ledger_submit(b->ledger, &admission);
        box_do(b, &outcome);
        list_remove(&admission.node);
        message_free(m);
    }
    after = box_crashed(b);
    box_open(after);
    assert_int_equal(ledger_facts(after->ledger)->interrupted, 1);
    assert_int_equal(state_of(after, "old"), STATE_UNKNOWN);
    assert_int_equal(state_of(after, "2999"), STATE_ACCEPTED);
    box_free(after);
    message_free(old);
}

static void test_facts(void **state)
{
    struct box *b = *state;
    uint64_t id = ledger_facts(b->ledger)->id;
    struct message *m = message_with("id-1", "[]");
    struct record r;

    assert_true(id != 0);
    assert_int_equal(ledger_facts(b->ledger)->last_attempt_ms, 0);
    r = admit_new(b, m, true);
    conclude(b, &r, 1, &REFUSED);
    box_close(b);
    box_open(b);
    assert_int_equal(ledger_facts(b->ledger)->last_attempt_ms, 3001);
    intend(b, &r, 2);
    conclude(b, &r, 2, &ACCEPTED);
    box_close(b);
    box_open(b);
    assert_int_equal(ledger_facts(b->ledger)->last_attempt_ms, 3002);
    assert_int_equal(ledger_facts(b->ledger)->id, id);
    message_free(m);
}

/* Its webhooks tell by it whose they are. */
static void test_no_two_have_one_id(void **state)
{
    struct box *b = *state, *other = box_new();

    assert_int_not_equal(ledger_facts(b->ledger)->id, ledger_facts(other->ledger)->id);
    box_free(other);
}

/* ---- One writer. */

static void test_second_writer_is_told_who(void **state)
{
    struct box *b = *state;
    struct box second = {.loop = b->loop};
    struct err e = {0};
    char pid[64];

    (void)snprintf(second.path, sizeof(second.path), "%s", b->path);
    assert_false(box_try_open(&second, &e));
    assert_int_equal(e.code, EXIT_TRY_LATER);
    (void)snprintf(pid, sizeof(pid), "held by pid %ld (tidings test)", (long)getpid());
    assert_non_null(strstr(e.text, pid));
}

static int flock_fails; /* an errno; 0: it works */

/* In libc's place: a network file system may know no locks. */
int flock(int fd, int operation)
{
    errno = flock_fails;
    return flock_fails ? -1 : (int)syscall(SYS_flock, fd, operation);
}

static void test_where_nobody_can_lock_nobody_is_blamed(void **state)
{
    struct box *b = *state;
    struct err e = {0};

    box_close(b);
    flock_fails = ENOLCK;
    assert_false(box_try_open(b, &e));
    flock_fails = 0;
    assert_int_equal(e.code, EXIT_CANT_CREATE);
    assert_non_null(strstr(e.text, "No locks available"));
    box_open(b);
}

/* Two names of one ledger are one lock. */
static void test_second_writer_by_another_name(void **state)
{
    struct box *b = *state;
    struct box second = {.loop = b->loop};
    struct err e = {0};

    (void)snprintf(second.path, sizeof(second.path), "%s/state/other.db", b->folder);
    assert_int_equal(symlink(b->path, second.path), 0);
    assert_false(box_try_open(&second, &e));
    assert_int_equal(e.code, EXIT_TRY_LATER);
    box_close(b);
    (void)snprintf(b->path, sizeof(b->path), "%s", second.path);
    box_open(b);
}

static void test_files_are_private(void **state)
{
    struct box *b = *state;
    struct message *m = message_with("id-1", "[]");
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    struct stat st;
    char name[160];

    (void)admit_new(b, m, true);
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", b->path, suffixes[i]);
        assert_int_equal(stat(name, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    (void)snprintf(name, sizeof(name), "%s/state", b->folder);
    assert_int_equal(stat(name, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    message_free(m);
}

/* ---- Gathering. */

static void test_gathers_and_counts_commits(void **state)
{
    struct box *b = *state;
    struct message *m = message_with("id-1", "[]");
    static struct record r[8];

    for (size_t i = 0; i < ARRAY_SIZE(r); i++) {
        r[i] = (struct record){.kind = RECORD_PROBE, .message = m};
        ledger_submit(b->ledger, &r[i]);
    }
    assert_int_equal(ledger_pending(b->ledger), ARRAY_SIZE(r));
    while (ledger_pending(b->ledger))
        (void)uv_run(&b->loop, UV_RUN_ONCE); /* without a flush */
    assert_int_equal(ledger_timing(b->ledger).commits, 1);
    assert_int_equal(ledger_timing(b->ledger).records, ARRAY_SIZE(r));
    message_free(m);
}

/* Checkpoints happen: the WAL does not grow with what is recorded. */
static void test_wal_stays_short(void **state)
{
    enum { COUNT = 1200 };
    struct box *b = *state;
    char *content = mem_alloc(MESSAGE_CONTENT_MAX);
    char wal[160];
    struct stat st;

    memset(content, 'x', MESSAGE_CONTENT_MAX - 1);
    for (unsigned i = 0; i < COUNT; i++) {
        char id[16];
        struct message *m;

        (void)snprintf(id, sizeof(id), "%u", i);
        m = message_with(id, content);
        (void)admit_new(b, m, true);
        message_free(m);
    }
    (void)snprintf(wal, sizeof(wal), "%s-wal", b->path);
    assert_int_equal(stat(wal, &st), 0);
    assert_true(st.st_size < 8 << 20); /* of 38 MB */
    mem_free(content);
}

#define WITH_BOX(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BOX(test_new_known_reused),
        WITH_BOX(test_known_from_elsewhere),
        WITH_BOX(test_probe_stores_nothing),
        WITH_BOX(test_same_id_twice_in_one_batch),
        WITH_BOX(test_come_back_in_order),
        WITH_BOX(test_accepted),
        WITH_BOX(test_failed),
        WITH_BOX(test_waiting),
        WITH_BOX(test_unknown),
        WITH_BOX(test_unknown_to_be_sent_again_waits),
        WITH_BOX(test_skipped),
        WITH_BOX(test_waits_then_is_sent),
        WITH_BOX(test_skipped_while_it_waits),
        WITH_BOX(test_outcome_of_a_finished_message_is_our_bug),
        WITH_BOX(test_sending_becomes_unknown),
        WITH_BOX(test_crash_finds_an_old_one),
        WITH_BOX(test_facts),
        WITH_BOX(test_no_two_have_one_id),
        WITH_BOX(test_second_writer_is_told_who),
        WITH_BOX(test_where_nobody_can_lock_nobody_is_blamed),
        WITH_BOX(test_second_writer_by_another_name),
        WITH_BOX(test_files_are_private),
        WITH_BOX(test_gathers_and_counts_commits),
        WITH_BOX(test_wal_stays_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
