/* SPDX-License-Identifier: MIT
 *
 * redis_url.h: redis://[USER[:PASSWORD]@]HOST[:PORT][/DB], rediss:// for TLS.
 *
 * Model: user and password may have %XX; redis://:PASSWORD@HOST is the password of the default
 * user. An IPv6 address stands in brackets. Messages never show the password, nor the URL whole.
 */
#ifndef IO_REDIS_URL_H
#define IO_REDIS_URL_H

#include "base/err.h"

enum {
    REDIS_HOST_MAX = 255,
    REDIS_USER_MAX = 255,
    REDIS_PASSWORD_MAX = 1023,
    REDIS_ADDRESS_SIZE = REDIS_HOST_MAX + 11, /* brackets, colon, port */
};

struct redis_url {
    bool tls;
    char host[REDIS_HOST_MAX + 1];
    char port[8];
    char user[REDIS_USER_MAX + 1];         /* "": the default user */
    char password[REDIS_PASSWORD_MAX + 1]; /* "": none */
    int db;
};

bool redis_url_parse(const char *text, struct redis_url *out, struct err *e) MUST_CHECK;
/* "HOST:PORT", for people. */
void redis_url_address(const struct redis_url *url, char out[REDIS_ADDRESS_SIZE]);
/* NULL, or what is wrong and what is allowed: static. */
const char *redis_url_check(const char *text) MUST_CHECK;

#endif
