/* SPDX-License-Identifier: MIT */
#include "base/hash.h"

#include <endian.h>
#include <sodium.h>
#include <string.h>

/* 16 bytes is the shortest digest that libsodium gives; a shorter hash is its beginning. */
enum { DIGEST_SIZE = 16 };

enum { PIECE_SIZE = 1024 }; /* parts that fit are hashed in one piece: most of ours */

/* Little-endian on every machine. */
static void write64(unsigned char out[8], uint64_t value)
{
    value = htole64(value);
    memcpy(out, &value, sizeof(value));
}

static void add_part(crypto_generichash_state *state, const void *bytes, size_t len)
{
    unsigned char size[8];

    write64(size, len);
    (void)crypto_generichash_update(state, size, sizeof(size)); /* these cannot fail */
    (void)crypto_generichash_update(state, bytes, len);
}

static size_t size_of_parts(const struct hash_part *parts, size_t count)
{
    size_t size = 8 * count;

    for (size_t i = 0; i < count; i++)
        size += parts[i].len;
    return size;
}

static void digest_piece(const struct hash_part *parts, size_t count,
                         unsigned char out[DIGEST_SIZE])
{
    unsigned char piece[PIECE_SIZE];
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        write64(piece + len, parts[i].len);
        len += 8;
        if (parts[i].len)
            memcpy(piece + len, parts[i].bytes, parts[i].len);
        len += parts[i].len;
    }
    (void)crypto_generichash(out, DIGEST_SIZE, piece, len, NULL, 0); /* cannot fail */
}

static void digest_parts(const struct hash_part *parts, size_t count,
                         unsigned char out[DIGEST_SIZE])
{
    crypto_generichash_state state;

    if (size_of_parts(parts, count) <= PIECE_SIZE) {
        digest_piece(parts, count, out);
        return;
    }
    (void)crypto_generichash_init(&state, NULL, 0, DIGEST_SIZE); /* the sizes are allowed ones */
    for (size_t i = 0; i < count; i++)
        add_part(&state, parts[i].bytes, parts[i].len);
    (void)crypto_generichash_final(&state, out, DIGEST_SIZE);
}

/* Little-endian on every machine. */
static uint64_t first64(const unsigned char *bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < 8; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

uint64_t hash64(const void *bytes, size_t len)
{
    unsigned char digest[DIGEST_SIZE];

    (void)crypto_generichash(digest, sizeof(digest), bytes, len, NULL, 0); /* cannot fail */
    return first64(digest);
}

uint64_t hash64_parts(const struct hash_part *parts, size_t count)
{
    unsigned char digest[DIGEST_SIZE];

    digest_parts(parts, count, digest);
    return first64(digest);
}

static uint64_t fnv_byte(uint64_t hash, unsigned char byte)
{
    return (hash ^ byte) * UINT64_C(0x100000001b3);
}

uint64_t hash_quick(const struct hash_part *parts, size_t count)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < count; i++) {
        const unsigned char *bytes = parts[i].bytes;

        for (size_t k = 0; k < parts[i].len; k++)
            hash = fnv_byte(hash, bytes[k]);
        hash = fnv_byte(hash, 0);
    }
    hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return hash ^ hash >> 32;
}

void hash128_hex(const struct hash_part *parts, size_t count, char out[33])
{
    unsigned char digest[DIGEST_SIZE];

    digest_parts(parts, count, digest);
    hex_encode(digest, sizeof(digest), out);
}

_Static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(struct sha256), "sha256 state is larger");

static crypto_hash_sha256_state *state_of(struct sha256 *s)
{
    return (crypto_hash_sha256_state *)(void *)s->state;
}

void sha256_start(struct sha256 *s)
{
    (void)crypto_hash_sha256_init(state_of(s)); /* these cannot fail */
}

void sha256_add(struct sha256 *s, const void *bytes, size_t len)
{
    (void)crypto_hash_sha256_update(state_of(s), bytes, len);
}

void sha256_end(struct sha256 *s, unsigned char out[SHA256_SIZE])
{
    (void)crypto_hash_sha256_final(state_of(s), out);
}

_Static_assert(sizeof(crypto_onetimeauth_state) <= sizeof(struct poly1305) &&
                   crypto_onetimeauth_KEYBYTES == POLY1305_KEY_SIZE &&
                   crypto_onetimeauth_BYTES == POLY1305_SIZE,
               "poly1305 is of other sizes");

static crypto_onetimeauth_state *poly_of(struct poly1305 *p)
{
    return (crypto_onetimeauth_state *)(void *)p->state;
}

void poly1305_start(struct poly1305 *p, const unsigned char key[POLY1305_KEY_SIZE])
{
    (void)crypto_onetimeauth_init(poly_of(p), key); /* these cannot fail */
}

void poly1305_add(struct poly1305 *p, const void *bytes, size_t len)
{
    (void)crypto_onetimeauth_update(poly_of(p), bytes, len);
}

void poly1305_end(struct poly1305 *p, unsigned char out[POLY1305_SIZE])
{
    (void)crypto_onetimeauth_final(poly_of(p), out);
}

void hex_encode(const unsigned char *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        return (c | 0x20) - 'a' + 10;
    return -1;
}

bool hex_decode(const char *text, unsigned char *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int high = hex_value(text[2 * i]);
        int low = high < 0 ? -1 : hex_value(text[2 * i + 1]); /* a NUL ends it */

        if (low < 0)
            return false;
        out[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

void hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len,
                 unsigned char out[SHA256_SIZE])
{
    crypto_auth_hmacsha256_state state;

    (void)crypto_auth_hmacsha256_init(&state, key, key_len); /* these cannot fail */
    (void)crypto_auth_hmacsha256_update(&state, bytes, len);
    (void)crypto_auth_hmacsha256_final(&state, out);
    sodium_memzero(&state, sizeof(state));
}

bool hmac_sha256_verify(const void *key, size_t key_len, const void *bytes, size_t len,
                        const unsigned char expected[SHA256_SIZE])
{
    unsigned char mac[SHA256_SIZE];
    bool same;

    hmac_sha256(key, key_len, bytes, len, mac);
    same = sodium_memcmp(mac, expected, sizeof(mac)) == 0;
    sodium_memzero(mac, sizeof(mac));
    return same;
}

void random_bytes(void *out, size_t len)
{
    randombytes_buf(out, len);
}
