/* SPDX-License-Identifier: MIT */
#include "secret/seal_key.h"

#include <sodium.h>
#include <string.h>

enum { ROOT_SIZE = crypto_kdf_KEYBYTES };

/* crypto_kdf's subkeys: what each is for. */
enum { SUBKEY_SEAL = 1, SUBKEY_ID = 2 };
#define KDF_CONTEXT "tidseal1"

static void derive(const unsigned char root[ROOT_SIZE], struct seal_key *out)
{
    unsigned char id[crypto_kdf_BYTES_MIN];

    _Static_assert(sizeof(KDF_CONTEXT) - 1 == crypto_kdf_CONTEXTBYTES, "crypto_kdf's context");
    out->bytes = secret_open_room(SEAL_KEY_SIZE);
    (void)crypto_kdf_derive_from_key(secret_room(out->bytes), SEAL_KEY_SIZE, SUBKEY_SEAL,
                                     KDF_CONTEXT, root); /* the sizes are right: cannot fail */
    secret_complete(out->bytes, SEAL_KEY_SIZE);
    (void)crypto_kdf_derive_from_key(id, sizeof(id), SUBKEY_ID, KDF_CONTEXT, root);
    memcpy(out->id, id, SEAL_KEY_ID_SIZE);
}

bool seal_key_make_file(const char *path, struct err *e)
{
    struct secret *root = secret_open_room(ROOT_SIZE);
    bool ok;

    randombytes_buf(secret_room(root), ROOT_SIZE);
    secret_complete(root, ROOT_SIZE);
    ok = private_file_write(path, PRIVATE_NEW, root, e);
    secret_free(root);
    return ok;
}

bool seal_key_from_file(const char *path, bool is_credential, struct seal_key *out, struct err *e)
{
    const struct private_file file = {path, ROOT_SIZE, is_credential, "tidings token keygen"};
    struct secret *root;
    bool ok;

    if (!private_file_read(&file, &root, e))
        return false;
    ok = secret_len(root) == ROOT_SIZE;
    if (ok)
        derive((const unsigned char *)secret_bytes(root), out);
    else
        (void)err_set(e, EXIT_CONFIG, "%s: was cut off: %zu of the %d bytes of a key are there",
                      path, secret_len(root), ROOT_SIZE);
    secret_free(root);
    return ok;
}

bool seal_key_from_passphrase(const struct secret *passphrase, const struct seal_header *header,
                              struct seal_key *out, struct err *e)
{
    struct secret *root = secret_open_room(ROOT_SIZE);
    /* The header's caps were checked; then Argon2id fails for want of memory alone. */
    bool ok = crypto_pwhash(secret_room(root), ROOT_SIZE, secret_bytes(passphrase),
                            secret_len(passphrase), header->salt, header->passes,
                            (size_t)header->memory_bytes, crypto_pwhash_ALG_ARGON2ID13) == 0;

    if (ok)
        derive(secret_room(root), out);
    else
        (void)err_set(e, EXIT_CONFIG,
                      "Argon2id needs %llu MiB of memory for the passphrase, and the system gives "
                      "less: raise the limit, or use a key file",
                      (unsigned long long)(header->memory_bytes >> 20));
    secret_free(root);
    return ok;
}
