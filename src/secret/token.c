/* SPDX-License-Identifier: MIT */
#include "secret/token.h"

#include "base/buf.h"
#include "secret/private_file.h"
#include "secret/seal_key.h"
#include "secret/sealed_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* libsodium's MODERATE, as numbers: what we write must not change with the library. */
#define PASSES_DEFAULT 3U
#define MEMORY_DEFAULT ((uint64_t)256 << 20)

#define CREDENTIAL_NAME "tidings-key"

bool token_check_form(const char *text, size_t len, struct err *e)
{
    if (len == 0)
        return err_set(e, EXIT_BAD_DATA, "the token is empty");
    if (len >= TOKEN_MAX) /* of a longer one not all was read */
        return err_set(e, EXIT_BAD_DATA,
                       "the token has more than %d characters; %d to %d are allowed", TOKEN_MAX - 1,
                       TOKEN_MIN, TOKEN_MAX - 1);
    if (len < TOKEN_MIN)
        return err_set(e, EXIT_BAD_DATA, "the token has %zu characters; %d to %d are allowed", len,
                       TOKEN_MIN, TOKEN_MAX - 1);
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~') /* char may be signed: above 0x7f is below ' ' */
            return err_set(e, EXIT_BAD_DATA,
                           "the token's character %zu is 0x%02x; only printable ASCII without "
                           "spaces and line breaks is allowed",
                           i + 1, (unsigned)(unsigned char)text[i]);
    }
    return true;
}

bool token_key_make(const char *path, struct err *e)
{
    return seal_key_make_file(path, e);
}

/* ---- the key ---- */

static bool key_from_credential(const char *directory, struct seal_key *out, struct err *e)
{
    struct buf path = buf_new(PATH_MAX);
    bool ok;

    buf_addf(&path, "%s/" CREDENTIAL_NAME, directory);
    ok = buf_ok(&path) ? seal_key_from_file(buf_text(&path), true, out, e)
                       : err_set(e, EXIT_CONFIG, "$CREDENTIALS_DIRECTORY is too long");
    buf_free(&path);
    return ok;
}

/* Is what is given of the kind that `header` asks for? */
static bool check_key_kind(const char *path, const struct token_key *given,
                           const struct seal_header *header, struct err *e)
{
    if (header->kdf == SEAL_BY_PASSPHRASE && !given->passphrase)
        return err_set(e, EXIT_NO_PERMISSION,
                       "%s: was sealed with a passphrase, not with a key file", path);
    if (header->kdf == SEAL_BY_KEY_FILE && given->passphrase)
        return err_set(e, EXIT_NO_PERMISSION,
                       "%s: was sealed with a key file, not with a passphrase", path);
    return true;
}

static bool find_key(const struct token_key *from, const struct seal_header *header,
                     struct seal_key *out, struct err *e)
{
    if (from->passphrase)
        return seal_key_from_passphrase(from->passphrase, header, out, e);
    if (from->key_file)
        return seal_key_from_file(from->key_file, false, out, e);
    if (from->credentials_directory)
        return key_from_credential(from->credentials_directory, out, e);
    return err_set(e, EXIT_CONFIG,
                   "no key: set token.key_file (make one: tidings token keygen), or give "
                   "the credential " CREDENTIAL_NAME);
}

/* ---- sealing ---- */

/* Only a sealed file is ever replaced: a mistyped token.file must not cost somebody a file. */
static bool check_replaceable(const char *path, struct err *e)
{
    unsigned char start[SEAL_MAGIC_SIZE];
    ssize_t got;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 && errno == ENOENT)
        return true;
    got = fd < 0 ? -1 : read(fd, start, sizeof(start));
    if (fd >= 0)
        close(fd);
    if (got == (ssize_t)sizeof(start) && sealed_file_is_one(start, sizeof(start)))
        return true;
    return err_set(e, EXIT_CANT_CREATE,
                   "%s: exists and is not a sealed file; it is left alone (move it away, or name "
                   "another token.file)",
                   path);
}

static struct seal_header new_header(const struct token_key *key)
{
    struct seal_header h = {.kdf = key->passphrase ? SEAL_BY_PASSPHRASE : SEAL_BY_KEY_FILE};

    randombytes_buf(h.nonce, sizeof(h.nonce));
    if (key->passphrase) {
        h.passes = PASSES_DEFAULT;
        h.memory_bytes = MEMORY_DEFAULT;
        randombytes_buf(h.salt, sizeof(h.salt));
    }
    return h;
}

bool token_seal(const char *path, const struct token_key *key, const struct secret *token,
                struct err *e)
{
    struct seal_header header = new_header(key);
    struct seal_key seal_key;
    struct secret *file;
    bool ok;

    if (!token_check_form(secret_bytes(token), secret_len(token), e) || !check_replaceable(path, e))
        return false;
    if (key->passphrase && secret_len(key->passphrase) < TOKEN_PASSPHRASE_MIN)
        return err_set(e, EXIT_BAD_DATA,
                       "the passphrase has %zu characters; at least %d are wanted",
                       secret_len(key->passphrase), TOKEN_PASSPHRASE_MIN);
    if (!find_key(key, &header, &seal_key, e))
        return false;
    file = sealed_file_pack(&header, &seal_key, token);
    ok = private_file_write(path, PRIVATE_REPLACE, file, e);
    secret_free(file);
    secret_free(seal_key.bytes);
    return ok;
}

/* ---- opening ---- */

static bool read_sealed(const char *path, struct secret **file, struct seal_header *header,
                        struct err *e)
{
    const struct private_file from = {path, SEAL_FILE_MAX, false, "tidings token seal"};

    if (!private_file_read(&from, file, e))
        return false;
    if (sealed_file_header(*file, header, e))
        return true;
    secret_free(*file);
    *file = NULL;
    return err_wrap(e, "%s", path);
}

static bool unpack_token(const struct secret *file, const struct seal_key *key, struct secret **out,
                         struct err *e)
{
    if (!sealed_file_unpack(file, key, out, e))
        return false;
    if (token_check_form(secret_bytes(*out), secret_len(*out), e))
        return true;
    secret_free(*out);
    *out = NULL;
    return err_set(e, EXIT_CONFIG, "was sealed with something in it that can be no token");
}

bool token_open(const char *path, const struct token_key *key, struct secret **out, struct err *e)
{
    struct seal_header header;
    struct seal_key seal_key;
    struct secret *file;
    bool ok;

    if (!read_sealed(path, &file, &header, e))
        return false;
    ok = check_key_kind(path, key, &header, e) && find_key(key, &header, &seal_key, e);
    if (ok) {
        ok = unpack_token(file, &seal_key, out, e) || err_wrap(e, "%s", path);
        secret_free(seal_key.bytes);
    }
    secret_free(file);
    return ok;
}

bool token_needs_passphrase(const char *path, bool *out, struct err *e)
{
    struct seal_header header;
    struct secret *file;

    if (!read_sealed(path, &file, &header, e))
        return false;
    *out = header.kdf == SEAL_BY_PASSPHRASE;
    secret_free(file);
    return true;
}
