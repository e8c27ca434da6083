/* SPDX-License-Identifier: MIT
 *
 * templates.h: the templates that this account has, and whether a message fills one rightly.
 *
 * Model: a few are built in (templates.c); --template NAME:LANG:N adds one with N positional body
 * parameters. Graph's own order of checks changes from day to day; ours is: the template, the
 * header, the body, the buttons, the length.
 */
#ifndef GRAPHMOCK_TEMPLATES_H
#define GRAPHMOCK_TEMPLATES_H

#include "base/err.h"
#include "refusal.h"
#include "tokens.h"

enum { TEMPLATE_PARAMS_MAX = 16, TEMPLATE_BUTTONS_MAX = 4, TEMPLATES_MAX = 32 };

enum button { BUTTON_NONE, BUTTON_URL, BUTTON_QUICK_REPLY };

struct template
{
    const char *name;
    const char *lang;
    const char *header;                     /* text with one variable, or NULL */
    const char *body;                       /* "{{1}}" or "{{name}}" stand for the variables */
    size_t params;                          /* of the body */
    const char *names[TEMPLATE_PARAMS_MAX]; /* all NULL: positional */
    enum button buttons[TEMPLATE_BUTTONS_MAX];
};

struct templates {
    struct template items[TEMPLATES_MAX];
    char *specs[TEMPLATES_MAX]; /* the memory of those that were added */
    size_t count;
};

void templates_init(struct templates *t);
void templates_free(struct templates *t);
/* "NAME:LANG:N" */
bool templates_add(struct templates *t, const char *spec, struct err *e) MUST_CHECK;

/* `message` is the "template" object of a payload. False with `r` filled when Graph refuses it. */
bool templates_check(const struct templates *t, const struct tokens *tokens,
                     const struct token *message, struct refusal *r) MUST_CHECK;

#endif
