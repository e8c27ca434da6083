/* SPDX-License-Identifier: MIT
 *
 * Happy path: a line is formatted on the caller's stack, copied into the ring under a lock, and the
 * caller goes on. The first line after a rest wakes the writer; it waits GATHER_MS for others, and
 * writes all there is at once.
 * Failure modes: the ring is full: the line is dropped and counted, the writer logs the count once
 * it has made room. A write fails: what it should have written is dropped and counted. A write
 * blocks: log_flush and log_close stop waiting after two seconds, log_close cancels the writer.
 */
#include "base/log.h"

#include "base/clock.h"
#include "base/log_format.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    RING_SIZE = 1024 * 1024, /* a power of two; a second and a half at 1,000 messages a second */
    LINE_SIZE = 8192,
    GATHER_MS = 10,    /* unseen by a reader; at 1,000 messages a second 30 lines a write */
    PATIENCE_MS = 2000 /* of log_flush and log_close */
};

struct logger {
    pthread_mutex_t lock; /* over all that is not atomic */
    pthread_cond_t work;  /* for the writer */
    pthread_cond_t done;  /* for log_flush: something was written */
    pthread_t writer;
    char *ring;
    uint64_t head;       /* bytes ever put in */
    uint64_t tail;       /* bytes ever taken out */
    uint64_t unreported; /* dropped lines that no line tells of yet */
    bool open;
    bool resting; /* the writer waits for a first line */
    bool urgent;  /* somebody waits: no gathering */
    bool stop;
    bool failing; /* the last write failed: a report of it would too */
    bool colour;
    bool to_stderr;
    int fd;
    enum log_format format;
    void (*on_line)(void *context, const char *line, size_t len);
    void *context;
    atomic_int level;
    atomic_uint_least64_t dropped;
};

static struct logger logger = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .work = PTHREAD_COND_INITIALIZER,
    .done = PTHREAD_COND_INITIALIZER,
    .fd = STDERR_FILENO,
    .to_stderr = true,
    .level = LOG_WARN,
};

static void lock(void)
{
    (void)pthread_mutex_lock(&logger.lock); /* fails only when misused */
}

static void unlock(void)
{
    (void)pthread_mutex_unlock(&logger.lock); /* fails only when misused */
}

static struct timespec after_ms(int ms)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail with a clock that exists */
    t.tv_sec += ms / 1000;
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    return t;
}

/* False when `until` has come. */
static bool wait_until(pthread_cond_t *event, const struct timespec *until)
{
    return pthread_cond_clockwait(event, &logger.lock, CLOCK_MONOTONIC, until) != ETIMEDOUT;
}

/* --- the ring (locked) ----------------------------------------------------------------------- */

static bool ring_put(const char *line, size_t len)
{
    size_t at = logger.head & (RING_SIZE - 1);
    size_t first = len < RING_SIZE - at ? len : RING_SIZE - at;

    if (len > RING_SIZE - (logger.head - logger.tail))
        return false;
    memcpy(logger.ring + at, line, first);
    memcpy(logger.ring, line + first, len - first);
    logger.head += len;
    return true;
}

/* The longest piece that lies in one go; there is something. */
static const char *ring_piece(size_t *len)
{
    size_t at = logger.tail & (RING_SIZE - 1);
    size_t used = (size_t)(logger.head - logger.tail);

    *len = used < RING_SIZE - at ? used : RING_SIZE - at;
    return logger.ring + at;
}

static void count_dropped(uint64_t lines)
{
    logger.unreported += lines;
    atomic_fetch_add_explicit(&logger.dropped, lines, memory_order_relaxed);
}

static void format_entry(struct buf *out, const struct log_entry *entry)
{
    if (logger.format == LOG_JSON)
        log_format_json(out, entry);
    else
        log_format_text(out, entry, logger.colour);
}

static void report_dropped(void)
{
    char memory[LINE_SIZE];
    struct buf line = buf_over(memory, sizeof(memory));
    struct log_field field = LOG_NUM("lines", logger.unreported);
    struct log_entry entry = {
        .at_ms = clock_wall_ms(),
        .level = LOG_WARN,
        .text = "the log could not keep up: lines were dropped",
        .fields = &field,
        .count = 1,
    };

    if (logger.unreported == 0 || logger.failing)
        return;
    format_entry(&line, &entry);
    if (ring_put(line.data, line.len))
        logger.unreported = 0;
}

/* --- the writer's thread --------------------------------------------------------------------- */

/* A terminal that was made non-blocking by somebody else: wait a little for room. */
static void wait_for_room(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    (void)poll(&p, 1, 100); /* whatever it says, the write is tried again */
}

/* Only a write may be cut off by log_close: it holds nothing. */
static ssize_t write_cancelable(int fd, const char *bytes, size_t len)
{
    ssize_t written;
    int error;

    (void)pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    written = write(fd, bytes, len);
    error = errno;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    errno = error;
    return written;
}

static void give_up(const char *bytes, size_t len)
{
    uint64_t lines = 0;

    for (size_t i = 0; i < len; i++)
        lines += bytes[i] == '\n' ? 1 : 0;
    lock();
    count_dropped(lines);
    unlock();
}

/* Says how much is done with: written, or given up. */
static size_t write_some(const char *bytes, size_t len)
{
    ssize_t written = write_cancelable(logger.fd, bytes, len);

    if (written < 0 && errno == EINTR)
        return 0;
    if (written < 0 && errno == EAGAIN) {
        wait_for_room(logger.fd);
        return 0;
    }
    logger.failing = written < 0; /* nobody else looks at it */
    if (written >= 0)
        return (size_t)written;
    give_up(bytes, len);
    return len;
}

/* Writes what is there now; what comes meanwhile is gathered first, or it would go line by line.
 * Locked when called and on return, not while it writes: nobody else moves the tail. */
static void drain(void)
{
    uint64_t target = logger.head;

    while (logger.tail < target) {
        size_t len;
        const char *piece = ring_piece(&len);

        unlock();
        len = write_some(piece, len);
        lock();
        logger.tail += len;
        (void)pthread_cond_broadcast(&logger.done); /* cannot fail */
    }
}

static void gather(void)
{
    struct timespec until = after_ms(GATHER_MS);

    while (!logger.urgent && !logger.stop)
        if (!wait_until(&logger.work, &until))
            return;
}

static void *on_start(void *unused)
{
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL); /* cannot fail */
    lock();
    while (!logger.stop || logger.head != logger.tail) {
        if (logger.head == logger.tail) {
            logger.resting = true;
            (void)pthread_cond_wait(&logger.work, &logger.lock); /* fails only when misused */
            logger.resting = false;
            continue;
        }
        gather();
        logger.urgent = false;
        drain();
        report_dropped();
    }
    unlock();
    return unused;
}

/* --- the callers' side ----------------------------------------------------------------------- */

static bool to_sink(const char *line, size_t len)
{
    void (*on_line)(void *, const char *, size_t);
    void *context;

    lock();
    on_line = logger.to_stderr ? logger.on_line : NULL;
    context = logger.context;
    unlock();
    if (on_line)
        on_line(context, line, len);
    return on_line != NULL;
}

/* Before log_open and after log_close. */
static void write_directly(const char *line, size_t len)
{
    ssize_t written = write(STDERR_FILENO, line, len);

    (void)written; /* there is nobody left to tell */
}

/* False when there is no ring. Wakes the writer when it rests, or when half of the ring is full. */
static bool to_ring(const char *line, size_t len)
{
    bool open, wake;

    lock();
    open = logger.open;
    if (open && !ring_put(line, len))
        count_dropped(1);
    if (logger.head - logger.tail > RING_SIZE / 2)
        logger.urgent = true;
    wake = open && (logger.resting || logger.urgent);
    logger.resting = false;
    unlock();
    if (wake)
        (void)pthread_cond_signal(&logger.work); /* cannot fail */
    return open;
}

void log_event(enum log_level level, const char *text, const struct log_field *fields, size_t count)
{
    char memory[LINE_SIZE];
    struct buf line = buf_over(memory, sizeof(memory));
    struct log_entry entry = {
        .at_ms = clock_wall_ms(),
        .level = level,
        .text = text,
        .fields = fields,
        .count = count,
    };

    if (!log_enabled(level))
        return;
    format_entry(&line, &entry);
    if (to_sink(line.data, line.len) || to_ring(line.data, line.len))
        return;
    write_directly(line.data, line.len);
}

bool log_enabled(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&logger.level, memory_order_relaxed);
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&logger.level, (int)level, memory_order_relaxed);
}

uint64_t log_dropped(void)
{
    return atomic_load_explicit(&logger.dropped, memory_order_relaxed);
}

void log_set_sink(void (*on_line)(void *context, const char *line, size_t len), void *context)
{
    lock();
    logger.on_line = on_line;
    logger.context = context;
    unlock();
}

/* --- opening and closing --------------------------------------------------------------------- */

static bool open_file(const char *path, int *fd, struct err *e)
{
    *fd = STDERR_FILENO;
    if (!path || !*path)
        return true;
    /* O_NONBLOCK: the opening of a FIFO must not wait for its reader. */
    *fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    if (*fd < 0)
        return err_set(e, EXIT_CANT_CREATE, "log.file: %.300s cannot be opened: %s", path,
                       errno == ENXIO ? "nobody reads from it" : strerror(errno));
    (void)fcntl(*fd, F_SETFL, O_APPEND); /* the writer has a thread of its own to wait in */
    return true;
}

/* The writer gets no signals: they are the loop's, and a closed pipe must not end us. */
static bool start_writer(struct err *e)
{
    sigset_t all, before;
    int failed;

    (void)sigfillset(&all); /* these cannot fail */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&logger.writer, NULL, on_start, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return err_set(e, EXIT_BUG, "the log's thread cannot be started: %s", strerror(failed));
    return true;
}

bool log_open(const struct log_options *options, struct err *e)
{
    int fd;

    if (!open_file(options->file, &fd, e))
        return false;
    log_close();
    logger.ring = mem_alloc(RING_SIZE);
    logger.head = logger.tail = logger.unreported = 0;
    logger.stop = logger.urgent = logger.resting = logger.failing = false;
    logger.fd = fd;
    logger.to_stderr = fd == STDERR_FILENO;
    logger.format = options->format;
    logger.colour = options->colour;
    log_set_level(options->level);
    logger.open = start_writer(e);
    return logger.open;
}

/* False when it took too long. */
static bool wait_until_written(void)
{
    struct timespec until = after_ms(PATIENCE_MS);
    uint64_t target;
    bool done;

    lock();
    target = logger.head;
    logger.urgent = true;
    (void)pthread_cond_signal(&logger.work); /* cannot fail */
    while (logger.tail < target && wait_until(&logger.done, &until))
        continue;
    done = logger.tail >= target;
    unlock();
    return done;
}

void log_flush(void)
{
    if (logger.open)
        (void)wait_until_written(); /* what is late is late */
}

void log_close(void)
{
    bool written;

    if (!logger.open)
        return;
    written = wait_until_written();
    lock();
    logger.open = false;
    logger.stop = true;
    (void)pthread_cond_signal(&logger.work); /* cannot fail */
    unlock();
    if (!written)
        (void)pthread_cancel(logger.writer); /* its write blocks */
    (void)pthread_join(logger.writer, NULL);
    if (!logger.to_stderr)
        (void)close(logger.fd); /* each write was looked at */
    mem_free(logger.ring);
    logger.ring = NULL;
    logger.fd = STDERR_FILENO;
    logger.to_stderr = true;
    log_set_level(LOG_WARN);
}
