/* SPDX-License-Identifier: MIT */
#include "core/reject.h"

#include "base/buf.h"
#include "base/text.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool reject_set(struct reject *why, const char *format, ...)
{
    char line[2 * sizeof(why->text)];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args); /* a cut sentence still helps */
    va_end(args);
    text_copy(why->text, sizeof(why->text), line, strlen(line));
    return false;
}

bool reject_value(struct reject *why, const char *field, const char *value, size_t len,
                  const char *reason)
{
    char shown[REJECT_SHOWN_SIZE];

    return reject_set(why, "%s: \"%s\" %s", field, reject_show(shown, value, len), reason);
}

/* One character, or one byte that is none; says how many bytes it took. */
static size_t add_shown(struct buf *out, const char *text, size_t len)
{
    size_t step = utf8_step(text, len);

    if (*text == '\n')
        buf_adds(out, "\\n");
    else if (*text == '\t')
        buf_adds(out, "\\t");
    else if (*text == '"' || *text == '\\')
        buf_addf(out, "\\%c", *text);
    else if (step == 0 || utf8_is_control(text, step))
        buf_addf(out, "\\x%02x", (unsigned)(unsigned char)*text);
    else
        buf_add(out, text, step);
    /* The second byte of a C1 control is then shown by itself. */
    return step == 0 || utf8_is_control(text, step) ? 1 : step;
}

const char *reject_show(char out[REJECT_SHOWN_SIZE], const char *value, size_t len)
{
    struct buf shown = buf_new(REJECT_SHOWN_MAX);
    size_t at = 0;

    while (at < len && buf_ok(&shown))
        at += add_shown(&shown, value + at, len - at);
    (void)snprintf(out, REJECT_SHOWN_SIZE, "%s%s", buf_text(&shown), /* sized for it */
                   buf_ok(&shown) ? "" : "...");
    buf_free(&shown);
    return out;
}
