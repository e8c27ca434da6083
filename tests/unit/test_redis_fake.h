/* SPDX-License-Identifier: MIT
 *
 * test_redis_fake.h: a Redis that answers exactly what a test tells it, and misbehaves.
 *
 * Model: each connection is a thread that reads commands and asks `answer` for the reply to each.
 * The answers of a well Redis with one entry a read are there (fake_well). An answer may be cut
 * into single bytes, or end the connection.
 */
#ifndef TEST_REDIS_FAKE_H
#define TEST_REDIS_FAKE_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FAKE_CONNECTIONS = 512, FAKE_WORDS = 64, FAKE_WORD_SIZE = 128 };

enum fake_then { FAKE_GO_ON, FAKE_CLOSE, FAKE_RESET, FAKE_HANG };

struct fake_command {
    int count;
    char words[FAKE_WORDS][FAKE_WORD_SIZE]; /* cut */
};

struct fake_answer {
    char text[4096];
    size_t repeat; /* then this many bytes 'x' */
    bool dribble;  /* byte by byte */
    enum fake_then then;
};

struct fake_redis {
    void (*answer)(struct fake_redis *f, const struct fake_command *c, struct fake_answer *a);
    atomic_int wrongs; /* how many wrong answers are to come: for `answer` */
    atomic_int reads;  /* entries given out */
    atomic_bool stop;
    const char *verb; /* for `answer` */
    struct fake_answer wrong;
    char url[64];
    int fd;
    pthread_t acceptor;
    pthread_t threads[FAKE_CONNECTIONS];
    int fds[FAKE_CONNECTIONS];
    int connections;
};

struct fake_connection {
    struct fake_redis *fake;
    FILE *in;
    int fd;
};

static inline bool fake_read_word(struct fake_connection *c, char out[FAKE_WORD_SIZE])
{
    char line[64];
    long len;

    if (!fgets(line, sizeof(line), c->in) || line[0] != '$')
        return false;
    len = strtol(line + 1, NULL, 10);
    for (long i = 0; i < len + 2; i++) {
        int byte = fgetc(c->in);

        if (byte == EOF)
            return false;
        if (i < len && i < FAKE_WORD_SIZE - 1)
            out[i] = (char)byte;
    }
    out[len < FAKE_WORD_SIZE - 1 ? len : FAKE_WORD_SIZE - 1] = '\0';
    return true;
}

static inline bool fake_read_command(struct fake_connection *c, struct fake_command *command)
{
    char line[64], beyond[FAKE_WORD_SIZE];

    if (!fgets(line, sizeof(line), c->in) || line[0] != '*')
        return false;
    command->count = (int)strtol(line + 1, NULL, 10);
    for (int i = 0; i < command->count; i++)
        if (!fake_read_word(c, i < FAKE_WORDS ? command->words[i] : beyond))
            return false;
    return true;
}

static inline void fake_write(int fd, const char *bytes, size_t len, size_t step)
{
    while (len) {
        ssize_t n = send(fd, bytes, step < len ? step : len, MSG_NOSIGNAL);

        if (n <= 0)
            return;
        bytes += n;
        len -= (size_t)n;
    }
}

static inline bool fake_send(struct fake_connection *c, const struct fake_answer *a)
{
    static const char filler[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    const struct sockaddr none = {.sa_family = AF_UNSPEC};
    char byte;

    fake_write(c->fd, a->text, strlen(a->text), a->dribble ? 1 : 4096);
    for (size_t left = a->repeat; left >= 64 && !c->fake->stop; left -= 64)
        fake_write(c->fd, filler, 64, 64);
    if (a->then == FAKE_HANG)
        while (recv(c->fd, &byte, 1, 0) > 0)
            ;
    if (a->then == FAKE_RESET)
        (void)connect(c->fd, &none, sizeof(none)); /* which sends one */
    if (a->then == FAKE_CLOSE)
        (void)shutdown(c->fd, SHUT_RDWR);
    return a->then == FAKE_GO_ON;
}

static inline void *fake_serve(void *argument)
{
    struct fake_connection *c = argument;
    struct fake_command command;

    while (fake_read_command(c, &command)) {
        struct fake_answer a = {0};

        c->fake->answer(c->fake, &command, &a);
        if (!fake_send(c, &a))
            break;
    }
    fclose(c->in); /* closes the socket */
    free(c);
    return NULL;
}

static inline void *fake_accept(void *argument)
{
    struct fake_redis *f = argument;

    for (;;) {
        int fd = accept(f->fd, NULL, NULL);
        const int on = 1;
        struct fake_connection *c;

        if (fd < 0 || f->stop || f->connections == FAKE_CONNECTIONS) {
            if (fd >= 0)
                close(fd);
            return NULL;
        }
        (void)setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof(on));
        c = malloc(sizeof(*c));
        *c = (struct fake_connection){.fake = f, .fd = fd, .in = fdopen(fd, "r")};
        f->fds[f->connections] = dup(fd); /* to end it from outside */
        (void)pthread_create(&f->threads[f->connections++], NULL, fake_serve, c);
    }
}

static inline void fake_start(struct fake_redis *f)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t size = sizeof(address);

    f->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)bind(f->fd, (struct sockaddr *)&address, size);
    (void)getsockname(f->fd, (struct sockaddr *)&address, &size);
    (void)listen(f->fd, 64);
    (void)snprintf(f->url, sizeof(f->url), "redis://127.0.0.1:%d", ntohs(address.sin_port));
    (void)pthread_create(&f->acceptor, NULL, fake_accept, f);
}

static inline void fake_stop(struct fake_redis *f)
{
    f->stop = true;
    (void)shutdown(f->fd, SHUT_RDWR);
    pthread_join(f->acceptor, NULL);
    close(f->fd);
    for (int i = 0; i < f->connections; i++) {
        (void)shutdown(f->fds[i], SHUT_RDWR);
        pthread_join(f->threads[i], NULL);
        close(f->fds[i]);
    }
}

/* One new entry a read of new ones, as long as there are; then reads wait a little. */
static inline void fake_well_read(struct fake_redis *f, const struct fake_command *c,
                                  struct fake_answer *a)
{
    bool is_new = strcmp(c->words[c->count - 1], ">") == 0;
    bool blocks = c->count == 13;

    if (!is_new)
        (void)snprintf(a->text, sizeof(a->text), "*1\r\n*2\r\n$6\r\nt:send\r\n*0\r\n");
    else if (blocks)
        (void)snprintf(a->text, sizeof(a->text),
                       "*1\r\n*2\r\n$6\r\nt:send\r\n*1\r\n*2\r\n$%d\r\n%d-1\r\n"
                       "*2\r\n$2\r\nto\r\n$12\r\n+98000000001\r\n",
                       f->reads < 9    ? 3
                       : f->reads < 99 ? 4
                                       : 5,
                       f->reads + 1);
    else
        (void)snprintf(a->text, sizeof(a->text), "*-1\r\n");
    if (blocks)
        f->reads++;
}

struct fake_reply {
    const char *verb;
    const char *second; /* NULL: any */
    const char *text;
};

static inline void fake_well(struct fake_redis *f, const struct fake_command *c,
                             struct fake_answer *a)
{
    static const struct fake_reply replies[] = {
        {"CLIENT", NULL, "+OK\r\n"},
        {"AUTH", NULL, "+OK\r\n"},
        {"EVAL", NULL, "$0\r\n\r\n"},
        {"GET", NULL, "$-1\r\n"},
        {"SET", NULL, "-ERR syntax error\r\n"},
        {"PEXPIRE", NULL, "-ERR value is not an integer or out of range\r\n"},
        {"DEL", NULL, ":0\r\n"},
        {"XCLAIM", NULL, "*0\r\n"},
        {"XGROUP", NULL, "+OK\r\n"},
        {"XACK", NULL, ":1\r\n"},
        {"XADD", NULL, "$3\r\n1-1\r\n"},
        {"XPENDING", NULL, "*4\r\n:0\r\n$-1\r\n$-1\r\n*-1\r\n"},
        {"XTRIM", NULL, ":0\r\n"},
        {"XRANGE", NULL, "*0\r\n"},
        {"XINFO", "GROUPS",
         "*1\r\n*4\r\n$4\r\nname\r\n$1\r\ng\r\n$17\r\nlast-delivered-id\r\n$3\r\n0-0\r\n"},
        {"XINFO", "STREAM",
         "*4\r\n$6\r\nlength\r\n:0\r\n$17\r\nlast-generated-id\r\n$3\r\n0-0\r\n"},
    };

    if (strcmp(c->words[0], "XREADGROUP") == 0) {
        fake_well_read(f, c, a);
        return;
    }
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
        if (strcmp(replies[i].verb, c->words[0]) == 0 &&
            (!replies[i].second || strcmp(replies[i].second, c->words[1]) == 0))
            (void)snprintf(a->text, sizeof(a->text), "%s", replies[i].text);
}

/* `wrong` to the next `wrongs` commands `verb`, else as a well Redis. */
static inline void fake_answer_wrong(struct fake_redis *f, const struct fake_command *c,
                                     struct fake_answer *a)
{
    if (strcmp(c->words[0], f->verb) == 0 && f->wrongs > 0) {
        f->wrongs--;
        *a = f->wrong;
    } else {
        fake_well(f, c, a);
    }
}

#endif
