/* SPDX-License-Identifier: MIT
 *
 * findings.h: what `check` found, one line each.
 */
#ifndef COMMANDS_FINDINGS_H
#define COMMANDS_FINDINGS_H

#include "base/buf.h"
#include "base/err.h"

enum finding_kind { FINDING_GOOD, FINDING_WARNING, FINDING_BAD };

enum { FINDINGS_MAX = 32 };

struct finding {
    enum finding_kind kind;
    const char *subject; /* "token", "template" */
    char text[400];      /* what was found, and what to do */
    enum exit_code code; /* FINDING_BAD: what --strict ends with */
};

struct findings {
    struct finding items[FINDINGS_MAX];
    size_t count;
};

void findings_add(struct findings *f, enum finding_kind kind, const char *subject,
                  const char *format, ...) PRINTF_LIKE(4, 5);
/* A bad one with the exit code that --strict gives for it. */
void findings_fail(struct findings *f, const char *subject, const struct err *e);
/* The first bad one, or NULL. */
const struct finding *findings_first_bad(const struct findings *f);
bool findings_have_warning(const struct findings *f);
void findings_text(const struct findings *f, struct buf *out);

#endif
