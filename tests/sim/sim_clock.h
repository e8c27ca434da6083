/* SPDX-License-Identifier: MIT
 *
 * sim_clock.h: the clocks and the chance of base/, replaced: the linker (--wrap) leads the ledger's
 * calls here, so that nothing in a run depends on the machine.
 */
#ifndef SIM_SIM_CLOCK_H
#define SIM_SIM_CLOCK_H

#include "sim_random.h"

#include <stddef.h>

enum { SIM_START_WALL_MS = 1000000000 };

/* The run whose time and chance they are; borrowed until the next call. */
void sim_clock_use(const int64_t *now_us, struct sim_random *random);

int64_t __wrap_clock_mono_us(void);
int64_t __wrap_clock_wall_ms(void);
void __wrap_random_bytes(void *out, size_t len);

#endif
