/* SPDX-License-Identifier: MIT */
#include "base/terminal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
/* After what it needs. */
#include <cmocka.h>

/* A pair of a terminal and the side that plays the person. */
struct pty {
    int person;
    int terminal;
};

static struct pty pty_open(void)
{
    struct pty p = {.person = posix_openpt(O_RDWR | O_NOCTTY)};

    assert_true(p.person >= 0);
    assert_int_equal(grantpt(p.person) + unlockpt(p.person), 0);
    p.terminal = open(ptsname(p.person), O_RDWR | O_NOCTTY);
    assert_true(p.terminal >= 0);
    return p;
}

static int pipe_with(const char *text)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
    assert_int_equal(close(ends[1]), 0);
    return ends[0];
}

/* What `body` says in a child whose standard input is `text`. */
static int child_given(const char *text, int (*body)(void))
{
    int fd = pipe_with(text);
    int status;
    pid_t child = fork();

    if (child == 0) {
        if (dup2(fd, STDIN_FILENO) < 0 || !freopen("/dev/null", "w", stderr))
            _exit(99);
        _exit(body());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(close(fd), 0);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int confirm(void)
{
    return terminal_confirm("Send?") ? 1 : 0;
}

static void test_only_yes_is_yes(void **state)
{
    static const struct {
        const char *answer;
        int expected;
    } cases[] = {
        {"y\n", 1},  {"YES\r\n", 1}, {"yes", 1},   {"\n", 0},   {"", 0},
        {"no\n", 0}, {"yess\n", 0},  {"y y\n", 0}, {" y\n", 0}, {"yyyyyyyyyyyyyyyyyyyyyyyy\n", 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(child_given(cases[i].answer, confirm), cases[i].expected);
    }
}

static int ask(void)
{
    char answer[8];

    if (!terminal_ask("Who", answer, sizeof(answer)))
        return 2;
    return strcmp(answer, "somebod") == 0 ? 1 : 0;
}

static void test_answers_that_fit(void **state)
{
    (void)state;
    assert_int_equal(child_given("somebod\r\n", ask), 1);
    assert_int_equal(child_given("somebod", ask), 1);
    assert_int_equal(child_given("some\n", ask), 0);
    assert_int_equal(child_given("", ask), 2);
}

/* What does not fit is no answer, and its rest is none to the next question. */
static void test_an_answer_that_is_too_long_is_asked_for_again(void **state)
{
    (void)state;
    assert_int_equal(child_given("somebody else\nsomebod\n", ask), 1);
    assert_int_equal(child_given("somebody else\n", ask), 2);
    assert_int_equal(child_given("somebody else\nno\n", ask), 0);
}

static void test_write_gives_up_on_errors(void **state)
{
    char seen[8] = "";
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    terminal_write(ends[1], "abc", 3);
    assert_int_equal(read(ends[0], seen, sizeof(seen)), 3);
    assert_string_equal(seen, "abc");
    assert_int_equal(close(ends[0]) + close(ends[1]), 0);
    terminal_write(ends[1], "abc", 3);
}

static void test_width_and_colour(void **state)
{
    struct pty p = pty_open();
    struct winsize size = {.ws_col = 123, .ws_row = 40};
    int file = pipe_with("");

    (void)state;
    assert_int_equal(setenv("TERM", "xterm", 1) + unsetenv("NO_COLOR"), 0);
    assert_true(terminal_is(p.terminal) && !terminal_is(file));
    assert_int_equal(terminal_width(p.terminal), 80);
    assert_int_equal(ioctl(p.terminal, TIOCSWINSZ, &size), 0);
    assert_int_equal(terminal_width(p.terminal), 123);
    assert_int_equal(terminal_width(file), 80);
    assert_int_equal(terminal_height(p.terminal), 40);
    assert_int_equal(terminal_height(file), 24);
    assert_true(terminal_redraws(p.terminal) && !terminal_redraws(file));
    assert_true(terminal_colour(p.terminal, false));
    assert_false(terminal_colour(p.terminal, true));
    assert_false(terminal_colour(file, false));
    assert_int_equal(setenv("NO_COLOR", "", 1), 0);
    assert_true(terminal_colour(p.terminal, false));
    assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
    assert_false(terminal_colour(p.terminal, false));
    assert_int_equal(unsetenv("NO_COLOR") + setenv("TERM", "dumb", 1), 0);
    assert_false(terminal_colour(p.terminal, false) || terminal_redraws(p.terminal));
    assert_int_equal(close(file) + close(p.person) + close(p.terminal), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_yes_is_yes),
        cmocka_unit_test(test_answers_that_fit),
        cmocka_unit_test(test_an_answer_that_is_too_long_is_asked_for_again),
        cmocka_unit_test(test_write_gives_up_on_errors),
        cmocka_unit_test(test_width_and_colour),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
