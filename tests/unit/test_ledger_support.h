/* SPDX-License-Identifier: MIT
 *
 * test_ledger_support.h: a ledger in a folder of its own, on a real loop, for the tests of
 * src/ledger. Records are handed over and waited for one after the other.
 */
#ifndef TEST_LEDGER_SUPPORT_H
#define TEST_LEDGER_SUPPORT_H

#include "base/list.h"
#include "base/mem.h"
#include "ledger/ledger.h"
#include "ledger/ledger_errand.h"
#include "ledger/ledger_query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* After what it needs. */
#include <cmocka.h>

struct box {
    char folder[64];
    char path[128];
    uv_loop_t loop;
    struct ledger *ledger;
    struct list back; /* records that came back, in order */
    unsigned returned;
    bool broken;
    struct err error;
};

static void on_recorded(void *context, struct list *records)
{
    struct box *b = context;
    struct list *node;

    while ((node = list_pop(records))) {
        list_append(&b->back, node);
        b->returned++;
    }
}

static void on_broken(void *context, const struct err *e)
{
    struct box *b = context;

    assert_false(b->broken); /* told once */
    b->broken = true;
    b->error = *e;
}

static inline bool box_try_open(struct box *b, struct err *e)
{
    const struct ledger_options options = {
        .path = b->path,
        .holder = "tidings test",
        .events = {.context = b, .on_recorded = on_recorded, .on_broken = on_broken},
    };

    b->broken = false;
    return ledger_open(&b->loop, &options, &b->ledger, e);
}

static inline void box_open(struct box *b)
{
    struct err e = {0};

    if (!box_try_open(b, &e))
        fail_msg("%s", e.text);
}

static inline void box_close(struct box *b)
{
    ledger_close(b->ledger);
    b->ledger = NULL;
    while (uv_run(&b->loop, UV_RUN_DEFAULT))
        ;
}

static inline struct box *box_new_in(const char *under)
{
    struct box *b = MEM_NEW(struct box);

    (void)snprintf(b->folder, sizeof(b->folder), "%s/test_ledger.XXXXXX", under);
    assert_non_null(mkdtemp(b->folder));
    (void)snprintf(b->path, sizeof(b->path), "%s/state/ledger.db", b->folder);
    assert_int_equal(uv_loop_init(&b->loop), 0);
    list_init(&b->back);
    return b;
}

static inline struct box *box_new(void)
{
    struct box *b = box_new_in("/tmp");

    box_open(b);
    return b;
}

static inline void PRINTF_LIKE(1, 2) shell(const char *format, ...)
{
    char command[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(command, sizeof(command), format, args); /* paths of ours: they fit */
    va_end(args);
    assert_int_equal(system(command), 0);
}

static inline void box_free(struct box *b)
{
    if (b->ledger)
        box_close(b);
    assert_int_equal(uv_loop_close(&b->loop), 0);
    shell("rm -rf %s", b->folder);
    mem_free(b);
}

/* As a crash leaves it: the files as they are now, opened by another. */
static inline struct box *box_crashed(const struct box *of)
{
    struct box *b = box_new_in("/tmp");

    shell("cp -r %s/state %s/state", of->folder, b->folder);
    shell("rm -f %s-shm", b->path);
    return b;
}

static inline void box_wait(struct box *b)
{
    ledger_flush(b->ledger);
    while (ledger_pending(b->ledger) && !b->broken)
        (void)uv_run(&b->loop, UV_RUN_ONCE); /* it says whether more is to come */
}

/* Hands one over and takes it back: it may live on the stack. */
static inline void box_do(struct box *b, struct record *r)
{
    ledger_submit(b->ledger, r);
    box_wait(b);
    list_remove(&r->node);
}

/* ---- Errands. */

static inline void on_errand_done(struct ledger_errand *errand)
{
    bool *is_done = errand->context;

    *is_done = true;
}

/* How each errand of the tests begins; BOX_RUN hands it over and waits for it. */
static inline bool *errand_is_done(void)
{
    static bool is_done;

    return &is_done;
}

#define ERRAND .errand = {.on_done = on_errand_done, .context = errand_is_done()}
#define BOX_RUN(b, hand_over, errand)     \
    do {                                  \
        *errand_is_done() = false;        \
        hand_over((b)->ledger, (errand)); \
        assert_false(*errand_is_done());  \
        box_wait(b);                      \
        assert_true(*errand_is_done());   \
    } while (0)

/* ---- Messages and records. */

static inline struct message *message_in(const char *broadcast, const char *id)
{
    return message_restore(&(struct message){
        .id = id,
        .to = "+919800000001",
        .template_name = "results_update",
        .lang = "en_US",
        .content = "[]",
        .broadcast = broadcast,
        .sender = "915988834937783",
    });
}

static inline struct message *message_with(const char *id, const char *content)
{
    return message_restore(&(struct message){
        .id = id,
        .to = "+919800000001",
        .template_name = "results_update",
        .lang = "en_US",
        .content = content,
        .class_id = "A1",
        .test_num = "1",
        .broadcast = "results",
        .sender = "915988834937783",
        .ref = "row 7",
    });
}

static inline struct record admit(struct box *b, const struct message *m, bool intend)
{
    struct record r = {
        .kind = RECORD_ADMIT, .message = m, .at_ms = 1000, .intend = intend, .due_ms = 5000};

    box_do(b, &r);
    return r;
}

static inline struct record probe(struct box *b, const struct message *m)
{
    struct record r = {.kind = RECORD_PROBE, .message = m};

    box_do(b, &r);
    return r;
}

static inline void intend(struct box *b, const struct record *of, unsigned attempt)
{
    struct record r = {
        .kind = RECORD_INTENT,
        .message = of->message,
        .number = of->number,
        .attempt = attempt,
        .at_ms = 2000 + attempt,
    };

    box_do(b, &r);
}

static inline void conclude(struct box *b, const struct record *of, unsigned attempt,
                            const struct outcome *outcome)
{
    struct record r = {
        .kind = RECORD_OUTCOME,
        .message = of->message,
        .number = of->number,
        .attempt = attempt,
        .at_ms = 3000 + attempt,
        .outcome = outcome,
        .tries = attempt,
    };

    box_do(b, &r);
}

static inline enum state state_of(struct box *b, const char *id)
{
    enum state state = STATE_WAITING;
    bool found = false;
    struct err e;

    assert_true(ledger_find(b->ledger, id, &found, &state, &e));
    return found ? state : 0;
}

static inline uint64_t tally_of(struct box *b, const char *broadcast, enum state state)
{
    const struct ledger_filter filter = {.broadcast = broadcast};
    struct ledger_reader *reader;
    uint64_t counts[STATE_COUNT];
    struct err e;

    assert_true(ledger_reader_open(b->path, &reader, &e));
    assert_true(ledger_count(reader, &filter, counts, &e));
    ledger_reader_close(reader);
    return counts[state];
}

static inline bool read_waiting(struct ledger *l, const struct waiting_filter *filter,
                                struct waiting *items, size_t max, size_t *count)
{
    struct waiting_page page = {.items = items, .max = max};
    struct err e;
    bool ok = ledger_waiting(l, filter, &page, &e);

    *count = page.count;
    return ok;
}

#endif
