/* SPDX-License-Identifier: MIT */
#include "base/terminal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
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

static void pty_close(struct pty p)
{
    assert_int_equal(close(p.person) + close(p.terminal), 0);
}

static bool echoes(struct pty p)
{
    struct termios t;

    assert_int_equal(tcgetattr(p.terminal, &t), 0);
    return (t.c_lflag & ECHO) != 0;
}

/* Runs `body` in a child whose standard input is `fd`; its exit status, or minus the signal. */
static int in_child(int fd, int (*body)(void), void (*meanwhile)(pid_t child, int person),
                    int person)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        if (dup2(fd, STDIN_FILENO) < 0 || !freopen("/dev/null", "w", stderr))
            _exit(99);
        _exit(body());
    }
    if (meanwhile)
        meanwhile(child, person);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int pipe_with(const char *text, size_t len)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, len), len);
    assert_int_equal(close(ends[1]), 0);
    return ends[0];
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
        int fd = pipe_with(cases[i].answer, strlen(cases[i].answer));

        assert_int_equal(in_child(fd, confirm, NULL, 0), cases[i].expected);
        assert_int_equal(close(fd), 0);
    }
}

/* Exits 0 when the secret is "s3cret", 2 when too long, 1 else. */
static int read_secret(void)
{
    char memory[16];
    struct buf secret = buf_over(memory, sizeof(memory));
    struct err e;

    if (!terminal_read_secret("Token: ", &secret, &e))
        return e.code == EXIT_BAD_DATA ? 2 : 3;
    return strcmp(buf_text(&secret), "s3cret") == 0 ? 0 : 1;
}

static int read_secret_from(const char *text)
{
    int fd = pipe_with(text, strlen(text));
    int result = in_child(fd, read_secret, NULL, 0);

    assert_int_equal(close(fd), 0);
    return result;
}

static void test_secret_from_a_pipe(void **state)
{
    (void)state;
    assert_int_equal(read_secret_from("s3cret"), 0);
    assert_int_equal(read_secret_from("s3cret\n"), 0);
    assert_int_equal(read_secret_from("s3cret\r\n"), 0);
    assert_int_equal(read_secret_from("s3cret\n\n"), 1);
    assert_int_equal(read_secret_from(""), 1);
    assert_int_equal(read_secret_from("s3cret but far too long"), 2);
}

/* The terminal's side is open in this process too: its state tells when the child has asked. */
static void wait_for_silence(int person)
{
    struct termios t;

    do {
        assert_int_equal(tcgetattr(person, &t), 0);
    } while (t.c_lflag & ECHO);
}

static void type_secret(pid_t child, int person)
{
    (void)child;
    wait_for_silence(person);
    assert_int_equal(write(person, "s3cret\n", 7), 7);
}

static void interrupt(pid_t child, int person)
{
    wait_for_silence(person);
    assert_int_equal(kill(child, SIGINT), 0);
}

static void test_secret_is_not_echoed(void **state)
{
    struct pty p = pty_open();
    char seen[64] = "";
    ssize_t got;

    (void)state;
    assert_int_equal(in_child(p.terminal, read_secret, type_secret, p.person), 0);
    assert_true(echoes(p));
    assert_int_equal(fcntl(p.person, F_SETFL, O_NONBLOCK), 0);
    got = read(p.person, seen, sizeof(seen) - 1);
    assert_int_equal(got, 2); /* the newline alone */
    assert_string_equal(seen, "\r\n");
    pty_close(p);
}

static void test_interrupted_it_leaves_the_echo_on(void **state)
{
    struct pty p = pty_open();

    (void)state;
    assert_int_equal(in_child(p.terminal, read_secret, interrupt, p.person), -SIGINT);
    assert_true(echoes(p));
    pty_close(p);
}

static void test_width_and_colour(void **state)
{
    struct pty p = pty_open();
    struct winsize size = {.ws_col = 123, .ws_row = 40};
    FILE *terminal = fdopen(p.terminal, "r+");
    FILE *file = tmpfile();

    (void)state;
    assert_true(terminal && file);
    assert_int_equal(setenv("TERM", "xterm", 1) + unsetenv("NO_COLOR"), 0);
    assert_true(terminal_is(terminal) && !terminal_is(file));
    assert_int_equal(terminal_width(terminal), 80);
    assert_int_equal(ioctl(p.terminal, TIOCSWINSZ, &size), 0);
    assert_int_equal(terminal_width(terminal), 123);
    assert_int_equal(terminal_width(file), 80);
    assert_true(terminal_colour(terminal, false));
    assert_false(terminal_colour(terminal, true));
    assert_false(terminal_colour(file, false));
    assert_int_equal(setenv("NO_COLOR", "", 1), 0);
    assert_true(terminal_colour(terminal, false));
    assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
    assert_false(terminal_colour(terminal, false));
    assert_int_equal(unsetenv("NO_COLOR") + setenv("TERM", "dumb", 1), 0);
    assert_false(terminal_colour(terminal, false));
    assert_int_equal(fclose(terminal) + fclose(file) + close(p.person), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_yes_is_yes),
        cmocka_unit_test(test_secret_from_a_pipe),
        cmocka_unit_test(test_secret_is_not_echoed),
        cmocka_unit_test(test_interrupted_it_leaves_the_echo_on),
        cmocka_unit_test(test_width_and_colour),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
