/* SPDX-License-Identifier: MIT */
#include "secret/prompt.h"
#include "secret/token.h"
#include "secret/token_input.h"

#include "test_token_folder.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>

/* ---- piped in, or from the environment ---- */

/* What token_input_read makes of `text` on a pipe. NULL when it fails. */
static struct secret *read_piped(const char *text, size_t len, struct err *e)
{
    struct secret *token = NULL;
    int ends[2];
    bool ok;

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, len), len); /* a pipe holds 64 KiB */
    close(ends[1]);
    ok = token_input_read(ends[0], &token, e);
    close(ends[0]);
    assert_int_equal(ok, token != NULL);
    return token;
}

static void assert_piped(const char *text, const char *expected)
{
    struct err e = {0};
    struct secret *token = read_piped(text, strlen(text), &e);

    assert_non_null(token);
    assert_string_equal(secret_bytes(token), expected);
    secret_free(token);
}

static void one_line_break_is_dropped(void **state)
{
    (void)state;
    assert_piped("EAA123456", "EAA123456");
    assert_piped("EAA123456\n", "EAA123456");
    assert_piped("EAA123456\r\n", "EAA123456");
    assert_piped("EAA123456\n\n", "EAA123456\n"); /* for token_check_form to refuse */
}

static void a_pipe_wins_over_the_environment(void **state)
{
    (void)state;
    setenv("WHATSAPP_TOKEN", "from-environment", 1);
    assert_piped("from-pipe\n", "from-pipe");
    assert_null(getenv("WHATSAPP_TOKEN"));
}

static void an_empty_pipe_leaves_it_to_the_environment(void **state)
{
    (void)state;
    setenv("WHATSAPP_TOKEN", "from-environment", 1);
    assert_piped("", "from-environment");
    setenv("WHATSAPP_TOKEN", "from-environment", 1);
    assert_piped("\n", "from-environment");
}

static void without_any_token_it_says_so(void **state)
{
    struct err e;

    (void)state;
    assert_null(read_piped("", 0, &e));
    assert_says(&e, EXIT_NO_INPUT, "WHATSAPP_TOKEN");
    setenv("WHATSAPP_TOKEN", "", 1);
    assert_null(read_piped("", 0, &e));
    assert_says(&e, EXIT_NO_INPUT, "WHATSAPP_TOKEN");
}

static void an_endless_pipe_is_no_token(void **state)
{
    static char text[60000];
    struct err e;
    struct secret *token;

    (void)state;
    memset(text, 'x', sizeof(text));
    token = read_piped(text, sizeof(text), &e);
    assert_non_null(token);
    assert_false(token_check_form(secret_bytes(token), secret_len(token), &e));
    secret_free(token);
}

static void the_environment_is_wiped(void **state)
{
    struct secret *token;
    char *value;

    (void)state;
    assert_null(token_input_from_environment());
    setenv("WHATSAPP_TOKEN", "from-environment", 1);
    value = getenv("WHATSAPP_TOKEN"); /* stays readable: glibc does not free it */
    token = token_input_from_environment();
    assert_string_equal(secret_bytes(token), "from-environment");
    assert_null(getenv("WHATSAPP_TOKEN"));
    assert_int_equal(value[0], 0);
    assert_int_equal(value[15], 0);
    secret_free(token);
}

/* ---- asked for on a terminal ---- */

struct terminal {
    int person;  /* the end where a person would sit */
    int program; /* the end that is standard input */
};

static struct terminal open_terminal(void)
{
    struct terminal t;

    t.person = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(t.person >= 0);
    assert_int_equal(grantpt(t.person), 0);
    assert_int_equal(unlockpt(t.person), 0);
    t.program = open(ptsname(t.person), O_RDWR | O_NOCTTY);
    assert_true(t.program >= 0);
    return t;
}

static void close_terminal(const struct terminal *t)
{
    close(t->person);
    close(t->program);
}

static bool has_echo(const struct terminal *t)
{
    struct termios now;

    assert_int_equal(tcgetattr(t->program, &now), 0);
    return now.c_lflag & ECHO;
}

/* The program under test, in a child whose question goes into a pipe: when the question can be
 * read, the echo is off. Returns the child. */
static pid_t start_asking(const struct terminal *t, const char *expected)
{
    char question[64];
    int ends[2];
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        struct secret *token = NULL;
        struct err e = {0};

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody waiting */
        (void)dup2(ends[1], STDERR_FILENO);
        if (!token_input_read(t->program, &token, &e))
            _exit(100 + (int)e.code % 100);
        _exit(strcmp(secret_bytes(token), expected) == 0 ? 0 : 1);
    }
    close(ends[1]);
    assert_true(read(ends[0], question, sizeof(question)) > 0);
    close(ends[0]);
    return child;
}

static int status_of(pid_t child)
{
    int status = -1;

    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void a_terminal_is_asked_without_echo(void **state)
{
    struct terminal t = open_terminal();
    char shown[64] = "";
    pid_t child;

    (void)state;
    child = start_asking(&t, "EAA123456");
    assert_false(has_echo(&t));
    assert_int_equal(write(t.person, "EAA123456\n", 10), 10);
    assert_int_equal(status_of(child), 0);
    assert_true(has_echo(&t));
    assert_true(read(t.person, shown, sizeof(shown) - 1) > 0); /* the line break alone */
    assert_null(strstr(shown, "EAA"));
    close_terminal(&t);
}

static void ctrl_c_gives_the_echo_back(void **state)
{
    struct terminal t = open_terminal();
    int status;
    pid_t child;

    (void)state;
    child = start_asking(&t, "");
    assert_int_equal(write(t.person, "half a tok", 10), 10);
    assert_int_equal(kill(child, SIGINT), 0);
    status = status_of(child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGINT);
    assert_true(has_echo(&t));
    close_terminal(&t);
}

static void no_answer_is_refused(void **state)
{
    struct terminal t = open_terminal();
    pid_t child;

    (void)state;
    child = start_asking(&t, "");
    assert_int_equal(write(t.person, "\n", 1), 1);
    assert_int_equal(WEXITSTATUS(status_of(child)), 100 + EXIT_BAD_DATA);
    child = start_asking(&t, "");
    assert_int_equal(write(t.person, "\x04", 1), 1); /* Ctrl-D */
    assert_int_equal(WEXITSTATUS(status_of(child)), 100 + EXIT_BAD_DATA);
    assert_true(has_echo(&t));
    close_terminal(&t);
}

static void the_environment_wins_over_a_question(void **state)
{
    struct terminal t = open_terminal();
    struct secret *token = NULL;
    struct err e;

    (void)state;
    setenv("WHATSAPP_TOKEN", "from-environment", 1);
    assert_true(token_input_read(t.program, &token, &e));
    assert_string_equal(secret_bytes(token), "from-environment");
    secret_free(token);
    close_terminal(&t);
}

static void no_terminal_is_said(void **state)
{
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        struct secret *answer;
        struct err e = {0};

        (void)setsid(); /* now there is none */
        _exit(!prompt_secret_at_terminal("?", &answer, &e) && e.code == EXIT_USAGE ? 0 : 1);
    }
    assert_int_equal(status_of(child), 0);
}

static int forget_environment(void **state)
{
    (void)state;
    return unsetenv("WHATSAPP_TOKEN");
}

#define TEST(test) cmocka_unit_test_setup(test, forget_environment)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_line_break_is_dropped),
        TEST(a_pipe_wins_over_the_environment),
        TEST(an_empty_pipe_leaves_it_to_the_environment),
        TEST(without_any_token_it_says_so),
        TEST(an_endless_pipe_is_no_token),
        TEST(the_environment_is_wiped),
        TEST(a_terminal_is_asked_without_echo),
        TEST(ctrl_c_gives_the_echo_back),
        TEST(no_answer_is_refused),
        TEST(the_environment_wins_over_a_question),
        TEST(no_terminal_is_said),
    };

    return cmocka_run_group_tests_name("token input", tests, NULL, NULL);
}
