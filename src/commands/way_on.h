/* SPDX-License-Identifier: MIT
 *
 * way_on.h: what ends a halt once its cause is mended. A halt's hint says what to mend; how it goes
 * on then depends on who sends: a daemon is told, a run that ends by itself is begun again.
 */
#ifndef COMMANDS_WAY_ON_H
#define COMMANDS_WAY_ON_H

#include "core/halt.h"

enum { WAY_ON_SIZE = HALT_TEXT_MAX + 128 };

/* The whole of what to do, hint and way on, in `memory`; returned for convenience. */
const char *way_on_text(const struct halt *halt, bool is_daemon, char memory[WAY_ON_SIZE]);

#endif
