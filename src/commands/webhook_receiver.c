/* SPDX-License-Identifier: MIT
 *
 * webhook_receiver.c: from Meta's POST to the ledger.
 *
 * Happy path: a body comes whole; its signature is right; its statuses are read into one errand;
 * the ledger commits it; then the answer is 200.
 * Failure modes:
 *   - no signature, or a wrong one: 401, nothing is read;
 *   - a body that is no JSON: 400, Meta sends it again, and gives up some day;
 *   - a body without a status that we can use (words that Meta has made up since, messages of
 *     customers): 200, or Meta would send it again for days, and it would stay the same;
 *   - too many bodies are with the ledger, or the process is about to end: 503, Meta sends it
 *     again;
 *   - the ledger breaks: 503, as the process ends, Meta sends it again.
 */
#include "commands/webhook_receiver.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "commands/access.h"
#include "core/webhook.h"
#include "core/webhook_signature.h"
#include "io/http_server.h"

#include <string.h>

enum {
    BODIES_MAX = 64 * 1024 * 1024, /* bytes of all bodies in memory */
    CONNECTIONS_MAX = 256,
    REQUEST_S = 60,
    PENDING_MAX = 1024, /* bodies with the ledger */
    KNOCKS_MS = 1000,   /* from one line about strangers to the next */
    ACCOUNTS_MAX = 16,  /* that are named in the log */
};

/* Whose webhooks come here. */
struct account {
    char waba_id[WEBHOOK_ID_MAX];
    char phone_id[WEBHOOK_ID_MAX];
};

/* Strangers knock as often as they like; the log hears of it once a second, with how often. */
struct knocks {
    int64_t told_ms; /* 0: never */
    uint64_t count;  /* since then */
};

struct webhook_receiver {
    struct ledger *ledger;
    struct webhook_receiver_events events;
    struct http_server *server;
    struct access_webhook access;
    struct webhook_counts_of counts;
    struct knocks unsigned_ones, handshakes;
    struct account accounts[ACCOUNTS_MAX]; /* those seen so far */
    unsigned account_count;
    unsigned pending;
    bool is_stopped;
    void (*on_closed)(void *context);
    void *closed_context;
};

/* A body on its way through the ledger. */
struct delivery_of_body {
    struct webhook_receiver *receiver;
    struct http_request *request;
    struct ledger_statuses statuses;
    size_t room; /* of its items */
};

static void answer(struct http_request *request, unsigned status, const char *text)
{
    http_respond(request, status, "text/plain; charset=utf-8", text, strlen(text));
}

/* How many there were since the last line; 0: it is too soon for another. */
static uint64_t knock(struct knocks *k, int64_t now_ms)
{
    uint64_t count = ++k->count;

    if (k->told_ms && now_ms >= k->told_ms && now_ms - k->told_ms < KNOCKS_MS)
        return 0;
    *k = (struct knocks){.told_ms = now_ms};
    return count;
}

/* ---- The handshake. */

static void refuse_handshake(struct webhook_receiver *r, struct http_request *request,
                             const char *why)
{
    uint64_t count = knock(&r->handshakes, clock_wall_ms());

    if (count)
        log_line(LOG_WARN, "A webhook handshake was refused", LOG_STR("why", why),
                 LOG_NUM("count", count));
    answer(request, 403, "refused; the log says why\n");
}

static void on_handshake(struct webhook_receiver *r, struct http_request *request)
{
    const char *mode = http_request_query(request, "hub.mode");
    const char *token = http_request_query(request, "hub.verify_token");
    const char *challenge = http_request_query(request, "hub.challenge");
    const char *why = NULL;

    if (!r->access.verify)
        why = "webhook.verify_token_file is not set";
    else if (!mode || strcmp(mode, "subscribe") != 0 || !token || !challenge)
        why = "not all of hub.mode=subscribe, hub.verify_token and hub.challenge are there";
    else if (!access_webhook_verifies(&r->access, token))
        why = "the verify token is another";
    if (why) {
        refuse_handshake(r, request, why);
        return;
    }
    log_line(LOG_INFO, "Webhook handshake: Meta knows this address now");
    answer(request, 200, challenge);
}

/* ---- Statuses. */

static void count(struct webhook_receiver *r, const struct ledger_status *told)
{
    r->counts.statuses[told->status]++;
    r->counts.unmatched += told->number == 0;
    r->counts.settled += told->settled;
    r->counts.twins += told->twin;
    if (told->twin)
        log_line(LOG_WARN, "⚠ Graph accepted a message twice", LOG_STR("id", told->id),
                 LOG_STR("wamid", told->wamid));
    if (told->settled)
        log_line(LOG_INFO, "✅ Unknown message settled by a webhook", LOG_STR("id", told->id),
                 LOG_STR("wamid", told->wamid));
}

static void on_recorded(struct ledger_errand *errand)
{
    struct delivery_of_body *d = errand->context;
    struct webhook_receiver *r = d->receiver;

    r->pending--;
    for (size_t i = 0; i < d->statuses.count; i++)
        count(r, &d->statuses.items[i]);
    r->events.on_recorded(r->events.context, d->statuses.items, d->statuses.count);
    answer(d->request, 200, "recorded\n");
    mem_free(d->statuses.items);
    mem_free(d);
}

/* Recorded, not judged: the signature says that it is Meta's, the callback data whose message. */
static void note_account(struct webhook_receiver *r, const struct webhook_fact *fact)
{
    struct account *a = r->accounts;

    for (; a < r->accounts + r->account_count; a++) {
        if (strcmp(a->waba_id, fact->waba_id) == 0 && strcmp(a->phone_id, fact->phone_id) == 0)
            return;
    }
    if (r->account_count == ACCOUNTS_MAX)
        return;
    r->account_count++;
    text_copy(a->waba_id, sizeof(a->waba_id), fact->waba_id, strlen(fact->waba_id));
    text_copy(a->phone_id, sizeof(a->phone_id), fact->phone_id, strlen(fact->phone_id));
    log_line(LOG_INFO, "Webhooks of an account come in", LOG_STR("waba_id", a->waba_id),
             LOG_STR("sender", a->phone_id));
}

static void on_fact(void *context, const struct webhook_fact *fact)
{
    struct delivery_of_body *d = context;
    struct ledger_status *told;

    note_account(d->receiver, fact);
    if (d->statuses.count == d->room) {
        d->room = d->room ? 2 * d->room : 4;
        d->statuses.items = mem_realloc(d->statuses.items, d->room * sizeof(*told));
    }
    told = &d->statuses.items[d->statuses.count++];
    *told =
        (struct ledger_status){.status = fact->status, .at_ms = fact->at_ms, .code = fact->code};
    told->has_opaque = opaque_id_parse(fact->opaque, &told->opaque);
    memcpy(told->wamid, fact->wamid, sizeof(told->wamid));
    memcpy(told->title, fact->title, sizeof(told->title));
}

/* Meta's own, by its signature, and yet not to be read: a person should look. */
static void refuse(struct http_request *request, const struct err *why)
{
    log_line(LOG_WARN, "A webhook was refused", LOG_STR("why", why->text));
    answer(request, 400, "no JSON object\n");
}

static void take(struct webhook_receiver *r, struct http_request *request, int64_t now_ms)
{
    struct delivery_of_body *d = MEM_NEW(struct delivery_of_body);
    struct webhook_reader reader = {.on_fact = on_fact, .context = d};
    struct err why;
    size_t len;
    const char *body = http_request_body(request, &len);
    bool is_read;

    *d = (struct delivery_of_body){.receiver = r, .request = request};
    d->statuses.errand = (struct ledger_errand){.on_done = on_recorded, .context = d};
    d->statuses.at_ms = now_ms;
    is_read = webhook_read(&reader, body, len, &why);
    if (reader.counts.passed_over)
        log_line(LOG_INFO, "Statuses of a webhook were passed over: no wamid, or a new word",
                 LOG_NUM("count", reader.counts.passed_over));
    if (d->statuses.count) {
        r->pending++;
        ledger_put_statuses(r->ledger, &d->statuses);
        return;
    }
    if (is_read)
        answer(request, 200, "nothing of ours\n");
    else
        refuse(request, &why);
    mem_free(d);
}

static void refuse_unsigned(struct webhook_receiver *r, struct http_request *request, size_t len)
{
    uint64_t count = knock(&r->unsigned_ones, clock_wall_ms());

    r->counts.rejected++;
    if (count)
        log_line(LOG_WARN, "A webhook with a bad or missing signature was refused",
                 LOG_NUM("bytes", len), LOG_NUM("count", count),
                 LOG_STR("see", "webhook.app_secret_file"));
    answer(request, 401, "the signature is not Meta's\n");
}

static void on_statuses(struct webhook_receiver *r, struct http_request *request)
{
    size_t len;
    const char *body = http_request_body(request, &len);
    const char *signature = http_request_header(request, "X-Hub-Signature-256");

    if (!webhook_signature_ok(signature, body, len, &r->access.secrets)) {
        refuse_unsigned(r, request, len);
        return;
    }
    if (r->is_stopped || r->pending >= PENDING_MAX) {
        answer(request, 503, "not now\n");
        return;
    }
    r->counts.bodies++;
    take(r, request, clock_wall_ms());
}

static void on_request(void *context, struct http_request *request)
{
    const char *method = http_request_method(request);

    if (strcmp(http_request_path(request), "/webhook") != 0)
        answer(request, 404, "there is /webhook\n");
    else if (strcmp(method, "GET") == 0)
        on_handshake(context, request);
    else if (strcmp(method, "POST") == 0)
        on_statuses(context, request);
    else
        answer(request, 405, "GET and POST\n");
}

/* ---- Opening and closing. */

static bool listen_on(struct webhook_receiver *r, uv_loop_t *loop, const char *address,
                      struct err *e)
{
    const struct http_options options = {
        .listen = address,
        .limits = {.body_max = WEBHOOK_BODY_MAX,
                   .bodies_max = BODIES_MAX,
                   .connections_max = CONNECTIONS_MAX,
                   .request_s = REQUEST_S},
        .context = r,
        .on_request = on_request,
    };

    if (!http_server_open(loop, &options, &r->server, e))
        return err_wrap(e, "webhook.listen");
    log_line(LOG_INFO, "Webhook port", LOG_STR("address", http_server_address(r->server)));
    return true;
}

bool webhook_receiver_open(const struct webhook_receiver_options *options,
                           struct webhook_receiver **out, struct err *e)
{
    struct webhook_receiver *r = MEM_NEW(struct webhook_receiver);

    r->ledger = options->ledger;
    r->events = options->events;
    if (!access_webhook_open(options->settings, &r->access, e) ||
        !listen_on(r, options->loop, options->settings->webhook_listen, e)) {
        access_webhook_close(&r->access);
        mem_free(r);
        return false;
    }
    *out = r;
    return true;
}

void webhook_receiver_set_access(struct webhook_receiver *r, const struct access_webhook *access)
{
    access_webhook_close(&r->access);
    r->access = *access;
}

const char *webhook_receiver_address(const struct webhook_receiver *r)
{
    return http_server_address(r->server);
}

const struct webhook_counts_of *webhook_receiver_counts(const struct webhook_receiver *r)
{
    return &r->counts;
}

void webhook_receiver_stop(struct webhook_receiver *r)
{
    r->is_stopped = true;
}

bool webhook_receiver_is_idle(const struct webhook_receiver *r)
{
    return r->pending == 0;
}

static void on_server_closed(void *context)
{
    struct webhook_receiver *r = context;
    void (*on_closed)(void *) = r->on_closed;
    void *closed_context = r->closed_context;

    access_webhook_close(&r->access);
    mem_free(r);
    on_closed(closed_context);
}

void webhook_receiver_close(struct webhook_receiver *r, void (*on_closed)(void *context),
                            void *context)
{
    r->on_closed = on_closed;
    r->closed_context = context;
    http_server_close(r->server, on_server_closed, r);
}
