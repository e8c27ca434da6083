/* SPDX-License-Identifier: MIT */
#include "commands/errors.h"

#include "base/json.h"
#include "base/text.h"
#include "commands/command.h"
#include "core/error_policy.h"

#include <stdio.h>

static const struct flag_table table = {
    .command = "errors",
    .arguments = "[CODE]",
    .summary = "Graph's error codes, what tidings does, what you should do",
};

/* What is done where Graph says at the same time that it stumbled: differs for code 1. */
static enum action action_beside_5xx(const struct error_rule *rule)
{
    const struct graph_error error = {
        .code = rule->code, .subcode = rule->subcode, .http_status = 500};

    return error_policy_action(&error);
}

/* `code` is the one that was asked for, where the rule is its range's. */
static void print_json(const struct error_rule *rule, int code, bool in_table)
{
    struct buf line = buf_new(4096);
    struct json_writer w = {.out = &line};

    json_begin(&w, NULL, '{');
    json_put_int(&w, "v", 1);
    json_put_int(&w, "code", code);
    json_put_int(&w, "subcode", rule->subcode);
    json_put_bool(&w, "in_table", in_table);
    json_put_string(&w, "action", action_name(rule->action));
    if (action_beside_5xx(rule) != rule->action)
        json_put_string(&w, "action_5xx", action_name(action_beside_5xx(rule)));
    json_put_string(&w, "title", rule->title);
    json_put_string(&w, "hint", rule->hint);
    json_end(&w, '}');
    puts(buf_text(&line));
    buf_free(&line);
}

static void print_whole(const struct error_rule *rule)
{
    printf("%d", rule->code);
    if (rule->subcode)
        printf("/%d", rule->subcode);
    printf("  %s\n    tidings: %s\n", rule->title, action_text(rule->action));
    if (action_beside_5xx(rule) != rule->action)
        printf("             With a 5xx status or is_transient: %s\n",
               action_text(action_beside_5xx(rule)));
    printf("    you:     %s\n", rule->hint);
}

static void print_line(const struct error_rule *rule)
{
    char code[32];

    (void)snprintf(code, sizeof(code), rule->subcode ? "%d/%d" : "%d", rule->code, rule->subcode);
    printf("%-12s %-16s %s\n", code, action_name(rule->action), rule->title);
}

static void print_rule(const struct call *c, const struct error_rule *rule,
                       void (*print)(const struct error_rule *rule))
{
    if (c->common.json)
        print_json(rule, rule->code, true);
    else
        print(rule);
}

static int print_of_range(const struct call *c, int code)
{
    const struct graph_error error = {.code = code, .http_status = 400};
    const struct error_rule *rule = error_policy_find(&error);

    if (c->common.json)
        print_json(rule, code, false);
    else
        printf(
            "%d is not in the table; as a code of its range:\n    tidings: %s\n    you:     %s\n",
            code, action_text(rule->action), rule->hint);
    return EXIT_DONE;
}

static int print_one(const struct call *c, const char *text)
{
    const struct error_rule *rules;
    size_t count, found = 0;
    int64_t code;
    struct err e;

    if (!text_to_int(text, 0, INT32_MAX, &code)) {
        (void)err_set(&e, EXIT_USAGE,
                      "errors: '%.40s' is no code (a whole number, as in code=131026)", text);
        return call_fail(&e);
    }
    rules = error_policy_table(&count);
    for (size_t i = 0; i < count; i++) {
        if (rules[i].code != code)
            continue;
        found++;
        print_rule(c, &rules[i], print_whole);
    }
    return found ? EXIT_DONE : print_of_range(c, (int)code);
}

static int print_all(const struct call *c)
{
    size_t count;
    const struct error_rule *rules = error_policy_table(&count);

    for (size_t i = 0; i < count; i++)
        print_rule(c, &rules[i], print_line);
    return EXIT_DONE;
}

int command_errors(int argc, char **argv)
{
    struct call c;

    if (!call_begin(&c, &table, argc, argv, NULL))
        return c.exit_code;
    if (c.arguments.count > 1) {
        fprintf(stderr, "tidings: errors takes one CODE at most\n");
        c.exit_code = EXIT_USAGE;
    } else {
        c.exit_code = c.arguments.count ? print_one(&c, c.arguments.items[0]) : print_all(&c);
    }
    call_end(&c);
    return c.exit_code;
}
