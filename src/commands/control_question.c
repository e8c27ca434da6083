/* SPDX-License-Identifier: MIT */
#include "commands/control_question.h"

#include "core/message.h"

#include <string.h>

enum { MEMBERS_MAX = 4 };

struct member {
    const char *name;
    enum json_type type;
};

/* Beside "op". */
static const struct form {
    const char *op;
    struct member members[MEMBERS_MAX];
} forms[] = {
    {.op = "status"},
    {"pause", {{"broadcast", JSON_STRING}}},
    {"resume", {{"broadcast", JSON_STRING}}},
    {"cancel", {{"broadcast", JSON_STRING}}},
    {.op = "drain"},
    {"take_in", {{"messages", JSON_ARRAY}}},
    {"open_again", {{"states", JSON_ARRAY}, {"numbers", JSON_ARRAY}}},
    {"settle", {{"to", JSON_STRING}, {"states", JSON_ARRAY}, {"numbers", JSON_ARRAY}}},
    {"broadcast",
     {{"broadcast", JSON_STRING},
      {"state", JSON_STRING},
      {"file_hash", JSON_STRING},
      {"plan_hash", JSON_STRING}}},
};

struct check {
    const struct form *form;
    struct err *e;
};

static const struct form *find_form(const char *op)
{
    for (size_t i = 0; op && i < ARRAY_SIZE(forms); i++) {
        if (strcmp(forms[i].op, op) == 0)
            return &forms[i];
    }
    return NULL;
}

static const struct member *find_member(const struct form *form, const char *name)
{
    for (size_t i = 0; i < MEMBERS_MAX && form->members[i].name; i++) {
        if (strcmp(form->members[i].name, name) == 0)
            return &form->members[i];
    }
    return NULL;
}

static bool check_name(const struct json *value, struct err *e)
{
    const char *name = json_string(value, NULL); /* it is one */

    return (*name && !message_value_fault("broadcast", name)) ||
           err_set(e, EXIT_USAGE,
                   "broadcast: the name of a broadcast has 1 to %d bytes of UTF-8 without control "
                   "characters; leave it out to mean everything",
                   MESSAGE_LABEL_MAX);
}

static bool check_member(void *context, const char *name, const struct json *value)
{
    const struct check *c = context;
    const struct member *member = find_member(c->form, name);

    if (strcmp(name, "op") == 0)
        return true;
    if (!member)
        return err_set(c->e, EXIT_USAGE, "%s has no member \"%.60s\": nothing was done",
                       c->form->op, name);
    if (json_type(value) != member->type)
        return err_set(c->e, EXIT_USAGE, "%s: \"%s\" is to be %s: nothing was done", c->form->op,
                       name, member->type == JSON_STRING ? "a string" : "an array");
    return strcmp(name, "broadcast") != 0 || check_name(value, c->e);
}

bool control_question_check(const struct json *body, struct err *e)
{
    struct check c = {find_form(json_string(json_get(body, "op"), NULL)), e};

    if (!c.form)
        return err_set(e, EXIT_USAGE,
                       "no such op: are the daemon and the command of the same version?");
    return json_each(body, check_member, &c);
}
