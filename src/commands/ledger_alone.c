/* SPDX-License-Identifier: MIT */
#include "commands/ledger_alone.h"

static void on_recorded(void *context, struct list *records)
{
    (void)context;
    (void)records; /* none was handed over */
}

static void on_broken(void *context, const struct err *e)
{
    struct ledger_alone *a = context;

    a->failure = *e;
}

static void close_loop(struct ledger_alone *a)
{
    (void)uv_run(&a->loop, UV_RUN_DEFAULT); /* close callbacks that are left */
    (void)uv_loop_close(&a->loop);          /* fails only with handles open: none is */
}

bool ledger_alone_open(struct ledger_alone *a, const char *path, const char *holder, struct err *e)
{
    const struct ledger_options options = {
        .path = path,
        .holder = holder,
        .events = {a, on_recorded, on_broken},
    };
    int failed;

    a->failure.code = 0;
    failed = uv_loop_init(&a->loop);
    if (failed != 0)
        return err_set(e, EXIT_BUG, "cannot make an event loop: %s", uv_strerror(failed));
    if (ledger_open(&a->loop, &options, &a->ledger, e))
        return true;
    close_loop(a);
    return false;
}

bool ledger_alone_finish(struct ledger_alone *a, struct err *e)
{
    ledger_flush(a->ledger);
    while (ledger_pending(a->ledger) && !a->failure.code)
        (void)uv_run(&a->loop, UV_RUN_ONCE); /* it says whether more is to come */
    if (!a->failure.code)
        return true;
    *e = a->failure;
    return false;
}

void ledger_alone_close(struct ledger_alone *a)
{
    ledger_close(a->ledger);
    close_loop(a);
}
