/* SPDX-License-Identifier: MIT
 *
 * progress_text.h: how far a run is, in text: a plain line for a file, a block for a terminal.
 *
 * Model: no line of the block is wider than the terminal. On the first the name is shortened, then
 * the bar, then what stands at the end is left out; on the others what stands at the end is left
 * out; the note is broken between words.
 */
#ifndef COMMANDS_PROGRESS_TEXT_H
#define COMMANDS_PROGRESS_TEXT_H

#include "base/buf.h"
#include "commands/tally.h"

enum { PROGRESS_TEXT_MAX = 8192 }; /* bytes of a line or block */

/* What is shown, wherever it comes from. */
struct progress_facts {
    const struct tally *tally; /* borrowed during the call */
    uint64_t retries;
    uint64_t waiting;
    unsigned in_flight;
    double rate_allowed; /* 0: unlimited */
    double rate_actual;
    double pace;      /* done a second, for the ETA; 0: not known, or nothing goes */
    const char *note; /* why nothing goes, or that it ends; NULL: it goes */
};

struct progress_look {
    const char *name; /* of the broadcast */
    bool colour;
    unsigned width; /* columns of the terminal */
};

void progress_line(struct buf *out, const char *name, const struct progress_facts *f);
void progress_block(struct buf *out, const struct progress_look *look,
                    const struct progress_facts *f);

#endif
