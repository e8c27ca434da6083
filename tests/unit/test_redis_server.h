/* SPDX-License-Identifier: MIT
 *
 * test_redis_server.h: a real redis-server on a free port, and a plain way to ask it.
 *
 * Model: redis_server_start forks and execs, and waits for the line that says it is ready. It dies
 * with the test. redis_ask sends one command, given as a line of words, and keeps the reply until
 * the next.
 */
#ifndef TEST_REDIS_SERVER_H
#define TEST_REDIS_SERVER_H

#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
/* After what it needs. */
#include <cmocka.h>

struct redis_server {
    pid_t pid;
    int port;
    char url[128];
    redisContext *asker;
    redisReply *reply;
};

static inline int free_port(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static inline void redis_server_exec(int port, int out)
{
    char text[16];

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)snprintf(text, sizeof(text), "%d", port);
    (void)dup2(out, STDOUT_FILENO);
    (void)execlp("redis-server", "redis-server", "--port", text, "--bind", "127.0.0.1", "--save",
                 "", "--daemonize", "no", "--dir", "/tmp", (char *)NULL);
    _exit(127);
}

static inline void wait_until_ready(int fd)
{
    char line[1024];
    FILE *out = fdopen(fd, "r");
    bool ready = false;

    while (!ready && fgets(line, sizeof(line), out))
        ready = strstr(line, "Ready to accept connections") != NULL;
    assert_true(ready);
    /* Left open: a server that cannot write its log would die of it. */
}

/* On `port`, so that it can come back where it was. */
static inline void redis_server_start_at(struct redis_server *s, int port)
{
    int ends[2];

    *s = (struct redis_server){.port = port};
    assert_int_equal(pipe(ends), 0);
    s->pid = fork();
    if (s->pid == 0)
        redis_server_exec(port, ends[1]);
    close(ends[1]);
    wait_until_ready(ends[0]);
    (void)snprintf(s->url, sizeof(s->url), "redis://127.0.0.1:%d", port);
    s->asker = redisConnect("127.0.0.1", port);
    assert_int_equal(s->asker->err, 0);
}

static inline void redis_server_start(struct redis_server *s)
{
    redis_server_start_at(s, free_port());
}

static inline void redis_server_kill(struct redis_server *s)
{
    if (s->reply)
        freeReplyObject(s->reply);
    redisFree(s->asker);
    s->reply = NULL;
    s->asker = NULL;
    assert_int_equal(kill(s->pid, SIGKILL), 0);
    assert_int_equal(waitpid(s->pid, NULL, 0), s->pid);
}

/* As printf of hiredis: words are split at spaces, %s is one word. */
static inline redisReply *redis_ask(struct redis_server *s, const char *format, ...)
{
    va_list args;

    if (s->reply)
        freeReplyObject(s->reply);
    va_start(args, format);
    s->reply = redisvCommand(s->asker, format, args);
    va_end(args);
    assert_non_null(s->reply);
    return s->reply;
}

static inline long long redis_ask_number(struct redis_server *s, const char *command)
{
    redisReply *r = redis_ask(s, command);

    assert_int_equal(r->type, REDIS_REPLY_INTEGER);
    return r->integer;
}

#endif
