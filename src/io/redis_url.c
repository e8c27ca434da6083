/* SPDX-License-Identifier: MIT */
#include "io/redis_url.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define ALLOWED "redis://[USER[:PASSWORD]@]HOST[:PORT][/DB] is allowed, or rediss:// for TLS"

enum { DB_MAX = 1000000 };

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = c ? strchr(digits, c) : NULL;

    return found ? (int)((found - digits) % 16) : -1;
}

/* %XX into bytes. False when it does not fit, has a broken %, or a NUL. */
static bool decode(const char *text, size_t len, char *out, size_t size)
{
    size_t count = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (c == '%') {
            int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text[i + 2]) : -1;

            if (low < 0 || high * 16 + low == 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (count + 1 >= size)
            return false;
        out[count++] = c;
    }
    out[count] = '\0';
    return true;
}

static const char *take_user(const char *text, size_t len, struct redis_url *out)
{
    const char *colon = memchr(text, ':', len);
    size_t user = colon ? (size_t)(colon - text) : len;

    if (!decode(text, user, out->user, sizeof(out->user)) ||
        (colon && !decode(colon + 1, len - user - 1, out->password, sizeof(out->password))))
        return "user or password is too long or has a broken %; %XX for "
               "special characters, " ALLOWED;
    return NULL;
}

/* "[::1]:6380", "host:6380", "host" */
static const char *take_host(const char *text, size_t len, struct redis_url *out)
{
    bool bracket = len > 0 && text[0] == '[';
    const char *end = memchr(text, bracket ? ']' : ':', len);
    size_t host = end ? (size_t)(end - text) : len;
    size_t rest = bracket ? host + 1 : host;
    int64_t port;

    if (bracket && !end)
        return "the bracket is not closed; " ALLOWED;
    text_copy(out->host, sizeof(out->host), text + bracket, host - bracket);
    text_copy(out->port, sizeof(out->port), "6379", 4);
    if (!out->host[0] || host - bracket > REDIS_HOST_MAX)
        return "names no host; " ALLOWED;
    if (rest == len)
        return NULL;
    text_copy(out->port, sizeof(out->port), text + rest + 1, len - rest - 1);
    if (text[rest] == ':' && len - rest - 1 < sizeof(out->port) &&
        text_to_int(out->port, 1, 65535, &port))
        return NULL;
    return "the port is none; 1 to 65535 are allowed";
}

static const char *take_db(const char *text, struct redis_url *out)
{
    int64_t db = 0;

    if (*text && !text_to_int(text, 0, DB_MAX, &db))
        return "the database is no number; " ALLOWED;
    out->db = (int)db;
    return NULL;
}

/* NULL, or what is wrong and what is allowed. */
static const char *take(const char *text, struct redis_url *out)
{
    const char *at, *slash, *wrong = NULL;
    size_t len;

    *out = (struct redis_url){.tls = strncmp(text, "rediss://", 9) == 0};
    if (!out->tls && strncmp(text, "redis://", 8) != 0)
        return "is no Redis URL; " ALLOWED;
    text += out->tls ? 9 : 8;
    at = strrchr(text, '@');
    if (at)
        wrong = take_user(text, (size_t)(at - text), out);
    text = at ? at + 1 : text;
    slash = strchr(text, '/');
    len = slash ? (size_t)(slash - text) : strlen(text);
    if (!wrong)
        wrong = take_host(text, len, out);
    return wrong ? wrong : take_db(slash ? slash + 1 : "", out);
}

bool redis_url_parse(const char *text, struct redis_url *out, struct err *e)
{
    const char *wrong = take(text, out);

    return !wrong || err_set(e, EXIT_CONFIG, "redis.url: %s", wrong);
}

const char *redis_url_check(const char *text)
{
    struct redis_url parsed;
    const char *wrong = take(text, &parsed);

    explicit_bzero(&parsed, sizeof(parsed));
    return wrong;
}

void redis_url_address(const struct redis_url *url, char out[REDIS_ADDRESS_SIZE])
{
    bool is_v6 = strchr(url->host, ':') != NULL;

    (void)snprintf(out, REDIS_ADDRESS_SIZE, "%s%s%s:%s", is_v6 ? "[" : "", url->host,
                   is_v6 ? "]" : "", url->port); /* fits */
}
