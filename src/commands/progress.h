/* SPDX-License-Identifier: MIT
 *
 * progress.h: what the operator sees while a run goes on, on standard error: one live block on a
 * terminal, redrawn in place; otherwise a plain line every few seconds.
 */
#ifndef COMMANDS_PROGRESS_H
#define COMMANDS_PROGRESS_H

#include "base/buf.h"
#include "commands/dispatch.h"

struct progress {
    const char *name; /* of the broadcast */
    bool live;        /* a terminal */
    bool colour;
    bool quiet;       /* nothing at all */
    struct buf block; /* what stands on the screen */
};

/* Chooses live or plain. */
void progress_begin(struct progress *p, const char *name, bool quiet, bool colour);
/* How often progress_tick wants to be called. */
int64_t progress_interval_ms(const struct progress *p);
void progress_tick(void *progress, struct dispatch *d);
/* The last state stays on the screen. */
void progress_end(struct progress *p, struct dispatch *d);

#endif
