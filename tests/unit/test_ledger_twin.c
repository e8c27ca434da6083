/* SPDX-License-Identifier: MIT
 *
 * Messages that Graph accepted twice: two wamids, told in any way, are one duplicate on record.
 */
#include "test_ledger_scene.h"

static void test_two_wamids_are_a_twin(void **state)
{
    struct scene *s = *state;
    struct ledger_status second;

    answer(s, 1, &RESENT);
    intend(s->box, &s->record, 2);
    answer(s, 2, &ACCEPTED);
    second = tell(s, WEBHOOK_SENT, "wamid.W");
    assert_true(second.twin);
    second = tell(s, WEBHOOK_DELIVERED, "wamid.W");
    assert_false(second.twin || second.settled); /* told once */
    check_outcome(s, STATE_ACCEPTED, REASON_NONE, "wamid.A");
    check_query(s->box, "SELECT key>>17, (key&131071)>>1 FROM twin", "1|1|");
    check_query(s->box, "SELECT count(*) FROM twin", "1|");
}

static void test_the_same_wamid_is_none(void **state)
{
    struct scene *s = *state;

    answer(s, 1, &ACCEPTED);
    assert_false(tell(s, WEBHOOK_SENT, "wamid.A").twin);
    assert_false(tell(s, WEBHOOK_READ, "wamid.A").twin);
    check_query(s->box, "SELECT count(*) FROM twin", "0|");
}

/* Both copies are told of before the second attempt has its answer, or has none. */
static void tell_both(struct scene *s, bool own_first)
{
    struct ledger_status told[2] = {status_of(s, WEBHOOK_SENT, "wamid.W"),
                                    status_of(s, WEBHOOK_SENT, "wamid.A")};
    unsigned twins = 0;

    told[1].opaque.attempt = 2;
    answer(s, 1, &RESENT);
    intend(s->box, &s->record, 2);
    for (unsigned i = 0; i < 2; i++) {
        put(s->box, &told[own_first ? 1 - i : i], 1);
        twins += told[own_first ? 1 - i : i].twin;
    }
    assert_int_equal(twins, 1);
    check_query(s->box, "SELECT count(*) FROM twin", "1|");
}

static void test_both_told_while_sent_again_then_accepted(void **state)
{
    tell_both(*state, false);
    answer(*state, 2, &ACCEPTED);
    check_outcome(*state, STATE_ACCEPTED, REASON_NONE, "wamid.A");
    assert_false(tell(*state, WEBHOOK_READ, "wamid.W").twin); /* it is on record */
    check_query(((struct scene *)*state)->box, "SELECT count(*) FROM twin", "1|");
}

static void test_both_told_the_own_first_then_accepted(void **state)
{
    tell_both(*state, true);
    answer(*state, 2, &ACCEPTED);
    check_outcome(*state, STATE_ACCEPTED, REASON_NONE, "wamid.A");
    check_query(((struct scene *)*state)->box, "SELECT count(*) FROM twin", "1|");
}

static void test_both_told_while_sent_again_then_none(void **state)
{
    tell_both(*state, false);
    answer(*state, 2, &UNKNOWN);
    check_outcome(*state, STATE_ACCEPTED, REASON_WEBHOOK, "wamid.A");
    check_query(((struct scene *)*state)->box, "SELECT count(*) FROM twin", "1|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(test_both_told_while_sent_again_then_accepted),
        SCENE(test_both_told_the_own_first_then_accepted),
        SCENE(test_both_told_while_sent_again_then_none),
        SCENE(test_two_wamids_are_a_twin),
        SCENE(test_the_same_wamid_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
