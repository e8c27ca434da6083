/* SPDX-License-Identifier: MIT
 *
 * redis_look.c: one look at a Redis.
 *
 * Happy path: the connection comes up (on_up), INFO and the rights are asked, the replies are taken
 * (on_reply), all is closed, the loop ends.
 * Failure modes:
 *   - it cannot be brought up, or breaks: the first on_down is the end, nothing is tried again;
 *   - it is refused: on_denied, the same;
 *   - nothing of this comes in time: the timer.
 */
#include "io/redis_look.h"

#include "base/text.h"
#include "core/redis_error.h"
#include "core/resp.h"
#include "io/redis.h"

#include <stdio.h>
#include <string.h>

struct looking {
    struct redis_look *look;
    struct redis *redis;
    uv_timer_t timer;
    struct err *e;
    bool is_done;
    bool has_info; /* INFO, the first, was answered */
};

static void on_redis_closed(void *context)
{
    (void)context; /* the loop ends with its last handle */
}

static void finish(struct looking *l)
{
    if (l->is_done)
        return;
    l->is_done = true;
    redis_close(l->redis, on_redis_closed, l);
    uv_close((uv_handle_t *)&l->timer, NULL);
}

static void fail(struct looking *l, enum exit_code code, const char *verb, const char *why)
{
    if (!l->is_done)
        (void)err_set(l->e, code, "%s %s: %.200s", l->look->where, verb, why);
    finish(l);
}

static void on_up(void *context)
{
    struct looking *l = context;

    resp_array(redis_out(l->redis), 1);
    resp_text(redis_out(l->redis), "INFO");
    redis_written(l->redis, 1, REDIS_LOOK_MS);
    redis_probe_ask(&l->look->probe, l->look->rights, l->redis, REDIS_LOOK_MS);
}

static void on_down(void *context, const char *why)
{
    fail(context, EXIT_UNREACHABLE, "cannot be reached", why);
}

static void on_denied(void *context, const char *error)
{
    const struct redis_error_rule *rule = redis_error_rule(error);

    fail(context, rule->reaction == REDIS_DENIED ? EXIT_NO_PERMISSION : EXIT_CONFIG, "refuses",
         rule->advice);
}

static void on_too_large(void *context)
{
    fail(context, EXIT_UNREACHABLE, "cannot be read", "its answer is too large");
}

/* A password is missed only now. Without the right to ask, or with INFO renamed, we are in. */
static void on_refusal(struct looking *l, const char *error)
{
    if (redis_error_rule(error)->reaction == REDIS_DENIED && strncmp(error, "NOPERM", 6) != 0)
        on_denied(l, error);
    else
        text_copy(l->look->refusal, sizeof(l->look->refusal), error, strlen(error));
}

static void on_info(struct looking *l, const struct redis_value *value)
{
    if (value->kind == REDIS_TEXT)
        buf_add(&l->look->info, value->text, value->len);
    else
        on_refusal(l, value->kind == REDIS_ERROR ? value->text : "no text");
}

static void on_reply(void *context, const struct redis_value *value)
{
    struct looking *l = context;

    if (l->has_info && redis_probe_take(&l->look->probe, value))
        finish(l);
    if (!l->has_info)
        on_info(l, value);
    l->has_info = true;
}

static void on_late(uv_timer_t *timer)
{
    fail(timer->data, EXIT_UNREACHABLE, "cannot be reached", "no answer in time");
}

static void run(struct looking *l, uv_loop_t *loop, const struct redis_url *url,
                struct redis_tls *tls)
{
    const struct redis_events events = {
        .context = l,
        .on_up = on_up,
        .on_down = on_down,
        .on_denied = on_denied,
        .on_too_large = on_too_large,
        .on_reply = on_reply,
    };

    (void)uv_timer_init(loop, &l->timer); /* always succeeds */
    l->timer.data = l;
    l->redis = redis_open(loop, url, tls, "tidings-check", &events);
    (void)uv_timer_start(&l->timer, on_late, REDIS_LOOK_MS, 0); /* has a callback */
    (void)uv_run(loop, UV_RUN_DEFAULT);                         /* until all is closed */
}

static bool look_at(const struct redis_url *url, struct redis_look *look, struct err *e)
{
    struct looking l = {.look = look, .e = e};
    struct redis_tls *tls = NULL;
    uv_loop_t loop;
    int failed;

    if (url->tls && !(tls = redis_tls_new(url->host, e)))
        return false;
    e->code = EXIT_DONE;
    failed = uv_loop_init(&loop);
    if (failed == 0) {
        run(&l, &loop, url, tls);
        (void)uv_loop_close(&loop); /* no handle is left in it */
    } else {
        (void)err_set(e, EXIT_BUG, "cannot make an event loop: %s", uv_strerror(failed));
    }
    redis_tls_free(tls);
    return e->code == EXIT_DONE;
}

bool redis_look(const char *url, struct redis_look *look, struct err *e)
{
    struct redis_url parsed;
    bool ok;

    look->where[0] = look->refusal[0] = '\0';
    if (!redis_url_parse(url, &parsed, e))
        return false;
    redis_url_address(&parsed, look->where);
    ok = look_at(&parsed, look, e);
    explicit_bzero(&parsed, sizeof(parsed));
    return ok;
}
