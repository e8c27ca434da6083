/* SPDX-License-Identifier: MIT
 *
 * The progress of a run: a block that fits its terminal, and its redrawing in place.
 */
#include "base/utf8.h"
#include "commands/live_block.h"
#include "commands/progress_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
/* After what it needs. */
#include <cmocka.h>

/* The block at that width; free with buf_free. */
static struct buf block(const char *name, unsigned width, const struct progress_facts *f)
{
    struct progress_look look = {name, false, width};
    struct buf out = buf_new(PROGRESS_TEXT_MAX);

    progress_block(&out, &look, f);
    assert_true(buf_ok(&out));
    return out;
}

static struct tally half_of(uint64_t expected)
{
    return (struct tally){.expected = expected, .states[STATE_ACCEPTED] = expected / 2};
}

static void assert_first_line(const char *name, unsigned width, const char *expected)
{
    struct tally t = half_of(10000);
    struct progress_facts f = {.tally = &t};
    struct buf out = block(name, width, &f);

    buf_cut(&out, (size_t)(strchr(out.data, '\n') - out.data));
    out.data[out.len] = '\0';
    assert_string_equal(out.data, expected);
    buf_free(&out);
}

static void test_the_name_is_shortened_then_the_bar(void **state)
{
    (void)state;
    assert_first_line("results-10000.csv", 100,
                      "results-10000.csv ███████████████░░░░░░░░░░░░░░░  50.0 %  5,000/10,000");
    assert_first_line("results-10000.csv", 66,
                      "results-100… ███████████████░░░░░░░░░░░░░░░  50.0 %  5,000/10,000");
    assert_first_line("results-10000.csv", 40, "resul… █████░░░░░  50.0 %  5,000/10,000");
    assert_first_line("results-10000.csv", 30, "resul… ███████░░░░░░░  50.0 %");
    assert_first_line("r", 40, "r ███████░░░░░░░░  50.0 %  5,000/10,000");
}

static void test_a_name_is_cut_between_characters(void **state)
{
    (void)state;
    assert_first_line("éééééééé", 40, "ééééé… █████░░░░░  50.0 %  5,000/10,000");
    assert_first_line("結果結果結果", 40, "結果… █████░░░░░  50.0 %  5,000/10,000");
    assert_first_line("a\033[2Jb", 100,
                      "a [2Jb ███████████████░░░░░░░░░░░░░░░  50.0 %  5,000/10,000");
}

static void assert_fits(const struct buf *text, unsigned width)
{
    const char *line = buf_text(text), *end;

    for (; (end = strchr(line, '\n')); line = end + 1)
        assert_true(utf8_columns(line, (size_t)(end - line)) < width);
    assert_string_equal(line, "");
}

static void test_nothing_is_wider_than_the_terminal(void **state)
{
    struct tally t = {.expected = 12345678,
                      .states = {[STATE_ACCEPTED] = 1234567, [STATE_UNKNOWN] = 1234567},
                      .first_accepted_us = 1,
                      .last_accepted_us = 1000000};
    struct progress_facts f = {.tally = &t,
                               .retries = 1234567,
                               .waiting = 1234567,
                               .in_flight = 10000,
                               .rate_actual = 1000,
                               .note =
                                   "Graph does not answer: one message at a time until it does, "
                                   "as-a-word-that-is-longer-than-forty-columns-shows"};

    (void)state;
    for (unsigned width = 12; width < 200; width++) {
        struct buf out = block("a name of a broadcast as it may be called 結果.csv", width, &f);

        assert_fits(&out, width);
        buf_free(&out);
    }
    for (unsigned width = 0; width < 12; width++) { /* whatever it says */
        struct buf out = block("r.csv", width, &f);

        buf_free(&out);
    }
}

static void assert_has(const struct buf *text, const char *part)
{
    if (!strstr(buf_text(text), part))
        fail_msg("no '%s' in:\n%s", part, buf_text(text));
}

static void test_all_of_it_where_there_is_room(void **state)
{
    struct tally t = half_of(10000);
    struct progress_facts f = {.tally = &t,
                               .rate_allowed = 990,
                               .rate_actual = 990,
                               .pace = 990,
                               .note = "stopping: waiting for what is in flight"};
    struct buf out = block("results-10000.csv", 80, &f);

    (void)state;
    assert_has(&out, "results-100… ███████████████░░░░░░░░░░░░░░░  50.0 %  5,000/10,000  ETA ");
    assert_has(&out, "\n  rate 990/s of 990   in flight 0   retries 0   waiting 0\n"
                     "  accepted 5,000   failed 0   unknown 0   skipped 0\n"
                     "  stopping: waiting for what is in flight\n");
    buf_free(&out);
    out = block("results-10000.csv", 40, &f);
    assert_has(&out, "\n  rate 990/s of 990   in flight 0\n"
                     "  accepted 5,000   failed 0   unknown 0\n"
                     "  stopping: waiting for what is in\n  flight\n");
    buf_free(&out);
}

/* ---- Redrawing; a pipe has 80 columns. */

static void assert_drawn(int from, const char *expected)
{
    char seen[1024];
    ssize_t size = read(from, seen, sizeof(seen) - 1);

    assert_true(size > 0);
    seen[size] = '\0';
    assert_string_equal(seen, expected);
}

static void test_it_goes_back_by_rows(void **state)
{
    char wide[256], expected[512];
    struct live_block b;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    b = live_block_new(ends[1]);
    memset(wide, 'x', 161);
    memcpy(wide + 161, "\n\n", 3); /* three rows and an empty one */
    live_block_draw(&b, wide, 163);
    assert_drawn(ends[0], wide);
    live_block_draw(&b, "", 0);
    assert_drawn(ends[0], "\r\033[4A\033[J");
    memset(wide, 'x', 80);
    memcpy(wide + 80, "\033[0m\n", 6); /* one: a colour takes no room */
    live_block_draw(&b, wide, 85);
    assert_drawn(ends[0], wide);
    live_block_above(&b, "log\n", 4);
    (void)snprintf(expected, sizeof(expected), "\r\033[1A\033[Jlog\n%s", wide); /* it fits */
    assert_drawn(ends[0], expected);
    live_block_free(&b);
    assert_int_equal(close(ends[0]) + close(ends[1]), 0);
}

/* 24 rows: 22 of it, the dots, and the cursor's. */
static void test_no_higher_than_the_screen(void **state)
{
    char lines[64] = "", expected[96];
    struct live_block b;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    b = live_block_new(ends[1]);
    memset(lines, '\n', 23);
    live_block_draw(&b, lines, 23);
    assert_drawn(ends[0], lines);
    lines[23] = '\n';
    live_block_draw(&b, lines, 24);
    lines[22] = '\0';
    (void)snprintf(expected, sizeof(expected), "\r\033[23A\033[J%s  ...\n", lines); /* it fits */
    assert_drawn(ends[0], expected);
    live_block_free(&b);
    assert_int_equal(close(ends[0]) + close(ends[1]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_name_is_shortened_then_the_bar),
        cmocka_unit_test(test_a_name_is_cut_between_characters),
        cmocka_unit_test(test_nothing_is_wider_than_the_terminal),
        cmocka_unit_test(test_all_of_it_where_there_is_room),
        cmocka_unit_test(test_it_goes_back_by_rows),
        cmocka_unit_test(test_no_higher_than_the_screen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
