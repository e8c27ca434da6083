/* SPDX-License-Identifier: MIT */
#include "base/config_file.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Far above any configuration; a wrong path (a log, a device) ends here. */
enum { FILE_MAX = 1024 * 1024 };

struct feed {
    const char *at; /* what inih has not had yet */
    const char *end;
    int line;
    bool waiting; /* the last line should have given a pair, and has not yet */
    const struct config_events *events;
};

/* A piece of the file, without its line end and the blanks around it. */
struct line {
    const char *text;
    size_t len;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct line trimmed(const char *start, const char *end)
{
    while (start < end && is_blank(*start))
        start++;
    while (end > start && is_blank(end[-1]))
        end--;
    return (struct line){start, (size_t)(end - start)};
}

static struct line next_line(struct feed *f)
{
    const char *start = f->at;
    const char *newline = memchr(start, '\n', (size_t)(f->end - start));

    f->line++;
    f->at = newline ? newline + 1 : f->end;
    return trimmed(start, newline ? newline : f->end);
}

static void problem(const struct feed *f, const char *reason)
{
    f->events->on_problem(f->events->context, f->line, reason);
}

static bool is_comment(struct line l)
{
    return l.len == 0 || *l.text == ';' || *l.text == '#';
}

/* "[name]", perhaps with a comment behind it. */
static void meet_section(const struct feed *f, struct line l)
{
    char name[FILENAME_MAX];
    const char *close = memchr(l.text, ']', l.len);
    size_t len = close ? (size_t)(close - l.text) - 1 : l.len - 1;

    if (!close)
        problem(f, "a section that is not closed with ']'");
    else if (!is_comment(trimmed(close + 1, l.text + l.len)))
        problem(f, "something follows the section's ']'");
    (void)snprintf(name, sizeof(name), "%.*s", (int)len, l.text + 1); /* it fits inih's line */
    f->events->on_section(f->events->context, f->line, name);
}

/* Gives inih its next line. */
static char *on_line_wanted(char *out, int size, void *stream)
{
    struct feed *f = stream;
    struct line l;

    if (f->waiting)
        problem(f, "no '=' in this line (a key = value is wanted)");
    f->waiting = false;
    out[0] = '\0';
    if (f->at == f->end)
        return NULL;
    l = next_line(f);
    if (is_comment(l))
        return out;
    if (l.len + 3 > (size_t)size) {
        problem(f, "a line that is too long (at most 197 bytes)");
        return out;
    }
    if (*l.text == '[')
        meet_section(f, l);
    else
        f->waiting = true;
    (void)snprintf(out, (size_t)size, "%.*s%s", (int)l.len, l.text, /* it fits */
                   *l.text == '[' && !memchr(l.text, ']', l.len) ? "]" : "");
    return out;
}

static int on_pair(void *stream, const char *section, const char *name, const char *value)
{
    struct feed *f = stream;
    struct config_pair pair = {f->line, section, name, value};

    f->waiting = false;
    f->events->on_pair(f->events->context, &pair);
    return 1;
}

/* A pipe that nobody writes to must not keep us: it ends at once, and then is no configuration. */
static FILE *open_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        return NULL;
    (void)fcntl(fd, F_SETFL, 0); /* from now on wait for what is written */
    return mem_check(fdopen(fd, "r"));
}

static bool is_pipe(FILE *file)
{
    struct stat at;

    return fstat(fileno(file), &at) == 0 && S_ISFIFO(at.st_mode);
}

static bool read_whole(const char *path, struct buf *content, struct err *e)
{
    FILE *file = open_file(path);
    char piece[4096];
    size_t got;
    bool ok;

    if (!file)
        return err_set(e, EXIT_CONFIG, "%.300s: cannot be opened: %s%s", path, strerror(errno),
                       errno == EACCES
                           ? " (run the command as a user that may read it: a service's "
                             "own, by sudo -u; or name another file)"
                           : "");
    while ((got = fread(piece, 1, sizeof(piece), file)) > 0 && buf_ok(content))
        buf_add(content, piece, got);
    ok = !ferror(file);
    if (!ok)
        (void)err_set(e, EXIT_CONFIG, "%.300s: cannot be read: %s", path, strerror(errno));
    else if (!content->len && is_pipe(file))
        ok = err_set(e, EXIT_CONFIG, "%.300s: a pipe with nothing in it", path);
    (void)fclose(file); /* nothing was written */
    if (ok && !buf_ok(content))
        ok = err_set(e, EXIT_CONFIG, "%s: too long for a configuration (at most 1 MB)", path);
    return ok;
}

static bool read_text(const char *path, struct buf *content, struct err *e)
{
    if (!read_whole(path, content, e))
        return false;
    if (memchr(buf_text(content), '\0', content->len) ||
        !utf8_is_valid(buf_text(content), content->len))
        return err_set(e, EXIT_CONFIG, "%s: is not UTF-8 text", path);
    if (strncmp(buf_text(content), "\xEF\xBB\xBF", 3) == 0)
        buf_consume(content, 3); /* a byte order mark, as some editors write it */
    return true;
}

bool config_file_read(const char *path, const struct config_events *events, struct err *e)
{
    struct buf content = buf_new(FILE_MAX);
    bool ok = read_text(path, &content, e);

    if (ok) {
        struct feed f = {
            .at = buf_text(&content),
            .end = buf_text(&content) + content.len,
            .events = events,
        };

        /* Its result tells of the first bad line; those were met one by one. */
        (void)ini_parse_stream(on_line_wanted, &f, on_pair, &f);
    }
    buf_free(&content);
    return ok;
}
