/* SPDX-License-Identifier: MIT */
#include "core/delivery.h"

#define TO(stage) (1u << STAGE_##stage)

/* The table of stages: its name, and where it may go. */
static const struct {
    const char *name;
    unsigned next;
} stages[STAGE_COUNT] = {
    [STAGE_OFFERED] = {"offered", TO(PROBING) | TO(ADMITTING) | TO(PARKED) | TO(GONE)},
    [STAGE_PROBING] = {"probing", TO(OFFERED) | TO(GONE)},
    [STAGE_ADMITTING] = {"admitting", TO(READY) | TO(WAITING) | TO(SETTLING) | TO(GONE)},
    [STAGE_WAITING] = {"waiting", TO(INTENDING) | TO(SETTLING) | TO(PARKED) | TO(GONE)},
    [STAGE_INTENDING] = {"intending", TO(READY) | TO(GONE)},
    [STAGE_READY] = {"ready", TO(STARTED) | TO(SETTLING)},
    [STAGE_STARTED] = {"started", TO(WIRED) | TO(SETTLING)},
    [STAGE_WIRED] = {"wired", TO(SETTLING)},
    [STAGE_SETTLING] = {"settling", TO(WAITING) | TO(GONE)},
    [STAGE_PARKED] = {"parked", TO(OFFERED) | TO(WAITING) | TO(GONE)},
    [STAGE_GONE] = {"gone", 0},
};

const char *stage_name(enum stage s)
{
    return stages[s].name;
}

bool stage_may_move(enum stage from, enum stage to)
{
    return (stages[from].next & (1u << to)) != 0;
}
