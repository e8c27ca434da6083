/* SPDX-License-Identifier: MIT
 *
 * check_local.h: what `check` looks at on this machine: the ledger's folder, disk space, the clock,
 * secret files.
 */
#ifndef COMMANDS_CHECK_LOCAL_H
#define COMMANDS_CHECK_LOCAL_H

#include "commands/findings.h"
#include "commands/settings.h"

void check_local(const struct settings *s, struct findings *f);

#endif
