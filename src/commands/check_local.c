/* SPDX-License-Identifier: MIT */
#include "commands/check_local.h"

#include "base/clock.h"
#include "base/text.h"
#include "commands/access.h"
#include "io/ca_file.h"
#include "io/control.h"
#include "ledger/ledger_query.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    SPACE_WARNING_MB = 512,     /* a million messages take about 350 */
    CLOCK_FLOOR_S = 1767225600, /* 2026-01-01: a clock before it is not set */
};

/* The deepest folder of `path` that is there. */
static void existing_folder(const char *path, char *out, size_t size)
{
    text_copy(out, size, path, strlen(path));
    do {
        char *parent = dirname(out);

        memmove(out, parent, strlen(parent) + 1);
    } while (access(out, F_OK) != 0 && strcmp(out, "/") != 0 && strcmp(out, ".") != 0);
}

static void check_space(const char *folder, struct findings *f)
{
    struct statvfs fs;
    uint64_t free_mb;

    if (statvfs(folder, &fs) != 0)
        return;
    free_mb = (uint64_t)fs.f_bavail * fs.f_frsize / 1000000;
    findings_add(f, free_mb < SPACE_WARNING_MB ? FINDING_WARNING : FINDING_GOOD, "disk space",
                 "%llu MB free in %s; a million messages take about 350 MB",
                 (unsigned long long)free_mb, folder);
}

/* What is there is a ledger of ours, or will be one. Read beside whoever writes it. */
static bool can_be_read(const char *path, struct err *e)
{
    struct ledger_reader *reader;

    if (!ledger_reader_open(path, &reader, e))
        return e->code == EXIT_NO_INPUT; /* none, or an empty file */
    ledger_reader_close(reader);
    return true;
}

/* It, or where it is not there the folder that it, or its folder, will be made in. */
static bool can_be_written(const char *path, const char *folder)
{
    return access(path, R_OK | W_OK) == 0 || (errno == ENOENT && access(folder, W_OK) == 0);
}

static void check_ledger(const struct settings *s, struct findings *f)
{
    char folder[4096];
    struct err e;

    existing_folder(s->ledger_path, folder, sizeof(folder));
    if (!can_be_written(s->ledger_path, folder)) {
        (void)err_set(&e, EXIT_CONFIG, "%.200s cannot be written by this user: %s; set ledger.path",
                      s->ledger_path, strerror(errno));
        findings_fail(f, "ledger", &e);
        return;
    }
    if (can_be_read(s->ledger_path, &e))
        findings_add(f, FINDING_GOOD, "ledger", "%s%s", s->ledger_path,
                     access(s->ledger_path, F_OK) == 0 ? "" : " (will be made)");
    else
        findings_fail(f, "ledger", &e);
    check_space(folder, f);
}

static void check_control(const struct settings *s, struct findings *f)
{
    size_t len = strlen(s->control_socket);

    if (len > CONTROL_PATH_MAX)
        findings_add(
            f, FINDING_WARNING, "control",
            "the path of control.socket has %zu bytes, the system allows %d: `tidings run` "
            "does not start, and nothing that runs can be paused; set control.socket",
            len, CONTROL_PATH_MAX);
}

static void check_clock(struct findings *f)
{
    char now[CLOCK_TEXT_SIZE];
    int64_t wall_ms = clock_wall_ms();

    clock_text(wall_ms, now);
    findings_add(f, wall_ms / 1000 < CLOCK_FLOOR_S ? FINDING_WARNING : FINDING_GOOD, "clock",
                 "%s%s", now,
                 wall_ms / 1000 < CLOCK_FLOOR_S ? ": set it, times on record would be wrong" : "");
}

/* Their contents are refused where others can read them; here it is said before. */
static void check_secret_file(const char *subject, const char *path, struct findings *f)
{
    struct stat st;
    struct err e;

    if (!*path || stat(path, &st) != 0)
        return; /* opening it says what is wrong */
    if (st.st_mode & 077) {
        (void)err_set(&e, EXIT_CONFIG, "%.200s can be read by others (mode %03o): chmod 600 %.200s",
                      path, st.st_mode & 0777u, path);
        findings_fail(f, subject, &e);
    }
}

/* As whoever listens opens them, where somebody will; else only who can read them. */
static void check_webhook(const struct settings *s, struct findings *f)
{
    struct access_webhook opened;
    struct err e;

    check_secret_file("webhook.app_secret_file", s->webhook_app_secret_file, f);
    check_secret_file("webhook.verify_token_file", s->webhook_verify_token_file, f);
    if (strcmp(s->webhook_listen, "off") == 0)
        return;
    if (access_webhook_open(s, &opened, &e)) {
        access_webhook_close(&opened);
        findings_add(f, FINDING_GOOD, "webhook", "%s opens", s->webhook_app_secret_file);
    } else {
        findings_fail(f, "webhook", &e);
    }
}

static void check_ca_file(const struct settings *s, struct findings *f)
{
    struct err e;

    if (!*s->ca_file)
        return;
    if (ca_file_check(s->ca_file, &e))
        findings_add(f, FINDING_GOOD, "certificates", "%s", s->ca_file);
    else
        findings_fail(f, "certificates", &e);
}

void check_local(const struct settings *s, struct findings *f)
{
    check_secret_file("token.file", s->token_file, f);
    check_secret_file("token.key_file", s->token_key_file, f);
    check_webhook(s, f);
    check_ca_file(s, f);
    check_ledger(s, f);
    check_control(s, f);
    check_clock(f);
}
