/* SPDX-License-Identifier: MIT
 *
 * status_look.h: what a dispatch knows of itself, into a status (status.h): counters, rates, halts,
 * ledger. The daemon and a run that ends by itself add who they are and what else they know.
 */
#ifndef COMMANDS_STATUS_LOOK_H
#define COMMANDS_STATUS_LOOK_H

#include "commands/dispatch.h"
#include "commands/status.h"

/* Pointers in `s` are borrowed from the dispatch and the settings. */
void status_look(struct daemon_status *s, struct dispatch *d, const struct settings *settings);

#endif
