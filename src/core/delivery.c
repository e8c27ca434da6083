/* SPDX-License-Identifier: MIT */
#include "core/delivery.h"

#define TO(stage) (1u << STAGE_##stage)

/* Where each stage may go. */
static const unsigned may_go_to[STAGE_COUNT] = {
    [STAGE_OFFERED] = TO(PROBING) | TO(ADMITTING) | TO(PARKED) | TO(GONE),
    [STAGE_PROBING] = TO(OFFERED) | TO(GONE),
    [STAGE_ADMITTING] = TO(READY) | TO(WAITING) | TO(SETTLING) | TO(GONE),
    [STAGE_WAITING] = TO(INTENDING) | TO(SETTLING) | TO(PARKED) | TO(GONE),
    [STAGE_INTENDING] = TO(READY) | TO(GONE),
    [STAGE_READY] = TO(STARTED) | TO(SETTLING),
    [STAGE_STARTED] = TO(WIRED) | TO(SETTLING),
    [STAGE_WIRED] = TO(SETTLING),
    [STAGE_SETTLING] = TO(WAITING) | TO(GONE),
    [STAGE_PARKED] = TO(OFFERED) | TO(WAITING) | TO(GONE),
    [STAGE_GONE] = 0,
};

bool stage_may_move(enum stage from, enum stage to)
{
    return (may_go_to[from] & (1u << to)) != 0;
}
