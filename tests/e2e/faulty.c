/* SPDX-License-Identifier: MIT
 *
 * faulty.c: for the tests, a library to preload: at its N-th call a function fails, or the process
 * is killed there. Counted over all threads, which strace's inject cannot.
 *
 *   FAULTY=FUNCTION:ACTION:N[+]   ACTION is kill (instead of the call), killafter (behind it), or
 *                                 an errno; with '+' every call from the N-th on fails
 *   FAULTY_COUNTS=FILE            how often each function was called, written at the end
 *
 * Functions: those of the table below; `write` counts on regular files alone. Those with `-db` are
 * the calls on a file with such a name alone, which count for the function without it, too. Without
 * FAULTY nothing happens but counting.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum function {
    PWRITE,
    PWRITE_DB, /* a checkpoint's, or while the ledger is made */
    WRITE,
    FDATASYNC,
    FDATASYNC_DB, /* the same */
    FOLDER,       /* fdatasync of one: SQLite's, which does not look at the result */
    FSYNC,
    FTRUNCATE,
    RENAME,
    SEND,
    RECV,
    FUNCTIONS
};
enum action { NOTHING, KILL, KILL_AFTER, FAIL };

static const char *const names[FUNCTIONS] = {
    [PWRITE] = "pwrite64",
    [PWRITE_DB] = "pwrite64-db",
    [WRITE] = "write",
    [FDATASYNC] = "fdatasync",
    [FDATASYNC_DB] = "fdatasync-db",
    [FOLDER] = "fdatasync-folder",
    [FSYNC] = "fsync",
    [FTRUNCATE] = "ftruncate64",
    [RENAME] = "rename",
    [SEND] = "send",
    [RECV] = "recv",
};

/* "pwrite64-db" is a pwrite64. */
static void *real_function(const char *name)
{
    char symbol[32];

    (void)snprintf(symbol, sizeof(symbol), "%.*s", (int)strcspn(name, "-"), name);
    return dlsym(RTLD_NEXT, symbol);
}

static struct {
    enum function function;
    enum action action;
    int error;
    unsigned long from;
    bool on;
    void *real[FUNCTIONS];
    atomic_ulong calls[FUNCTIONS];
} faulty;

static void read_order(char *order)
{
    char *action = strchr(order, ':');
    char *number = action ? strchr(action + 1, ':') : NULL;

    if (!number)
        return;
    *action++ = *number++ = '\0';
    for (int i = 0; i < FUNCTIONS; i++)
        if (strcmp(names[i], order) == 0)
            faulty.function = (enum function)i;
    faulty.action = strcmp(action, "kill") == 0        ? KILL
                    : strcmp(action, "killafter") == 0 ? KILL_AFTER
                                                       : FAIL;
    faulty.error = (int)strtol(action, NULL, 10);
    faulty.from = strtoul(number, NULL, 10);
    faulty.on = strchr(number, '+') != NULL;
}

__attribute__((constructor)) static void start(void)
{
    const char *order = getenv("FAULTY");
    char copy[128];

    for (int i = 0; i < FUNCTIONS; i++)
        faulty.real[i] = real_function(names[i]);
    if (!order)
        return;
    (void)snprintf(copy, sizeof(copy), "%s", order);
    read_order(copy);
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("FAULTY_COUNTS");
    FILE *file = path ? fopen(path, "w") : NULL;

    if (!file)
        return;
    for (int i = 0; i < FUNCTIONS; i++)
        (void)fprintf(file, "%s %lu\n", names[i], atomic_load(&faulty.calls[i]));
    (void)fclose(file);
}

/* Before a call: true when it shall fail. */
static bool meet(enum function function)
{
    unsigned long n = atomic_fetch_add(&faulty.calls[function], 1) + 1;

    if (function != faulty.function || n < faulty.from || (n > faulty.from && !faulty.on))
        return false;
    if (faulty.action == KILL)
        (void)raise(SIGKILL);
    if (faulty.action != FAIL)
        return false;
    errno = faulty.error;
    return true;
}

static void leave(enum function function)
{
    if (function == faulty.function && faulty.action == KILL_AFTER &&
        atomic_load(&faulty.calls[function]) >= faulty.from)
        (void)raise(SIGKILL);
}

static bool is_database(int fd)
{
    char link[64], path[1024];
    ssize_t len;

    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    len = readlink(link, path, sizeof(path));
    return len > 3 && memcmp(path + len - 3, ".db", 3) == 0;
}

#define CALL(function, type, ...) ((type)faulty.real[function])(__VA_ARGS__)

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at)
{
    ssize_t done;

    if ((is_database(fd) && meet(PWRITE_DB)) || meet(PWRITE))
        return -1;
    done = CALL(PWRITE, ssize_t(*)(int, const void *, size_t, off64_t), fd, bytes, len, at);
    leave(PWRITE);
    return done;
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    struct stat at;
    bool regular = fstat(fd, &at) == 0 && S_ISREG(at.st_mode);
    ssize_t done;

    if (regular && meet(WRITE))
        return -1;
    done = CALL(WRITE, ssize_t(*)(int, const void *, size_t), fd, bytes, len);
    if (regular)
        leave(WRITE);
    return done;
}

static int call_fd(enum function function, int fd)
{
    int result;

    if (meet(function))
        return -1;
    result = CALL(function, int (*)(int), fd);
    leave(function);
    return result;
}

int fdatasync(int fd)
{
    struct stat at;
    bool folder = fstat(fd, &at) == 0 && S_ISDIR(at.st_mode);

    if (!folder && is_database(fd) && meet(FDATASYNC_DB))
        return -1;
    return call_fd(folder ? FOLDER : FDATASYNC, fd);
}

int fsync(int fd)
{
    return call_fd(FSYNC, fd);
}

int ftruncate64(int fd, off64_t len)
{
    int result;

    if (meet(FTRUNCATE))
        return -1;
    result = CALL(FTRUNCATE, int (*)(int, off64_t), fd, len);
    leave(FTRUNCATE);
    return result;
}

int rename(const char *from, const char *to)
{
    int result;

    if (meet(RENAME))
        return -1;
    result = CALL(RENAME, int (*)(const char *, const char *), from, to);
    leave(RENAME);
    return result;
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    ssize_t done;

    if (meet(SEND))
        return -1;
    done = CALL(SEND, ssize_t(*)(int, const void *, size_t, int), fd, bytes, len, flags);
    leave(SEND);
    return done;
}

ssize_t recv(int fd, void *bytes, size_t len, int flags)
{
    ssize_t done;

    if (meet(RECV))
        return -1;
    done = CALL(RECV, ssize_t(*)(int, void *, size_t, int), fd, bytes, len, flags);
    leave(RECV);
    return done;
}
