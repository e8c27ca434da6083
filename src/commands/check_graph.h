/* SPDX-License-Identifier: MIT
 *
 * check_graph.h: what `check` asks Graph: the token, the phone number, the template.
 */
#ifndef COMMANDS_CHECK_GRAPH_H
#define COMMANDS_CHECK_GRAPH_H

#include "commands/findings.h"
#include "commands/settings.h"
#include "secret/token.h"

void check_graph(const struct settings *s, const struct secret *token, struct findings *f);

#endif
