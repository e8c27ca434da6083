/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include "base/buf.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* After what it needs. */
#include <cmocka.h>

enum { FILE_LIMIT = 64 * 1024 * 1024 };

/* A path of its own for each test. */
static int make_path(void **state)
{
    char path[] = "/tmp/test_log_XXXXXX";
    int fd = mkstemp(path);

    *state = strdup(path);
    return fd >= 0 ? close(fd) : -1;
}

static int drop_path(void **state)
{
    log_close();
    (void)unlink(*state);
    free(*state);
    return 0;
}

static void open_log(const char *path, enum log_level level)
{
    const struct log_options options = {.file = path, .level = level};
    struct err e;

    if (!log_open(&options, &e))
        fail_msg("%s", e.text);
}

static struct buf read_all(int fd)
{
    struct buf content = buf_new(FILE_LIMIT);
    char piece[65536];
    ssize_t got;

    while ((got = read(fd, piece, sizeof(piece))) > 0)
        buf_add(&content, piece, (size_t)got);
    return content;
}

static struct buf read_file(const char *path)
{
    int fd = open(path, O_RDONLY);
    struct buf content = read_all(fd);

    assert_int_equal(close(fd), 0);
    return content;
}

static size_t count_lines(const struct buf *content)
{
    size_t lines = 0;

    for (size_t i = 0; i < content->len; i++)
        lines += content->data[i] == '\n' ? 1 : 0;
    return lines;
}

static void test_lines_arrive_whole_and_in_order(void **state)
{
    enum { LINES = 50000 };
    struct buf content;
    const char *at;

    open_log(*state, LOG_INFO);
    for (int i = 0; i < LINES; i++) {
        log_line(LOG_INFO, "line", LOG_NUM("number", i));
        if (i % 1000 == 0)
            log_flush();
    }
    log_close();
    content = read_file(*state);
    at = buf_text(&content);
    for (int i = 0; i < LINES; i++) {
        char expected[64];

        (void)snprintf(expected, sizeof(expected), "Z INFO line number=%d\n", i);
        assert_memory_equal(at + 23, expected, strlen(expected));
        at += 23 + strlen(expected);
    }
    assert_string_equal(at, "");
    assert_int_equal(log_dropped(), 0);
    buf_free(&content);
}

static void test_flush_writes_before_close(void **state)
{
    struct buf content;

    open_log(*state, LOG_INFO);
    log_line(LOG_INFO, "one");
    log_flush();
    content = read_file(*state);
    assert_int_equal(count_lines(&content), 1);
    buf_free(&content);
    log_line(LOG_INFO, "two");
    log_flush();
    content = read_file(*state);
    assert_int_equal(count_lines(&content), 2);
    buf_free(&content);
}

static void test_levels(void **state)
{
    struct buf content;

    open_log(*state, LOG_WARN);
    log_line(LOG_INFO, "no");
    log_event(LOG_INFO, "no", NULL, 0);
    log_line(LOG_WARN, "yes");
    log_set_level(LOG_DEBUG);
    log_line(LOG_DEBUG, "yes");
    log_set_level(LOG_ERROR);
    log_line(LOG_WARN, "no");
    log_close();
    content = read_file(*state);
    assert_int_equal(count_lines(&content), 2);
    assert_null(strstr(buf_text(&content), "no"));
    buf_free(&content);
}

static void test_json_format_and_append(void **state)
{
    const struct log_options options = {.file = *state, .level = LOG_INFO, .format = LOG_JSON};
    struct buf content;

    open_log(*state, LOG_INFO);
    log_line(LOG_INFO, "before");
    assert_true(log_open(&options, NULL)); /* closes the first */
    log_line(LOG_INFO, "after", LOG_STR("id", "x"));
    log_close();
    content = read_file(*state);
    assert_non_null(strstr(buf_text(&content), "INFO before\n{\"v\":1,\"at\":\""));
    assert_non_null(
        strstr(buf_text(&content), "\"level\":\"info\",\"text\":\"after\",\"id\":\"x\"}\n"));
    buf_free(&content);
}

static void test_a_file_that_cannot_be_opened(void **state)
{
    const struct log_options options = {.file = "/nonexistent/log"};
    struct err e;

    open_log(*state, LOG_INFO);
    assert_false(log_open(&options, &e));
    assert_int_equal(e.code, EXIT_CANT_CREATE);
    assert_string_equal(e.text,
                        "log.file: /nonexistent/log cannot be opened: No such file or directory");
    log_line(LOG_INFO, "the old one goes on");
    log_close();
}

/* Runs `body` with standard error sent to the file at `path`. */
static void with_stderr_in(const char *path, void (*body)(void))
{
    int saved = dup(STDERR_FILENO);
    int fd = open(path, O_WRONLY | O_APPEND);

    assert_true(saved >= 0 && fd >= 0);
    assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    body();
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    assert_int_equal(close(saved) + close(fd), 0);
}

static void log_around_open(void)
{
    log_line(LOG_WARN, "before");
    log_line(LOG_INFO, "hidden");
    open_log(NULL, LOG_INFO);
    log_line(LOG_INFO, "during");
    log_close();
    log_line(LOG_ERROR, "after");
    log_line(LOG_INFO, "hidden");
    log_flush();
    log_close();
}

static void test_works_before_open_and_after_close(void **state)
{
    struct buf content;

    with_stderr_in(*state, log_around_open);
    content = read_file(*state);
    assert_int_equal(count_lines(&content), 3);
    assert_non_null(strstr(buf_text(&content), "WARN before\n"));
    assert_non_null(strstr(buf_text(&content), "INFO during\n"));
    assert_non_null(strstr(buf_text(&content), "ERROR after\n"));
    buf_free(&content);
}

static void on_line(void *context, const char *line, size_t len)
{
    buf_add(context, line, len);
}

static void test_sink_takes_the_place_of_standard_error(void **state)
{
    struct buf lines = buf_new(4096);

    (void)state;
    open_log(NULL, LOG_INFO);
    log_set_sink(on_line, &lines);
    log_line(LOG_INFO, "seen", LOG_NUM("n", 1));
    log_set_sink(NULL, NULL);
    assert_non_null(strstr(buf_text(&lines), "INFO seen n=1\n"));
    buf_free(&lines);
}

static void test_sink_leaves_a_file_alone(void **state)
{
    struct buf lines = buf_new(4096);
    struct buf content;

    open_log(*state, LOG_INFO);
    log_set_sink(on_line, &lines);
    log_line(LOG_INFO, "seen");
    log_close();
    log_set_sink(NULL, NULL);
    content = read_file(*state);
    assert_int_equal(lines.len, 0);
    assert_int_equal(count_lines(&content), 1);
    buf_free(&content);
    buf_free(&lines);
}

/* A pipe that nobody reads, under `path`; says its reading end. */
static int open_on_stuck_pipe(const char *path)
{
    int reader;

    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    open_log(path, LOG_INFO);
    return reader;
}

static void *on_read(void *fd)
{
    static struct buf content;

    content = read_all(*(int *)fd);
    return &content;
}

static void test_a_stuck_reader_costs_lines_that_are_counted(void **state)
{
    enum { LINES = 60000 };
    uint64_t before = log_dropped();
    int reader = open_on_stuck_pipe(*state);
    struct buf *content;
    pthread_t thread;
    uint64_t dropped;
    char report[64];

    for (int i = 0; i < LINES; i++)
        log_line(LOG_INFO, "a line that nobody reads, for now", LOG_NUM("number", i));
    dropped = log_dropped() - before;
    assert_true(dropped > 0 && dropped < LINES);
    assert_int_equal(fcntl(reader, F_SETFL, 0), 0);
    assert_int_equal(pthread_create(&thread, NULL, on_read, &reader), 0);
    log_close();
    assert_int_equal(pthread_join(thread, (void **)&content), 0);
    (void)snprintf(report, sizeof(report), "lines were dropped lines=%llu\n",
                   (unsigned long long)dropped);
    assert_non_null(strstr(buf_text(content), report));
    assert_int_equal(count_lines(content), LINES - dropped + 1);
    buf_free(content);
    assert_int_equal(close(reader), 0);
}

/* Takes the two seconds that log_close waits. */
static void test_close_leaves_a_write_that_blocks(void **state)
{
    int reader = open_on_stuck_pipe(*state);

    for (int i = 0; i < 10000; i++)
        log_line(LOG_INFO, "a line that nobody reads, ever", LOG_NUM("number", i));
    log_close();
    assert_int_equal(close(reader), 0);
}

static void test_what_cannot_be_written_is_counted(void **state)
{
    uint64_t before = log_dropped();

    (void)state;
    open_log("/dev/full", LOG_INFO);
    for (int i = 0; i < 10; i++)
        log_line(LOG_INFO, "lost");
    log_flush();
    assert_true(log_dropped() - before >= 10);
    log_close();
}

static void *on_log_much(void *unused)
{
    for (int i = 0; i < 2000; i++)
        log_line(LOG_INFO, "from a thread", LOG_NUM("number", i));
    return unused;
}

static void test_threads_do_not_mix_lines(void **state)
{
    uint64_t before = log_dropped();
    pthread_t threads[4];
    struct buf content;

    open_log(*state, LOG_INFO);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, on_log_much, NULL), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    log_close();
    content = read_file(*state);
    assert_int_equal(count_lines(&content) + (log_dropped() - before), 8000);
    for (const char *line = buf_text(&content); *line; line = strchr(line, '\n') + 1)
        assert_memory_equal(line + 23, "Z INFO from a thread number=", 28);
    buf_free(&content);
}

#define LOG_TEST(f) cmocka_unit_test_setup_teardown(f, make_path, drop_path)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(test_lines_arrive_whole_and_in_order),
        LOG_TEST(test_flush_writes_before_close),
        LOG_TEST(test_levels),
        LOG_TEST(test_json_format_and_append),
        LOG_TEST(test_a_file_that_cannot_be_opened),
        LOG_TEST(test_works_before_open_and_after_close),
        LOG_TEST(test_sink_takes_the_place_of_standard_error),
        LOG_TEST(test_sink_leaves_a_file_alone),
        LOG_TEST(test_a_stuck_reader_costs_lines_that_are_counted),
        LOG_TEST(test_close_leaves_a_write_that_blocks),
        LOG_TEST(test_what_cannot_be_written_is_counted),
        LOG_TEST(test_threads_do_not_mix_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
