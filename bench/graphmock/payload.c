/* SPDX-License-Identifier: MIT */
#include "payload.h"

#include "base/hash.h"
#include "raw_text.h"

#include <stdio.h>

enum { DIGITS_MIN = 7, DIGITS_MAX = 15 };

bool payload_read(struct payload *out, struct tokens *tokens, struct slice body, struct refusal *r)
{
    const struct token *root;
    char type[32];

    *out = (struct payload){.to = slice_of("", 0)};
    if (!tokens_read(tokens, body) || !token_is(tokens_root(tokens), TOKEN_OBJECT)) {
        tokens->count = 0;
        return refuse_prose(r, CODE_INVALID, "(#100) The parameter messaging_product is required.");
    }
    root = tokens_root(tokens);
    out->to = token_string(tokens_get(tokens, root, "to"));
    out->opaque = token_string(tokens_get(tokens, root, "biz_opaque_callback_data"));
    out->type = token_string(tokens_get(tokens, root, "type"));
    if (out->type.len == 0)
        out->type = slice_text("text");
    (void)snprintf(type, sizeof(type), "%.*s", (int)(out->type.len > 31 ? 31 : out->type.len),
                   out->type.at);
    out->content = tokens_get(tokens, root, type);
    out->is_read_mark = slice_is(token_string(tokens_get(tokens, root, "status")), "read");
    (void)raw_text_digits(out->to, out->digits, sizeof(out->digits));
    return true;
}

static bool check_product(const struct tokens *tokens, struct refusal *r)
{
    const struct token *product = tokens_get(tokens, tokens_root(tokens), "messaging_product");
    struct slice text = token_string(product);

    if (!product)
        return refuse_prose(r, CODE_INVALID, "(#100) The parameter messaging_product is required.");
    if (slice_is_like(text, "whatsapp"))
        return true;
    return refuse_prose(r, CODE_INVALID,
                        "(#100) Param messaging_product must be one of {WHATSAPP} - got \"%.*s\".",
                        (int)(text.len > 40 ? 40 : text.len), text.at);
}

/* Digits with optional + - ( ) . and spaces, 7 to 15 of them. */
static bool is_number(struct slice to)
{
    size_t digits = 0;

    for (size_t i = 0; i < to.len; i++) {
        bool digit = to.at[i] >= '0' && to.at[i] <= '9';

        if (!digit && !strchr("+-(). ", to.at[i]))
            return false;
        digits += digit ? 1 : 0;
    }
    return digits >= DIGITS_MIN && digits <= DIGITS_MAX;
}

static bool check_recipient(const struct payload *p, const char *sender, struct refusal *r)
{
    if (p->to.len == 0)
        return refuse(r, CODE_MISSING, "Required parameter to is missing");
    if (p->to.len > PAYLOAD_TO_MAX || !is_number(p->to))
        return refuse(r, CODE_VALUE, "Parameter 'to' is not a valid WhatsApp number");
    if (strcmp(p->digits, sender) == 0)
        return refuse(r, CODE_SELF, "Sender and recipient phone number is the same.");
    return true;
}

static bool check_type(const struct payload *p, const struct tokens *tokens, struct refusal *r)
{
    static const char *const types[] = {"template",    "text",     "image",   "audio",
                                        "video",       "document", "sticker", "location",
                                        "interactive", "contacts", "reaction"};
    bool known = false;

    for (size_t i = 0; i < ARRAY_SIZE(types) && !known; i++)
        known = slice_is(p->type, types[i]);
    if (!known)
        return refuse(r, CODE_TYPE, "Message type is currently not supported.");
    if (!p->content)
        return refuse_prose(r, CODE_INVALID, "(#100) The parameter %.*s is required.",
                            (int)p->type.len, p->type.at);
    if (slice_is(p->type, "text") && token_string(tokens_get(tokens, p->content, "body")).len == 0)
        return refuse_prose(r, CODE_INVALID, "(#100) The parameter text['body'] is required.");
    return true;
}

bool payload_check(const struct payload *p, const struct tokens *tokens, const char *sender,
                   const struct templates *templates, struct refusal *r)
{
    if (!check_product(tokens, r))
        return false;
    if (p->is_read_mark)
        return true;
    if (!check_recipient(p, sender, r) || !check_type(p, tokens, r))
        return false;
    if (raw_text_length(p->opaque) > PAYLOAD_OPAQUE_MAX)
        return refuse_prose(r, CODE_INVALID,
                            "(#100) Param biz_opaque_callback_data must be at most %d characters "
                            "long.",
                            PAYLOAD_OPAQUE_MAX);
    return !slice_is(p->type, "template") || templates_check(templates, tokens, p->content, r);
}

uint64_t payload_identity(const struct payload *p, struct slice phone_id)
{
    struct slice content = p->content ? p->content->text : slice_of("", 0);
    struct hash_part parts[] = {{phone_id.at, phone_id.len},
                                {p->digits, strlen(p->digits)},
                                {p->type.at, p->type.len},
                                {content.at, content.len}};

    return hash64_parts(parts, ARRAY_SIZE(parts));
}
