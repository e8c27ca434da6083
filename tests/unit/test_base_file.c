/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* After what it needs. */
#include <cmocka.h>

enum { LONGEST = 4095 }; /* bytes of a path, without its NUL */

struct folder {
    char path[64];
    char file[LONGEST + 1];
};

static int make_folder(void **state)
{
    struct folder *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    (void)snprintf(f->path, sizeof(f->path), "/tmp/test_base_file.XXXXXX");
    assert_non_null(mkdtemp(f->path));
    (void)snprintf(f->file, sizeof(f->file), "%s/file", f->path);
    *state = f;
    return 0;
}

static int remove_folder(void **state)
{
    struct folder *f = *state;
    char command[128];

    (void)snprintf(command, sizeof(command), "rm -rf %s", f->path);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static void check_holds(const char *path, const char *text)
{
    char found[64] = "";
    int fd = open(path, O_RDONLY);

    assert_true(fd >= 0);
    assert_int_equal(read(fd, found, sizeof(found) - 1), strlen(text));
    assert_int_equal(close(fd), 0);
    assert_string_equal(found, text);
}

static void write_plainly(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

static void test_takes_the_place_of_what_was_there(void **state)
{
    struct folder *f = *state;
    struct err e;

    write_plainly(f->file, "before");
    assert_true(file_write_whole(f->file, "after", 5, &e));
    check_holds(f->file, "after");
}

static void test_what_is_given_up_changes_nothing(void **state)
{
    struct folder *f = *state;
    struct file_writer w;
    struct err e;

    write_plainly(f->file, "before");
    assert_true(file_begin(&w, f->file, 0600, &e));
    assert_true(file_add(&w, "after", 5, &e));
    assert_int_equal(access(w.temp, F_OK), 0);
    file_abandon(&w);
    check_holds(f->file, "before");
    assert_int_equal(rmdir(f->path), -1); /* only the file is left in it */
    assert_int_equal(unlink(f->file), 0);
    assert_int_equal(rmdir(f->path), 0);
    assert_int_equal(mkdir(f->path, 0700), 0);
}

/* Folders down to a path of exactly `len` bytes. */
static void go_down(struct folder *f, size_t len)
{
    size_t at = strlen(f->path);

    memcpy(f->file, f->path, at);
    while (at < len) {
        size_t step = len - at - 1 < 200 ? len - at - 1 : 200;

        step -= len - at - 1 - step == 1; /* a name has one byte at least */
        f->file[at] = '/';
        memset(f->file + at + 1, 'a', step);
        at += 1 + step;
        f->file[at] = '\0';
        if (at < len)
            assert_int_equal(mkdir(f->file, 0700), 0);
    }
}

/* There is no room for the temporary file's name beside it. */
static void test_a_path_that_is_too_long_is_left_alone(void **state)
{
    struct folder *f = *state;

    for (size_t len = LONGEST - 7; len <= LONGEST; len++) {
        struct err e = {0};

        go_down(f, len);
        write_plainly(f->file, "before");
        if (file_write_whole(f->file, "after", 5, &e)) {
            assert_int_equal(len, LONGEST - 7);
            check_holds(f->file, "after");
        } else {
            assert_int_equal(e.code, EXIT_CANT_CREATE);
            check_holds(f->file, "before");
        }
        assert_int_equal(remove_folder(state) + make_folder(state), 0);
        f = *state;
    }
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_takes_the_place_of_what_was_there),
        IN_FOLDER(test_what_is_given_up_changes_nothing),
        IN_FOLDER(test_a_path_that_is_too_long_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
