/* SPDX-License-Identifier: MIT
 *
 * seal_key.h: the key of a sealed file: out of a key file, or out of a passphrase.
 *
 * Model: a root secret of 32 bytes (a key file's content as it is; Argon2id's result for a
 * passphrase) gives by BLAKE2b (crypto_kdf) the key that seals and, apart from it, the key id that
 * stands in the header.
 * Lifetime: the key's bytes are freed with secret_free.
 */
#ifndef SECRET_SEAL_KEY_H
#define SECRET_SEAL_KEY_H

#include "secret/private_file.h"
#include "secret/sealed_file.h"

/* A new key file, mode 0600, never over an existing file (EXIT_CANT_CREATE). */
bool seal_key_make_file(const char *path, struct err *e) MUST_CHECK;
/* The file must be private and hold exactly 32 bytes; else EXIT_CONFIG. */
bool seal_key_from_file(const char *path, bool is_credential, struct seal_key *out,
                        struct err *e) MUST_CHECK;
/* Takes the header's costs of processor and memory (3 passes over 256 MiB: half a second): not on
 * the loop. Fails with EXIT_CONFIG where the memory is not to be had. */
bool seal_key_from_passphrase(const struct secret *passphrase, const struct seal_header *header,
                              struct seal_key *out, struct err *e) MUST_CHECK;

#endif
