/* SPDX-License-Identifier: MIT
 *
 * test_loop_util.h: a libuv loop beside a thread that plays a client, so that blocking clients and
 * a server on a loop can meet in one test.
 */
#ifndef TEST_LOOP_UTIL_H
#define TEST_LOOP_UTIL_H

#include <assert.h>
#include <pthread.h>
#include <uv.h>

/* A client in a thread of its own. When it has returned, on_done runs on the loop. */
struct played {
    pthread_t thread;
    uv_async_t done;
    void (*play)(void *context); /* in the thread: no cmocka assertions there */
    void (*on_done)(void *context);
    void *context;
};

static void *play_in_thread(void *argument)
{
    struct played *p = argument;

    p->play(p->context);
    (void)uv_async_send(&p->done);
    return NULL;
}

static void on_play_done(uv_async_t *done)
{
    struct played *p = done->data;

    (void)pthread_join(p->thread, NULL);
    p->on_done(p->context);
    uv_close((uv_handle_t *)done, NULL);
}

/* Runs the loop until the client has returned and what on_done closes is closed. */
static void play(uv_loop_t *loop, struct played *p)
{
    int failed = uv_async_init(loop, &p->done, on_play_done);

    p->done.data = p;
    failed |= pthread_create(&p->thread, NULL, play_in_thread, p);
    assert(!failed);
    failed = uv_run(loop, UV_RUN_DEFAULT);
    assert(!failed);
}

#endif
