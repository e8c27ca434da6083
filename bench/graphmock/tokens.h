/* SPDX-License-Identifier: MIT
 *
 * tokens.h: JSON cut into a flat array of tokens, in one pass and without memory of its own: on the
 * mock's hot path a tree of json-c would cost more than everything else.
 *
 * Model: a value is a token; an object's members follow it as key, value, key, value; `next` is the
 * index behind the value with all it holds. Strings stay as they were written, escapes and all:
 * they are valid, and can go into an answer as they are. Limits: TOKENS_MAX, TOKENS_DEPTH_MAX.
 * Lifetime: the text is borrowed as long as the tokens are looked at.
 */
#ifndef GRAPHMOCK_TOKENS_H
#define GRAPHMOCK_TOKENS_H

#include "base/attr.h"
#include "slice.h"

#include <stdbool.h>
#include <stdint.h>

enum { TOKENS_MAX = 1024, TOKENS_DEPTH_MAX = 16 };

enum token_kind { TOKEN_STRING, TOKEN_NUMBER, TOKEN_WORD, TOKEN_OBJECT, TOKEN_ARRAY };

struct token {
    enum token_kind kind;
    uint32_t next;     /* index of the token behind this value */
    uint32_t count;    /* members of an object, elements of an array */
    struct slice text; /* without the quotes of a string; whole, with brackets, otherwise */
};

struct tokens {
    uint32_t count;
    struct token items[TOKENS_MAX];
};

/* False when the text is not JSON (RFC 8259), or too deep or too long. */
bool tokens_read(struct tokens *t, struct slice text) MUST_CHECK;

/* The root; NULL is "not there" in all of these. */
const struct token *tokens_root(const struct tokens *t);
const struct token *tokens_get(const struct tokens *t, const struct token *object, const char *key);
/* The first element of an array (or key of an object), and the one behind `item`; bounds are the
 * caller's: count them with `count`. */
const struct token *tokens_first(const struct token *container);
const struct token *tokens_after(const struct tokens *t, const struct token *item);

static inline bool token_is(const struct token *t, enum token_kind kind)
{
    return t && t->kind == kind;
}

/* The text of a string, or an empty slice. */
static inline struct slice token_string(const struct token *t)
{
    return token_is(t, TOKEN_STRING) ? t->text : slice_of("", 0);
}

#endif
