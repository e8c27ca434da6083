/* SPDX-License-Identifier: MIT
 *
 * control_question.h: which members a question over the control socket may have.
 *
 * Model: a member that is left out may mean "everything"; one that was meant, but is misspelt, null
 * or of another type, must not. So each member must be known to the op and of its type, and a
 * broadcast that is named has a name.
 */
#ifndef COMMANDS_CONTROL_QUESTION_H
#define COMMANDS_CONTROL_QUESTION_H

#include "base/err.h"
#include "base/json.h"

/* EXIT_USAGE: what is wrong with it, also where the op is not known. */
bool control_question_check(const struct json *body, struct err *e) MUST_CHECK;

#endif
