/* SPDX-License-Identifier: MIT
 *
 * hash.h: digests (libsodium's; this file and secret/ are where it lives).
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA256_SIZE = 32, SHA256_HEX_SIZE = 65 };

/* The first 64 bits of a keyless 128-bit BLAKE2b: the same in every process and on every machine.
 */
uint64_t hash64(const void *bytes, size_t len);

/* The same over several parts; each part's length is hashed too, so ("ab","c") != ("a","bc"). */
struct hash_part {
    const void *bytes;
    size_t len;
};
uint64_t hash64_parts(const struct hash_part *parts, size_t count);
/* 128 bits of BLAKE2b over parts, as 32 lower-case hex digits and a NUL. */
void hash128_hex(const struct hash_part *parts, size_t count, char out[33]);

/* A quick hash for the keys of tables in memory: never kept, and not for what an enemy may choose.
 * FNV-1a over the parts with a zero byte after each, then mixed. */
uint64_t hash_quick(const struct hash_part *parts, size_t count);

/* SHA-256 of a stream. */
struct sha256 {
    _Alignas(16) unsigned char state[128];
};
void sha256_start(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *bytes, size_t len);
void sha256_end(struct sha256 *s, unsigned char out[SHA256_SIZE]);

/* Poly1305 of a stream, with a random key: tells within one process whether two streams are the
 * same, for a small part of what SHA-256 takes. For nothing that is kept or told. */
enum { POLY1305_KEY_SIZE = 32, POLY1305_SIZE = 16 };
struct poly1305 {
    _Alignas(16) unsigned char state[256];
};
void poly1305_start(struct poly1305 *p, const unsigned char key[POLY1305_KEY_SIZE]);
void poly1305_add(struct poly1305 *p, const void *bytes, size_t len);
void poly1305_end(struct poly1305 *p, unsigned char out[POLY1305_SIZE]);

void hex_encode(const unsigned char *bytes, size_t len, char *out); /* 2 * len + 1 bytes */
/* `len` bytes from 2 * len hex digits of either case; false when they are none. */
bool hex_decode(const char *text, unsigned char *out, size_t len) MUST_CHECK;

void hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len,
                 unsigned char out[SHA256_SIZE]);
/* HMAC-SHA256 of `len` bytes compared with `expected` in constant time. */
bool hmac_sha256_verify(const void *key, size_t key_len, const void *bytes, size_t len,
                        const unsigned char expected[SHA256_SIZE]) MUST_CHECK;

/* Random bytes from the system, for ids and jitter seeds. */
void random_bytes(void *out, size_t len);

#endif
