/* SPDX-License-Identifier: MIT
 *
 * token.h: the access token: sealed at rest, in locked memory while it is used.
 *
 * Model: a sealed file (sealed_file.h) and the key to it, which comes from a key file of 32 random
 * bytes (token.key_file, or `tidings-key` in $CREDENTIALS_DIRECTORY) or from a passphrase
 * (Argon2id). What a file may ask for in costs is capped before any memory is taken.
 * Failure: each has a sentence of its own, which names the file, and its code: EXIT_NO_PERMISSION
 * for the wrong key or a file that the system does not let us read, EXIT_CONFIG for files that
 * others can read, that are cut or changed, EXIT_NO_INPUT for missing ones, EXIT_CANT_CREATE for
 * what could not be written, EXIT_BAD_DATA for a token that can be none.
 */
#ifndef SECRET_TOKEN_H
#define SECRET_TOKEN_H

#include "base/err.h"
#include "secret/secret.h"

enum { TOKEN_MIN = 8, TOKEN_MAX = 4096, TOKEN_PASSPHRASE_MIN = 8 };

/* Where the key comes from: exactly one is used: the passphrase if given, else the key file, else
 * the credential. */
struct token_key {
    const char *key_file;              /* path, or NULL */
    const char *credentials_directory; /* $CREDENTIALS_DIRECTORY, or NULL */
    const struct secret *passphrase;   /* at least TOKEN_PASSPHRASE_MIN bytes, or NULL */
};

/* Makes a key file, mode 0600, never over an existing one (EXIT_CANT_CREATE). */
bool token_key_make(const char *path, struct err *e) MUST_CHECK;
/* Seals `token` into `path`: whole or not at all, mode 0600. The token's form is checked first. A
 * sealed file that is there is replaced; anything else is left alone (EXIT_CANT_CREATE). */
bool token_seal(const char *path, const struct token_key *key, const struct secret *token,
                struct err *e) MUST_CHECK;
/* Returned: free with secret_free. With a passphrase it takes half a second and 256 MiB. */
bool token_open(const char *path, const struct token_key *key, struct secret **out,
                struct err *e) MUST_CHECK;
/* Does the sealed file ask for a passphrase? For the prompt. */
bool token_needs_passphrase(const char *path, bool *out, struct err *e) MUST_CHECK;
/* Printable ASCII without spaces, TOKEN_MIN to TOKEN_MAX-1 characters: it goes into a header. */
bool token_check_form(const char *text, size_t len, struct err *e) MUST_CHECK;

#endif
