/* SPDX-License-Identifier: MIT
 *
 * Where webhooks go, and the secret that signs them.
 */
#include "poster.h"

#include "base/text.h"
#include "slice.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

static bool is_loopback(const struct sockaddr_in6 *address)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;

    if (address->sin6_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&address->sin6_addr);
    return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
}

static bool read_address(struct poster *p, const char *host, int port)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&p->address;
    char bare[sizeof(p->host)];
    size_t len = strlen(host);

    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    if (uv_ip4_addr(host, port, v4) == 0)
        return true;
    if (len < 3 || host[0] != '[' || host[len - 1] != ']')
        return false;
    text_copy(bare, sizeof(bare), host + 1, len - 2);
    return uv_ip6_addr(bare, port, &p->address) == 0;
}

/* "http://HOST:PORT/PATH" */
static bool read_url(struct poster *p, const char *url)
{
    static const char scheme[] = "http://";
    struct slice rest = slice_text(url), host;
    char name[sizeof(p->host)], *colon;
    int64_t port = 80;

    if (!slice_starts_like(rest, scheme))
        return false;
    rest = slice_after(rest, strlen(scheme));
    host = slice_cut(&rest, '/');
    if (host.len == 0 || host.len >= sizeof(p->host) || rest.len + 2 > sizeof(p->path))
        return false;
    text_copy(p->host, sizeof(p->host), host.at, host.len);
    (void)snprintf(p->path, sizeof(p->path), "/%.*s", (int)rest.len, rest.at); /* it fits */
    text_copy(name, sizeof(name), host.at, host.len);
    colon = strrchr(name, ':');
    if (colon && colon[1] != '\0' && text_is_digits(colon + 1)) {
        if (!text_to_int(colon + 1, 1, 65535, &port))
            return false;
        *colon = '\0';
    }
    return read_address(p, name, (int)port) && is_loopback(&p->address);
}

static bool read_secret(struct poster *p, const char *path, struct err *e)
{
    FILE *file = fopen(path, "rbe");

    if (!file)
        return err_set(e, EXIT_NO_INPUT, "--app-secret %s: %s", path, strerror(errno));
    p->secret_len = fread(p->secret, 1, sizeof(p->secret), file);
    (void)fclose(file); /* it was only read */
    if (p->secret_len > 0 && p->secret[p->secret_len - 1] == '\n')
        p->secret_len--;
    return (p->secret_len > 0 && p->secret_len < sizeof(p->secret)) ||
           err_set(e, EXIT_CONFIG, "--app-secret %s: from 1 to %zu bytes are wanted", path,
                   sizeof(p->secret) - 1);
}

bool poster_init(struct poster *p, const char *url, const char *secret_file, struct err *e)
{
    if (!read_url(p, url))
        return err_set(e, EXIT_USAGE,
                       "--webhook '%s' is not http://ADDRESS:PORT/PATH with an address of the "
                       "loopback",
                       url);
    if (!secret_file)
        return err_set(e, EXIT_USAGE, "--webhook needs --app-secret FILE, to sign with");
    return read_secret(p, secret_file, e);
}
