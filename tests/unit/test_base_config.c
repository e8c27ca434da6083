/* SPDX-License-Identifier: MIT */
#include "base/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* After what it needs. */
#include <cmocka.h>

struct settings {
    bool enabled;
    char *phone;
    char *ca_file;
    char *url;
    double rate;
    int64_t timeout;
    int ambiguous;
};

static const char *check_digits(const char *value)
{
    return value[strspn(value, "0123456789")] == '\0' && *value ? NULL : "digits";
}

static const struct config_key keys[] = {
    {.name = "whatsapp.enabled",
     .type = CONFIG_BOOL,
     .offset = offsetof(struct settings, enabled),
     .fallback = "true",
     .environment = "WHATSAPP_ENABLED",
     .reloadable = true,
     .false_wins = true,
     .help = "The kill switch.\nfalse from anywhere wins."},
    {.name = "whatsapp.phone_id",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct settings, phone),
     .environment = "WHATSAPP_PHONE_ID",
     .check = check_digits,
     .help = "The sender."},
    {.name = "whatsapp.ca_file",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct settings, ca_file),
     .fallback = "",
     .help = "Trusted certificates."},
    {.name = "redis.url",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct settings, url),
     .secret = true,
     .check = check_digits,
     .help = "The stream."},
    {.name = "rate.messages_per_second",
     .type = CONFIG_RATE,
     .offset = offsetof(struct settings, rate),
     .fallback = "80",
     .min = 1,
     .max = 1000000,
     .help = "The pace."},
    {.name = "http.timeout_ms",
     .type = CONFIG_INT,
     .offset = offsetof(struct settings, timeout),
     .fallback = "30000",
     .min = 100,
     .max = 600000,
     .help = "Patience."},
    {.name = "retry.ambiguous",
     .type = CONFIG_CHOICE,
     .offset = offsetof(struct settings, ambiguous),
     .fallback = "hold",
     .choices = "hold|resend",
     .help = "What is done with unknown ones."},
};

static const struct config_table table = {
    .keys = keys,
    .count = ARRAY_SIZE(keys),
    .environment_prefix = "TIDINGS_",
    .file_variable = "TIDINGS_CONFIG",
};

struct loaded {
    bool ok;
    struct settings s;
    struct buf errors;
    struct buf warnings;
    char file[64];
};

static void write_file(struct loaded *l, const char *text, size_t len)
{
    int fd;

    (void)snprintf(l->file, sizeof(l->file), "/tmp/test_config_XXXXXX");
    fd = mkstemp(l->file);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    assert_int_equal(close(fd), 0);
}

/* Loads `text` (or no file), the environment and one --set, each of which may be NULL. */
static struct loaded load(const char *text, const char *const *environment, const char *set)
{
    struct loaded l = {.errors = buf_new(65536), .warnings = buf_new(65536)};
    struct config_sources sources = {.sets = &set, .set_count = set ? 1 : 0};

    if (text) {
        write_file(&l, text, strlen(text));
        sources.file = l.file;
    }
    memcpy(&sources.environment, &environment, sizeof(environment)); /* drops the const */
    l.ok = config_load(&table, &sources, &l.s, &l.errors, &l.warnings);
    return l;
}

#define ENVIRONMENT(...) ((const char *const[]){__VA_ARGS__, NULL})

static void unload(struct loaded *l)
{
    if (*l->file)
        assert_int_equal(unlink(l->file), 0);
    config_free(&table, &l->s);
    buf_free(&l->errors);
    buf_free(&l->warnings);
}

/* `text` must give just `lines`, in which FILE stands for the path. */
static void says(const char *text, const char *lines)
{
    struct loaded l = load(text, NULL, NULL);
    struct buf expected = buf_new(65536);

    for (const char *c = lines; *c; c++) {
        if (strncmp(c, "FILE", 4) == 0) {
            buf_adds(&expected, l.file);
            c += 3;
        } else {
            buf_addc(&expected, *c);
        }
    }
    assert_string_equal(buf_text(&l.errors), buf_text(&expected));
    assert_int_equal(l.ok, *lines == '\0');
    buf_free(&expected);
    unload(&l);
}

static void set_says(const char *set, const char *lines)
{
    struct loaded l = load(NULL, NULL, set);

    assert_false(l.ok);
    assert_string_equal(buf_text(&l.errors), lines);
    unload(&l);
}

static void test_defaults(void **state)
{
    struct loaded l = load(NULL, NULL, NULL);

    (void)state;
    assert_true(l.ok && l.s.enabled);
    assert_string_equal(l.s.phone, "");
    assert_string_equal(l.s.ca_file, "");
    assert_true(l.s.rate == 80);
    assert_int_equal(l.s.timeout, 30000);
    assert_int_equal(l.s.ambiguous, 0);
    unload(&l);
    assert_null(l.s.phone);
}

static void test_file(void **state)
{
    struct loaded l =
        load("\xEF\xBB\xBF; first\r\n[whatsapp] ; a comment\r\n  phone_id = 915 ; his\r\n"
             "ca_file=/etc/a;b#c\n\n# x\n\t[rate]\nmessages_per_second = unlimited\n"
             "[http]\ntimeout_ms : 100\n[retry]\nambiguous = Resend",
             NULL, NULL);

    (void)state;
    assert_string_equal(buf_text(&l.errors), "");
    assert_true(l.ok);
    assert_string_equal(l.s.phone, "915");
    assert_string_equal(l.s.ca_file, "/etc/a;b#c");
    assert_true(l.s.rate == 0);
    assert_int_equal(l.s.timeout, 100);
    assert_int_equal(l.s.ambiguous, 1);
    unload(&l);
}

static void test_sources_beat_each_other(void **state)
{
    static const char file[] = "[http]\ntimeout_ms = 101\n";
    const char *const *environment = ENVIRONMENT("TIDINGS_HTTP_TIMEOUT_MS=102");
    struct loaded a = load(file, NULL, NULL);
    struct loaded b = load(file, environment, NULL);
    struct loaded c = load(file, environment, "http.timeout_ms=103");

    (void)state;
    assert_int_equal(a.s.timeout, 101);
    assert_int_equal(b.s.timeout, 102);
    assert_int_equal(c.s.timeout, 103);
    unload(&a);
    unload(&b);
    unload(&c);
}

static void test_older_names_keep_working(void **state)
{
    struct loaded old =
        load("[whatsapp]\nphone_id = 1\n", ENVIRONMENT("WHATSAPP_PHONE_ID=2"), NULL);
    struct loaded both =
        load(NULL, ENVIRONMENT("TIDINGS_WHATSAPP_PHONE_ID=3", "WHATSAPP_PHONE_ID=2"), NULL);

    (void)state;
    assert_string_equal(old.s.phone, "2");
    assert_string_equal(both.s.phone, "3");
    assert_string_equal(buf_text(&both.warnings), "");
    unload(&old);
    unload(&both);
}

static void test_false_from_any_source_wins(void **state)
{
    struct loaded file = load("[whatsapp]\nenabled = off\n", ENVIRONMENT("WHATSAPP_ENABLED=true"),
                              "whatsapp.enabled=true");
    struct loaded old = load("[whatsapp]\nenabled = yes\n",
                             ENVIRONMENT("WHATSAPP_ENABLED=0", "TIDINGS_WHATSAPP_ENABLED=1"), NULL);
    struct loaded set = load(NULL, ENVIRONMENT("WHATSAPP_ENABLED=1"), "whatsapp.enabled=FALSE");

    (void)state;
    assert_true(file.ok && old.ok && set.ok);
    assert_false(file.s.enabled || old.s.enabled || set.s.enabled);
    unload(&file);
    unload(&old);
    unload(&set);
}

static void test_unknown_variables_are_warned_of(void **state)
{
    struct loaded l =
        load(NULL,
             ENVIRONMENT("TIDINGS_PORT=tcp://10.0.0.1", "TIDINGS_CONFIG=x", "PATH=/bin",
                         "TIDINGS_RATE_MESSAGES_PER_SECOND=5", "TIDINGS_"),
             NULL);

    (void)state;
    assert_true(l.ok && l.s.rate == 5);
    assert_string_equal(buf_text(&l.warnings),
                        "environment TIDINGS_PORT: no such key; it is ignored\n"
                        "environment TIDINGS_: no such key; it is ignored\n");
    unload(&l);
}

static void test_unknown_keys_name_the_nearest(void **state)
{
    (void)state;
    says("[rate]\nmessage_per_second = 5\n",
         "FILE:2: rate.message_per_second: unknown key (did you mean rate.messages_per_second?)\n");
    says(
        "[http]\nmessages_per_second = 5\n",
        "FILE:2: http.messages_per_second: unknown key (did you mean rate.messages_per_second?)\n");
    says("[http]\ncolour = red\n", "FILE:2: http.colour: unknown key ([http] has timeout_ms)\n");
    says("[htpp]\ntimeout_ms = 5\n[zzz]\n",
         "FILE:1: [htpp]: unknown section (did you mean [http]?)\n"
         "FILE:3: [zzz]: unknown section (there are whatsapp, redis, rate, http, retry)\n");
    says("timeout_ms = 5\n[http]\n", "FILE:1: timeout_ms: a key before the first [section]\n");
    set_says("http.timeout=5",
             "--set: http.timeout: unknown key (did you mean http.timeout_ms?)\n");
    set_says("zzz.colour=red", "--set: zzz.colour: unknown key (the sections are whatsapp, redis, "
                               "rate, http, retry)\n");
    set_says("=5", "--set: =5: no key before the '=' (SECTION.KEY=VALUE is wanted)\n");
    set_says("http.timeout_ms",
             "--set: http.timeout_ms: no '=' in it (SECTION.KEY=VALUE is wanted)\n");
}

static void test_wrong_values_say_what_is_allowed(void **state)
{
    (void)state;
    set_says("http.timeout_ms=soon",
             "--set: http.timeout_ms: 'soon' is not a whole number (100 to 600,000)\n");
    set_says("http.timeout_ms=99",
             "--set: http.timeout_ms: '99' is out of range (100 to 600,000)\n");
    set_says("http.timeout_ms=600001",
             "--set: http.timeout_ms: '600001' is out of range (100 to 600,000)\n");
    set_says("http.timeout_ms=",
             "--set: http.timeout_ms: '' is not a whole number (100 to 600,000)\n");
    set_says("rate.messages_per_second=fast", "--set: rate.messages_per_second: 'fast' is not a "
                                              "number (1 to 1,000,000, or unlimited)\n");
    set_says("rate.messages_per_second=0.5", "--set: rate.messages_per_second: '0.5' is out of "
                                             "range (1 to 1,000,000, or unlimited)\n");
    set_says("whatsapp.enabled=maybe",
             "--set: whatsapp.enabled: 'maybe' is neither true nor false (true or false)\n");
    set_says("retry.ambiguous=res",
             "--set: retry.ambiguous: 'res' is none of the choices (hold, resend)\n");
    set_says("retry.ambiguous=",
             "--set: retry.ambiguous: '' is none of the choices (hold, resend)\n");
    set_says("whatsapp.phone_id=12a", "--set: whatsapp.phone_id: '12a' is not allowed (digits)\n");
    set_says("redis.url=12a", "--set: redis.url: digits\n"); /* a secret is not shown */
}

static void test_all_errors_are_collected(void **state)
{
    struct loaded l = load("[http]\ntimeout_ms = 1\ntimeout = 2\nrubbish\n",
                           ENVIRONMENT("TIDINGS_RETRY_AMBIGUOUS=x"), "a.b=c");
    const char *at = buf_text(&l.errors);

    (void)state;
    assert_false(l.ok);
    for (int line = 0; line < 5; line++) {
        at = strchr(at, '\n');
        assert_non_null(at);
        at++;
    }
    assert_string_equal(at, "");
    assert_non_null(
        strstr(buf_text(&l.errors), "environment TIDINGS_RETRY_AMBIGUOUS: retry.ambig"));
    unload(&l);
}

static void test_lines_that_inih_would_mistake(void **state)
{
    char text[512] = "[whatsapp]\nca_file = ";
    size_t len = strlen(text);

    (void)state;
    says("[http]\nrubbish\nmore rubbish\ntimeout_ms = 100",
         "FILE:2: no '=' in this line (a key = value is wanted)\n"
         "FILE:3: no '=' in this line (a key = value is wanted)\n");
    says("[http]\nrubbish", "FILE:2: no '=' in this line (a key = value is wanted)\n");
    says("[http\ntimeout_ms = 1\n",
         "FILE:1: a section that is not closed with ']'\n"
         "FILE:2: http.timeout_ms: '1' is out of range (100 to 600,000)\n");
    says("[http] timeout_ms = 5\n", "FILE:1: something follows the section's ']'\n");
    says("[http]\ntimeout_ms = 100\n  timeout_ms = 200\n",
         "FILE:3: http.timeout_ms: given twice (first in line 2)\n");
    says("[http]\n = 5\n", "FILE:2: http.: unknown key (did you mean http.timeout_ms?)\n");
    memset(text + len, 'x', 197 - strlen("ca_file = "));
    says(text, "");
    memset(text + len, 'x', 198 - strlen("ca_file = "));
    says(text, "FILE:2: a line that is too long (at most 197 bytes)\n");
    memset(text, '#', sizeof(text) - 1); /* a comment may be of any length */
    says(text, "");
}

static void test_files_that_are_no_configuration(void **state)
{
    struct loaded l = {.errors = buf_new(1024), .warnings = buf_new(1024)};
    struct config_sources sources = {.file = "/nonexistent/tidings.conf"};

    (void)state;
    assert_false(config_load(&table, &sources, &l.s, &l.errors, &l.warnings));
    config_free(&table, &l.s);
    sources.file = "/tmp";
    assert_false(config_load(&table, &sources, &l.s, &l.errors, &l.warnings));
    config_free(&table, &l.s);
    sources.file = "/dev/zero";
    assert_false(config_load(&table, &sources, &l.s, &l.errors, &l.warnings));
    config_free(&table, &l.s);
    write_file(&l, "[h\0]", 4);
    assert_string_equal(buf_text(&l.errors),
                        "/nonexistent/tidings.conf: cannot be opened: No such file or directory\n"
                        "/tmp: cannot be read: Is a directory\n"
                        "/dev/zero: too long for a configuration (at most 1 MB)\n");
    buf_clear(&l.errors);
    sources.file = l.file;
    assert_false(config_load(&table, &sources, &l.s, &l.errors, &l.warnings));
    assert_non_null(strstr(buf_text(&l.errors), ": is not UTF-8 text\n"));
    unload(&l);
    says("\xFF\xFE[\n", "FILE: is not UTF-8 text\n");
}

static void test_sample_is_valid_and_complete(void **state)
{
    struct buf sample = buf_new(65536);
    struct loaded l;

    (void)state;
    config_sample(&table, &sample);
    assert_non_null(strstr(buf_text(&sample),
                           "[http]\n\n# Patience.\n# 100 to 600,000; TIDINGS_HTTP_TIMEOUT_MS\n"
                           "#timeout_ms = 30000\n"));
    assert_non_null(strstr(buf_text(&sample),
                           "# The kill switch.\n# false from anywhere wins.\n# true or false; "
                           "TIDINGS_WHATSAPP_ENABLED, WHATSAPP_ENABLED; read again on SIGHUP\n"
                           "#enabled = true\n"));
    assert_non_null(strstr(buf_text(&sample), "\n#phone_id =\n"));
    for (char *c = sample.data; *c; c++) /* every default taken literally is allowed */
        if (c[0] == '#' && c[1] != ' ')
            *c = ' ';
    l = load(buf_text(&sample), NULL, NULL);
    assert_string_equal(buf_text(&l.errors), "");
    assert_true(l.ok && l.s.rate == 80);
    unload(&l);
    buf_free(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_sources_beat_each_other),
        cmocka_unit_test(test_older_names_keep_working),
        cmocka_unit_test(test_false_from_any_source_wins),
        cmocka_unit_test(test_unknown_variables_are_warned_of),
        cmocka_unit_test(test_unknown_keys_name_the_nearest),
        cmocka_unit_test(test_wrong_values_say_what_is_allowed),
        cmocka_unit_test(test_all_errors_are_collected),
        cmocka_unit_test(test_lines_that_inih_would_mistake),
        cmocka_unit_test(test_files_that_are_no_configuration),
        cmocka_unit_test(test_sample_is_valid_and_complete),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
