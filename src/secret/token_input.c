/* SPDX-License-Identifier: MIT */
#include "secret/token_input.h"

#include "secret/prompt.h"
#include "secret/token.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* With a line break still longer than the longest token: what is too long is seen to be. */
enum { INPUT_MAX = 2 * TOKEN_MAX };

struct secret *token_input_from_environment(void)
{
    char *value = getenv(TOKEN_ENVIRONMENT);
    struct secret *token = NULL;

    if (!value)
        return NULL;
    if (value[0] != '\0')
        token = secret_new(value, strlen(value));
    sodium_memzero(value, strlen(value));
    (void)unsetenv(TOKEN_ENVIRONMENT); /* fails only for names that are none */
    return token;
}

static size_t without_line_break(const char *text, size_t len)
{
    if (len > 0 && text[len - 1] == '\n')
        len--;
    if (len > 0 && text[len - 1] == '\r')
        len--;
    return len;
}

/* `*out` is NULL when nothing was piped in. */
static bool read_piped(int fd, struct secret **out, struct err *e)
{
    struct secret *input;
    size_t len;

    if (!secret_read(fd, INPUT_MAX, &input))
        return err_set(e, EXIT_NO_INPUT, "standard input cannot be read: %s", strerror(errno));
    len = without_line_break(secret_bytes(input), secret_len(input));
    *out = len > 0 ? secret_new(secret_bytes(input), len) : NULL;
    secret_free(input);
    return true;
}

static bool choose(int fd, struct secret **from_environment, struct secret **out, struct err *e)
{
    bool is_terminal = isatty(fd);

    *out = NULL;
    if (!is_terminal && !read_piped(fd, out, e))
        return false;
    if (*out)
        return true;
    if (*from_environment) {
        *out = *from_environment;
        *from_environment = NULL;
        return true;
    }
    if (is_terminal)
        return prompt_secret(fd, "Access token (not shown): ", out, e);
    return err_set(e, EXIT_NO_INPUT, "no token: pipe it into standard input, or set %s",
                   TOKEN_ENVIRONMENT);
}

bool token_input_read(int fd, struct secret **out, struct err *e)
{
    struct secret *from_environment = token_input_from_environment();
    bool ok = choose(fd, &from_environment, out, e);

    secret_free(from_environment); /* NULL where it was chosen */
    return ok;
}
