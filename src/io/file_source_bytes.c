/* SPDX-License-Identifier: MIT */
#include "io/file_source_bytes.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct source_bytes {
    int fd;
    char *path;
    struct stat opened;                 /* as it was then */
    uint64_t base;                      /* offset of the window's first byte */
    size_t pos;                         /* of the next byte in the window */
    size_t len;                         /* bytes in the window */
    uint64_t line;                      /* of the next byte */
    uint64_t hashed;                    /* bytes of this reading that are in its digests */
    bool ended;                         /* the window holds the file's last byte */
    bool read_once;                     /* a whole reading is behind us, or at its end */
    struct sha256 sha;                  /* of the first whole reading */
    struct poly1305 quick;              /* of this reading */
    unsigned char first[POLY1305_SIZE]; /* of the first whole one */
    unsigned char key[POLY1305_KEY_SIZE];
    char window[SOURCE_WINDOW];
};

static const char *why_unfit(mode_t mode)
{
    static const struct {
        mode_t type;
        const char *why;
    } types[] = {
        {S_IFDIR, "is a directory"}, {S_IFIFO, "is a pipe; give '-' to read standard input"},
        {S_IFSOCK, "is a socket"},   {S_IFCHR, "is a device; give '-' to read standard input"},
        {S_IFBLK, "is a device"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if ((mode & S_IFMT) == types[i].type)
            return types[i].why;
    }
    return "is no regular file";
}

/* Opens without waiting, so that a pipe nobody writes to does not hang us. */
static bool open_regular(struct source_bytes *b, struct err *e)
{
    b->fd = open(b->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (b->fd < 0 || fstat(b->fd, &b->opened) != 0)
        return err_set(e, EXIT_NO_INPUT, "%s: cannot be opened: %s", b->path, strerror(errno));
    if (!S_ISREG(b->opened.st_mode))
        return err_set(e, EXIT_NO_INPUT, "%s: %s; a regular file is wanted", b->path,
                       why_unfit(b->opened.st_mode));
    (void)posix_fadvise(b->fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* only advice */
    return true;
}

bool source_bytes_open(const char *path, struct source_bytes **out, struct err *e)
{
    struct source_bytes *b = MEM_NEW(struct source_bytes);

    b->path = mem_strdup(path);
    random_bytes(b->key, sizeof(b->key));
    source_bytes_rewind(b);
    if (!open_regular(b, e)) {
        source_bytes_close(b);
        return false;
    }
    *out = b;
    return true;
}

void source_bytes_close(struct source_bytes *b)
{
    if (!b)
        return;
    if (b->fd >= 0)
        (void)close(b->fd); /* it was only read */
    mem_free(b->path);
    mem_free(b);
}

static bool is_unchanged(const struct source_bytes *b)
{
    struct stat now;

    return fstat(b->fd, &now) == 0 && now.st_size == b->opened.st_size &&
           now.st_mtim.tv_sec == b->opened.st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == b->opened.st_mtim.tv_nsec;
}

static ssize_t read_at(int fd, char *bytes, size_t len, uint64_t offset)
{
    ssize_t got;

    do {
        got = pread(fd, bytes, len, (off_t)offset);
    } while (got < 0 && errno == EINTR);
    return got;
}

/* Takes into the digests what of `len` bytes at `offset` they have not seen. */
static void hash_new(struct source_bytes *b, uint64_t offset, const char *bytes, size_t len)
{
    size_t known = (size_t)(b->hashed - offset);

    if (known >= len)
        return;
    poly1305_add(&b->quick, bytes + known, len - known);
    if (!b->read_once)
        sha256_add(&b->sha, bytes + known, len - known);
    b->hashed = offset + len;
}

static void quick_digest(const struct source_bytes *b, unsigned char out[POLY1305_SIZE])
{
    struct poly1305 quick = b->quick; /* ending it would end it for good */

    poly1305_end(&quick, out);
}

static void note_end(struct source_bytes *b)
{
    b->ended = true;
    if (!b->read_once)
        quick_digest(b, b->first);
    b->read_once = true;
}

/* Moves what is left to the window's front and fills up behind it. */
static bool fill(struct source_bytes *b, struct err *e)
{
    size_t kept = b->len - b->pos;
    ssize_t got;

    memmove(b->window, b->window + b->pos, kept);
    b->base += b->pos;
    b->pos = 0;
    b->len = kept;
    got = read_at(b->fd, b->window + kept, SOURCE_WINDOW - kept, b->base + kept);
    if (got < 0)
        return err_set(e, EXIT_NO_INPUT, "%s: cannot be read: %s", b->path, strerror(errno));
    if (!is_unchanged(b))
        return err_set(e, EXIT_BAD_DATA, "%s: was changed while it was read", b->path);
    hash_new(b, b->base + kept, b->window + kept, (size_t)got);
    b->len += (size_t)got;
    b->ended = false;
    if (got == 0)
        note_end(b);
    return true;
}

/* Bytes of the line at `bytes` with its end; 0: its end is not among the `len` bytes. A CR at the
 * very end may be half of a CRLF. */
static size_t line_length(const char *bytes, size_t len)
{
    const char *lf = memchr(bytes, '\n', len);
    const char *cr = memchr(bytes, '\r', lf ? (size_t)(lf - bytes) : len);

    if (!cr)
        return lf ? (size_t)(lf - bytes) + 1 : 0;
    if (cr + 1 == bytes + len)
        return 0;
    return (size_t)(cr - bytes) + (cr[1] == '\n' ? 2 : 1);
}

/* Bytes of the next piece; 0: the window must be filled first. */
static size_t piece_length(const struct source_bytes *b)
{
    const char *bytes = b->window + b->pos;
    size_t left = b->len - b->pos;
    size_t line = left ? line_length(bytes, left) : 0;

    if (line || b->ended)
        return line ? line : left;
    if (left < SOURCE_WINDOW)
        return 0;
    return bytes[left - 1] == '\r' ? left - 1 : left;
}

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

/* At the very start, past a byte-order mark. */
static bool skip_mark(struct source_bytes *b, struct err *e)
{
    if (b->base + b->pos > 0 || b->len > 0)
        return true;
    if (!fill(b, e))
        return false;
    if (b->len >= 3 && memcmp(b->window, "\xEF\xBB\xBF", 3) == 0)
        b->pos = 3;
    return true;
}

bool source_bytes_next(struct source_bytes *b, struct piece *out, struct err *e)
{
    if (!skip_mark(b, e))
        return false;
    while (!(out->len = piece_length(b)) && !b->ended) {
        if (!fill(b, e))
            return false;
    }
    out->bytes = b->window + b->pos;
    out->ends_line = out->len && is_line_end(out->bytes[out->len - 1]);
    b->pos += out->len;
    b->line += out->ends_line;
    return true;
}

bool source_bytes_drain(struct source_bytes *b, struct err *e)
{
    do {
        b->pos = b->len;
        if (!fill(b, e))
            return false;
    } while (!b->ended);
    return true;
}

void source_bytes_seek(struct source_bytes *b, uint64_t offset, uint64_t line)
{
    b->line = line;
    if (offset >= b->base && offset <= b->base + b->len) {
        b->pos = (size_t)(offset - b->base);
        return;
    }
    b->base = offset;
    b->pos = 0;
    b->len = 0;
    b->ended = false;
}

void source_bytes_rewind(struct source_bytes *b)
{
    b->base = 0;
    b->pos = 0;
    b->len = 0;
    b->ended = false;
    b->line = 1;
    b->hashed = 0;
    poly1305_start(&b->quick, b->key);
    if (!b->read_once)
        sha256_start(&b->sha);
}

bool source_bytes_peek(const struct source_bytes *b, uint64_t offset, size_t len, struct buf *out,
                       struct err *e)
{
    char *bytes = mem_alloc(len);
    ssize_t got = read_at(b->fd, bytes, len, offset);

    if (got >= 0)
        buf_add(out, bytes, (size_t)got);
    mem_free(bytes);
    return got >= 0 ||
           err_set(e, EXIT_NO_INPUT, "%s: cannot be read: %s", b->path, strerror(errno));
}

uint64_t source_bytes_offset(const struct source_bytes *b)
{
    return b->base + b->pos;
}

uint64_t source_bytes_line(const struct source_bytes *b)
{
    return b->line;
}

uint64_t source_bytes_size(const struct source_bytes *b)
{
    return (uint64_t)b->opened.st_size;
}

void source_bytes_hash(const struct source_bytes *b, unsigned char out[SHA256_SIZE])
{
    struct sha256 sha = b->sha; /* ending it would end it for good */

    sha256_end(&sha, out);
}

bool source_bytes_is_same(const struct source_bytes *b)
{
    unsigned char now[POLY1305_SIZE];

    quick_digest(b, now);
    return memcmp(now, b->first, sizeof(now)) == 0;
}
