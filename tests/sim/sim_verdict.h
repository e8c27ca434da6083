/* SPDX-License-Identifier: MIT
 *
 * sim_verdict.h: the first rule that a run broke, in a sentence that begins with the rule's name
 * (I1 to I11, docs/testing.md).
 */
#ifndef SIM_SIM_VERDICT_H
#define SIM_SIM_VERDICT_H

#include "base/attr.h"

#include <stdarg.h>
#include <stdio.h>

struct sim_verdict {
    char failure[320]; /* "" while all holds */
};

static inline void sim_fail(struct sim_verdict *v, const char *format, ...) PRINTF_LIKE(2, 3);

static inline void sim_fail(struct sim_verdict *v, const char *format, ...)
{
    va_list args;

    if (v->failure[0])
        return;
    va_start(args, format);
    (void)vsnprintf(v->failure, sizeof(v->failure), format, args); /* cut if too long */
    va_end(args);
}

#endif
