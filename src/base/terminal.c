/* SPDX-License-Identifier: MIT */
#include "base/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

enum { DEFAULT_WIDTH = 80 };

bool terminal_is(FILE *stream)
{
    return isatty(fileno(stream)) == 1;
}

unsigned terminal_width(FILE *stream)
{
    struct winsize size;

    if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return DEFAULT_WIDTH;
    return size.ws_col;
}

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);

    return value && *value;
}

bool terminal_colour(FILE *stream, bool no_color)
{
    const char *kind = getenv("TERM");

    if (no_color || is_set("NO_COLOR") || !kind || strcmp(kind, "dumb") == 0)
        return false;
    return terminal_is(stream);
}

bool terminal_confirm(const char *question)
{
    char answer[16] = "";

    fprintf(stderr, "%s [y/N] ", question);
    (void)fflush(stderr); /* unbuffered anyway */
    if (!fgets(answer, sizeof(answer), stdin))
        return false;
    answer[strcspn(answer, "\r\n")] = '\0';
    return strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0;
}

/* --- the secret ------------------------------------------------------------------------------ */

/* What must be put right again after reading without echo. */
struct silence {
    struct termios before;
    sigset_t mask;
    int signals; /* readable when a signal that would end or stop us is pending */
};

static bool silence_begin(struct silence *s, struct err *e)
{
    static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
    struct termios silent;
    sigset_t set;

    if (tcgetattr(STDIN_FILENO, &s->before) != 0)
        return err_set(e, EXIT_BUG, "the terminal cannot be asked: %s", strerror(errno));
    (void)sigemptyset(&set); /* these cannot fail */
    for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
        (void)sigaddset(&set, ending[i]);
    s->signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (s->signals < 0)
        return err_set(e, EXIT_BUG, "signalfd: %s", strerror(errno));
    (void)sigprocmask(SIG_BLOCK, &set, &s->mask); /* cannot fail */
    silent = s->before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    silent.c_lflag |= ECHONL;
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent); /* at worst the secret is seen */
    return true;
}

/* A signal that came meanwhile is delivered here, with the echo on again. */
static void silence_end(const struct silence *s)
{
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &s->before); /* nothing can be done about it */
    (void)close(s->signals);
    (void)sigprocmask(SIG_SETMASK, &s->mask, NULL); /* cannot fail */
}

/* False when a signal came first. */
static bool wait_for_line(const struct silence *s)
{
    struct pollfd events[] = {
        {.fd = s->signals, .events = POLLIN},
        {.fd = STDIN_FILENO, .events = POLLIN},
    };

    while (poll(events, ARRAY_SIZE(events), -1) < 0 && errno == EINTR)
        continue;
    return events[0].revents == 0;
}

/* Adds what one read gives. 0 at the end, negative when it failed. */
static ssize_t read_piece(struct buf *out)
{
    char piece[4096]; /* a terminal's line is never longer */
    ssize_t got;

    do {
        got = read(STDIN_FILENO, piece, sizeof(piece));
    } while (got < 0 && errno == EINTR);
    if (got > 0)
        buf_add(out, piece, (size_t)got);
    explicit_bzero(piece, sizeof(piece));
    return got;
}

static bool read_line(const char *prompt, struct buf *out, struct err *e)
{
    struct silence s;
    ssize_t got = 0;
    bool interrupted;

    if (!silence_begin(&s, e))
        return false;
    fprintf(stderr, "%s", prompt);
    interrupted = !wait_for_line(&s);
    if (!interrupted)
        got = read_piece(out);
    silence_end(&s);
    if (interrupted)
        return err_set(e, EXIT_NO_INPUT, "interrupted");
    return got >= 0 || err_set(e, EXIT_NO_INPUT, "the terminal: %s", strerror(errno));
}

static bool read_all(struct buf *out, struct err *e)
{
    ssize_t got;

    while ((got = read_piece(out)) > 0 && buf_ok(out))
        continue;
    return got >= 0 || err_set(e, EXIT_NO_INPUT, "standard input: %s", strerror(errno));
}

static void drop_newline(struct buf *out)
{
    if (out->len > 0 && out->data[out->len - 1] == '\n')
        buf_cut(out, out->len - 1);
    if (out->len > 0 && out->data[out->len - 1] == '\r')
        buf_cut(out, out->len - 1);
}

bool terminal_read_secret(const char *prompt, struct buf *out, struct err *e)
{
    bool ok = terminal_is(stdin) ? read_line(prompt, out, e) : read_all(out, e);

    if (!ok)
        return false;
    if (!buf_ok(out))
        return err_set(e, EXIT_BAD_DATA, "standard input: too long (at most %zu bytes)", out->max);
    drop_newline(out);
    return true;
}
