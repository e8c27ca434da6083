/* SPDX-License-Identifier: MIT */
#include "secret/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

/* A terminal gives no longer line than this (n_tty(4) keeps 4096 bytes with the line break). */
enum { ANSWER_MAX = 4096 };

/* A terminal whose echo is off. Signals that would end us are held back meanwhile. */
struct quiet_terminal {
    int fd;
    int signals; /* a signalfd: readable once one is held back */
    struct termios before;
    sigset_t mask_before;
};

static void held_back(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGHUP);
    (void)sigaddset(set, SIGQUIT);
}

static bool turn_echo_off(struct quiet_terminal *t)
{
    struct termios quiet;

    if (tcgetattr(t->fd, &t->before) != 0)
        return false;
    quiet = t->before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    quiet.c_lflag |= ECHONL | ICANON;
    return tcsetattr(t->fd, TCSAFLUSH, &quiet) == 0;
}

static void release_signals(struct quiet_terminal *t)
{
    close(t->signals);
    (void)sigprocmask(SIG_SETMASK, &t->mask_before, NULL); /* what was held back arrives here */
}

static bool hush(struct quiet_terminal *t, int fd)
{
    sigset_t ending, waiting;

    held_back(&ending);
    waiting = ending;
    (void)sigaddset(&waiting, SIGTSTP);
    t->fd = fd;
    t->signals = signalfd(-1, &ending, SFD_CLOEXEC);
    if (t->signals < 0)
        return false;
    (void)sigprocmask(SIG_BLOCK, &waiting, &t->mask_before);
    if (turn_echo_off(t))
        return true;
    release_signals(t);
    return false;
}

static void unhush(struct quiet_terminal *t)
{
    (void)tcsetattr(t->fd, TCSAFLUSH, &t->before);
    release_signals(t);
}

/* False when a signal came, or the terminal went away. */
static bool wait_for_answer(const struct quiet_terminal *t)
{
    struct pollfd sources[] = {{.fd = t->fd, .events = POLLIN},
                               {.fd = t->signals, .events = POLLIN}};

    while (poll(sources, ARRAY_SIZE(sources), -1) < 0) {
        if (errno != EINTR)
            return false;
    }
    return sources[1].revents == 0;
}

/* Reads a line without its end; -1 when it was broken off. */
static ssize_t read_answer(const struct quiet_terminal *t, unsigned char *out, size_t size)
{
    size_t len = 0;

    while (len < size && (len == 0 || out[len - 1] != '\n')) {
        ssize_t got = wait_for_answer(t) ? read(t->fd, out + len, size - len) : -1;

        if (got < 0)
            return -1;
        if (got == 0)
            return (ssize_t)len;
        len += (size_t)got;
    }
    return (ssize_t)(len > 0 && out[len - 1] == '\n' ? len - 1 : len);
}

bool prompt_secret(int fd, const char *question, struct secret **out, struct err *e)
{
    struct quiet_terminal terminal;
    struct secret *answer;
    ssize_t len;

    if (!hush(&terminal, fd))
        return err_set(e, EXIT_BUG, "the terminal cannot be asked without echo: %s",
                       strerror(errno));
    fprintf(stderr, "%s", question);
    (void)fflush(stderr); /* who cannot read the question can still answer it */
    answer = secret_open_room(ANSWER_MAX);
    len = read_answer(&terminal, secret_room(answer), ANSWER_MAX);
    secret_complete(answer, len > 0 ? (size_t)len : 0);
    unhush(&terminal);
    if (len > 0 && len < ANSWER_MAX) {
        *out = answer;
        return true;
    }
    secret_free(answer);
    if (len < 0)
        return err_set(e, EXIT_BAD_DATA, "the question was broken off");
    return err_set(e, EXIT_BAD_DATA, len == 0 ? "nothing was entered" : "the answer is too long");
}

bool prompt_secret_at_terminal(const char *question, struct secret **out, struct err *e)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    bool ok;

    if (fd < 0)
        return err_set(e, EXIT_USAGE,
                       "a passphrase can be asked for on a terminal only; "
                       "without one use a key file (token.key_file)");
    ok = prompt_secret(fd, question, out, e);
    close(fd);
    return ok;
}
