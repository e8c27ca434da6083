/* SPDX-License-Identifier: MIT */
#include "commands/check_graph.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "core/error_policy.h"
#include "core/graph_reply.h"
#include "core/rate_limit.h"
#include "io/graph_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ANSWER_MAX = 1 << 20,  /* a page of templates */
    CLOCK_SKEW_MS = 30000, /* TLS and records stand this much easily; more is worth a look */
    PATH_MAX_BYTES = 1024,
};

struct asking {
    const struct settings *settings;
    const struct secret *token;
    struct findings *findings;
    struct buf body;
    struct graph_get got;
};

/* ---- One question. */

static struct graph_client_options client_options(const struct asking *a)
{
    const struct settings *s = a->settings;

    return (struct graph_client_options){
        .token = secret_bytes(a->token),
        .token_len = secret_len(a->token),
        .api_base = s->api_base,
        .api_version = s->api_version,
        .ca_file = s->ca_file,
        .http2 = s->http_version == HTTP_VERSION_2,
        .timeout_ms = s->timeout_ms < 15000 ? s->timeout_ms : 15000,
        .connect_timeout_ms = s->connect_timeout_ms < 10000 ? s->connect_timeout_ms : 10000,
        .max_in_flight = 1,
        .max_connecting = 1,
    };
}

static void refused(struct asking *a, const char *subject)
{
    struct exchange x = {
        .wired = true,
        .complete = true,
        .http_status = a->got.http_status,
        .body = buf_text(&a->body),
        .body_len = a->body.len,
    };
    struct graph_reply reply;
    struct err e;

    graph_reply_read(&x, &reply);
    if (reply.kind != REPLY_ERROR)
        (void)err_set(&e, EXIT_UNREACHABLE, "Graph answered %d without a reason it is known by",
                      a->got.http_status);
    else
        (void)err_set(&e,
                      error_policy_action(&reply.error) == ACTION_HALT_TOKEN ? EXIT_NO_PERMISSION
                                                                             : EXIT_CONFIG,
                      "Graph refuses: code %d, %.120s: %.160s", reply.error.code, reply.title,
                      error_policy_find(&reply.error)->hint);
    findings_fail(a->findings, subject, &e);
}

/* The answer's JSON (free with json_free), or NULL with a finding added. */
static struct json *ask(struct asking *a, const char *subject, const char *path)
{
    struct graph_client_options options = client_options(a);
    struct json *root;
    struct err e;

    buf_clear(&a->body);
    graph_client_get(&options, path, &a->body, &a->got);
    if (a->got.http_status == 0) {
        (void)err_set(&e, EXIT_UNREACHABLE, "%.100s cannot be reached: %.200s",
                      a->settings->api_base, a->got.error);
        findings_fail(a->findings, subject, &e);
        return NULL;
    }
    if (a->got.http_status != 200) {
        refused(a, subject);
        return NULL;
    }
    root = json_parse(buf_text(&a->body), a->body.len, ANSWER_MAX, &e);
    if (!root)
        findings_fail(a->findings, subject, &e);
    return root;
}

static const char *text_of(const struct json *object, const char *key)
{
    const char *text = json_string(json_get(object, key), NULL);

    return text ? text : "?";
}

/* ---- The questions. */

static void check_answer_headers(struct asking *a)
{
    int64_t skew_ms = a->got.date_ms ? clock_wall_ms() - a->got.date_ms : 0;

    if (a->got.api_version[0] && strcmp(a->got.api_version, a->settings->api_version) != 0)
        findings_add(a->findings, FINDING_WARNING, "version",
                     "%s was asked for, %s answered: set whatsapp.api_version",
                     a->settings->api_version, a->got.api_version);
    if (llabs(skew_ms) > CLOCK_SKEW_MS)
        findings_add(a->findings, FINDING_WARNING, "clock",
                     "%lld s away from Graph's: set this machine's clock",
                     (long long)(skew_ms / 1000));
}

static void judge_rate(struct asking *a, const char *level, double allowed)
{
    double rate = a->settings->rate;
    bool is_unlimited = rate <= RATE_UNLIMITED;
    char configured[32] = "unlimited";

    if (!is_unlimited)
        (void)snprintf(configured, sizeof(configured), "%.0f", rate); /* at most 1,000,000 */
    findings_add(a->findings, is_unlimited || rate > allowed ? FINDING_WARNING : FINDING_GOOD,
                 "throughput", "level %s allows %.0f a second, configured %s", level, allowed,
                 configured);
}

static void judge_phone(struct asking *a, const struct json *phone)
{
    const char *status = text_of(phone, "status");
    const char *quality = text_of(phone, "quality_rating");
    const char *level = text_of(json_get(phone, "throughput"), "level");

    findings_add(a->findings, strcmp(status, "CONNECTED") == 0 ? FINDING_GOOD : FINDING_WARNING,
                 "phone number", "%s (%s) is %s", text_of(phone, "display_phone_number"),
                 text_of(phone, "verified_name"), status);
    findings_add(a->findings, strcmp(quality, "RED") == 0 ? FINDING_WARNING : FINDING_GOOD,
                 "quality", "%s", quality);
    judge_rate(a, level, strcmp(level, "HIGH") == 0 ? 1000 : 80);
}

static bool check_phone(struct asking *a)
{
    char path[PATH_MAX_BYTES];
    struct json *phone;

    (void)snprintf(path, sizeof(path),
                   "%s?fields=id,verified_name,display_phone_number,quality_rating,status,"
                   "throughput",
                   a->settings->phone_id); /* digits, at most 32 */
    phone = ask(a, "phone number", path);
    if (!phone)
        return false;
    findings_add(a->findings, FINDING_GOOD, "access", "Graph accepts the token");
    check_answer_headers(a);
    judge_phone(a, phone);
    json_free(phone);
    return true;
}

/* Is the parameter that begins at `at`, "{{" and all, also before it in `text`? */
static bool was_before(const char *text, const char *at)
{
    size_t len = strcspn(at, "}");

    for (text = strstr(text, "{{"); text < at; text = strstr(text + 2, "{{"))
        if (strcspn(text, "}") == len && memcmp(text, at, len) == 0)
            return true;
    return false;
}

/* Of the body's text, by number or by name; one may be there more than once. */
static size_t count_params(const struct json *template_)
{
    const struct json *components = json_get(template_, "components");
    size_t count = 0;

    for (size_t i = 0; i < json_count(components); i++) {
        const struct json *component = json_at(components, i);
        const char *text = text_of(component, "text");

        if (strcmp(text_of(component, "type"), "BODY") != 0)
            continue;
        for (const char *at = strstr(text, "{{"); at; at = strstr(at + 2, "{{"))
            count += !was_before(text, at);
    }
    return count;
}

static const struct json *find_template(const struct json *answer, const struct settings *s)
{
    const struct json *data = json_get(answer, "data");

    for (size_t i = 0; i < json_count(data); i++) {
        const struct json *one = json_at(data, i);

        if (strcmp(text_of(one, "name"), s->template_name) == 0 &&
            strcmp(text_of(one, "language"), s->template_lang) == 0)
            return one;
    }
    return NULL;
}

static void judge_template(struct asking *a, const struct json *found)
{
    const struct settings *s = a->settings;
    const char *status = text_of(found, "status");
    size_t configured, takes = count_params(found);
    struct err e;

    mem_free(settings_split_list(s->template_params, &configured));
    if (strcmp(status, "APPROVED") != 0)
        (void)err_set(&e, EXIT_CONFIG, "%s (%s) is %s: it must be approved before it can be sent",
                      s->template_name, s->template_lang, status);
    else if (takes != configured)
        (void)err_set(&e, EXIT_CONFIG,
                      "%s (%s) takes %zu parameters, template.params names %zu: every message "
                      "would fail with 132000",
                      s->template_name, s->template_lang, takes, configured);
    else {
        findings_add(a->findings, FINDING_GOOD, "template", "%s (%s) is approved, %zu parameters",
                     s->template_name, s->template_lang, takes);
        return;
    }
    findings_fail(a->findings, "template", &e);
}

static void check_template(struct asking *a)
{
    char path[PATH_MAX_BYTES];
    struct json *answer;
    const struct json *found;
    struct err e;

    if (!*a->settings->waba_id) {
        findings_add(a->findings, FINDING_WARNING, "template",
                     "not looked up: set whatsapp.waba_id (WABA_ID)");
        return;
    }
    (void)snprintf(path, sizeof(path),
                   "%s/message_templates?name=%.512s&fields=name,status,language,components&"
                   "limit=100",
                   a->settings->waba_id, a->settings->template_name); /* checked forms: it fits */
    answer = ask(a, "template", path);
    if (!answer)
        return;
    found = find_template(answer, a->settings);
    if (found) {
        judge_template(a, found);
    } else {
        (void)err_set(&e, EXIT_CONFIG, "%s does not exist in %s: set template.name and .lang",
                      a->settings->template_name, a->settings->template_lang);
        findings_fail(a->findings, "template", &e);
    }
    json_free(answer);
}

void check_graph(const struct settings *s, const struct secret *token, struct findings *f)
{
    struct asking a = {
        .settings = s,
        .token = token,
        .findings = f,
        .body = buf_new(ANSWER_MAX),
    };

    if (check_phone(&a))
        check_template(&a);
    buf_free(&a.body);
}
