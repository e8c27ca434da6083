/* SPDX-License-Identifier: MIT
 *
 * token.h: the access token: sealed at rest, in locked memory while it is used.
 *
 * Model: a sealed file is a header (magic, version, key derivation and its costs, salt, key id,
 * nonce) and a ciphertext of XChaCha20-Poly1305 with the whole header as additional data. The key
 * comes from a key file of 32 random bytes (token.key_file, or `tidings-key` in
 * $CREDENTIALS_DIRECTORY) or from a passphrase (Argon2id). What a header may ask for in costs is
 * capped before any memory is taken.
 * Failure: each has a sentence of its own, and its code: EXIT_NO_PERMISSION for the wrong key,
 * EXIT_CONFIG for files that others can read, that are cut or changed, EXIT_NO_INPUT for missing
 * ones.
 */
#ifndef SECRET_TOKEN_H
#define SECRET_TOKEN_H

#include "base/err.h"

enum { TOKEN_MAX = 4096, TOKEN_MASKED_SIZE = 32 };

/* A secret in locked memory (sodium_malloc). */
struct secret;

const char *secret_bytes(const struct secret *s); /* NUL-terminated */
size_t secret_len(const struct secret *s);
/* False when the system did not lock the memory (a warning for the operator). */
bool secret_is_locked(const struct secret *s);
void secret_free(struct secret *s); /* wiped; NULL is fine */

/* Copies `len` bytes into locked memory; the caller wipes its own. */
struct secret *secret_new(const void *bytes, size_t len);
/* First 8 and last 3 characters; shorter than 24: masked whole. */
void secret_mask(const struct secret *s, char out[TOKEN_MASKED_SIZE]);

/* Where the key comes from: exactly one is used: the passphrase if given, else the key file, else
 * the credential. */
struct token_key {
    const char *key_file;              /* path, or NULL */
    const char *credentials_directory; /* $CREDENTIALS_DIRECTORY, or NULL */
    const struct secret *passphrase;   /* or NULL */
};

/* Makes a key file, mode 0600, never over an existing one (EXIT_CANT_CREATE). */
bool token_key_make(const char *path, struct err *e) MUST_CHECK;
/* Seals `token` into `path`: whole or not at all, mode 0600. The token's form is checked first. */
bool token_seal(const char *path, const struct token_key *key, const struct secret *token,
                struct err *e) MUST_CHECK;
/* Returned: free with secret_free. */
bool token_open(const char *path, const struct token_key *key, struct secret **out,
                struct err *e) MUST_CHECK;
/* Does the sealed file ask for a passphrase? For the prompt. */
bool token_needs_passphrase(const char *path, bool *out, struct err *e) MUST_CHECK;
/* Printable ASCII without spaces, 8 to TOKEN_MAX-1 characters: it goes into a header. */
bool token_check_form(const char *text, size_t len, struct err *e) MUST_CHECK;

/* Hardens the process: no core dumps, not dumpable, no new privileges. */
void secret_harden_process(void);

#endif
