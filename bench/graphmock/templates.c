/* SPDX-License-Identifier: MIT */
#include "templates.h"

#include "base/mem.h"
#include "base/text.h"
#include "raw_text.h"

#include <stdio.h>

enum { BODY_MAX = 1024, HEADER_MAX = 60, NAME_MAX = 512 };

static const struct template built_in[] = {
    {.name = "results_update",
     .lang = "en_US",
     .body = "Hello {{1}}, the results of {{2}} are ready. See them here: {{3}}",
     .params = 3},
    {.name = "results_named",
     .lang = "en_US",
     .body = "Hello {{educator_name}}, the results of {{test_name}} are ready. See them here: "
             "{{dashboard_url}}",
     .params = 3,
     .names = {"educator_name", "test_name", "dashboard_url"}},
    {.name = "results_rich",
     .lang = "en_US",
     .header = "Results of {{1}}",
     .body = "Hello {{1}}, {{2}} students took part.",
     .params = 2,
     .buttons = {BUTTON_URL, BUTTON_QUICK_REPLY}},
    {.name = "hello_world",
     .lang = "en_US",
     .body = "Welcome and congratulations!! This message demonstrates your ability to send a "
             "WhatsApp message notification from the Cloud API."},
};

void templates_init(struct templates *t)
{
    t->count = ARRAY_SIZE(built_in);
    memcpy(t->items, built_in, sizeof(built_in));
}

void templates_free(struct templates *t)
{
    for (size_t i = ARRAY_SIZE(built_in); i < t->count; i++)
        mem_free(t->specs[i]);
}

/* Cuts "NAME:LANG:N" apart in place. */
static bool parse_spec(char *spec, struct template *out)
{
    char *lang = strchr(spec, ':');
    char *count = lang ? strchr(lang + 1, ':') : NULL;
    int64_t params;

    if (!count || lang == spec || count == lang + 1 ||
        !text_to_int(count + 1, 0, TEMPLATE_PARAMS_MAX, &params))
        return false;
    *lang = *count = '\0';
    *out = (struct template){.name = spec, .lang = lang + 1, .body = "", .params = (size_t)params};
    return true;
}

bool templates_add(struct templates *t, const char *spec, struct err *e)
{
    char *copy;

    if (t->count == TEMPLATES_MAX)
        return err_set(e, EXIT_USAGE, "--template %s: at most %d templates", spec, TEMPLATES_MAX);
    copy = mem_strdup(spec);
    if (parse_spec(copy, &t->items[t->count])) {
        t->specs[t->count++] = copy;
        return true;
    }
    mem_free(copy);
    return err_set(e, EXIT_USAGE,
                   "--template '%s' is not NAME:LANG:N, with N from 0 to %d body parameters", spec,
                   TEMPLATE_PARAMS_MAX);
}

/* One check of one message against one template. */
struct check {
    const struct template *template;
    const struct tokens *tokens;
    const struct token *components; /* NULL when there are none */
    struct refusal *refusal;
};

static const struct template *find(const struct templates *t, struct slice name, struct slice lang)
{
    for (size_t i = 0; i < t->count; i++)
        if (slice_is(name, t->items[i].name) && slice_is(lang, t->items[i].lang))
            return &t->items[i];
    return NULL;
}

/* The component of that type (and, for buttons, of that index), or NULL. */
static const struct token *component(const struct check *c, const char *type, int index)
{
    const struct token *item = c->components ? tokens_first(c->components) : NULL;

    for (uint32_t i = 0; c->components && i < c->components->count; i++) {
        const struct token *at = tokens_get(c->tokens, item, "index");
        char digit[2] = {(char)('0' + index), '\0'};

        if (slice_is_like(token_string(tokens_get(c->tokens, item, "type")), type) &&
            (index < 0 || (at && slice_is(at->text, digit))))
            return item;
        item = tokens_after(c->tokens, item);
    }
    return NULL;
}

static const struct token *parameters(const struct check *c, const struct token *of)
{
    const struct token *list = tokens_get(c->tokens, of, "parameters");

    return token_is(list, TOKEN_ARRAY) ? list : NULL;
}

/* A parameter that must be text, `where` is its component. */
static bool check_text(const struct check *c, const char *where, const struct token *parameter)
{
    struct slice type = token_string(tokens_get(c->tokens, parameter, "type"));
    struct slice text = token_string(tokens_get(c->tokens, parameter, "text"));

    if (slice_is_like(type, "currency") || slice_is_like(type, "date_time"))
        return true;
    if (!slice_is_like(type, "text"))
        return refuse(c->refusal, CODE_PARAM_FORMAT,
                      "%s: Format mismatch, expected TEXT, received %.*s", where,
                      (int)(type.len > 40 ? 40 : type.len), type.at);
    if (text.len == 0)
        return refuse(c->refusal, CODE_MISSING, "Parameter of type text is missing text value");
    if (raw_text_has_bad_space(text))
        return refuse(c->refusal, CODE_PARAM_SPACE,
                      "%s: Param text cannot have new-line/tab characters or more than 4 "
                      "consecutive spaces",
                      where);
    return true;
}

/* Is `name` among the names of the template? "" for a positional one. */
static bool name_fits(const struct template *t, struct slice name)
{
    if (!t->names[0])
        return name.len == 0;
    for (size_t i = 0; i < t->params; i++)
        if (slice_is(name, t->names[i]))
            return true;
    return false;
}

static bool check_count(const struct check *c, const char *where, size_t have, size_t want)
{
    if (have == want)
        return true;
    return refuse(c->refusal, CODE_PARAM_COUNT,
                  "%s: number of localizable_params (%zu) does not match the expected number of "
                  "params (%zu)",
                  where, have, want);
}

static bool check_header(const struct check *c)
{
    const struct token *list = parameters(c, component(c, "header", -1));
    size_t count = list ? list->count : 0;

    if (!check_count(c, "header", count, c->template->header ? 1 : 0))
        return false;
    if (count == 0)
        return true;
    if (!check_text(c, "header", tokens_first(list)))
        return false;
    if (raw_text_length(token_string(tokens_get(c->tokens, tokens_first(list), "text"))) >
        HEADER_MAX)
        return refuse(c->refusal, CODE_TOO_LONG, "header: more than %d characters", HEADER_MAX);
    return true;
}

static bool check_body_parameter(const struct check *c, const struct token *parameter)
{
    struct slice name = token_string(tokens_get(c->tokens, parameter, "parameter_name"));

    if (!check_text(c, "body", parameter))
        return false;
    if (name_fits(c->template, name))
        return true;
    return refuse(c->refusal, CODE_PARAM_FORMAT, "body: %s",
                  c->template->names[0] ? "Parameter name is missing or empty, or unknown"
                                        : "Parameter name is not allowed, the template is "
                                          "POSITIONAL");
}

/* How long the body is without its variables. */
static size_t fixed_length(const char *body)
{
    size_t length = 0;

    for (const char *at = body; *at; at++) {
        const char *end = strncmp(at, "{{", 2) == 0 ? strstr(at, "}}") : NULL;

        if (end)
            at = end + 1;
        else
            length++;
    }
    return length;
}

static bool check_body(const struct check *c)
{
    const struct token *list = parameters(c, component(c, "body", -1));
    size_t count = list ? list->count : 0;
    size_t length = fixed_length(c->template->body);
    const struct token *item = list ? tokens_first(list) : NULL;

    if (!check_count(c, "body", count, c->template->params))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!check_body_parameter(c, item))
            return false;
        length += raw_text_length(token_string(tokens_get(c->tokens, item, "text")));
        item = tokens_after(c->tokens, item);
    }
    if (length > BODY_MAX)
        return refuse(c->refusal, CODE_TOO_LONG,
                      "body: translated text has %zu characters, "
                      "allowed are %d",
                      length, BODY_MAX);
    return true;
}

/* A URL button has one variable, which must be given; a quick reply's payload may be left out. */
static bool check_button(const struct check *c, int index)
{
    static const char *const sub_types[] = {
        [BUTTON_NONE] = "", [BUTTON_URL] = "url", [BUTTON_QUICK_REPLY] = "quick_reply"};
    enum button want = c->template->buttons[index];
    const struct token *button = component(c, "button", index);
    const struct token *list = parameters(c, button);
    struct slice sub_type = token_string(tokens_get(c->tokens, button, "sub_type"));

    if (button && !slice_is_like(sub_type, sub_types[want]))
        return refuse(c->refusal, CODE_PARAM_FORMAT,
                      "buttons: Button at index %d of type %.*s does not match the template", index,
                      (int)(sub_type.len > 40 ? 40 : sub_type.len), sub_type.at);
    if (want != BUTTON_URL)
        return true;
    if (!list || list->count != 1)
        return refuse(c->refusal, CODE_MISSING,
                      "buttons: Button at index %d of type Url requires a parameter", index);
    return check_text(c, "buttons", tokens_first(list));
}

static bool check_buttons(const struct check *c)
{
    if (!c->template->buttons[0] && component(c, "button", -1))
        return refuse(c->refusal, CODE_PARAM_FORMAT, "buttons: the template has no buttons");
    for (int i = 0; i < TEMPLATE_BUTTONS_MAX && c->template->buttons[i]; i++)
        if (!check_button(c, i))
            return false;
    return true;
}

/* Are all components objects of a type that templates have? */
static bool check_types(const struct check *c)
{
    const struct token *item = c->components ? tokens_first(c->components) : NULL;

    for (uint32_t i = 0; c->components && i < c->components->count; i++) {
        struct slice type = token_string(tokens_get(c->tokens, item, "type"));

        if (!slice_is_like(type, "header") && !slice_is_like(type, "body") &&
            !slice_is_like(type, "button"))
            return refuse_prose(c->refusal, CODE_INVALID,
                                "(#100) Param template['components'][%u]['type'] must be one of "
                                "{HEADER, BODY, BUTTON} - got \"%.*s\".",
                                (unsigned)i, (int)(type.len > 40 ? 40 : type.len), type.at);
        item = tokens_after(c->tokens, item);
    }
    return true;
}

bool templates_check(const struct templates *t, const struct tokens *tokens,
                     const struct token *message, struct refusal *r)
{
    struct slice name = token_string(tokens_get(tokens, message, "name"));
    const struct token *language = tokens_get(tokens, message, "language");
    struct slice lang = token_string(tokens_get(tokens, language, "code"));
    const struct token *components = tokens_get(tokens, message, "components");
    struct check check = {.tokens = tokens, .refusal = r};

    if (name.len == 0 || name.len > NAME_MAX)
        return refuse(r, CODE_MISSING, "Required parameter template name is missing");
    if (lang.len == 0 || lang.len > NAME_MAX)
        return refuse(r, CODE_MISSING, "Required parameter template language code is missing");
    if (components && !token_is(components, TOKEN_ARRAY))
        return refuse_prose(r, CODE_INVALID,
                            "(#100) Param template['components'] must be an array.");
    check.template = find(t, name, lang);
    check.components = components;
    if (!check.template) {
        (void)refuse(r, CODE_NO_TEMPLATE, "template name (%.*s) does not exist in %.*s",
                     (int)(name.len > 200 ? 200 : name.len), name.at,
                     (int)(lang.len > 20 ? 20 : lang.len), lang.at);
        return false;
    }
    return check_types(&check) && check_header(&check) && check_body(&check) &&
           check_buttons(&check);
}
