/* SPDX-License-Identifier: MIT
 *
 * test_daemon_metrics.c: what Prometheus reads: promtool finds nothing, docs/metrics.md lists all.
 */
#include "commands/daemon_metrics.h"

#include "base/mem.h"

#include "test_status_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>
/* After what it needs. */
#include <cmocka.h>

enum { TEXT_MAX = 1 << 20 };

static struct buf write_sample(void)
{
    struct sample *s = MEM_NEW(struct sample);
    struct buf out = buf_new(TEXT_MAX);

    sample_fill(s);
    s->status.network.kind = HALT_NETWORK;
    daemon_metrics_write(&s->status, &out);
    assert_true(buf_ok(&out));
    mem_free(s);
    return out;
}

static void assert_line(const struct buf *out, const char *line)
{
    char text[256];

    assert_true(snprintf(text, sizeof(text), "\n%s\n", line) < (int)sizeof(text));
    if (!strstr(buf_text(out), text))
        fail_msg("no line \"%s\" in:\n%s", line, buf_text(out));
}

static void test_what_the_status_says_is_there(void **state)
{
    struct buf out = write_sample();

    (void)state;
    assert_line(&out, "tidings_messages_total{outcome=\"accepted\"} 12345");
    assert_line(&out, "tidings_messages_total{outcome=\"invalid\"} 4");
    assert_line(&out, "tidings_graph_errors_total{code=\"131026\"} 2");
    assert_line(&out, "tidings_graph_errors_total{code=\"other\"} 0");
    assert_line(&out, "tidings_paused{reason=\"operator\"} 1");
    assert_line(&out, "tidings_paused{reason=\"network\"} 1");
    assert_line(&out, "tidings_paused{reason=\"token\"} 0");
    assert_line(&out, "tidings_state{state=\"paused\"} 1");
    assert_line(&out, "tidings_rate_allowed_messages_per_second{sender=\"915988834937784\"} +Inf");
    assert_line(&out, "tidings_stream_lag_entries 120");
    assert_line(&out, "tidings_send_latency_seconds_bucket{le=\"+Inf\"} 1000");
    assert_line(&out, "tidings_send_latency_seconds_count 1000");
    assert_line(&out, "tidings_send_latency_seconds_sum 500.5");
    assert_line(&out, "tidings_ledger_worst_commit_seconds 0.04125");
    assert_line(&out, "tidings_webhook_unmatched_total 40");
    assert_line(&out, "tidings_webhook_settled_total 7");
    assert_line(&out, "tidings_webhook_accepted_twice_total 1");
    buf_free(&out);
}

static void test_many_codes_go_to_other(void **state)
{
    struct daemon_status *s = MEM_NEW(struct daemon_status);
    struct buf out = buf_new(TEXT_MAX);

    (void)state;
    for (int i = 0; i < STATUS_CODES_MAX + 10; i++)
        status_count_code(s, 100 + i);
    status_count_code(s, 100);
    daemon_metrics_write(s, &out);
    assert_line(&out, "tidings_graph_errors_total{code=\"100\"} 2");
    assert_line(&out, "tidings_graph_errors_total{code=\"other\"} 10");
    buf_free(&out);
    mem_free(s);
}

static void test_promtool_finds_nothing(void **state)
{
    struct buf out = write_sample();
    FILE *check;

    (void)state;
    if (system("command -v promtool >/dev/null") != 0) {
        print_message("promtool is not installed (Debian: prometheus): not checked\n");
        buf_free(&out);
        skip();
    }
    check = popen("promtool check metrics >&2", "w");
    assert_non_null(check);
    assert_int_equal(fwrite(out.data, 1, out.len, check), out.len);
    assert_int_equal(pclose(check), 0);
    buf_free(&out);
}

/* ---- docs/metrics.md. */

static char *read_docs(void)
{
    struct buf text = buf_new(TEXT_MAX);
    FILE *in = fopen("../docs/metrics.md", "r");
    char line[1024];

    assert_non_null(in);
    while (fgets(line, sizeof(line), in))
        buf_adds(&text, line);
    assert_int_equal(fclose(in), 0);
    return buf_take(&text);
}

/* The next "# TYPE NAME TYPE" behind `at`; NULL: no more. */
static const char *next_family(const char *at, char name[128], char type[16])
{
    at = strstr(at, "# TYPE ");
    if (!at)
        return NULL;
    assert_int_equal(sscanf(at, "# TYPE %127s %15s", name, type), 2);
    return at + 1;
}

static void test_the_page_lists_every_family(void **state)
{
    struct buf out = write_sample();
    char *docs = read_docs();
    char name[128], type[16], row[256];
    size_t families = 0, rows = 0;
    const char *at = buf_text(&out);

    (void)state;
    while ((at = next_family(at, name, type))) {
        families++;
        assert_true(snprintf(row, sizeof(row), "| `%s` | %s |", name, type) > 0);
        if (!strstr(docs, row))
            fail_msg("docs/metrics.md has no row %s", row);
    }
    for (at = docs; (at = strstr(at, "\n| `tidings_")); at++)
        rows++;
    assert_int_equal(rows, families);
    mem_free(docs);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_status_says_is_there),
        cmocka_unit_test(test_many_codes_go_to_other),
        cmocka_unit_test(test_promtool_finds_nothing),
        cmocka_unit_test(test_the_page_lists_every_family),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
