/* SPDX-License-Identifier: MIT */
#include "secret/token.h"

#include "secret/seal_key.h"
#include "secret/sealed_file.h"
#include "test_token_folder.h"

#include <sodium.h>
#include <sys/resource.h>
#include <sys/wait.h>

static const char TOKEN[] = "EAAtest0123456789abcdefghijkl";
static const struct token_key BY_FILE = {.key_file = "key"};

static struct secret *text_secret(const char *text)
{
    return secret_new(text, strlen(text));
}

static int enter_with_key(void **state)
{
    struct err e;

    return folder_enter(state) == 0 && token_key_make("key", &e) ? 0 : -1;
}

static void seal(const char *path, const struct token_key *key, const char *text)
{
    struct secret *token = text_secret(text);
    struct err e = {0};

    if (!token_seal(path, key, token, &e))
        fail_msg("%s", e.text);
    secret_free(token);
}

static void assert_opens(const char *path, const struct token_key *key, const char *text)
{
    struct secret *token;
    struct err e = {0};

    if (!token_open(path, key, &token, &e))
        fail_msg("%s", e.text);
    assert_string_equal(secret_bytes(token), text);
    assert_int_equal(secret_len(token), strlen(text));
    secret_free(token);
}

static struct err assert_refused(const char *path, const struct token_key *key)
{
    struct secret *token = NULL;
    struct err e = {0};

    assert_false(token_open(path, key, &token, &e));
    assert_null(token);
    assert_non_null(strstr(e.text, ": "));
    assert_null(strstr(e.text, TOKEN));
    return e;
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

/* ---- sealing and opening ---- */

static void sealed_by_key_file_opens(void **state)
{
    char bytes[4096];
    size_t len;

    (void)state;
    seal("token", &BY_FILE, TOKEN);
    assert_opens("token", &BY_FILE, TOKEN);
    assert_int_equal(mode_of("token"), 0600);
    assert_int_equal(mode_of("key"), 0600);
    assert_int_equal(folder_count(), 2);
    len = file_get("token", bytes, sizeof(bytes));
    assert_null(memmem(bytes, len, TOKEN, 8));
}

static void the_length_tells_nothing(void **state)
{
    char bytes[4096];
    char longest[1024];

    (void)state;
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    seal("short", &BY_FILE, "12345678");
    seal("long", &BY_FILE, longest);
    assert_int_equal(file_get("short", bytes, sizeof(bytes)), 76 + 1024 + 16);
    assert_int_equal(file_get("long", bytes, sizeof(bytes)), 76 + 1024 + 16);
    assert_opens("long", &BY_FILE, longest);
}

static void every_length_comes_back(void **state)
{
    static char text[TOKEN_MAX];

    (void)state;
    for (size_t len = TOKEN_MIN; len < TOKEN_MAX; len += len % 1024 < 1020 ? 127 : 1) {
        memset(text, 'k', len);
        text[len] = '\0';
        seal("token", &BY_FILE, text);
        assert_opens("token", &BY_FILE, text);
    }
}

static void sealing_again_replaces(void **state)
{
    (void)state;
    seal("token", &BY_FILE, "first-token");
    seal("token", &BY_FILE, TOKEN);
    assert_opens("token", &BY_FILE, TOKEN);
    assert_int_equal(folder_count(), 2);
}

/* The bytes of a file that an independent writer of the format (pure Python: HChaCha20, ChaCha20,
 * Poly1305; hashlib's BLAKE2b) made of this key, nonce and token. */
static void the_format_is_the_published_one(void **state)
{
    const unsigned char *at;
    unsigned char key[32], digest[32];
    char hex[65];
    struct seal_header h = {.kdf = SEAL_BY_KEY_FILE};
    struct secret *token = text_secret("EAAvectorTOKEN0123456789");
    struct secret *file;
    struct seal_key seal_key;
    struct err e;

    (void)state;
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (unsigned char)i;
    for (size_t i = 0; i < sizeof(h.nonce); i++)
        h.nonce[i] = (unsigned char)(100 + i);
    file_put("vector-key", key, sizeof(key), 0600);
    assert_true(seal_key_from_file("vector-key", false, &seal_key, &e));
    file = sealed_file_pack(&h, &seal_key, token);
    at = (const unsigned char *)secret_bytes(file);
    assert_int_equal(secret_len(file), 1116);
    sodium_bin2hex(hex, sizeof(hex), at + 40, 8);
    assert_string_equal(hex, "eddcfbc1577a0428"); /* the key id */
    crypto_hash_sha256(digest, at, secret_len(file));
    sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
    assert_string_equal(hex, "18aea5489a7b3f0e379749f55ec151a6bd1cce53daded133b87ecc252c436601");
    secret_free(file);
    secret_free(token);
    secret_free(seal_key.bytes);
}

static void no_two_sealings_are_alike(void **state)
{
    unsigned char one[1116], two[1116];

    (void)state;
    seal("one", &BY_FILE, TOKEN);
    seal("two", &BY_FILE, TOKEN);
    (void)file_get("one", one, sizeof(one));
    (void)file_get("two", two, sizeof(two));
    assert_memory_equal(one, two, 48);               /* all up to the nonce */
    assert_memory_not_equal(one + 48, two + 48, 24); /* the nonce */
    assert_memory_not_equal(one + 76, two + 76, 1040);
}

/* ---- cut, changed, wrong ---- */

static void cut_at_every_byte_never_opens(void **state)
{
    unsigned char bytes[1116];

    (void)state;
    seal("token", &BY_FILE, TOKEN);
    assert_int_equal(file_get("token", bytes, sizeof(bytes)), sizeof(bytes));
    for (size_t len = 0; len < sizeof(bytes); len++) {
        struct err e;

        file_put("cut", bytes, len, 0600);
        e = assert_refused("cut", &BY_FILE);
        assert_says(&e, EXIT_CONFIG, len == 0 ? "is empty" : "was cut off");
    }
}

/* In memory: nine thousand files would take their time. */
static void each_bit_flipped_never_opens(void **state)
{
    unsigned char bytes[1116];
    struct seal_key key;
    struct err e;

    (void)state;
    seal("token", &BY_FILE, TOKEN);
    (void)file_get("token", bytes, sizeof(bytes));
    assert_true(seal_key_from_file("key", false, &key, &e));
    for (size_t bit = 0; bit < sizeof(bytes) * 8; bit++) {
        bool in_key_id = bit / 8 >= 40 && bit / 8 < 48;
        struct secret *content = NULL, *changed;

        bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
        changed = secret_new(bytes, sizeof(bytes));
        assert_false(sealed_file_unpack(changed, &key, &content, &e));
        assert_null(content);
        assert_int_equal(e.code, in_key_id ? EXIT_NO_PERMISSION : EXIT_CONFIG);
        secret_free(changed);
        bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
    }
    secret_free(key.bytes);
}

static void each_byte_changed_never_opens(void **state)
{
    unsigned char bytes[1116];

    (void)state;
    seal("token", &BY_FILE, TOKEN);
    (void)file_get("token", bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] ^= 0xff;
        file_put("changed", bytes, sizeof(bytes), 0600);
        (void)assert_refused("changed", &BY_FILE);
        bytes[i] ^= 0xff;
    }
    file_put("changed", bytes, sizeof(bytes), 0600);
    assert_opens("changed", &BY_FILE, TOKEN);
}

static void bytes_after_the_end_are_refused(void **state)
{
    unsigned char bytes[1117] = {0};
    struct err e;

    (void)state;
    seal("token", &BY_FILE, TOKEN);
    (void)file_get("token", bytes, sizeof(bytes));
    file_put("longer", bytes, sizeof(bytes), 0600);
    e = assert_refused("longer", &BY_FILE);
    assert_says(&e, EXIT_CONFIG, "1 bytes come after its end");
}

static void what_is_wrong_is_named(void **state)
{
    unsigned char bytes[1116];
    static unsigned char huge[SEAL_FILE_MAX + 1];
    struct err e;

    (void)state;
    file_put("plain", TOKEN, strlen(TOKEN), 0600);
    e = assert_refused("plain", &BY_FILE);
    assert_says(&e, EXIT_CONFIG, "plain: is not a sealed file");
    seal("token", &BY_FILE, TOKEN);
    (void)file_get("token", bytes, sizeof(bytes));
    bytes[8] = 2;
    file_put("newer", bytes, sizeof(bytes), 0600);
    e = assert_refused("newer", &BY_FILE);
    assert_says(&e, EXIT_CONFIG, "newer: is of format 2");
    file_put("huge", huge, sizeof(huge), 0600);
    e = assert_refused("huge", &BY_FILE);
    assert_says(&e, EXIT_CONFIG, "at most 65612");
    e = assert_refused("nowhere", &BY_FILE);
    assert_says(&e, EXIT_NO_INPUT, "nowhere: there is no such file");
}

static void another_key_is_told_from_a_changed_file(void **state)
{
    const struct token_key other = {.key_file = "other"};
    struct err e;

    (void)state;
    assert_true(token_key_make("other", &e));
    seal("token", &BY_FILE, TOKEN);
    e = assert_refused("token", &other);
    assert_says(&e, EXIT_NO_PERMISSION, "token: was sealed with another key");
}

static void what_is_sealed_but_no_token_is_refused(void **state)
{
    struct seal_header h = {.kdf = SEAL_BY_KEY_FILE};
    struct secret *content = text_secret("two\nlines of it"), *file;
    struct seal_key key;
    struct err e;

    (void)state;
    assert_true(seal_key_from_file("key", false, &key, &e));
    file = sealed_file_pack(&h, &key, content);
    file_put("token", secret_bytes(file), secret_len(file), 0600);
    e = assert_refused("token", &BY_FILE);
    assert_says(&e, EXIT_CONFIG, "can be no token");
    secret_free(content);
    secret_free(file);
    secret_free(key.bytes);
}

/* ---- keys ---- */

static void keygen_never_writes_over(void **state)
{
    unsigned char before[32], after[32];
    struct err e;

    (void)state;
    (void)file_get("key", before, sizeof(before));
    assert_false(token_key_make("key", &e));
    assert_says(&e, EXIT_CANT_CREATE, "key exists already");
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    assert_false(token_key_make("dangling", &e));
    assert_says(&e, EXIT_CANT_CREATE, "dangling exists already");
    assert_int_equal(file_get("key", after, sizeof(after)), 32);
    assert_memory_equal(before, after, 32);
    assert_int_equal(folder_count(), 2); /* no draft left behind */
}

static void keys_of_a_wrong_size_are_refused(void **state)
{
    unsigned char bytes[33] = {0};
    struct err e;

    (void)state;
    seal("token", &BY_FILE, TOKEN);
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        file_put("key", bytes, len, 0600);
        e = assert_refused("token", &BY_FILE);
        if (len == 32)
            assert_says(&e, EXIT_NO_PERMISSION, "another key");
        else
            assert_says(&e, EXIT_CONFIG, "key: ");
    }
}

static void without_a_key_it_says_how_to_get_one(void **state)
{
    const struct token_key none = {0};
    struct err e;

    (void)state;
    seal("token", &BY_FILE, TOKEN);
    e = assert_refused("token", &none);
    assert_says(&e, EXIT_CONFIG, "no key: set token.key_file");
}

static void the_credential_is_used_where_no_key_file_is_named(void **state)
{
    const struct token_key credential = {.credentials_directory = "."};
    struct err e;

    (void)state;
    seal("token", &BY_FILE, TOKEN);
    e = assert_refused("token", &credential);
    assert_says(&e, EXIT_NO_INPUT, "./tidings-key: there is no such file");
    assert_int_equal(rename("key", "tidings-key"), 0);
    assert_opens("token", &credential, TOKEN);
    assert_int_equal(chmod("tidings-key", 0400), 0);
    assert_opens("token", &credential, TOKEN);
}

/* ---- passphrases ---- */

static void a_passphrase_seals_and_opens(void **state)
{
    struct secret *right = text_secret("correct horse"), *wrong = text_secret("correct house");
    const struct token_key by_right = {.passphrase = right}, by_wrong = {.passphrase = wrong};
    bool asks = false;
    struct err e;

    (void)state;
    seal("token", &by_right, TOKEN);
    assert_opens("token", &by_right, TOKEN);
    assert_true(token_needs_passphrase("token", &asks, &e));
    assert_true(asks);
    e = assert_refused("token", &by_wrong);
    assert_says(&e, EXIT_NO_PERMISSION, "another passphrase");
    e = assert_refused("token", &BY_FILE);
    assert_says(&e, EXIT_NO_PERMISSION, "sealed with a passphrase");
    seal("token", &BY_FILE, TOKEN);
    e = assert_refused("token", &by_right);
    assert_says(&e, EXIT_NO_PERMISSION, "sealed with a key file");
    assert_true(token_needs_passphrase("token", &asks, &e));
    assert_false(asks);
    secret_free(right);
    secret_free(wrong);
}

static void short_passphrases_are_refused(void **state)
{
    struct secret *passphrase = text_secret("1234567"), *token = text_secret(TOKEN);
    const struct token_key key = {.passphrase = passphrase};
    struct err e;

    (void)state;
    assert_false(token_seal("token", &key, token, &e));
    assert_says(&e, EXIT_BAD_DATA, "at least 8");
    secret_free(passphrase);
    secret_free(token);
}

/* A file that asks for little, so that many can be tried. */
static void seal_cheaply(struct secret *passphrase, unsigned char file[1116])
{
    struct seal_header h = {.kdf = SEAL_BY_PASSPHRASE, .passes = 1, .memory_bytes = 8192};
    struct secret *token = text_secret(TOKEN), *packed;
    struct seal_key key;
    struct err e;

    assert_true(seal_key_from_passphrase(passphrase, &h, &key, &e));
    packed = sealed_file_pack(&h, &key, token);
    assert_int_equal(secret_len(packed), 1116);
    memcpy(file, secret_bytes(packed), 1116);
    secret_free(packed);
    secret_free(token);
    secret_free(key.bytes);
}

static void each_byte_changed_never_opens_by_passphrase(void **state)
{
    struct secret *passphrase = text_secret("correct horse");
    const struct token_key key = {.passphrase = passphrase};
    unsigned char bytes[1116];

    (void)state;
    seal_cheaply(passphrase, bytes);
    file_put("token", bytes, sizeof(bytes), 0600);
    assert_opens("token", &key, TOKEN);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        /* Costs, salt and key id: from these alone nobody can tell it from another passphrase. */
        bool makes_the_key = i >= 12 && i < 48;
        struct err e;

        bytes[i] ^= 0xff;
        file_put("token", bytes, sizeof(bytes), 0600);
        e = assert_refused("token", &key);
        assert_true(e.code == EXIT_CONFIG || (makes_the_key && e.code == EXIT_NO_PERMISSION));
        bytes[i] ^= 0xff;
    }
    secret_free(passphrase);
}

static void refused_costs(const unsigned char sealed[1116], size_t at, uint64_t value)
{
    struct secret *passphrase = text_secret("correct horse");
    const struct token_key key = {.passphrase = passphrase};
    unsigned char bytes[1116];
    struct err e;

    memcpy(bytes, sealed, sizeof(bytes));
    for (size_t i = 0; i < (at == 12 ? 4 : 8); i++)
        bytes[at + i] = (unsigned char)(value >> (8 * i));
    file_put("token", bytes, sizeof(bytes), 0600);
    e = assert_refused("token", &key);
    assert_says(&e, EXIT_CONFIG, "are allowed");
    secret_free(passphrase);
}

static void costs_beyond_the_caps_are_refused_unpaid(void **state)
{
    struct secret *passphrase = text_secret("correct horse");
    unsigned char bytes[1116];

    (void)state;
    seal_cheaply(passphrase, bytes);
    refused_costs(bytes, 12, 0);
    refused_costs(bytes, 12, 17);
    refused_costs(bytes, 12, UINT32_MAX);
    refused_costs(bytes, 16, 0);
    refused_costs(bytes, 16, 8191);
    refused_costs(bytes, 16, ((uint64_t)2 << 30) + 1);
    refused_costs(bytes, 16, UINT64_MAX);
    secret_free(passphrase);
}

static void want_of_memory_is_not_a_wrong_passphrase(void **state)
{
    struct secret *passphrase = text_secret("correct horse");
    const struct token_key key = {.passphrase = passphrase};
    int status;
    pid_t child;

    (void)state;
    if (UNDER_SANITIZER) {
        secret_free(passphrase);
        skip(); /* a sanitizer needs address space of its own */
    }
    seal("token", &key, TOKEN);
    child = fork();
    if (child == 0) {
        const struct rlimit little = {100 << 20, 100 << 20};
        struct secret *token;
        struct err e = {0};

        (void)setrlimit(RLIMIT_AS, &little);
        _exit(!token_open("token", &key, &token, &e) && e.code == EXIT_CONFIG &&
                      strstr(e.text, "needs 256 MiB")
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    secret_free(passphrase);
}

/* ---- the token's form ---- */

static void forms_of_tokens(void **state)
{
    static const struct {
        const char *text;
        const char *complaint; /* NULL: fine */
    } cases[] = {
        {"EAAlmjGxZA012", NULL},
        {"12345678", NULL},
        {"!~!~!~!~", NULL},
        {"", "is empty"},
        {"1234567", "has 7 characters"},
        {"Bearer EAAlmjGx", "character 7 is 0x20"},
        {"EAAlmjGxZA\n", "character 11 is 0x0a"},
        {"EAAlmj\r\nGxZA", "character 7 is 0x0d"},
        {"EAAlmjGx\tZA", "0x09"},
        {"EAAlmjGx\x7f", "0x7f"},
        {"EAAlmjGx\xc3\xa9", "0xc3"},
    };
    static char long_text[TOKEN_MAX];
    struct err e;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        bool fine = token_check_form(cases[i].text, strlen(cases[i].text), &e);

        assert_int_equal(fine, cases[i].complaint == NULL);
        if (!fine)
            assert_says(&e, EXIT_BAD_DATA, cases[i].complaint);
    }
    assert_false(token_check_form("EAAlmj\0GxZA", 11, &e));
    memset(long_text, 'x', sizeof(long_text));
    assert_true(token_check_form(long_text, TOKEN_MAX - 1, &e));
    assert_false(token_check_form(long_text, TOKEN_MAX, &e));
    assert_says(&e, EXIT_BAD_DATA, "has more than 4095 characters");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_with_key, folder_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(sealed_by_key_file_opens),
        IN_FOLDER(the_length_tells_nothing),
        IN_FOLDER(every_length_comes_back),
        IN_FOLDER(sealing_again_replaces),
        IN_FOLDER(the_format_is_the_published_one),
        IN_FOLDER(no_two_sealings_are_alike),
        IN_FOLDER(cut_at_every_byte_never_opens),
        IN_FOLDER(each_bit_flipped_never_opens),
        IN_FOLDER(each_byte_changed_never_opens),
        IN_FOLDER(bytes_after_the_end_are_refused),
        IN_FOLDER(what_is_wrong_is_named),
        IN_FOLDER(another_key_is_told_from_a_changed_file),
        IN_FOLDER(what_is_sealed_but_no_token_is_refused),
        IN_FOLDER(keygen_never_writes_over),
        IN_FOLDER(keys_of_a_wrong_size_are_refused),
        IN_FOLDER(without_a_key_it_says_how_to_get_one),
        IN_FOLDER(the_credential_is_used_where_no_key_file_is_named),
        IN_FOLDER(a_passphrase_seals_and_opens),
        IN_FOLDER(short_passphrases_are_refused),
        IN_FOLDER(each_byte_changed_never_opens_by_passphrase),
        IN_FOLDER(costs_beyond_the_caps_are_refused_unpaid),
        IN_FOLDER(want_of_memory_is_not_a_wrong_passphrase),
        cmocka_unit_test(forms_of_tokens),
    };

    return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
