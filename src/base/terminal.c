/* SPDX-License-Identifier: MIT */
#include "base/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool terminal_is(int fd)
{
    return isatty(fd) == 1;
}

bool terminal_redraws(int fd)
{
    const char *term = getenv("TERM");

    return terminal_is(fd) && !(term && strcmp(term, "dumb") == 0);
}

bool terminal_colour(int fd, bool refused)
{
    const char *no_color = getenv("NO_COLOR");

    return !refused && terminal_redraws(fd) && !(no_color && *no_color);
}

unsigned terminal_width(int fd)
{
    struct winsize size;

    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 80;
    return size.ws_col;
}

unsigned terminal_height(int fd)
{
    struct winsize size;

    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_row == 0)
        return 24;
    return size.ws_row;
}

void terminal_write(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, text, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        text += written;
        len -= (size_t)written;
    }
}

/* Reads on to the end of the line. True when there was more than that end. */
static bool drop_rest(void)
{
    bool had_more = false;
    int c;

    while ((c = getchar()) != EOF && c != '\n')
        had_more |= c != '\r';
    return had_more;
}

bool terminal_ask(const char *question, char *out, size_t size)
{
    for (;;) {
        fprintf(stderr, "%s: ", question);
        (void)fflush(stderr);
        if (!fgets(out, (int)size, stdin))
            return false;
        if (strchr(out, '\n') || !drop_rest())
            break;
        fprintf(stderr, "That is too long: at most %zu bytes.\n", size - 1);
    }
    out[strcspn(out, "\r\n")] = '\0';
    return true;
}

bool terminal_confirm(const char *question)
{
    char answer[16];
    char whole[256];

    (void)snprintf(whole, sizeof(whole), "%s [y/N]", question); /* cut if too long */
    return terminal_ask(whole, answer, sizeof(answer)) &&
           (strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0);
}
