/* SPDX-License-Identifier: MIT
 *
 * failmalloc_preload.c: for the tests: the N-th allocation fails (failmalloc.h). To be named in
 * LD_PRELOAD: it stands before the allocations of the program and of all libraries, also where they
 * have them by a pointer, and before those of a sanitizer that is a library (gcc's is; it wants
 * verify_asan_link_order=0).
 *
 * Where a signal ends the process, it tells in which functions on standard error (not where the
 * sanitizer does: handle_segv=0); then the signal does what it does.
 */
#include "failmalloc.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdint.h>

enum { FRAMES = 64, EARLY_BYTES = 4096, ALIGNMENT = 16 };

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    int (*posix_memalign)(void **, size_t, size_t);
    void (*free)(void *);
    struct failmalloc order;
    bool looking;
    bool is_read;
    size_t early_used;
    _Alignas(ALIGNMENT) char early[EARLY_BYTES]; /* for dlsym(), while it looks for the real ones */
} real;

static void on_signal(int number)
{
    static const char title[] = "failmalloc: a signal, in\n";
    void *frames[FRAMES];

    (void)!write(STDERR_FILENO, title, sizeof(title) - 1);
    backtrace_symbols_fd(frames, backtrace(frames, FRAMES), STDERR_FILENO);
    (void)raise(number);
}

__attribute__((constructor)) static void tell_of_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    void *frame;

    if (!getenv("FAILMALLOC"))
        return;
    action.sa_flags = (int)SA_RESETHAND | SA_NODEFER;
    (void)backtrace(&frame, 1); /* its first call loads a library */
    (void)sigaction(SIGSEGV, &action, NULL);
    (void)sigaction(SIGBUS, &action, NULL);
    (void)sigaction(SIGABRT, &action, NULL);
}

/* Not in a constructor: those of other libraries allocate before. */
static void look_for_the_real_ones(void)
{
    real.looking = true;
    real.calloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
    real.realloc = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
    real.aligned_alloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "aligned_alloc");
    real.posix_memalign = (int (*)(void **, size_t, size_t))dlsym(RTLD_NEXT, "posix_memalign");
    real.free = (void (*)(void *))dlsym(RTLD_NEXT, "free");
    real.malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    real.looking = false;
}

static void *allocate_early(size_t size)
{
    size_t start = real.early_used;

    real.early_used += (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (real.early_used > EARLY_BYTES)
        abort();
    return real.early + start;
}

static bool fails(void)
{
    if (!real.malloc && !real.looking)
        look_for_the_real_ones();
    if (!real.is_read && environ) { /* a sanitizer allocates before there is one */
        real.is_read = true;
        failmalloc_read(&real.order);
    }
    if (real.looking || !real.is_read || !failmalloc_meet(&real.order))
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    if (fails())
        return NULL;
    return real.looking ? allocate_early(size) : real.malloc(size);
}

void *calloc(size_t count, size_t size)
{
    if (fails())
        return NULL;
    return real.looking ? allocate_early(count * size) : real.calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return fails() ? NULL : real.realloc(old, size);
}

void *reallocarray(void *old, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(old, count * size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : real.aligned_alloc(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    return fails() ? ENOMEM : real.posix_memalign(out, alignment, size);
}

/* A sanitizer's own would not come here. */
char *strndup(const char *text, size_t most)
{
    size_t len = strnlen(text, most);
    char *copy = malloc(len + 1);

    if (copy) {
        memcpy(copy, text, len);
        copy[len] = '\0';
    }
    return copy;
}

char *strdup(const char *text)
{
    return strndup(text, strlen(text));
}

void free(void *block)
{
    if ((char *)block >= real.early && (char *)block < real.early + EARLY_BYTES)
        return;
    if (!real.free)
        look_for_the_real_ones();
    real.free(block);
}
