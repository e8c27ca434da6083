/* SPDX-License-Identifier: MIT
 *
 * test_control.c: the control socket, both sides: the daemon's on a loop, its clients in a thread.
 */
#include "io/control.h"

#include "base/mem.h"
#include "base/text.h"
#include "io/control_client.h"

#include "test_loop_util.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
/* After what it needs. */
#include <cmocka.h>

enum { ANSWERS = 200, HELD_MAX = 128, NOBODY = 65534 };

struct world {
    uv_loop_t loop;
    struct control *control;
    char folder[64];
    char path[CONTROL_PATH_MAX + 1];
    struct control_request *held[HELD_MAX]; /* asked with "hold", answered by "let go" */
    atomic_uint held_count;
    unsigned asked;
    bool has_closed;
    int in_order; /* answers of pipelining_client */
    char answers[ANSWERS][256];
    unsigned answer_count;
    struct err error;
};

/* ---- The daemon: echoes "n", holds what it is told to hold. */

static void on_control_closed(void *context)
{
    ((struct world *)context)->has_closed = true;
}

static void close_now(struct world *w)
{
    if (w->control)
        control_close(w->control, on_control_closed, w);
    w->control = NULL;
}

static void answer_number(struct control_request *request, int64_t n)
{
    char text[64];

    assert_true(snprintf(text, sizeof(text), "{\"n\":%lld}", (long long)n) > 0);
    control_reply(request, text);
}

static void let_go(struct world *w)
{
    for (unsigned i = 0; i < w->held_count; i++)
        answer_number(w->held[i], 1000 + i);
    w->held_count = 0;
}

static void answer_big(struct control_request *request, int64_t size)
{
    char *text = mem_alloc((size_t)size + 3);

    memset(text, 'x', (size_t)size + 2);
    text[0] = text[size + 1] = '"';
    control_reply(request, text);
    mem_free(text);
}

static void on_request(void *context, struct control_request *request, const struct json *body)
{
    struct world *w = context;
    const char *op = json_string(json_get(body, "op"), NULL);
    int64_t n = 0;

    w->asked++;
    (void)json_int(json_get(body, "n"), &n);
    if (op && strcmp(op, "hold") == 0) {
        assert_true(w->held_count < HELD_MAX);
        w->held[w->held_count++] = request;
        return;
    }
    if (op && strcmp(op, "let go") == 0)
        let_go(w);
    if (op && strcmp(op, "close") == 0)
        close_now(w);
    if (op && strcmp(op, "big") == 0)
        answer_big(request, n);
    else
        answer_number(request, n);
}

static void on_done(void *context)
{
    close_now(context);
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

static void run_with(struct world *w, void (*client)(void *))
{
    struct played p = {.play = client, .on_done = on_done, .context = w};

    open_control(w);
    play(&w->loop, &p);
    assert_true(w->has_closed);
    assert_int_equal(access(w->path, F_OK), -1);
}

/* ---- The clients. */

static void keep(struct world *w, const char *text)
{
    if (w->answer_count < ANSWERS)
        text_copy(w->answers[w->answer_count++], sizeof(w->answers[0]), text, strlen(text));
}

/* Asks, and keeps the answer or the error. */
static bool ask(struct world *w, struct control_client *client, const char *request)
{
    struct buf reply = buf_new(CONTROL_ANSWER_MAX);
    bool ok = control_call(client, request, &reply, CONTROL_FOREVER, &w->error);

    keep(w, ok ? buf_text(&reply) : w->error.text);
    buf_free(&reply);
    return ok;
}

static struct control_client *connect_to(struct world *w)
{
    struct control_client *client;

    if (control_connect(w->path, &client, &w->error))
        return client;
    keep(w, w->error.text);
    abort();
}

static int raw_connect(const struct world *w)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", w->path);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        abort();
    return fd;
}

static void raw_send(int fd, const char *bytes, size_t len)
{
    if (send(fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
        abort();
}

/* All lines until the daemon closes. */
static void raw_read_all(struct world *w, int fd)
{
    FILE *in = fdopen(fd, "r");
    char line[4096];

    while (in && fgets(line, sizeof(line), in)) {
        line[strcspn(line, "\n")] = '\0';
        keep(w, line);
    }
    if (in)
        (void)fclose(in);
}

static void one_client(void *context)
{
    struct world *w = context;
    struct control_client *client = connect_to(w);

    (void)ask(w, client, "{\"n\":1}");
    (void)ask(w, client, "[1]");
    (void)ask(w, client, "{n:1}");
    (void)ask(w, client, "{\"n\":2}");
    control_disconnect(client);
}

static void test_questions_are_answered(void **state)
{
    struct world *w = *state;

    run_with(w, one_client);
    assert_int_equal(w->answer_count, 4);
    assert_string_equal(w->answers[0], "{\"n\":1}");
    assert_non_null(strstr(w->answers[1], "{\"v\":1,\"ok\":false,\"code\":64,\"error\":"));
    assert_non_null(strstr(w->answers[2], "{\"v\":1,\"ok\":false,\"code\":64,\"error\":"));
    assert_string_equal(w->answers[3], "{\"n\":2}");
    assert_int_equal(w->asked, 2);
}

static void impatient_client(void *context)
{
    struct world *w = context;
    struct control_client *other = connect_to(w);
    int fd = raw_connect(w);
    char line[64];

    raw_send(fd, "{\"op\":\"hold\"}\n", 14);
    for (int i = 0; i < 100; i++) {
        int len = snprintf(line, sizeof(line), "{\"n\":%d}\n", i);

        raw_send(fd, line, (size_t)len);
    }
    raw_send(fd, "{\"n\":", 5); /* not whole: no question */
    (void)shutdown(fd, SHUT_WR);
    while (w->held_count == 0)
        (void)ask(w, other, "{\"n\":7}");
    w->answer_count = 0;
    (void)ask(w, other, "{\"op\":\"let go\"}");
    raw_read_all(w, fd);
    control_disconnect(other);
}

static void test_answers_keep_the_order_also_after_half_a_close(void **state)
{
    struct world *w = *state;
    char text[64];

    run_with(w, impatient_client);
    assert_int_equal(w->answer_count, 102);
    assert_string_equal(w->answers[1], "{\"n\":1000}");
    for (int i = 0; i < 100; i++) {
        (void)snprintf(text, sizeof(text), "{\"n\":%d}", i);
        assert_string_equal(w->answers[i + 2], text);
    }
}

enum { PIPELINED = 16000, TURNS = 100 };

/* How many answers to 0, 1, 2... come, behind that of what was held. */
static int count_in_order(int fd)
{
    FILE *in = fdopen(fd, "r");
    char line[64], expected[64];
    int n = -1;

    do
        (void)snprintf(expected, sizeof(expected), "{\"n\":%d}\n", n < 0 ? 1000 : n);
    while (in && fgets(line, sizeof(line), in) && strcmp(line, expected) == 0 && ++n < PIPELINED);
    if (in)
        (void)fclose(in);
    return n;
}

struct sending {
    int fd;
    struct buf questions;
};

/* By itself: it waits while the daemon reads no more. */
static void *send_questions(void *argument)
{
    struct sending *s = argument;

    raw_send(s->fd, s->questions.data, s->questions.len);
    (void)shutdown(s->fd, SHUT_WR);
    return NULL;
}

/* More than the daemon reads ahead: 75 bytes each. */
static void pipelining_client(void *context)
{
    struct world *w = context;
    struct control_client *other = connect_to(w);
    struct sending s = {raw_connect(w), buf_new(2 * CONTROL_LINE_MAX)};
    pthread_t sender;

    raw_send(s.fd, "{\"op\":\"hold\"}\n", 14);
    for (int i = 0; i < PIPELINED; i++)
        buf_addf(&s.questions, "{\"n\":%-68d}\n", i);
    if (pthread_create(&sender, NULL, send_questions, &s) != 0)
        abort();
    while (w->held_count == 0)
        (void)ask(w, other, "{\"n\":7}");
    for (int turn = 0; turn < TURNS; turn++) /* in which it reads on, as far as it does */
        (void)ask(w, other, "{\"n\":7}");
    (void)ask(w, other, "{\"op\":\"let go\"}");
    control_disconnect(other);
    w->in_order = count_in_order(s.fd);
    (void)pthread_join(sender, NULL);
    buf_free(&s.questions);
}

static void test_many_questions_at_once_are_all_answered(void **state)
{
    struct world *w = *state;

    run_with(w, pipelining_client);
    assert_int_equal(w->in_order, PIPELINED);
}

static void fleeing_client(void *context)
{
    struct world *w = context;
    struct control_client *other = connect_to(w);
    int fd = raw_connect(w);

    raw_send(fd, "{\"op\":\"hold\"}\n", 14);
    while (w->held_count == 0)
        (void)ask(w, other, "{\"n\":7}");
    (void)close(fd);
    (void)ask(w, other, "{\"n\":8}");
    (void)ask(w, other, "{\"op\":\"let go\"}");
    w->answer_count = 0;
    (void)ask(w, other, "{\"n\":9}");
    control_disconnect(other);
}

static void test_a_client_may_go_before_its_answer(void **state)
{
    struct world *w = *state;

    run_with(w, fleeing_client);
    assert_string_equal(w->answers[0], "{\"n\":9}");
}

static void waiting_client(void *context)
{
    struct world *w = context;
    struct control_client *other = connect_to(w);
    struct control_client *client = connect_to(w);
    int fd = raw_connect(w);

    raw_send(fd, "{\"op\":\"hold\"}\n", 14);
    while (w->held_count == 0)
        (void)ask(w, other, "{\"n\":7}");
    w->answer_count = 0;
    (void)ask(w, other, "{\"n\":1}");
    (void)ask(w, client, "{\"op\":\"close\"}");
    keep(w, control_wait_end(other, CONTROL_FOREVER, &w->error) ? "ended" : w->error.text);
    raw_read_all(w, fd);
    control_disconnect(client);
    control_disconnect(other);
}

static void test_closing_with_requests_open_is_harmless(void **state)
{
    struct world *w = *state;

    run_with(w, waiting_client);
    assert_int_equal(w->answer_count, 3);
    assert_string_equal(w->answers[0], "{\"n\":1}");
    assert_non_null(strstr(w->answers[1], "went away before it answered"));
    assert_string_equal(w->answers[2], "ended");
    assert_int_equal(w->held_count, 1);
    let_go(w); /* after everything is closed */
}

/* Is answered with `text` when it says as much as it can of a line without end. */
static void endless_client(void *context)
{
    struct world *w = context;
    int fd = raw_connect(w);
    char bytes[65536];

    memset(bytes, ' ', sizeof(bytes));
    while (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
        continue;
    raw_read_all(w, fd);
}

static void test_a_line_without_end_is_cut_off(void **state)
{
    struct world *w = *state;

    run_with(w, endless_client);
    assert_int_equal(w->answer_count, 1);
    assert_non_null(strstr(w->answers[0], "\"code\":65"));
    assert_int_equal(w->asked, 0);
}

static void long_client(void *context)
{
    struct world *w = context;
    struct control_client *client = connect_to(w);
    size_t len = CONTROL_LINE_MAX;
    char *line = mem_alloc(len + 2);

    memset(line, ' ', len);
    memcpy(line, "{\"n\":5}", 7);
    (void)ask(w, client, line);
    line[len] = ' ';
    (void)ask(w, client, line);
    mem_free(line);
    control_disconnect(client);
}

static void test_a_line_may_be_a_mebibyte_and_no_more(void **state)
{
    struct world *w = *state;

    run_with(w, long_client);
    assert_int_equal(w->answer_count, 2);
    assert_string_equal(w->answers[0], "{\"n\":5}");
    assert_non_null(strstr(w->answers[1], "\"code\":65"));
}

static void many_clients(void *context)
{
    struct world *w = context;
    struct control_client *clients[CONTROL_CLIENTS_MAX + 1];

    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX + 1; i++) {
        clients[i] = connect_to(w);
        (void)ask(w, clients[i], "{\"n\":3}");
    }
    control_disconnect(clients[0]);
    control_disconnect(clients[CONTROL_CLIENTS_MAX]);
    (void)ask(w, clients[1], "{\"n\":4}");
    clients[0] = connect_to(w);
    (void)ask(w, clients[0], "{\"n\":5}");
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
        control_disconnect(clients[i]);
}

static void test_a_client_too_many_is_told_so(void **state)
{
    struct world *w = *state;

    run_with(w, many_clients);
    assert_int_equal(w->answer_count, CONTROL_CLIENTS_MAX + 3);
    assert_string_equal(w->answers[CONTROL_CLIENTS_MAX - 1], "{\"n\":3}");
    assert_non_null(strstr(w->answers[CONTROL_CLIENTS_MAX], "\"code\":75"));
    assert_string_equal(w->answers[CONTROL_CLIENTS_MAX + 2], "{\"n\":5}");
}

static void greedy_client(void *context)
{
    struct world *w = context;
    struct control_client *client = connect_to(w);
    struct buf reply = buf_new((size_t)CONTROL_ANSWER_MAX + 64);

    for (int i = 0; i < 2; i++) {
        const char *question =
            i ? "{\"op\":\"big\",\"n\":4194303}" : "{\"op\":\"big\",\"n\":4194302}";

        buf_clear(&reply);
        if (!control_call(client, question, &reply, CONTROL_FOREVER, &w->error))
            keep(w, w->error.text);
        else
            keep(w, reply.len == CONTROL_ANSWER_MAX ? "whole" : buf_text(&reply));
    }
    buf_free(&reply);
    control_disconnect(client);
}

static void test_answers_come_whole_up_to_their_limit(void **state)
{
    struct world *w = *state;

    run_with(w, greedy_client);
    assert_string_equal(w->answers[0], "whole");
    assert_non_null(strstr(w->answers[1], "\"code\":1,"));
}

static void hurried_client(void *context)
{
    struct world *w = context;
    struct control_client *client = connect_to(w);
    struct buf reply = buf_new(CONTROL_ANSWER_MAX);

    if (!control_wait_end(client, 1, &w->error))
        keep(w, w->error.text);
    if (!control_call(client, "{\"op\":\"hold\"}", &reply, 1, &w->error))
        keep(w, w->error.text);
    buf_free(&reply);
    control_disconnect(client);
}

static void test_waiting_ends_in_time(void **state)
{
    struct world *w = *state;

    run_with(w, hurried_client);
    assert_int_equal(w->answer_count, 2);
    assert_non_null(strstr(w->answers[0], "has not ended yet"));
    assert_non_null(strstr(w->answers[1], "does not answer"));
    let_go(w);
}

/* Another user: in a process of its own, or the whole test would be that user. */
static void strange_client(void *context)
{
    struct world *w = context;
    int ends[2];
    char answer[256] = "";
    pid_t child;

    if (chmod(w->path, 0666) != 0 || chmod(w->folder, 0755) != 0 || pipe(ends) != 0)
        abort();
    child = fork();
    if (child == 0) {
        int fd;

        if (setuid(NOBODY) != 0)
            _exit(1);
        fd = raw_connect(w);
        while (recv(fd, answer, sizeof(answer) - 1, 0) > 0)
            (void)!write(ends[1], answer, strlen(answer));
        _exit(0);
    }
    (void)close(ends[1]);
    (void)!read(ends[0], answer, sizeof(answer) - 1);
    (void)close(ends[0]);
    (void)waitpid(child, NULL, 0);
    keep(w, answer);
}

static void test_another_user_is_refused(void **state)
{
    struct world *w = *state;

    if (geteuid() != 0)
        skip();
    run_with(w, strange_client);
    assert_non_null(strstr(w->answers[0], "\"code\":77"));
    assert_int_equal(w->asked, 0);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, make_world, end_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_questions_are_answered),
        WORLD_TEST(test_answers_keep_the_order_also_after_half_a_close),
        WORLD_TEST(test_many_questions_at_once_are_all_answered),
        WORLD_TEST(test_a_client_may_go_before_its_answer),
        WORLD_TEST(test_closing_with_requests_open_is_harmless),
        WORLD_TEST(test_a_line_without_end_is_cut_off),
        WORLD_TEST(test_a_line_may_be_a_mebibyte_and_no_more),
        WORLD_TEST(test_a_client_too_many_is_told_so),
        WORLD_TEST(test_answers_come_whole_up_to_their_limit),
        WORLD_TEST(test_waiting_ends_in_time),
        WORLD_TEST(test_another_user_is_refused),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as main.c does: libuv leaves it to us */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
