/* SPDX-License-Identifier: MIT */
#include "core/content_text.h"

#include "base/utf8.h"
#include "core/message.h"

#include <string.h>

enum { SPACES_MAX = 4 };

static const struct {
    size_t max; /* characters */
    const char *fault;
} limits[] = {
    [CONTENT_BODY] = {MESSAGE_BODY_MAX, "is too long; 1 to 1024 characters are allowed"},
    [CONTENT_HEADER] = {CONTENT_HEADER_MAX, "is too long; 1 to 60 characters are allowed"},
    [CONTENT_URL] = {CONTENT_URL_MAX, "is too long; 1 to 2000 characters are allowed"},
    [CONTENT_REPLY] = {CONTENT_REPLY_MAX, "is too long; 1 to 128 characters are allowed"},
};

static const char *control_fault(char c)
{
    if (c == '\n' || c == '\r')
        return "has a newline; one line of text is allowed";
    if (c == '\t')
        return "has a tab; text without tabs is allowed";
    if (c == '\0')
        return "has a NUL; text without control characters is allowed";
    return "has a control character; text without them is allowed";
}

static const char *form_fault(const char *text, size_t len)
{
    size_t spaces = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c > ' ' && c != 0x7F) {
            spaces = 0;
            continue;
        }
        if (c != ' ')
            return control_fault(text[i]);
        if (++spaces > SPACES_MAX)
            return "has more than four spaces in a row; up to four are allowed";
    }
    return NULL;
}

const char *content_text_fault(enum content_kind kind, const char *text, size_t len)
{
    const char *fault;

    if (len == 0)
        return "is empty; Graph refuses that, at least one character is allowed";
    if (!utf8_is_valid(text, len))
        return "is not valid UTF-8; text in UTF-8 is allowed";
    fault = form_fault(text, len);
    if (fault)
        return fault;
    if (len > limits[kind].max && utf8_count_utf16(text, len) > limits[kind].max)
        return limits[kind].fault;
    return NULL;
}

const char *content_name_fault(const char *name, size_t len)
{
    size_t allowed = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

    return len > 0 && allowed >= len
               ? NULL
               : "is no name of a parameter; a to z, 0 to 9 and _ are allowed";
}
