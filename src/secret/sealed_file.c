/* SPDX-License-Identifier: MIT */
#include "secret/sealed_file.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

enum {
    FORMAT_VERSION = 1,
    PAD_BLOCK = 1024,
    TAG_SIZE = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    CONTENT_MAX = 60 * 1024,
};

/* Where the header's fields are. */
enum {
    AT_VERSION = 8,
    AT_KDF = 10,
    AT_PASSES = 12,
    AT_MEMORY = 16,
    AT_SALT = 24,
    AT_KEY_ID = 40,
    AT_NONCE = 48,
    AT_LENGTH = 72,
};

/* What a header may ask for: far above what we write (3 passes, 256 MiB), far below what hurts. */
#define PASSES_MAX 16U
#define MEMORY_MIN ((uint64_t)crypto_pwhash_argon2id_MEMLIMIT_MIN)
#define MEMORY_MAX ((uint64_t)2 << 30)

static const unsigned char MAGIC[SEAL_MAGIC_SIZE] = "TIDSEAL";

static uint64_t get_number(const unsigned char *at, size_t size)
{
    uint64_t value = 0;

    while (size-- > 0)
        value = value << 8 | at[size];
    return value;
}

static void put_number(unsigned char *at, size_t size, uint64_t value)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

static const unsigned char *file_bytes(const struct secret *file)
{
    return (const unsigned char *)secret_bytes(file);
}

bool sealed_file_is_one(const void *bytes, size_t len)
{
    return len >= sizeof(MAGIC) && memcmp(bytes, MAGIC, sizeof(MAGIC)) == 0;
}

/* ---- checks without the key ---- */

static bool check_start(const struct secret *file, struct err *e)
{
    size_t len = secret_len(file);
    size_t seen = len < sizeof(MAGIC) ? len : sizeof(MAGIC);
    uint64_t version;

    if (memcmp(file_bytes(file), MAGIC, seen) != 0)
        return err_set(e, EXIT_CONFIG, "is not a sealed file (seal it: tidings token seal)");
    if (len < SEAL_HEADER_SIZE)
        return err_set(e, EXIT_CONFIG, "was cut off: %zu bytes, and the header alone has %d", len,
                       SEAL_HEADER_SIZE);
    version = get_number(file_bytes(file) + AT_VERSION, 2);
    if (version != FORMAT_VERSION)
        return err_set(e, EXIT_CONFIG, "is of format %u; this tidings reads format %d",
                       (unsigned)version, FORMAT_VERSION);
    return true;
}

static bool check_length(const struct secret *file, struct err *e)
{
    uint64_t promised = get_number(file_bytes(file) + AT_LENGTH, 4);
    uint64_t found = secret_len(file) - SEAL_HEADER_SIZE;

    if (promised > SEAL_CIPHERTEXT_MAX || promised < TAG_SIZE ||
        (promised - TAG_SIZE) % PAD_BLOCK != 0)
        return err_set(e, EXIT_CONFIG, "was changed: its header promises %llu bytes of content",
                       (unsigned long long)promised);
    if (found < promised)
        return err_set(e, EXIT_CONFIG, "was cut off: %llu of %llu bytes of content are there",
                       (unsigned long long)found, (unsigned long long)promised);
    if (found > promised)
        return err_set(e, EXIT_CONFIG, "was changed: %llu bytes come after its end",
                       (unsigned long long)(found - promised));
    return true;
}

static bool check_costs(const struct seal_header *h, struct err *e)
{
    if (h->kdf == SEAL_BY_KEY_FILE) {
        if (h->passes != 0 || h->memory_bytes != 0 || !sodium_is_zero(h->salt, SEAL_SALT_SIZE))
            return err_set(e, EXIT_CONFIG, "was changed: a key file needs no costs and no salt");
        return true;
    }
    if (h->passes < 1 || h->passes > PASSES_MAX)
        return err_set(e, EXIT_CONFIG, "asks for %u passes of Argon2id; 1 to %u are allowed",
                       h->passes, PASSES_MAX);
    if (h->memory_bytes < MEMORY_MIN || h->memory_bytes > MEMORY_MAX)
        return err_set(e, EXIT_CONFIG,
                       "asks for %llu bytes of memory for Argon2id; %llu to %llu are allowed",
                       (unsigned long long)h->memory_bytes, (unsigned long long)MEMORY_MIN,
                       (unsigned long long)MEMORY_MAX);
    return true;
}

bool sealed_file_header(const struct secret *file, struct seal_header *out, struct err *e)
{
    const unsigned char *bytes = file_bytes(file);
    uint64_t kdf;

    if (!check_start(file, e))
        return false;
    kdf = get_number(bytes + AT_KDF, 2);
    if (kdf != SEAL_BY_KEY_FILE && kdf != SEAL_BY_PASSPHRASE)
        return err_set(e, EXIT_CONFIG, "was changed: key derivation %u is unknown", (unsigned)kdf);
    out->kdf = (enum seal_kdf)kdf;
    out->passes = (uint32_t)get_number(bytes + AT_PASSES, 4);
    out->memory_bytes = get_number(bytes + AT_MEMORY, 8);
    memcpy(out->salt, bytes + AT_SALT, SEAL_SALT_SIZE);
    memcpy(out->key_id, bytes + AT_KEY_ID, SEAL_KEY_ID_SIZE);
    memcpy(out->nonce, bytes + AT_NONCE, SEAL_NONCE_SIZE);
    return check_costs(out, e) && check_length(file, e);
}

/* ---- sealing ---- */

static void put_header(unsigned char *at, const struct seal_header *h, const struct seal_key *key,
                       size_t ciphertext_len)
{
    memcpy(at, MAGIC, sizeof(MAGIC));
    put_number(at + AT_VERSION, 2, FORMAT_VERSION);
    put_number(at + AT_KDF, 2, (uint64_t)h->kdf);
    put_number(at + AT_PASSES, 4, h->passes);
    put_number(at + AT_MEMORY, 8, h->memory_bytes);
    memcpy(at + AT_SALT, h->salt, SEAL_SALT_SIZE);
    memcpy(at + AT_KEY_ID, key->id, SEAL_KEY_ID_SIZE);
    memcpy(at + AT_NONCE, h->nonce, SEAL_NONCE_SIZE);
    put_number(at + AT_LENGTH, 4, ciphertext_len);
}

/* Returned: free with secret_free. */
static struct secret *pad(const struct secret *content)
{
    size_t len = secret_len(content);
    size_t padded_len = (len / PAD_BLOCK + 1) * PAD_BLOCK;
    struct secret *padded = secret_open_room(padded_len);

    memcpy(secret_room(padded), secret_bytes(content), len);
    (void)sodium_pad(&padded_len, secret_room(padded), len, PAD_BLOCK, padded_len); /* it fits */
    secret_complete(padded, padded_len);
    return padded;
}

struct secret *sealed_file_pack(const struct seal_header *header, const struct seal_key *key,
                                const struct secret *content)
{
    struct secret *padded, *file;
    unsigned char *bytes;
    size_t ciphertext_len;

    assert(secret_len(content) <= CONTENT_MAX);
    padded = pad(content);
    ciphertext_len = secret_len(padded) + TAG_SIZE;
    file = secret_open_room(SEAL_HEADER_SIZE + ciphertext_len);
    bytes = secret_room(file);
    put_header(bytes, header, key, ciphertext_len);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(/* cannot fail */
                                                     bytes + SEAL_HEADER_SIZE, NULL,
                                                     file_bytes(padded), secret_len(padded), bytes,
                                                     SEAL_HEADER_SIZE, NULL, header->nonce,
                                                     file_bytes(key->bytes));
    secret_complete(file, SEAL_HEADER_SIZE + ciphertext_len);
    secret_free(padded);
    return file;
}

/* ---- opening ---- */

/* Where did the key come from that does not fit? */
static bool wrong_key(const struct seal_header *h, struct err *e)
{
    if (h->kdf == SEAL_BY_PASSPHRASE)
        return err_set(e, EXIT_NO_PERMISSION, "was sealed with another passphrase");
    return err_set(e, EXIT_NO_PERMISSION, "was sealed with another key");
}

static bool decrypt(const struct secret *file, const struct seal_header *h,
                    const struct seal_key *key, struct secret *room)
{
    const unsigned char *bytes = file_bytes(file);
    size_t ciphertext_len = secret_len(file) - SEAL_HEADER_SIZE;
    size_t len = ciphertext_len - TAG_SIZE;
    bool ok = crypto_aead_xchacha20poly1305_ietf_decrypt(
                  secret_room(room), NULL, NULL, bytes + SEAL_HEADER_SIZE, ciphertext_len, bytes,
                  SEAL_HEADER_SIZE, h->nonce, file_bytes(key->bytes)) == 0 &&
              sodium_unpad(&len, secret_room(room), len, PAD_BLOCK) == 0;

    secret_complete(room, ok ? len : 0);
    return ok;
}

bool sealed_file_unpack(const struct secret *file, const struct seal_key *key, struct secret **out,
                        struct err *e)
{
    struct seal_header h;
    struct secret *content;

    if (!sealed_file_header(file, &h, e))
        return false;
    if (sodium_memcmp(h.key_id, key->id, SEAL_KEY_ID_SIZE) != 0)
        return wrong_key(&h, e);
    content = secret_open_room(secret_len(file) - SEAL_HEADER_SIZE);
    if (!decrypt(file, &h, key, content)) {
        secret_free(content);
        return err_set(e, EXIT_CONFIG, "was changed after it was sealed; seal the token again");
    }
    *out = content;
    return true;
}
