/* SPDX-License-Identifier: MIT
 *
 * test_settings.c: the table of settings, and that conf/tidings.conf is made from it.
 */
#include "base/mem.h"
#include "commands/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *read_file(const char *path)
{
    FILE *in = fopen(path, "r");
    char *text = mem_alloc(1 << 20);

    assert_non_null(in);
    text[fread(text, 1, (1 << 20) - 1, in)] = '\0';
    fclose(in);
    return text;
}

/* UPDATE_SAMPLE=1 writes the file anew. The tests run in tests/. */
static void test_sample_file_is_the_table(void **state)
{
    static const char path[] = "../conf/tidings.conf";
    struct buf sample = buf_new(1 << 20);
    char *file;

    (void)state;
    config_sample(&settings_table, &sample);
    if (getenv("UPDATE_SAMPLE")) {
        FILE *out = fopen(path, "w");

        assert_non_null(out);
        fputs(buf_text(&sample), out);
        fclose(out);
    }
    file = read_file(path);
    assert_string_equal(file, buf_text(&sample));
    mem_free(file);
    buf_free(&sample);
}

static bool load_sets(struct settings *s, const char *const *sets, size_t count)
{
    struct settings_sources sources = {.file = "", .sets = sets, .set_count = count};

    return settings_load(s, &sources);
}

static void test_defaults_are_the_contract(void **state)
{
    struct settings s;

    (void)state;
    assert_true(load_sets(&s, NULL, 0));
    assert_true(s.enabled);
    assert_string_equal(s.api_version, "v22.0");
    assert_string_equal(s.api_base, "https://graph.facebook.com");
    assert_string_equal(s.template_name, "results_update");
    assert_string_equal(s.template_lang, "en_US");
    assert_true(s.rate == 80);
    assert_int_equal(s.guard_percent, 1);
    assert_int_equal(s.http_version, HTTP_VERSION_1_1);
    assert_int_equal(s.timeout_ms, 30000);
    assert_int_equal(s.max_in_flight, 1000);
    assert_int_equal(s.max_attempts, 5);
    assert_int_equal(s.retry_ambiguous, AMBIGUOUS_HOLD);
    assert_int_equal(s.intent_ahead_ms, 50);
    assert_int_equal(s.log_level, LOG_INFO);
    settings_free(&s);
}

static const char *const bad[] = {
    "whatsapp.phone_id=12ab",
    "whatsapp.phone_id=1/../me",
    "whatsapp.api_version=22",
    "whatsapp.api_version=v22.0/x",
    "whatsapp.api_version=v 22.0",
    "whatsapp.api_version=v-2.0",
    "whatsapp.api_version=v.0",
    "whatsapp.api_version=v",
    "whatsapp.api_version=v22.",
    "whatsapp.api_version=v2222.0",
    "whatsapp.api_base=http://graph.facebook.com",
    "whatsapp.api_base=http://127.0.0.1.evil.example",
    "whatsapp.api_base=ftp://127.0.0.1",
    "whatsapp.api_base=https://graph.facebook.com/",
    "whatsapp.api_base=https://",
    "whatsapp.api_base=https://a@b",
    "whatsapp.api_base=https://h:",
    "whatsapp.api_base=https://h:0",
    "whatsapp.api_base=https://h:65536",
    "whatsapp.api_base=https://h:4 3",
    "whatsapp.api_base=https://h:443x/a",
    "whatsapp.api_base=https://:443",
    "whatsapp.api_base=https://[::1",
    "whatsapp.api_base=https://[::1]x",
    "whatsapp.api_base=http://localhost:80:90",
    "admin.listen=localhost:9464",
    "admin.listen=999.0.0.1:9464",
    "admin.listen=::1:9464",
    "admin.listen=[::1:9464",
    "admin.listen=127.0.0.1:65536",
    "admin.listen=127.0.0.1",
    "webhook.listen=OFF",
    "template.name=Results Update",
    "template.lang=",
    "template.lang=e",
    "template.lang=english",
    "template.lang=en_",
    "template.params=x=a,b",
    "template.params=a,x=b",
    "template.params=x=",
    "template.params=x= a",
    "template.params=X Y=a",
    "template.params=a,,b",
    "template.params=a,b,",
    "template.params= , ",
    "template.params=a, b,a",
    "template.params=x=a,y=b,x=c",
    "redis.url=redis://h:x",
    "rate.messages_per_second=0",
    "rate.messages_per_second=fast",
    "rate.guard_percent=51",
    "http.version=3",
    "http.timeout_ms=99",
    "retry.max_attempts=0",
    "retry.ambiguous=perhaps",
    "ledger.path=ledger.db",
    "ledger.path=./ledger.db",
    "ledger.path=~/ledger.db",
    "control.socket=tidings.sock",
    "ledger.intent_ahead_ms=1001",
    "log.level=loud",
    "no.such=key",
    "nonsense",
};

static void test_bad_values_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct settings s;

        if (load_sets(&s, &bad[i], 1))
            fail_msg("%s was taken", bad[i]);
        settings_free(&s);
    }
}

static void test_good_values_are_taken(void **state)
{
    static const char *const good[] = {
        "whatsapp.api_base=http://127.0.0.1:8080",
        "whatsapp.api_base=http://[::1]:8080",
        "whatsapp.api_base=http://localhost:1",
        "whatsapp.api_base=http://localhost",
        "whatsapp.api_base=https://graph.example:8443/a/b",
        "whatsapp.api_base=https://[2001:db8::1]",
        "whatsapp.api_version=v7.0",
        "admin.listen=0.0.0.0:0",
        "admin.listen=[::]:9464",
        "admin.listen=off",
        "rate.messages_per_second=unlimited",
        "rate.messages_per_second=1000000",
        "http.version=2",
        "template.params=",
        "template.lang=fil",
        "template.lang=zh-Hant",
        "template.params=a, aa ,b",
        "template.params=the name,b",
        "template.params=x=a,y=a",
        "redis.url=redis://:pw@h:1/2",
        "retry.ambiguous=resend",
        "ledger.path=/var/lib/tidings/2026.db",
        "ledger.path=",
        "control.socket=",
        "whatsapp.enabled=no",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct settings s;

        if (!load_sets(&s, &good[i], 1))
            fail_msg("%s was refused", good[i]);
        settings_free(&s);
    }
}

static void test_lists_are_split_and_trimmed(void **state)
{
    size_t count;
    const char **items = settings_split_list(" a, b\t,name=c d,,", &count);

    (void)state;
    assert_int_equal(count, 3);
    assert_string_equal(items[0], "a");
    assert_string_equal(items[1], "b");
    assert_string_equal(items[2], "name=c d");
    mem_free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample_file_is_the_table),
        cmocka_unit_test(test_defaults_are_the_contract),
        cmocka_unit_test(test_bad_values_are_refused),
        cmocka_unit_test(test_good_values_are_taken),
        cmocka_unit_test(test_lists_are_split_and_trimmed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
