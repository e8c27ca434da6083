/* SPDX-License-Identifier: MIT
 *
 * progress.h: what the operator sees while a run goes on, on standard error: one live block on a
 * terminal, redrawn in place; otherwise a plain line every few seconds.
 */
#ifndef COMMANDS_PROGRESS_H
#define COMMANDS_PROGRESS_H

#include "commands/live_block.h"
#include "commands/progress_text.h"

struct progress {
    const char *name; /* of the broadcast */
    bool live;        /* a terminal */
    bool colour;
    bool quiet; /* nothing at all */
    struct live_block block;
};

/* Chooses live or plain. */
void progress_begin(struct progress *p, const char *name, bool quiet, bool colour);
/* How often progress_show wants to be called; 0: never. */
int64_t progress_interval_ms(const struct progress *p);
void progress_show(struct progress *p, const struct progress_facts *facts);
/* The last state stays on the screen. */
void progress_end(struct progress *p, const struct progress_facts *facts);

#endif
