/* SPDX-License-Identifier: MIT
 *
 * daemon_reload.c: SIGHUP: the configuration and the token are read again, all or nothing.
 *
 * Happy path: the settings are read and checked, the token is opened, a client with both is opened
 * beside the old one, which finishes what it has in flight; then everything is exchanged at once.
 * Failure modes: anything of that fails: a line for each error, and everything stays as it was. A
 * key that a running process cannot change is named, and changes at the next start. WHATSAPP_TOKEN
 * is no longer in the environment: where no token.file is named, the daemon's copy of it holds on.
 */
#include "commands/daemon_internal.h"

#include "base/log.h"
#include "base/mem.h"
#include "commands/access.h"
#include "io/notify.h"

static void refuse(struct daemon *d, const char *why)
{
    d->reload_failed = true;
    log_line(LOG_ERROR, "The new configuration is refused: nothing changed", LOG_STR("error", why));
}

static void warn_fixed(const struct buf *changed)
{
    if (changed->len)
        log_line(LOG_WARN, "These keys change at the next start only",
                 LOG_STR("keys", buf_text(changed)));
}

bool daemon_open_token(struct daemon *d, const struct settings *s, struct secret **token,
                       struct err *e)
{
    enum access_kind kind;

    if (!*s->token_file && d->plain_token) {
        *token = d->plain_token;
        return true;
    }
    if (!access_open(s, token, &kind, e))
        return false;
    if (kind == ACCESS_PLAIN)
        d->plain_token = *token;
    return true;
}

void daemon_drop_token(const struct daemon *d, struct secret *token)
{
    if (token != d->plain_token)
        secret_free(token);
}

static void forget_old(struct daemon *d, struct settings *fresh, struct secret *token)
{
    if (d->reloaded) {
        settings_free(d->reloaded);
        mem_free(d->reloaded);
    }
    daemon_drop_token(d, d->token);
    d->reloaded = d->settings = fresh;
    d->token = token;
}

static void apply(struct daemon *d)
{
    const struct settings *s = d->settings;
    const struct stream_options policy = {
        .trim = s->redis_trim,
        .claim = s->redis_claim,
        .claim_idle_ms = s->redis_claim_idle_ms,
        .result_maxlen = s->redis_result_maxlen,
    };

    log_set_level((enum log_level)s->log_level);
    redis_source_set_policy(d->stream, &policy);
    holds_enable(&d->holds, s->enabled);
    engine_clear_halts(dispatch_engine(d->dispatch), HALT_TOKEN, dispatch_now());
    daemon_set_defaults(d);
}

/* The loop waits for nobody at a terminal. */
static bool needs_nobody(const struct settings *s, struct err *e)
{
    bool asks = false;

    if (*s->token_file && !token_needs_passphrase(s->token_file, &asks, e))
        return false;
    return !asks || err_set(e, EXIT_CONFIG,
                            "token.file %.300s is sealed with a passphrase, which a reload does "
                            "not ask for: end the daemon and start it again",
                            s->token_file);
}

static bool open_new(struct daemon *d, struct settings *fresh, struct secret **token, struct err *e)
{
    struct access_webhook secrets = {0};
    bool ok;

    *token = NULL;
    ok = settings_can_send(fresh, e) && needs_nobody(fresh, e) &&
         daemon_open_token(d, fresh, token, e) &&
         (!d->webhook || access_webhook_open(fresh, &secrets, e)) &&
         dispatch_reload(d->dispatch, fresh, *token, e);
    if (ok && d->webhook)
        webhook_receiver_set_access(d->webhook, &secrets);
    else
        access_webhook_close(&secrets);
    return ok;
}

static void exchange(struct daemon *d, struct settings *fresh)
{
    struct buf changed = buf_new(2048);
    struct secret *token;
    struct err e;

    settings_keep_fixed(fresh, d->settings, &changed);
    if (open_new(d, fresh, &token, &e)) {
        warn_fixed(&changed);
        forget_old(d, fresh, token);
        apply(d);
        d->reload_failed = false;
        log_line(LOG_INFO, "Configuration read again", LOG_STR("file", fresh->file),
                 LOG_STR("token", token == d->plain_token ? "WHATSAPP_TOKEN, as at the start"
                                                          : fresh->token_file));
    } else {
        settings_keep_fixed(fresh, d->settings, &changed); /* back to whom they belong */
        daemon_drop_token(d, token);
        settings_free(fresh);
        mem_free(fresh);
        refuse(d, e.text);
    }
    buf_free(&changed);
}

void daemon_reload(struct daemon *d)
{
    struct settings *fresh = MEM_NEW(struct settings);

    notify_reloading();
    if (call_load_settings(&d->call, fresh)) {
        exchange(d, fresh);
    } else {
        settings_free(fresh);
        mem_free(fresh);
        refuse(d, "see the lines above");
    }
    notify_ready(daemon_state_name(d->state));
}
