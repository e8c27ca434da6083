/* SPDX-License-Identifier: MIT
 *
 * test_control_file.c: the file that the control socket is.
 */
#include "io/control.h"

#include "base/mem.h"
#include "io/control_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* After what it needs. */
#include <cmocka.h>

struct world {
    uv_loop_t loop;
    struct control *control;
    char folder[64];
    char path[CONTROL_PATH_MAX + 1];
    struct err error;
};

static void on_request(void *context, struct control_request *request, const struct json *body)
{
    (void)context;
    (void)body;
    control_reply(request, "{}");
}

static int make_world(void **state)
{
    struct world *w = MEM_NEW(struct world);

    (void)snprintf(w->folder, sizeof(w->folder), "/tmp/control-XXXXXX");
    if (!mkdtemp(w->folder) || uv_loop_init(&w->loop) != 0)
        return -1;
    (void)snprintf(w->path, sizeof(w->path), "%s/sock", w->folder);
    *state = w;
    return 0;
}

static int end_world(void **state)
{
    struct world *w = *state;
    int result = uv_loop_close(&w->loop);

    (void)unlink(w->path); /* where a test left one */
    result |= rmdir(w->folder);
    mem_free(w);
    return result;
}

static void open_control(struct world *w)
{
    struct control_handler handler = {w, on_request};

    if (!control_open(&w->loop, w->path, &handler, &w->control, &w->error))
        fail_msg("%s", w->error.text);
}

static void drop_control(struct world *w)
{
    control_close(w->control, NULL, NULL);
    assert_int_equal(uv_run(&w->loop, UV_RUN_DEFAULT), 0);
}

static void test_the_file_is_private_and_goes(void **state)
{
    struct world *w = *state;
    mode_t mask = umask(0);
    struct stat found;

    open_control(w);
    (void)umask(mask);
    assert_int_equal(lstat(w->path, &found), 0);
    assert_int_equal(found.st_mode, S_IFSOCK | 0600);
    drop_control(w);
    assert_int_equal(lstat(w->path, &found), -1);
}

static void test_a_living_daemon_is_left_alone(void **state)
{
    struct world *w = *state;
    struct control_handler handler = {w, on_request};
    struct control *second;

    open_control(w);
    assert_false(control_open(&w->loop, w->path, &handler, &second, &w->error));
    assert_int_equal(w->error.code, EXIT_TRY_LATER);
    assert_int_equal(access(w->path, F_OK), 0);
    drop_control(w);
}

static void test_a_dead_daemons_socket_is_replaced(void **state)
{
    struct world *w = *state;
    struct control_client *client;
    char other[128];

    (void)snprintf(other, sizeof(other), "%s/other", w->folder);
    open_control(w);
    assert_int_equal(link(w->path, other), 0);
    drop_control(w);
    assert_int_equal(rename(other, w->path), 0);
    assert_false(control_connect(w->path, &client, &w->error));
    assert_int_equal(w->error.code, EXIT_UNREACHABLE);
    open_control(w);
    assert_true(control_connect(w->path, &client, &w->error));
    control_disconnect(client);
    drop_control(w);
}

static void test_another_ones_socket_stays(void **state)
{
    struct world *w = *state;

    open_control(w);
    assert_int_equal(unlink(w->path), 0);
    assert_int_equal(mkfifo(w->path, 0600), 0);
    drop_control(w);
    assert_int_equal(access(w->path, F_OK), 0);
}

static void test_what_is_no_socket_stays(void **state)
{
    struct world *w = *state;
    struct control_handler handler = {w, on_request};

    assert_int_equal(mkfifo(w->path, 0600), 0);
    assert_false(control_open(&w->loop, w->path, &handler, &w->control, &w->error));
    assert_int_equal(w->error.code, EXIT_CANT_CREATE);
    assert_non_null(strstr(w->error.text, "no socket"));
    assert_int_equal(access(w->path, F_OK), 0);
}

static void test_paths_that_cannot_be(void **state)
{
    struct world *w = *state;
    struct control_handler handler = {w, on_request};
    struct control_client *client;
    char path[CONTROL_PATH_MAX + 2];

    memset(path, 'x', sizeof(path));
    path[0] = '/';
    path[CONTROL_PATH_MAX + 1] = '\0';
    assert_false(control_open(&w->loop, path, &handler, &w->control, &w->error));
    assert_int_equal(w->error.code, EXIT_CONFIG);
    assert_non_null(strstr(w->error.text, "control.socket"));
    assert_false(control_connect(path, &client, &w->error));
    assert_int_equal(w->error.code, EXIT_CONFIG);
    assert_false(control_open(&w->loop, "/nowhere/sock", &handler, &w->control, &w->error));
    assert_int_equal(w->error.code, EXIT_CANT_CREATE);
    assert_false(control_connect(w->path, &client, &w->error));
    assert_int_equal(w->error.code, EXIT_UNREACHABLE);
    assert_non_null(strstr(w->error.text, "no daemon is running"));
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, make_world, end_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_the_file_is_private_and_goes),
        WORLD_TEST(test_a_living_daemon_is_left_alone),
        WORLD_TEST(test_a_dead_daemons_socket_is_replaced),
        WORLD_TEST(test_another_ones_socket_stays),
        WORLD_TEST(test_what_is_no_socket_stays),
        WORLD_TEST(test_paths_that_cannot_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
