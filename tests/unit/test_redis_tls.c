/* SPDX-License-Identifier: MIT */
#include "test_redis_source.h"

#include "io/redis_tls.h"

/* rediss://, where this system's hiredis has TLS; where it has not, the sentence that says so. */

static struct redis_server server;
static char folder[64];
static int tls_port;

static bool has_tls(void)
{
    struct err e = {0};
    struct redis_tls *tls = redis_tls_new("127.0.0.1", &e);

    redis_tls_free(tls);
    if (!tls)
        assert_int_equal(e.code, EXIT_CONFIG);
    return tls != NULL;
}

/* A certificate for 127.0.0.1, signed by itself, that the system is made to trust. */
static void make_certificate(void)
{
    char command[512], path[128];

    (void)snprintf(folder, sizeof(folder), "/tmp/tidings-tls-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(command, sizeof(command),
                   "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
                   "-subj /CN=test -addext subjectAltName=IP:127.0.0.1 -keyout %s/key.pem -out "
                   "%s/cert.pem 2>/dev/null",
                   folder, folder);
    assert_int_equal(system(command), 0);
    (void)snprintf(path, sizeof(path), "%s/cert.pem", folder);
    assert_int_equal(setenv("SSL_CERT_FILE", path, 1), 0);
}

static void remove_certificate(void)
{
    static const char *const names[] = {"key.pem", "cert.pem"};
    char path[128];

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

static void test_reads_over_tls(void **state)
{
    static struct source_test t;
    const struct stream_options options = source_options();
    char url[128];

    (void)state;
    for (int i = 0; i < 1000; i++)
        (void)redis_ask(&server, "XADD t:send * to +98000%05d ref %s", i,
                        "a text that is long enough for replies to fill several TLS records");
    (void)snprintf(url, sizeof(url), "rediss://127.0.0.1:%d", tls_port);
    source_test_open(&t, url, &options);
    redis_source_want(t.source, 1000);
    PUMP_UNTIL(&t, t.count == 1000);
    settle_all(&t);
    PUMP_UNTIL(&t, facts_of(&t).acked == 1000);
    source_test_close(&t);
}

static void not_reached(const char *host)
{
    static struct source_test t;
    const struct stream_options options = source_options();
    struct redis_source_facts facts = {0};
    char url[128];

    (void)snprintf(url, sizeof(url), "rediss://%s:%d", host, tls_port);
    source_test_open(&t, url, &options);
    while (!facts.down_why[0]) {
        pump(&t);
        redis_source_look(t.source, &facts);
    }
    assert_false(facts.connected);
    assert_false(facts.stream.lock_held);
    (void)fprintf(stderr, "not reached: %s\n", facts.down_why);
    source_test_close(&t);
}

static void test_another_host_s_certificate(void **state)
{
    (void)state;
    not_reached("localhost");
}

static void test_a_certificate_nobody_signed(void **state)
{
    (void)state;
    assert_int_equal(setenv("SSL_CERT_FILE", "/dev/null", 1), 0);
    not_reached("127.0.0.1");
}

static int setup(void **state)
{
    (void)state;
    if (!has_tls())
        return 0;
    make_certificate();
    redis_server_start(&server);
    tls_port = free_port();
    assert_int_equal(redis_ask(&server,
                               "CONFIG SET tls-cert-file %s/cert.pem tls-key-file %s/key.pem "
                               "tls-ca-cert-file %s/cert.pem tls-auth-clients no tls-port %d",
                               folder, folder, folder, tls_port)
                         ->type,
                     REDIS_REPLY_STATUS);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (!server.asker)
        return 0;
    redis_server_kill(&server);
    remove_certificate();
    return 0;
}

static void test_without_tls(void **state)
{
    const struct redis_source_options options = {
        .url = "rediss://127.0.0.1",
        .stream = source_options(),
    };
    struct redis_source *source;
    struct err e;
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_false(redis_source_open(&loop, &options, &source, &e));
    assert_int_equal(e.code, EXIT_CONFIG);
    assert_non_null(strstr(e.text, "rediss://"));
    assert_int_equal(uv_loop_close(&loop), 0);
}

#define WITH_TLS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TLS(test_reads_over_tls),
        WITH_TLS(test_another_host_s_certificate),
        WITH_TLS(test_a_certificate_nobody_signed),
    };
    const struct CMUnitTest without[] = {
        cmocka_unit_test(test_without_tls),
    };

    return has_tls() ? cmocka_run_group_tests(tests, NULL, NULL)
                     : cmocka_run_group_tests(without, NULL, NULL);
}
