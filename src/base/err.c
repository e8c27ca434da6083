/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool err_set(struct err *e, enum exit_code code, const char *format, ...)
{
    va_list args;

    if (!e)
        return false;
    e->code = code;
    va_start(args, format);
    (void)vsnprintf(e->text, sizeof(e->text), format, args); /* a cut sentence still helps */
    va_end(args);
    text_make_plain(e->text);
    return false;
}

bool err_wrap(struct err *e, const char *format, ...)
{
    char inner[sizeof(e->text)];
    va_list args;
    int used;

    if (!e)
        return false;
    memcpy(inner, e->text, sizeof(inner));
    va_start(args, format);
    used = vsnprintf(e->text, sizeof(e->text), format, args);
    va_end(args);
    text_make_plain(e->text);
    if (used >= 0 && (size_t)used + 3 < sizeof(e->text)) {
        size_t room = sizeof(e->text) - (size_t)used - 3;

        (void)snprintf(e->text + used, room + 3, ": %.*s", (int)room, inner); /* cut if too long */
    }
    return false;
}
