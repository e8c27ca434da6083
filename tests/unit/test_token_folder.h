/* SPDX-License-Identifier: MIT
 *
 * test_token_folder.h: for the tests of secret/: a folder of its own for each test, and files in
 * it.
 */
#ifndef TEST_TOKEN_FOLDER_H
#define TEST_TOKEN_FOLDER_H

#include "base/err.h"
#include "base/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDER_SANITIZER true
#endif
#endif
#ifndef UNDER_SANITIZER
#define UNDER_SANITIZER false
#endif

/* The test moves into the folder: names are relative. */
static inline int folder_enter(void **state)
{
    char *path = mem_strdup("/tmp/tidings-test-XXXXXX");

    *state = path;
    return mkdtemp(path) && chdir(path) == 0 ? 0 : -1;
}

static inline size_t folder_count(void)
{
    DIR *dir = opendir(".");
    size_t count = 0;

    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2; /* "." and ".." */
}

static inline int folder_leave(void **state)
{
    DIR *dir = opendir(".");
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        if (unlink(entry->d_name) != 0)
            (void)rmdir(entry->d_name);
    }
    closedir(dir);
    if (chdir("/") == 0)
        (void)rmdir(*state);
    mem_free(*state);
    return 0;
}

static inline void file_put(const char *name, const void *bytes, size_t len, mode_t mode)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

/* Reads at most `size` bytes; returns how many. */
static inline size_t file_get(const char *name, void *bytes, size_t size)
{
    int fd = open(name, O_RDONLY);
    ssize_t got;

    assert_true(fd >= 0);
    got = read(fd, bytes, size);
    close(fd);
    assert_true(got >= 0);
    return (size_t)got;
}

static inline void assert_says(const struct err *e, enum exit_code code, const char *part)
{
    if (e->code != code || !strstr(e->text, part))
        fail_msg("expected %d with '%s', got %d: %s", (int)code, part, (int)e->code, e->text);
}

#endif
