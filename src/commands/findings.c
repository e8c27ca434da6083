/* SPDX-License-Identifier: MIT */
#include "commands/findings.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct finding *next_finding(struct findings *f, enum finding_kind kind, const char *subject)
{
    size_t index = f->count < FINDINGS_MAX ? f->count++ : FINDINGS_MAX - 1;

    f->items[index] = (struct finding){.kind = kind, .subject = subject, .code = EXIT_CONFIG};
    return &f->items[index];
}

void findings_add(struct findings *f, enum finding_kind kind, const char *subject,
                  const char *format, ...)
{
    struct finding *finding = next_finding(f, kind, subject);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(finding->text, sizeof(finding->text), format, args); /* cut, it still helps */
    va_end(args);
}

void findings_fail(struct findings *f, const char *subject, const struct err *e)
{
    struct finding *finding = next_finding(f, FINDING_BAD, subject);

    text_copy(finding->text, sizeof(finding->text), e->text, strlen(e->text));
    finding->code = e->code;
}

const struct finding *findings_first_bad(const struct findings *f)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->items[i].kind == FINDING_BAD)
            return &f->items[i];
    }
    return NULL;
}

bool findings_have_warning(const struct findings *f)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->items[i].kind == FINDING_WARNING)
            return true;
    }
    return false;
}

void findings_text(const struct findings *f, struct buf *out)
{
    static const char *const marks[] = {
        [FINDING_GOOD] = "✅", [FINDING_WARNING] = "⚠️ ", [FINDING_BAD] = "❌"};

    for (size_t i = 0; i < f->count; i++)
        buf_addf(out, "%s %s: %s\n", marks[f->items[i].kind], f->items[i].subject,
                 f->items[i].text);
}
