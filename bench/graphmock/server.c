/* SPDX-License-Identifier: MIT
 *
 * Happy path:
 *   server_run    listen, say where on standard output, run the loop
 *   on_listener   accept all that wait; each becomes a connection (conn.h)
 *   on_signal     close the listener, the signals, the timer and all connections
 *   server_run    the loop has run out: free everything, remove the CA's certificate
 *
 * Failure modes:
 *   the address cannot be had, no certificate   said at once, exit code from `e`
 *   too many descriptors                        accepting pauses for 100 ms; the limit is raised
 *                                               to the hard one at the start
 *   the parent dies (--with-parent)             the kernel sends SIGTERM
 */
#include "server.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "conn.h"
#include "http2.h"
#include "tls.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 4096, HOST_MAX = 256, ACCEPT_PAUSE_US = 100000, PULSE_MS = 5 };

struct server {
    uv_loop_t loop;
    uv_poll_t listener;
    uv_signal_t on_term, on_int;
    uv_timer_t pulse; /* tells when the loop is held up */
    int64_t pulse_us;
    struct delay again; /* to accept, after the descriptors had run out */
    int fd;
    struct tls tls;
    struct graph graph;
    struct host host;
};

/* "127.0.0.1:0" or "[::1]:443" -> host and port. */
static bool split_address(const char *address, char host[HOST_MAX], const char **port)
{
    const char *colon = strrchr(address, ':');
    size_t len = colon ? (size_t)(colon - address) : 0;
    int64_t number; /* getaddrinfo would take it modulo 65536 */

    if (!colon || len == 0 || len >= HOST_MAX || !text_to_int(colon + 1, 0, 65535, &number))
        return false;
    if (address[0] == '[' && address[len - 1] == ']') {
        address++;
        len -= 2;
    }
    (void)snprintf(host, HOST_MAX, "%.*s", (int)len, address);
    *port = colon + 1;
    return true;
}

static int open_socket(const struct addrinfo *at)
{
    int yes = 1;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    /* Accepted sockets inherit TCP_NODELAY: one call less for each. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) == 0 &&
        bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    (void)close(fd); /* errno is of the call before, close keeps it on success */
    return -1;
}

static bool open_listener(struct server *s, const char *address, struct err *e)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char host[HOST_MAX];
    const char *port;

    if (!split_address(address, host, &port) || getaddrinfo(host, port, &hints, &found) != 0)
        return err_set(e, EXIT_USAGE, "--listen '%s' is not ADDRESS:PORT, like 127.0.0.1:0",
                       address);
    s->fd = open_socket(found);
    freeaddrinfo(found);
    return s->fd >= 0 ||
           err_set(e, EXIT_UNREACHABLE, "cannot listen on %s: %s", address, strerror(errno));
}

static bool say_where(const struct server *s, struct err *e)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);
    char host[HOST_MAX], port[16];
    bool is_6;

    if (getsockname(s->fd, (struct sockaddr *)&at, &len) != 0 ||
        getnameinfo((struct sockaddr *)&at, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return err_set(e, EXIT_BUG, "cannot tell the listening address: %s", strerror(errno));
    is_6 = at.ss_family == AF_INET6;
    printf("listening on %s://%s%s%s:%s\n", s->tls.context ? "https" : "http", is_6 ? "[" : "",
           host, is_6 ? "]" : "", port);
    if (s->tls.context)
        printf("ca certificate: %s\n", s->tls.ca_path);
    (void)fflush(stdout); /* if nobody reads it, nobody needs it */
    return true;
}

static void on_listener(uv_poll_t *poll, int status, int events)
{
    struct server *s = poll->data;
    int fd;

    (void)status;
    (void)events;
    while ((fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        conn_open(&s->host, fd);
    if (errno != EMFILE && errno != ENFILE)
        return;
    (void)uv_poll_stop(&s->listener); /* cannot fail */
    if (!s->again.node.place)
        delays_add(&s->host.delays, &s->again, clock_mono_us() + ACCEPT_PAUSE_US);
}

static void on_again(struct delay *delay)
{
    struct server *s = CONTAINER_OF(delay, struct server, again);

    (void)uv_poll_start(&s->listener, UV_READABLE, on_listener); /* the descriptor is good */
}

static void on_pulse(uv_timer_t *timer)
{
    struct server *s = timer->data;
    int64_t now_us = clock_mono_us();

    stats_woke(&s->graph.stats, now_us - s->pulse_us - PULSE_MS * 1000, now_us);
    s->pulse_us = now_us;
}

static void stop(struct server *s)
{
    struct list *node;

    uv_close((uv_handle_t *)&s->listener, NULL);
    uv_close((uv_handle_t *)&s->on_term, NULL);
    uv_close((uv_handle_t *)&s->on_int, NULL);
    uv_close((uv_handle_t *)&s->pulse, NULL);
    while ((node = list_pop(&s->host.open)))
        conn_close(LIST_ITEM(node, struct conn, on_open), false);
    if (s->graph.webhooks)
        webhooks_close(s->graph.webhooks);
    delays_close(&s->host.delays);
    (void)close(s->fd);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct server *s = handle->data;

    (void)number;
    if (!uv_is_closing((uv_handle_t *)handle))
        stop(s);
}

static void on_delays(void *context)
{
    struct server *s = context;

    conn_settle_marked(&s->host);
}

static void start_loop(struct server *s)
{
    (void)uv_loop_init(&s->loop); /* without descriptors nothing works: the next call says so */
    (void)uv_signal_init(&s->loop, &s->on_term);
    (void)uv_signal_init(&s->loop, &s->on_int);
    (void)uv_poll_init(&s->loop, &s->listener, s->fd);
    (void)uv_timer_init(&s->loop, &s->pulse);
    s->on_term.data = s->on_int.data = s->listener.data = s->pulse.data = s;
    (void)uv_signal_start(&s->on_term, on_signal, SIGTERM);
    (void)uv_signal_start(&s->on_int, on_signal, SIGINT);
    (void)uv_poll_start(&s->listener, UV_READABLE, on_listener);
    s->pulse_us = clock_mono_us();
    (void)uv_timer_start(&s->pulse, on_pulse, PULSE_MS, PULSE_MS);
    s->again.on_due = on_again;
    s->host.loop = &s->loop;
    s->host.graph = &s->graph;
    s->host.tls = s->tls.context;
    list_init(&s->host.open);
    list_init(&s->host.dirty);
    list_init(&s->host.idle_streams);
    delays_init(&s->host.delays, &s->loop, on_delays, s);
    if (s->graph.webhooks)
        webhooks_start(s->graph.webhooks, &s->loop, &s->host.delays);
}

/* As many descriptors as we may have: a client over HTTP/1.1 opens hundreds of connections. */
static void raise_limits(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* we work with fewer, too */
}

/* False when the parent is gone already. */
static bool follow_parent(pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* cannot fail for a good signal */
    return getppid() == parent;
}

static bool prepare(struct server *s, const struct options *options, struct err *e)
{
    if (!graph_init(&s->graph, options, clock_mono_us(), e))
        return false;
    if (open_listener(s, options->listen, e)) {
        if (options->plain || tls_init(&s->tls, options->tls_dir, e))
            return true;
        (void)close(s->fd);
    }
    graph_free(&s->graph);
    return false;
}

bool server_run(const struct options *options, struct err *e)
{
    pid_t parent = getppid();
    struct server *s = MEM_NEW(struct server);
    bool ready;

    (void)signal(SIGPIPE, SIG_IGN); /* cannot fail */
    raise_limits();
    ready = prepare(s, options, e);
    if (ready) {
        start_loop(s);
        ready = say_where(s, e);
        if (!ready || (options->with_parent && !follow_parent(parent)))
            stop(s);
        (void)uv_run(&s->loop, UV_RUN_DEFAULT); /* 0: all handles are closed */
        (void)uv_loop_close(&s->loop);
        http2_forget_streams(&s->host);
        graph_free(&s->graph);
        delays_free(&s->host.delays);
        tls_free(&s->tls);
    }
    mem_free(s);
    return ready;
}
