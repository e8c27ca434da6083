/* SPDX-License-Identifier: MIT */
#include "core/opaque_id.h"

#include "base/mix.h"

#include <string.h>

/*
 * The 21 bytes: 18 of fields, veiled by a stream that the check seeds, then the 3 of the check. The
 * check is a hash of the fields, so two attempts of one message share nothing to look at, and one
 * wrong character gives other fields or another stream: 1 in 2^24 of such would pass. This is
 * no secret and no signature: who may send webhooks is for their HMAC to say.
 */
enum {
    FIELD_BYTES = 18,
    CHECK_BYTES = 3,
    ID_BYTES = FIELD_BYTES + CHECK_BYTES,
    PREFIX_LEN = 2,
    DIGIT_COUNT = (ID_BYTES * 8 + 4) / 5,
    ID_LEN = PREFIX_LEN + DIGIT_COUNT,
};

_Static_assert((int)ID_LEN < (int)OPAQUE_ID_SIZE, "the text does not fit");

static const char prefix[] = "t1";
/* Crockford's base32, in lower case; only this spelling is ours. */
static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

/* Every bit of the input changes half of the output. */
static uint64_t mix(uint64_t x)
{
    return splitmix64(&x);
}

static uint32_t check_of(const struct opaque_id *id)
{
    uint64_t hash = mix(mix(mix(id->ledger) ^ id->message_hash) ^ id->attempt);

    return (uint32_t)(hash >> (64 - CHECK_BYTES * 8));
}

/* Big-endian. */
static void put_bytes(unsigned char *out, uint64_t value, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (unsigned char)(value >> (8 * (count - 1 - i)));
}

static uint64_t get_bytes(const unsigned char *bytes, size_t count)
{
    uint64_t value = 0;

    for (size_t i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* Puts the veil on, or takes it off. */
static void veil(unsigned char fields[FIELD_BYTES], uint32_t check)
{
    for (size_t i = 0; i < FIELD_BYTES; i++)
        fields[i] ^= (unsigned char)(mix((uint64_t)check << 8 | i / 8) >> (8 * (i % 8)));
}

static void write_digits(const unsigned char bytes[ID_BYTES], char *out)
{
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t i = 0; i < ID_BYTES; i++) {
        bits = bits << 8 | bytes[i];
        held += 8;
        for (; held >= 5; held -= 5)
            *out++ = alphabet[bits >> (held - 5) & 31];
    }
    *out++ = alphabet[bits << (5 - held) & 31];
    *out = '\0';
}

static bool read_digits(const char *text, unsigned char bytes[ID_BYTES])
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t at = 0;

    for (size_t i = 0; i < DIGIT_COUNT; i++) {
        const char *digit = strchr(alphabet, text[i]);

        if (!digit)
            return false;
        bits = bits << 5 | (uint32_t)(digit - alphabet);
        held += 5;
        if (held >= 8) {
            held -= 8;
            bytes[at++] = (unsigned char)(bits >> held);
        }
    }
    return (bits & ((1u << held) - 1)) == 0; /* what is over is always 0 */
}

void opaque_id_write(const struct opaque_id *id, char out[OPAQUE_ID_SIZE])
{
    unsigned char bytes[ID_BYTES];
    uint32_t check = check_of(id);

    put_bytes(bytes, id->ledger, 8);
    put_bytes(bytes + 8, id->message_hash, 8);
    put_bytes(bytes + 16, id->attempt, 2);
    put_bytes(bytes + FIELD_BYTES, check, CHECK_BYTES);
    veil(bytes, check);
    memcpy(out, prefix, PREFIX_LEN);
    write_digits(bytes, out + PREFIX_LEN);
}

bool opaque_id_parse(const char *text, struct opaque_id *out)
{
    unsigned char bytes[ID_BYTES];
    struct opaque_id id;
    uint32_t check;

    if (strnlen(text, ID_LEN + 1) != ID_LEN || memcmp(text, prefix, PREFIX_LEN) != 0 ||
        !read_digits(text + PREFIX_LEN, bytes))
        return false;
    check = (uint32_t)get_bytes(bytes + FIELD_BYTES, CHECK_BYTES);
    veil(bytes, check);
    id = (struct opaque_id){
        .ledger = get_bytes(bytes, 8),
        .message_hash = get_bytes(bytes + 8, 8),
        .attempt = (uint16_t)get_bytes(bytes + 16, 2),
    };
    if (check_of(&id) != check)
        return false;
    *out = id;
    return true;
}
