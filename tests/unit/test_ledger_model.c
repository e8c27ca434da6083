/* SPDX-License-Identifier: MIT
 *
 * Random histories against a model that keeps everything in an array: what the ledger says of each
 * message, and its tallies, must be what the model says; also after a clean end and after a crash.
 * Also what the simulator does not do: words of the operator between webhooks and crashes.
 */
#include "test_ledger_support.h"

enum { IDS = 400, BATCH = 40, ERRAND_ITEMS = 30, ROUNDS = 120, SEEDS = 4 };

static const char *const BROADCASTS[] = {"results", "reminder", ""};

struct entry {
    struct message *message;
    struct message *changed; /* the same id, other content */
    uint64_t number;         /* 0: not admitted */
    enum state state;
    unsigned attempt;
    unsigned tries;
    int64_t due_ms;
    unsigned broadcast; /* in BROADCASTS */
    bool told;          /* by a webhook, while it was being sent */
};

struct model {
    struct box *box;
    uint64_t random;
    int64_t now_ms;
    struct entry entries[IDS];
    struct record records[BATCH];
    struct outcome outcomes[BATCH];
    struct entry *subjects[BATCH];
    unsigned count;
};

static unsigned roll(struct model *m, unsigned sides)
{
    m->random = m->random * UINT64_C(6364136223846793005) + 1442695040888963407U;
    return (unsigned)(m->random >> 33) % sides;
}

static struct message *build(unsigned i, const char *content)
{
    char id[40];

    (void)snprintf(id, sizeof(id), i % 2 ? "%032x" : "order-%u", i);
    return message_restore(&(struct message){
        .id = id,
        .to = "+919800000001",
        .template_name = "results_update",
        .content = content,
        .sender = "1",
        .broadcast = BROADCASTS[i % ARRAY_SIZE(BROADCASTS)],
    });
}

static struct model *model_new(uint64_t seed)
{
    struct model *m = MEM_NEW(struct model);

    m->box = box_new();
    m->random = seed;
    m->now_ms = 1000000;
    for (unsigned i = 0; i < IDS; i++) {
        m->entries[i].message = build(i, "[\"Asha\"]");
        m->entries[i].changed = build(i, "[\"Ravi\"]");
        m->entries[i].broadcast = i % ARRAY_SIZE(BROADCASTS);
    }
    return m;
}

static void model_free(struct model *m)
{
    for (unsigned i = 0; i < IDS; i++) {
        message_free(m->entries[i].message);
        message_free(m->entries[i].changed);
    }
    box_free(m->box);
    mem_free(m);
}

/* ---- One random record, and what the model makes of it. */

static void make_first(struct model *m, struct record *r, struct entry *e)
{
    r->kind = roll(m, 4) ? RECORD_ADMIT : RECORD_PROBE;
    if (r->kind == RECORD_PROBE)
        return;
    r->intend = roll(m, 4) != 0;
    r->due_ms = m->now_ms + roll(m, 1000);
    e->state = r->intend ? STATE_SENDING : STATE_WAITING;
    e->attempt = r->intend ? 1 : 0;
    e->tries = 0;
    e->due_ms = r->due_ms;
}

static void make_again(struct model *m, struct record *r, struct entry *e)
{
    r->kind = roll(m, 2) ? RECORD_ADMIT : RECORD_PROBE;
    r->intend = true;
    if (roll(m, 4) == 0)
        r->message = e->changed;
}

static void make_outcome(struct model *m, struct record *r, struct entry *e)
{
    static const enum state states[] = {STATE_ACCEPTED, STATE_ACCEPTED, STATE_FAILED,
                                        STATE_WAITING,  STATE_UNKNOWN,  STATE_SKIPPED};
    struct outcome *o = &m->outcomes[m->count];

    *o = (struct outcome){.state = states[roll(m, ARRAY_SIZE(states))]};
    if (o->state == STATE_WAITING || (o->state == STATE_UNKNOWN && roll(m, 2)))
        o->next_ms = m->now_ms + 1 + roll(m, 1000);
    r->kind = RECORD_OUTCOME;
    r->outcome = o;
    r->attempt = e->attempt;
    r->tries = ++e->tries;
    e->state = e->told ? STATE_ACCEPTED : o->next_ms ? STATE_WAITING : o->state;
    e->due_ms = o->next_ms;
}

static void make_next(struct model *m, struct record *r, struct entry *e)
{
    if (roll(m, 4) == 0) {
        m->outcomes[m->count] = (struct outcome){.state = STATE_SKIPPED};
        r->kind = RECORD_OUTCOME;
        r->outcome = &m->outcomes[m->count];
        e->state = STATE_SKIPPED;
        return;
    }
    r->kind = RECORD_INTENT;
    r->attempt = ++e->attempt;
    e->state = STATE_SENDING;
}

static void add_record(struct model *m, struct entry *e)
{
    struct record *r = &m->records[m->count];

    *r = (struct record){.message = e->message, .number = e->number, .at_ms = ++m->now_ms};
    m->subjects[m->count] = e;
    if (!e->number)
        make_first(m, r, e);
    else if (roll(m, 3) == 0)
        make_again(m, r, e);
    else if (e->state == STATE_SENDING)
        make_outcome(m, r, e);
    else if (e->state == STATE_WAITING)
        make_next(m, r, e);
    else
        make_again(m, r, e);
    m->count++;
}

/* ---- Comparing. */

static void check_answer(struct model *m, unsigned i)
{
    const struct record *r = &m->records[i];
    struct entry *e = m->subjects[i];

    if (r->kind != RECORD_ADMIT && r->kind != RECORD_PROBE)
        return;
    if (e->number == 0) {
        assert_int_equal(r->admission, ADMISSION_NEW);
        e->number = r->number;
        assert_int_equal(e->number != 0, r->kind == RECORD_ADMIT);
        return;
    }
    assert_int_equal(r->admission, r->message == e->changed ? ADMISSION_REUSED : ADMISSION_KNOWN);
    assert_int_equal(r->number, e->number);
    assert_int_equal(r->known, e->state);
}

/* A batch of different messages. */
static void run_batch(struct model *m)
{
    unsigned first = roll(m, IDS), step = 1 + 2 * roll(m, 4); /* no divisor of IDS but 5 */

    m->count = 0;
    for (unsigned i = 0; i < 1 + roll(m, BATCH); i++)
        add_record(m, &m->entries[(first + i * step) % IDS]);
    for (unsigned i = 0; i < m->count; i++)
        ledger_submit(m->box->ledger, &m->records[i]);
    box_wait(m->box);
    if (m->box->broken)
        fail_msg("%s", m->box->error.text);
    for (unsigned i = 0; i < m->count; i++) {
        list_remove(&m->records[i].node);
        check_answer(m, i);
    }
}

static void check_tallies(struct model *m)
{
    uint64_t counts[ARRAY_SIZE(BROADCASTS)][STATE_COUNT] = {{0}};

    for (unsigned i = 0; i < IDS; i++)
        if (m->entries[i].number)
            counts[m->entries[i].broadcast][m->entries[i].state]++;
    for (unsigned i = 0; i < ARRAY_SIZE(BROADCASTS); i++)
        for (int state = 1; state < STATE_COUNT; state++)
            assert_int_equal(tally_of(m->box, BROADCASTS[i], (enum state)state), counts[i][state]);
}

static const struct entry *entry_of(const struct model *m, uint64_t number)
{
    for (unsigned i = 0; i < IDS; i++)
        if (m->entries[i].number == number)
            return &m->entries[i];
    return NULL;
}

static void check_waiting(struct model *m)
{
    static struct waiting items[IDS];
    size_t count, expected = 0;

    for (unsigned i = 0; i < IDS; i++)
        expected += m->entries[i].number && m->entries[i].state == STATE_WAITING;
    assert_true(read_waiting(m->box->ledger, &(struct waiting_filter){0}, items, IDS, &count));
    assert_int_equal(count, expected);
    for (size_t i = 0; i < count; i++) {
        const struct entry *entry = entry_of(m, items[i].number);

        assert_string_equal(items[i].message->id, entry->message->id);
        assert_int_equal(items[i].attempt, entry->attempt);
        assert_int_equal(items[i].tries, entry->tries);
        assert_int_equal(items[i].due_ms, entry->due_ms);
        message_free(items[i].message);
    }
}

/* ---- Ends and beginnings. */

static void expect_interrupted(struct model *m)
{
    for (unsigned i = 0; i < IDS; i++)
        if (m->entries[i].number && m->entries[i].state == STATE_SENDING)
            m->entries[i].state = m->entries[i].told ? STATE_ACCEPTED : STATE_UNKNOWN;
}

static void end_and_begin(struct model *m, bool crash)
{
    struct box *after;

    if (crash) {
        after = box_crashed(m->box);
        box_free(m->box);
        m->box = after;
    } else {
        box_close(m->box);
    }
    box_open(m->box);
    expect_interrupted(m);
}

static void retry_failed(struct model *m)
{
    const struct ledger_filter filter = {.broadcast = BROADCASTS[roll(m, 3)]};
    uint64_t count, expected = 0;
    struct err err;

    assert_true(ledger_reopen(m->box->ledger, &filter, &count, &err));
    for (unsigned i = 0; i < IDS; i++) {
        struct entry *e = &m->entries[i];

        if (!e->number || e->state != STATE_FAILED || BROADCASTS[e->broadcast] != filter.broadcast)
            continue;
        e->state = STATE_WAITING;
        e->tries = 0;
        expected++;
    }
    assert_int_equal(count, expected);
}

/* The times of a retry are the wall clock's. */
static void learn_due_times(struct model *m)
{
    static struct waiting items[IDS];
    size_t count;

    assert_true(read_waiting(m->box->ledger, &(struct waiting_filter){0}, items, IDS, &count));
    for (size_t i = 0; i < count; i++) {
        for (unsigned j = 0; j < IDS; j++)
            if (m->entries[j].number == items[i].number && items[i].reason == REASON_RETRY)
                m->entries[j].due_ms = items[i].due_ms;
        message_free(items[i].message);
    }
}

/* ---- Webhooks and words of the operator. */

/* What it does to a message of this ledger; does it settle it? */
static bool settles(struct entry *e, bool is_ours)
{
    if (!is_ours && e->state != STATE_UNKNOWN)
        return false;
    if (e->state == STATE_SENDING)
        e->told = true;
    if (e->state == STATE_SENDING || e->state == STATE_ACCEPTED)
        return false;
    e->state = STATE_ACCEPTED;
    return true;
}

static void tell_statuses(struct model *m)
{
    struct ledger_status items[ERRAND_ITEMS];
    bool settled[ERRAND_ITEMS];
    struct ledger_statuses statuses = {ERRAND, .items = items, .count = ERRAND_ITEMS,
                                       .at_ms = ++m->now_ms};

    for (unsigned i = 0; i < ERRAND_ITEMS; i++) {
        struct entry *e = &m->entries[roll(m, IDS)];
        bool is_ours = roll(m, 3) != 0;

        items[i] = (struct ledger_status){
            .has_opaque = true,
            .opaque = {ledger_facts(m->box->ledger)->id ^ !is_ours, e->message->id_hash,
                       (uint16_t)(e->attempt ? e->attempt : 1)},
            .status = (enum webhook_status)(1 + roll(m, WEBHOOK_STATUS_COUNT - 1)),
            .at_ms = roll(m, 2) ? m->now_ms : 0,
            .wamid = "wamid.A",
        };
        settled[i] = e->number && settles(e, is_ours);
    }
    BOX_RUN(m->box, ledger_put_statuses, &statuses);
    for (unsigned i = 0; i < ERRAND_ITEMS; i++) {
        assert_int_equal(items[i].settled, settled[i]);
        assert_false(items[i].twin);
    }
}

static void draw_numbers(struct model *m, uint64_t numbers[ERRAND_ITEMS])
{
    for (unsigned i = 0; i < ERRAND_ITEMS; i++)
        numbers[i] = m->entries[roll(m, IDS)].number;
    numbers[0] = 1000000; /* there is none */
}

/* Those of `states` go to `to`; how many they are. */
static size_t move(struct model *m, const uint64_t numbers[ERRAND_ITEMS], unsigned states,
                   enum state to)
{
    size_t count = 0;

    for (unsigned i = 0; i < ERRAND_ITEMS; i++) {
        for (unsigned j = 0; j < IDS && numbers[i]; j++) {
            struct entry *e = &m->entries[j];

            if (e->number != numbers[i] || !(states & 1U << e->state))
                continue;
            e->state = to;
            e->tries = to == STATE_WAITING ? 0 : e->tries;
            e->due_ms = m->now_ms;
            count++;
        }
    }
    return count;
}

static void reconcile(struct model *m)
{
    uint64_t numbers[ERRAND_ITEMS];
    struct ledger_settling by_hand = {ERRAND, .numbers = numbers, .count = ERRAND_ITEMS,
                                      .to = roll(m, 2) ? STATE_ACCEPTED : STATE_FAILED,
                                      .at_ms = ++m->now_ms};
    struct ledger_reopening again = {ERRAND, .numbers = numbers, .count = ERRAND_ITEMS,
                                     .states = 1U << STATE_UNKNOWN | roll(m, 2) << STATE_FAILED,
                                     .at_ms = ++m->now_ms};

    draw_numbers(m, numbers);
    BOX_RUN(m->box, ledger_settle_by_hand, &by_hand);
    assert_int_equal(by_hand.settled, move(m, numbers, 1U << STATE_UNKNOWN, by_hand.to));
    draw_numbers(m, numbers);
    BOX_RUN(m->box, ledger_open_again, &again);
    assert_int_equal(again.opened, move(m, numbers, again.states, STATE_WAITING));
}

static void run_history(uint64_t seed)
{
    struct model *m = model_new(seed);

    for (unsigned round = 0; round < ROUNDS; round++) {
        run_batch(m);
        if (roll(m, 3) == 0)
            tell_statuses(m);
        if (roll(m, 3) == 0)
            reconcile(m);
        if (round % 15 == 14)
            end_and_begin(m, roll(m, 2));
        if (round % 20 == 19) {
            retry_failed(m);
            learn_due_times(m);
        }
        if (round % 10 == 9) {
            check_tallies(m);
            check_waiting(m);
        }
    }
    model_free(m);
}

static void test_random_histories(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        run_history(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_histories),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
