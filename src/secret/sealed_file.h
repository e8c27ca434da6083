/* SPDX-License-Identifier: MIT
 *
 * sealed_file.h: the format of a sealed file, as bytes. No I/O, no randomness: salt and nonce are
 * the caller's.
 *
 * Model: a header of 76 bytes, whole numbers little-endian, then the ciphertext:
 *
 *     offset  bytes
 *          0      8  magic "TIDSEAL\0"
 *          8      2  version: 1
 *         10      2  where the key comes from: enum seal_kdf
 *         12      4  Argon2id: passes, 1 to 16                    (key file: 0)
 *         16      8  Argon2id: bytes of memory, 8 KiB to 2 GiB    (key file: 0)
 *         24     16  Argon2id: salt                               (key file: zeros)
 *         40      8  key id: tells a wrong key from a changed file
 *         48     24  nonce, random for each sealing
 *         72      4  length of the ciphertext, at most 64 KiB
 *         76         XChaCha20-Poly1305 (IETF) of the padded content, the header as additional data
 *
 * The content is padded to a multiple of 1 KiB (ISO/IEC 7816-4, sodium_pad), so that the length of
 * the file does not tell the length of the token. Nobody can change a byte of the header or of the
 * ciphertext without the key.
 * The costs of Argon2id are read before they can be verified: their caps keep a file that somebody
 * else made from asking for more than this machine should give.
 * Failure: EXIT_CONFIG for bytes that are cut, changed or no sealed file, each with a reason of its
 * own; EXIT_NO_PERMISSION where the key is another one. No part of the content is ever returned.
 */
#ifndef SECRET_SEALED_FILE_H
#define SECRET_SEALED_FILE_H

#include "base/err.h"
#include "secret/secret.h"

#include <stdint.h>

enum {
    SEAL_SALT_SIZE = 16,
    SEAL_KEY_SIZE = 32,
    SEAL_KEY_ID_SIZE = 8,
    SEAL_NONCE_SIZE = 24,
    SEAL_MAGIC_SIZE = 8,
    SEAL_HEADER_SIZE = 76,
    SEAL_CIPHERTEXT_MAX = 64 * 1024,
    SEAL_FILE_MAX = SEAL_HEADER_SIZE + SEAL_CIPHERTEXT_MAX,
};

enum seal_kdf {
    SEAL_BY_KEY_FILE = 1,
    SEAL_BY_PASSPHRASE = 2, /* Argon2id, version 1.3 */
};

struct seal_header {
    enum seal_kdf kdf;
    uint32_t passes;
    uint64_t memory_bytes;
    unsigned char salt[SEAL_SALT_SIZE];
    unsigned char key_id[SEAL_KEY_ID_SIZE];
    unsigned char nonce[SEAL_NONCE_SIZE];
};

/* What a root secret (a key file's bytes, or what Argon2id made of a passphrase) becomes. */
struct seal_key {
    struct secret *bytes; /* SEAL_KEY_SIZE of them; freed with secret_free */
    unsigned char id[SEAL_KEY_ID_SIZE];
};

/* Does it begin like a sealed file? */
bool sealed_file_is_one(const void *bytes, size_t len);
/* Checks everything that can be checked without the key: also that the length is right. */
bool sealed_file_header(const struct secret *file, struct seal_header *out,
                        struct err *e) MUST_CHECK;
/* `header` names how the key was made and the nonce; its key id is the key's. Content: at most
 * 60 KiB. Returned: free with secret_free. */
struct secret *sealed_file_pack(const struct seal_header *header, const struct seal_key *key,
                                const struct secret *content);
/* `out`: returned: free with secret_free. */
bool sealed_file_unpack(const struct secret *file, const struct seal_key *key, struct secret **out,
                        struct err *e) MUST_CHECK;

#endif
