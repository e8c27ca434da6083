/* SPDX-License-Identifier: MIT
 *
 * daemon_cancel.c: `cancel` without a name: all that waits, in the ledger and in the streams.
 *
 * Happy path: the engine stops; Redis is asked which entries were added last; that mark goes on
 * disk. What was read up to it and is not in flight is given up; what will be read up to it is
 * skipped when it is offered. Then the ledger's waiting messages are cancelled (holds.h), the
 * engine goes on, and the order is answered.
 * Failure modes: Redis does not answer in time: the ledger's are cancelled, and the answer says
 * that those of the streams are not. A crash before the answer: nothing is promised yet; the mark
 * holds, or it does not.
 */
#include "commands/daemon_internal.h"

#include "base/clock.h"

enum { LOOK_MS = 10000, LOOKS = 2 };

static void cancel_in_ledger(struct daemon *d)
{
    struct holds_done done = d->cancelling.done;

    d->cancelling.done = (struct holds_done){NULL, NULL};
    holds_cancel(&d->holds, NULL, done);
}

static void on_marked(struct ledger_errand *errand)
{
    struct daemon *d = CONTAINER_OF(errand, struct daemon, cancelling.mark.errand);

    for (unsigned lane = 0; lane < LANE_COUNT; lane++)
        d->given_up[lane] = d->cancelling.mark.upto[lane];
    d->cancelling.is_marked = true;
    engine_give_up_offered(dispatch_engine(d->dispatch));
    cancel_in_ledger(d);
}

static void put_mark(struct daemon *d)
{
    struct ledger_giving_up *mark = &d->cancelling.mark;

    *mark = (struct ledger_giving_up){.errand.on_done = on_marked};
    for (unsigned lane = 0; lane < LANE_COUNT; lane++)
        mark->upto[lane] = d->facts.stream.last[lane];
    ledger_put_given_up(dispatch_ledger(d->dispatch), mark);
}

bool daemon_cancel_all(struct daemon *d, struct holds_done done)
{
    if (d->cancelling.done.fn)
        return false;
    d->cancelling = (struct cancelling){.done = done};
    engine_stop_broadcast(dispatch_engine(d->dispatch), NULL, dispatch_now());
    if (d->stream)
        redis_source_look(d->stream, &d->facts);
    if (!d->stream || !d->facts.connected) {
        cancel_in_ledger(d);
        return true;
    }
    d->cancelling.looks = d->facts.stream.looks + LOOKS;
    d->cancelling.until_us = clock_mono_us() + LOOK_MS * 1000;
    redis_source_look_soon(d->stream);
    return true;
}

void daemon_cancel_turn(struct daemon *d)
{
    struct cancelling *c = &d->cancelling;

    if (!c->until_us)
        return;
    redis_source_look(d->stream, &d->facts);
    if (d->facts.connected && d->facts.stream.looks >= c->looks && d->facts.stream.length >= 0) {
        c->until_us = 0;
        put_mark(d);
    } else if (clock_mono_us() > c->until_us) {
        c->until_us = 0;
        cancel_in_ledger(d);
    }
}

bool daemon_is_given_up(const struct daemon *d, const struct stream_entry *entry)
{
    enum stream_lane lane;
    struct stream_id id = stream_entry_id(entry, &lane);

    return stream_id_compare(id, d->given_up[lane]) <= 0;
}
