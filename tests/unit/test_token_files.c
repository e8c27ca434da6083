/* SPDX-License-Identifier: MIT */
#include "secret/private_file.h"
#include "secret/token.h"

#include "test_token_folder.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static struct err assert_unread(const char *path)
{
    const struct private_file file = {path, 100, false, "the maker"};
    struct secret *content = NULL;
    struct err e = {0};

    assert_false(private_file_read(&file, &content, &e));
    assert_null(content);
    return e;
}

static bool is_read(const char *path, bool is_credential)
{
    const struct private_file file = {path, 100, is_credential, "the maker"};
    struct secret *content = NULL;
    bool ok = private_file_read(&file, &content, NULL);

    secret_free(content);
    return ok;
}

/* ---- reading ---- */

static void only_the_owner_may_have_rights(void **state)
{
    (void)state;
    for (mode_t mode = 0; mode <= 0777; mode++) {
        file_put("file", "x", 1, mode);
        if (geteuid() == 0 || mode & 0400)
            assert_int_equal(is_read("file", false), (mode & 077) == 0);
        unlink("file");
    }
}

static void the_command_that_mends_the_mode_is_named(void **state)
{
    struct err e;

    (void)state;
    file_put("file", "x", 1, 0644);
    e = assert_unread("file");
    assert_says(&e, EXIT_CONFIG, "file: others can get at it (mode 0644): chmod 600 'file'");
}

static void a_credential_of_root_may_be_read_by_its_group(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    for (mode_t mode = 0; mode <= 0777; mode++) {
        file_put("file", "x", 1, mode);
        assert_int_equal(is_read("file", true), (mode & 037) == 0);
        unlink("file");
    }
    file_put("file", "x", 1, 0440);
    assert_int_equal(chown("file", 12345, (gid_t)-1), 0);
    assert_false(is_read("file", true));
}

static void files_of_others_are_refused(void **state)
{
    struct err e;

    (void)state;
    if (geteuid() != 0)
        skip();
    file_put("file", "x", 1, 0600);
    assert_int_equal(chown("file", 12345, (gid_t)-1), 0);
    e = assert_unread("file");
    assert_says(&e, EXIT_CONFIG, "belongs to uid 12345");
}

static void what_is_no_file_is_named(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct err e;

    (void)state;
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(mkdir("folder", 0700), 0);
    assert_int_equal(mkfifo("fifo", 0600), 0);
    file_put("file", "x", 1, 0600);
    assert_int_equal(symlink("file", "link"), 0);
    file_put("empty", "", 0, 0600);
    e = assert_unread("folder");
    assert_says(&e, EXIT_CONFIG, "folder: is a directory");
    e = assert_unread("fifo"); /* and does not wait for its writer */
    assert_says(&e, EXIT_CONFIG, "fifo: is not a regular file");
    e = assert_unread("socket");
    assert_says(&e, EXIT_CONFIG, "socket: is not a regular file");
    e = assert_unread("/dev/null");
    assert_says(&e, EXIT_CONFIG, "/dev/null: is not a regular file");
    e = assert_unread("link");
    assert_says(&e, EXIT_CONFIG, "link: is a symbolic link");
    e = assert_unread("empty");
    assert_says(&e, EXIT_CONFIG, "empty: is empty");
    e = assert_unread("nowhere");
    assert_says(&e, EXIT_NO_INPUT, "nowhere: there is no such file; make it with: the maker");
    e = assert_unread("file/below");
    assert_says(&e, EXIT_NO_INPUT, "there is no such file");
    close(fd);
}

static void the_size_has_a_cap(void **state)
{
    char bytes[101] = {0};
    struct err e;

    (void)state;
    file_put("file", bytes, 100, 0600);
    assert_true(is_read("file", false));
    file_put("file", bytes, 101, 0600);
    e = assert_unread("file");
    assert_says(&e, EXIT_CONFIG, "file: has 101 bytes; at most 100");
}

/* ---- writing ---- */

static bool put(const char *path, enum private_write how, const char *text, struct err *e)
{
    struct secret *content = secret_new(text, strlen(text));
    bool ok = private_file_write(path, how, content, e);

    secret_free(content);
    return ok;
}

static void written_whole_with_mode_600(void **state)
{
    char bytes[16] = "";
    struct stat st;
    mode_t before = umask(0777);
    struct err e;

    (void)state;
    assert_true(put("new", PRIVATE_NEW, "one", &e));
    assert_true(put("./new", PRIVATE_REPLACE, "two", &e));
    umask(before);
    assert_int_equal(file_get("new", bytes, sizeof(bytes)), 3);
    assert_string_equal(bytes, "two");
    assert_int_equal(stat("new", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(folder_count(), 1);
}

static void what_cannot_be_written_changes_nothing(void **state)
{
    struct err e;

    (void)state;
    assert_int_equal(mkdir("folder", 0700), 0);
    assert_false(put("folder", PRIVATE_REPLACE, "x", &e));
    assert_says(&e, EXIT_CANT_CREATE, "cannot write folder");
    assert_false(put("nowhere/file", PRIVATE_NEW, "x", &e));
    assert_says(&e, EXIT_CANT_CREATE, "cannot create nowhere/file");
    assert_false(put("folder/", PRIVATE_NEW, "x", &e));
    assert_int_equal(e.code, EXIT_CANT_CREATE);
    assert_int_equal(folder_count(), 1);
}

/* A file size limit stands in for a full disk. */
static void a_write_that_fails_leaves_the_old_file(void **state)
{
    int status;
    pid_t child;
    char bytes[16] = "";

    (void)state;
    assert_true(put("file", PRIVATE_NEW, "old", NULL));
    child = fork();
    if (child == 0) {
        const struct rlimit tiny = {2, 2};
        struct err e = {0};

        (void)signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &tiny);
        _exit(!put("file", PRIVATE_REPLACE, "new", &e) && e.code == EXIT_CANT_CREATE ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    (void)file_get("file", bytes, sizeof(bytes));
    assert_string_equal(bytes, "old");
    assert_int_equal(folder_count(), 1);
}

static void only_sealed_files_are_replaced(void **state)
{
    const struct token_key key = {.key_file = "key"};
    struct secret *token = secret_new("EAA0123456789", 13);
    char bytes[64] = "";
    struct err e;

    (void)state;
    assert_true(token_key_make("key", &e));
    file_put("diary", "dear diary", 10, 0600);
    assert_int_equal(symlink("key", "link"), 0);
    assert_false(token_seal("diary", &key, token, &e));
    assert_says(&e, EXIT_CANT_CREATE, "diary: exists and is not a sealed file");
    assert_false(token_seal("key", &key, token, &e)); /* token.file = token.key_file */
    assert_false(token_seal("link", &key, token, &e));
    assert_false(token_seal(".", &key, token, &e));
    (void)file_get("diary", bytes, sizeof(bytes));
    assert_string_equal(bytes, "dear diary");
    assert_int_equal(file_get("key", bytes, sizeof(bytes)), 32);
    secret_free(token);
}

/* ---- locked memory ---- */

static void masks(void **state)
{
    static const char *const cases[][2] = {
        {"", "***"},
        {"12345678901234567890123", "***"},
        {"123456789012345678901234", "12345678...234"},
        {"EAALmjGxZAbcdefghijklmnopqrstuvwsLI", "EAALmjGx...sLI"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct secret *s = secret_new(cases[i][0], strlen(cases[i][0]));
        char masked[SECRET_MASKED_SIZE];

        secret_mask(s, masked);
        assert_string_equal(masked, cases[i][1]);
        secret_free(s);
    }
}

static void a_room_keeps_what_counts(void **state)
{
    struct secret *s = secret_open_room(8);

    (void)state;
    memcpy(secret_room(s), "abcdefgh", 8);
    secret_complete(s, 3);
    assert_int_equal(secret_len(s), 3);
    assert_memory_equal(secret_bytes(s), "abc\0\0\0\0\0", 9);
    secret_free(s);
    secret_free(NULL);
}

static void in_child(void (*check)(void))
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        check();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void check_lock_is_told(void)
{
    const struct rlimit none = {0, 0};
    struct secret *s;

    (void)setrlimit(RLIMIT_MEMLOCK, &none);
    /* What may lock without limit, root, must first stop being it. */
    if (geteuid() == 0 && setuid(12345) != 0)
        _exit(1);
    s = secret_new("x", 1);
    if (secret_is_locked(s) || secret_bytes(s)[0] != 'x')
        _exit(2);
    secret_free(s);
}

static void memory_that_is_not_locked_is_told(void **state)
{
    (void)state;
    if (UNDER_SANITIZER)
        skip(); /* a sanitizer makes mlock do nothing */
    in_child(check_lock_is_told);
}

static void check_hardening(void)
{
    struct rlimit core;

    secret_harden_process();
    if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
        _exit(1);
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        _exit(2);
    if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0)
        _exit(3);
}

static void a_hardened_process_tells_nothing(void **state)
{
    (void)state;
    in_child(check_hardening);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_enter, folder_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(only_the_owner_may_have_rights),
        IN_FOLDER(the_command_that_mends_the_mode_is_named),
        IN_FOLDER(a_credential_of_root_may_be_read_by_its_group),
        IN_FOLDER(files_of_others_are_refused),
        IN_FOLDER(what_is_no_file_is_named),
        IN_FOLDER(the_size_has_a_cap),
        IN_FOLDER(written_whole_with_mode_600),
        IN_FOLDER(what_cannot_be_written_changes_nothing),
        IN_FOLDER(a_write_that_fails_leaves_the_old_file),
        IN_FOLDER(only_sealed_files_are_replaced),
        cmocka_unit_test(masks),
        cmocka_unit_test(a_room_keeps_what_counts),
        cmocka_unit_test(memory_that_is_not_locked_is_told),
        cmocka_unit_test(a_hardened_process_tells_nothing),
    };

    return cmocka_run_group_tests_name("token files", tests, NULL, NULL);
}
