/* SPDX-License-Identifier: MIT */
#include "core/error_policy.h"

enum { CODE_UNSURE_IF_TRANSIENT = 1 };

/* Codes that the table does not know, by what their range stands for. */
static const struct {
    int first;
    int last;
    struct error_rule rule;
} ranges[] = {
    {0,
     10,
     {.action = ACTION_HALT_TOKEN,
      .title = "",
      .hint = "Read the details; make a new token in Meta Business Settings and seal it with "
              "`tidings token seal`."}},
    {200,
     299,
     {.action = ACTION_HALT_TOKEN,
      .title = "",
      .hint = "Give the token's system user whatsapp_business_messaging and access to this "
              "account, make "
              "a new token, seal it with `tidings token seal`."}},
    {133000,
     133999,
     {.action = ACTION_HALT_SENDER,
      .title = "",
      .hint = "See the number's status in WhatsApp Manager."}},
    {2388000,
     2388999,
     {.action = ACTION_NOT_FOR_SENDS,
      .title = "",
      .hint = "It concerns making or editing a template: see it in WhatsApp Manager."}},
};

static const struct error_rule unknown_final = {
    .action = ACTION_FAIL,
    .title = "",
    .hint = "Read the title and details, and look the code up on Meta's error-code page; when it "
            "is mended, send again with `tidings retry`.",
};

static const struct error_rule unknown_transient = {
    .action = ACTION_RETRY,
    .title = "",
    .hint = "Wait; look at metastatus.com if it lasts, and send again with `tidings retry` what "
            "failed.",
};

/* Does the answer itself say that Graph had a trouble of its own? */
static bool is_server_trouble(const struct graph_error *error)
{
    return error->is_transient || (error->http_status >= 500 && error->http_status <= 599);
}

/* The row, or NULL. Few enough that a walk costs less than the line of log about it. */
static const struct error_rule *row_of(int code, int subcode)
{
    size_t count;
    const struct error_rule *table = error_policy_table(&count);

    for (size_t i = 0; i < count; i++) {
        if (table[i].code == code && table[i].subcode == subcode)
            return &table[i];
    }
    return NULL;
}

static const struct error_rule *rule_of_range(const struct graph_error *error)
{
    for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
        if (error->code >= ranges[i].first && error->code <= ranges[i].last)
            return &ranges[i].rule;
    }
    return is_server_trouble(error) ? &unknown_transient : &unknown_final;
}

const struct error_rule *error_policy_find(const struct graph_error *error)
{
    const struct error_rule *rule = row_of(error->code, error->subcode);

    if (!rule)
        rule = row_of(error->code, 0);
    return rule ? rule : rule_of_range(error);
}

enum action error_policy_action(const struct graph_error *error)
{
    if (error->code == CODE_UNSURE_IF_TRANSIENT && is_server_trouble(error))
        return ACTION_UNKNOWN;
    return error_policy_find(error)->action;
}

static const struct {
    const char *name;
    const char *text;
} actions[ACTION_COUNT] = {
    [ACTION_FAIL] = {"fail", "The message is failed; it is not tried again by itself."},
    [ACTION_FAIL_SUPPRESS] = {"fail_suppress",
                              "The message is failed; do not send to this recipient again."},
    [ACTION_FAIL_MISMATCH] = {"fail_mismatch", "The message is failed; ten in a row with one "
                                               "template stop the template, and the rest waits."},
    [ACTION_DEFER] = {"defer", "The message is failed; a day or more later it may be sent again."},
    [ACTION_RETRY] = {"retry",
                      "The message is tried again, later and later, up to retry.max_attempts."},
    [ACTION_RETRY_ONCE] = {"retry_once", "The message is tried once more, then it is failed."},
    [ACTION_SLOW_SENDER] =
        {"slow_sender", "The sender's rate is cut and climbs back; the message is tried again."},
    [ACTION_SLOW_PAIR] = {"slow_pair",
                          "The message waits and is tried again; other recipients go on."},
    [ACTION_HOLD_SENDER] = {"hold_sender",
                            "The sender is held for a minute, then goes on by itself."},
    [ACTION_HOLD_TEMPLATE] = {"hold_template",
                              "The template is held for ten minutes, then goes on by itself."},
    [ACTION_HALT_TOKEN] = {"halt_token", "Everything with this token stops; nothing is lost. Then "
                                         "the same command goes on; a daemon after a reload."},
    [ACTION_HALT_ACCOUNT] = {"halt_account", "Everything stops; nothing is lost. Then the same "
                                             "command goes on; a daemon after `tidings resume`."},
    [ACTION_HALT_SENDER] = {"halt_sender",
                            "Everything from this sender stops; nothing is lost. Then the same "
                            "command goes on; a daemon after `tidings resume`."},
    [ACTION_HALT_TEMPLATE] =
        {"halt_template", "Everything with this template in this language stops; nothing is lost. "
                          "Then the same command goes on; a daemon after `tidings resume`."},
    [ACTION_UNKNOWN] = {"unknown",
                        "The message is unknown: Meta may have sent it, so it is not tried again."},
    [ACTION_NOT_FOR_SENDS] = {"not_for_sends",
                              "It does not concern sends; a send that meets it stops its sender."},
};

const char *action_name(enum action a)
{
    return actions[a].name;
}

const char *action_text(enum action a)
{
    return actions[a].text;
}
