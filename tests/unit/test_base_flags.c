/* SPDX-License-Identifier: MIT */
#include "base/flags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

struct options {
    bool yes;
    const char *name;
    struct flag_values params;
    uint64_t limit;
    const char *webhook;
};

struct common {
    const char *config;
    bool verbose;
};

static const struct flag own_flags[] = {
    {"yes", 'y', FLAG_SWITCH, offsetof(struct options, yes), NULL, "do not ask"},
    {"name", 0, FLAG_TEXT, offsetof(struct options, name), "NAME", "its name"},
    {"param", 0, FLAG_REPEATED, offsetof(struct options, params), "COLUMN,...", "columns"},
    {"limit", 'n', FLAG_COUNT, offsetof(struct options, limit), "N", "at most so many"},
    {"webhook", 0, FLAG_OPTIONAL, offsetof(struct options, webhook), "SECONDS", "wait"},
};

static const struct flag common_flags[] = {
    {"config", 'c', FLAG_TEXT, offsetof(struct common, config), "FILE", "the configuration"},
    {"verbose", 'v', FLAG_SWITCH, offsetof(struct common, verbose), NULL, "say more"},
};

static const struct flag_table table = {
    .command = "broadcast",
    .arguments = "FILE",
    .summary = "Sends every row of a file.",
    .flags = own_flags,
    .count = ARRAY_SIZE(own_flags),
    .common = common_flags,
    .common_count = ARRAY_SIZE(common_flags),
};

struct parsed {
    bool ok;
    struct options o;
    struct common c;
    struct flag_arguments a;
    struct err e;
};

/* Parses `words` up to the first NULL. */
static struct parsed parse(const char *const *words)
{
    char *argv[FLAG_ARGUMENTS_MAX + 8];
    struct parsed p = {0};
    struct flag_input input = {.argv = argv, .options = &p.o, .common = &p.c};

    while (words[input.argc]) {
        memcpy(&argv[input.argc], &words[input.argc], sizeof(char *)); /* drops the const */
        input.argc++;
    }
    p.ok = flags_parse(&table, &input, &p.a, &p.e);
    return p;
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static void says(struct parsed p, const char *reason)
{
    assert_false(p.ok);
    assert_int_equal(p.e.code, EXIT_USAGE);
    assert_string_equal(p.e.text, reason);
}

static void test_every_kind(void **state)
{
    struct parsed p = PARSE("--name=a", "file", "--name", "b", "--param", "x", "--param=y", "-y",
                            "-n", "12", "--webhook", "-c", "conf", "-v");

    (void)state;
    assert_true(p.ok);
    assert_true(p.o.yes && p.c.verbose);
    assert_string_equal(p.o.name, "b");
    assert_int_equal(p.o.params.count, 2);
    assert_string_equal(p.o.params.items[1], "y");
    assert_int_equal(p.o.limit, 12);
    assert_string_equal(p.o.webhook, "");
    assert_string_equal(p.c.config, "conf");
    assert_int_equal(p.a.count, 1);
    assert_string_equal(p.a.items[0], "file");
    assert_false(p.a.help);
}

static void test_nothing_given(void **state)
{
    struct parsed p = parse((const char *const[]){NULL});

    (void)state;
    assert_true(p.ok);
    assert_null(p.o.name);
    assert_null(p.o.webhook);
    assert_int_equal(p.o.limit, 0);
}

static void test_values_that_look_odd(void **state)
{
    (void)state;
    assert_string_equal(PARSE("--name", "").o.name, "");
    assert_string_equal(PARSE("--name=").o.name, "");
    assert_string_equal(PARSE("--name", "-").o.name, "-");
    assert_string_equal(PARSE("--name", "-5").o.name, "-5");
    assert_string_equal(PARSE("--name=--yes").o.name, "--yes");
    assert_string_equal(PARSE("--name=a=b").o.name, "a=b");
    assert_string_equal(PARSE("--webhook=30").o.webhook, "30");
    assert_string_equal(PARSE("--webhook", "30").a.items[0], "30");
}

static void test_dash_and_double_dash_are_arguments(void **state)
{
    struct parsed p = PARSE("-", "--", "--yes", "--", "-y");

    (void)state;
    assert_true(p.ok && !p.o.yes);
    assert_int_equal(p.a.count, 4);
    assert_string_equal(p.a.items[0], "-");
    assert_string_equal(p.a.items[1], "--yes");
    assert_string_equal(p.a.items[2], "--");
}

static void test_help_is_always_known(void **state)
{
    (void)state;
    assert_true(PARSE("--help").a.help);
    assert_true(PARSE("-h").a.help);
}

static void test_unknown_flags_name_the_nearest(void **state)
{
    (void)state;
    says(PARSE("--nmae", "x"), "unknown flag --nmae (did you mean --name?)");
    says(PARSE("--limt=5"), "unknown flag --limt (did you mean --limit?)");
    says(PARSE("--conf"), "unknown flag --conf (did you mean --config?)");
    says(PARSE("--hepl"), "unknown flag --hepl (did you mean --help?)");
    says(PARSE("-name"), "unknown flag -name (did you mean --name?)");
    says(PARSE("--quartz"), "unknown flag --quartz ('tidings help broadcast' lists them)");
    says(PARSE("-x"), "unknown flag -x ('tidings help broadcast' lists them)");
    says(PARSE("--na", "x"), "unknown flag --na ('tidings help broadcast' lists them)");
}

static void test_values_that_are_wrong(void **state)
{
    (void)state;
    says(PARSE("--yes=no"), "--yes takes no value (it was given 'no')");
    says(PARSE("--name"), "--name wants a value: --name NAME");
    says(PARSE("-c"), "--config wants a value: --config FILE");
    says(PARSE("--name", "--yes"), "--name wants a value, not --yes (or write --name=--yes)");
    says(PARSE("--limit", "many"), "--limit: 'many' is no whole number (1 or more)");
    says(PARSE("--limit", "-5"), "--limit: '-5' is no whole number (1 or more)");
    says(PARSE("--limit=0"), "--limit: '0' is no whole number (1 or more)");
    says(PARSE("--limit="), "--limit: '' is no whole number (1 or more)");
}

static void test_too_many(void **state)
{
    const char *words[FLAG_ARGUMENTS_MAX + 2];

    (void)state;
    for (size_t i = 0; i < FLAG_ARGUMENTS_MAX + 1; i++)
        words[i] = "--param=x";
    words[FLAG_ARGUMENTS_MAX + 1] = NULL;
    says(parse(words), "--param: given too often (at most 64 times)");
    for (size_t i = 0; i < FLAG_ARGUMENTS_MAX + 1; i++)
        words[i] = "x";
    says(parse(words), "too many arguments (at most 80), from 'x' on");
}

static void test_help_text(void **state)
{
    struct buf out = buf_new(4096);

    (void)state;
    flags_help(&table, &out);
    assert_string_equal(buf_text(&out), "Usage: tidings broadcast [FLAG...] FILE\n"
                                        "\n"
                                        "Sends every row of a file.\n"
                                        "\n"
                                        "Flags:\n"
                                        "  -y, --yes                do not ask\n"
                                        "      --name NAME          its name\n"
                                        "      --param COLUMN,...   columns\n"
                                        "  -n, --limit N            at most so many\n"
                                        "      --webhook[=SECONDS]  wait\n"
                                        "  -h, --help               this text\n"
                                        "\n"
                                        "Common flags:\n"
                                        "  -c, --config FILE        the configuration\n"
                                        "  -v, --verbose            say more\n");
    buf_free(&out);
}

static void test_nearest(void **state)
{
    static const char *const names[] = {"send", "status", "broadcast"};

    (void)state;
    assert_string_equal(flags_nearest("sned", names, 3), "send");
    assert_string_equal(flags_nearest("boardcast", names, 3), "broadcast");
    assert_string_equal(flags_nearest("stat", names, 3), "status");
    assert_null(flags_nearest("xyz", names, 3));
    assert_null(flags_nearest("", names, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_nothing_given),
        cmocka_unit_test(test_values_that_look_odd),
        cmocka_unit_test(test_dash_and_double_dash_are_arguments),
        cmocka_unit_test(test_help_is_always_known),
        cmocka_unit_test(test_unknown_flags_name_the_nearest),
        cmocka_unit_test(test_values_that_are_wrong),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_help_text),
        cmocka_unit_test(test_nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
