/* SPDX-License-Identifier: MIT */
#include "sim_clock.h"

static const int64_t *now;
static struct sim_random *chance;

void sim_clock_use(const int64_t *now_us, struct sim_random *random)
{
    now = now_us;
    chance = random;
}

int64_t __wrap_clock_mono_us(void)
{
    return *now;
}

int64_t __wrap_clock_wall_ms(void)
{
    return SIM_START_WALL_MS + *now / 1000;
}

void __wrap_random_bytes(void *out, size_t len)
{
    unsigned char *bytes = out;

    for (size_t i = 0; i < len; i++)
        bytes[i] = (unsigned char)sim_random_next(chance);
}
