/* SPDX-License-Identifier: MIT
 *
 * sim_ledger_posts.c: what webhooks do to the mirror, beside what the ledger says they did.
 */
#include "sim_ledger.h"

void __real_ledger_put_statuses(struct ledger *handle, struct ledger_statuses *statuses);

void __wrap_ledger_put_statuses(struct ledger *handle, struct ledger_statuses *statuses)
{
    struct sim_ledger *l = (struct sim_ledger *)handle;
    struct sim_post *post = l->posting;

    if (!post) {
        sim_fail(l->verdict, "I10: statuses go on record that Meta did not write");
        return;
    }
    post->errand = &statuses->errand;
    list_append(&l->posts, &post->of_ledger);
    __real_ledger_put_statuses(handle, statuses);
}

void sim_ledger_take_back(struct sim_post *post)
{
    list_remove(&post->of_ledger);
    post->errand = NULL;
}

static struct sim_post *post_of(struct sim_ledger *l, const struct ledger_errand *errand)
{
    for (struct list *node = l->posts.next; node != &l->posts; node = node->next) {
        struct sim_post *post = LIST_ITEM(node, struct sim_post, of_ledger);

        if (post->errand == errand)
            return post;
    }
    return NULL;
}

/* What became of a fact, by the ledger and by the mirror. */
static void compare(struct sim_ledger *l, const struct sim_fact *f,
                    const struct ledger_status *told, enum state before)
{
    const struct sim_row *row = &l->rows[f->index];
    bool applies = row->known && sim_told_applies(f, before);
    bool settles = applies && before != STATE_ACCEPTED && before != STATE_SENDING;

    if ((told->number != 0) != applies)
        sim_fail(l->verdict, "I10: a status %s message %u, which is %s",
                 told->number ? "changes" : "passes over", f->index, state_name(before));
    else if (told->settled != settles || told->was_waiting != (settles && before == STATE_WAITING))
        sim_fail(l->verdict, "I10: a status %s message %u, which was %s",
                 told->settled ? "settles" : "does not settle", f->index, state_name(before));
    l->settled += settles;
}

static void take(struct sim_ledger *l, const struct sim_fact *f)
{
    struct sim_row *row = &l->rows[f->index];

    if (!row->known || !sim_told_applies(f, row->state))
        return;
    sim_ledger_note(l, f->index);
    row->state = sim_told_take(&row->told, f, row->state);
}

void sim_ledger_mirror_post(struct sim_ledger *l, struct ledger_errand *errand, bool sound)
{
    const struct sim_post *post = post_of(l, errand);
    const struct ledger_statuses *statuses = CONTAINER_OF(errand, struct ledger_statuses, errand);

    if (!post)
        return;
    if (statuses->count != post->count) {
        sim_fail(l->verdict, "I10: of %u statuses in a body %zu are seen", post->count,
                 statuses->count);
        return;
    }
    for (unsigned i = 0; i < post->count; i++) {
        enum state before = l->rows[post->facts[i].index].state;

        take(l, &post->facts[i]);
        if (sound)
            compare(l, &post->facts[i], &statuses->items[i], before);
    }
}
