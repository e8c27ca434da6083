/* SPDX-License-Identifier: MIT */
#include "io/ca_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_SIZE = 256 }; /* PEM's lines have 64 characters, at most 76 in some */

static bool refuse(const char *path, const char *why, struct err *e)
{
    return err_set(e, EXIT_CONFIG,
                   "whatsapp.ca_file: %.250s: %s (a readable file of PEM certificates is allowed; "
                   "left out, the system's are used)",
                   path, why);
}

/* "-----BEGIN CERTIFICATE-----", and the older names with TRUSTED and X509. */
static bool is_mark(const char *line, const char *word)
{
    static const char end[] = "CERTIFICATE-----";
    size_t len = strlen(line);

    return strncmp(line, "-----", 5) == 0 && strncmp(line + 5, word, strlen(word)) == 0 &&
           len >= sizeof(end) && strcmp(line + len - (sizeof(end) - 1), end) == 0;
}

static bool is_base64(const char *line)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";

    return *line && line[strspn(line, alphabet)] == '\0';
}

static void trim_end(char *line)
{
    size_t len = strlen(line);

    while (len && strchr(" \t\r\n", line[len - 1]))
        line[--len] = '\0';
}

/* A first line, lines of base64, a last line. */
static bool has_certificate(FILE *file)
{
    char line[LINE_SIZE];
    bool inside = false;
    size_t lines = 0;

    while (fgets(line, sizeof(line), file)) {
        trim_end(line);
        if (inside && lines && is_mark(line, "END "))
            return true;
        inside = is_mark(line, "BEGIN ") || (inside && is_base64(line));
        lines = inside ? lines + is_base64(line) : 0;
    }
    return false;
}

static bool check_open(const char *path, int fd, struct err *e)
{
    struct stat st;
    FILE *file;
    bool found, failed;

    if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
        (void)close(fd); /* nothing was written */
        return refuse(path, "is no regular file", e);
    }
    file = fdopen(fd, "r");
    if (!file) {
        (void)close(fd); /* the same */
        return refuse(path, strerror(errno), e);
    }
    found = has_certificate(file);
    failed = ferror(file) != 0;
    (void)fclose(file); /* the same */
    return found || refuse(path, failed ? "cannot be read" : "has no PEM certificate in it", e);
}

bool ca_file_check(const char *path, struct err *e)
{
    int fd;

    if (!path || !*path)
        return true;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO is not waited for */
    return fd < 0 ? refuse(path, strerror(errno), e) : check_open(path, fd, e);
}
