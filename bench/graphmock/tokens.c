/* SPDX-License-Identifier: MIT */
#include "tokens.h"

#include "base/utf8.h"

struct scan {
    struct tokens *tokens;
    const char *at;
    const char *end;
};

static void skip_space(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
        s->at++;
}

static bool take(struct scan *s, char c)
{
    skip_space(s);
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static struct token *add(struct scan *s, enum token_kind kind)
{
    struct token *t;

    if (s->tokens->count == TOKENS_MAX)
        return NULL;
    t = &s->tokens->items[s->tokens->count++];
    t->kind = kind;
    t->count = 0;
    t->text = slice_of(s->at, 0);
    return t;
}

static void finish(struct scan *s, struct token *t)
{
    t->text.len = (size_t)(s->at - t->text.at);
    t->next = s->tokens->count;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Behind a backslash: how many bytes the escape takes, 0 when it is none. */
static size_t escape_len(const char *at, const char *end)
{
    if (at == end || !*at)
        return 0;
    if (strchr("\"\\/bfnrt", *at))
        return 1;
    if (*at != 'u' || end - at < 5)
        return 0;
    return is_hex(at[1]) && is_hex(at[2]) && is_hex(at[3]) && is_hex(at[4]) ? 5 : 0;
}

/* From behind the opening quote to behind the closing one. */
static bool scan_string(struct scan *s)
{
    struct token *t = add(s, TOKEN_STRING);

    if (!t)
        return false;
    while (s->at < s->end && *s->at != '"') {
        size_t escape = 0;

        if ((unsigned char)*s->at < ' ')
            return false;
        if (*s->at++ == '\\') {
            escape = escape_len(s->at, s->end);
            if (escape == 0)
                return false;
        }
        s->at += escape;
    }
    if (s->at == s->end)
        return false;
    finish(s, t);
    s->at++;
    return true;
}

static bool is_digit(const struct scan *s)
{
    return s->at < s->end && *s->at >= '0' && *s->at <= '9';
}

static bool scan_digits(struct scan *s)
{
    if (!is_digit(s))
        return false;
    while (is_digit(s))
        s->at++;
    return true;
}

static bool scan_number(struct scan *s)
{
    struct token *t = add(s, TOKEN_NUMBER);
    const char *digits;

    if (!t)
        return false;
    if (*s->at == '-')
        s->at++;
    digits = s->at;
    if (!scan_digits(s) || (*digits == '0' && s->at - digits > 1))
        return false;
    if (s->at < s->end && *s->at == '.') {
        s->at++;
        if (!scan_digits(s))
            return false;
    }
    if (s->at < s->end && (*s->at | 0x20) == 'e') {
        s->at++;
        if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
            s->at++;
        if (!scan_digits(s))
            return false;
    }
    finish(s, t);
    return true;
}

static bool scan_word(struct scan *s)
{
    static const char *const words[] = {"true", "false", "null"};
    struct token *t = add(s, TOKEN_WORD);

    for (size_t i = 0; t && i < ARRAY_SIZE(words); i++) {
        size_t len = strlen(words[i]);

        if ((size_t)(s->end - s->at) >= len && memcmp(s->at, words[i], len) == 0) {
            s->at += len;
            finish(s, t);
            return true;
        }
    }
    return false;
}

/* Everything but containers. */
static bool scan_plain(struct scan *s)
{
    if (*s->at == '"') {
        s->at++;
        return scan_string(s);
    }
    return *s->at == '-' || is_digit(s) ? scan_number(s) : scan_word(s);
}

/* The containers that are open, outermost first. */
struct open {
    struct token *items[TOKENS_DEPTH_MAX];
    size_t depth;
};

static bool open_container(struct scan *s, struct open *open)
{
    struct token *t = add(s, *s->at == '{' ? TOKEN_OBJECT : TOKEN_ARRAY);

    if (!t || open->depth == TOKENS_DEPTH_MAX)
        return false;
    s->at++;
    open->items[open->depth++] = t;
    return true;
}

/* Closes what ends here. Says in `more` whether a further value must follow. */
static bool close_containers(struct scan *s, struct open *open, bool *more)
{
    *more = false;
    while (open->depth > 0) {
        struct token *top = open->items[open->depth - 1];

        if (take(s, top->kind == TOKEN_OBJECT ? '}' : ']')) {
            finish(s, top);
            open->depth--;
            continue;
        }
        if (top->count > 0 && !take(s, ','))
            return false;
        top->count++;
        *more = true;
        return true;
    }
    return true;
}

/* "key": in an object; nothing elsewhere. */
static bool scan_key(struct scan *s, const struct open *open)
{
    if (open->depth == 0 || open->items[open->depth - 1]->kind != TOKEN_OBJECT)
        return true;
    return take(s, '"') && scan_string(s) && take(s, ':');
}

static bool scan_all(struct scan *s)
{
    struct open open = {.depth = 0};
    bool more = true;

    while (more) {
        if (!scan_key(s, &open))
            return false;
        skip_space(s);
        if (s->at == s->end)
            return false;
        if (*s->at == '{' || *s->at == '[') {
            if (!open_container(s, &open))
                return false;
        } else if (!scan_plain(s)) {
            return false;
        }
        if (!close_containers(s, &open, &more))
            return false;
    }
    skip_space(s);
    return s->at == s->end;
}

bool tokens_read(struct tokens *t, struct slice text)
{
    struct scan s = {.tokens = t, .at = text.at, .end = text.at + text.len};

    t->count = 0;
    return text.len > 0 && scan_all(&s) && utf8_is_valid(text.at, text.len);
}

const struct token *tokens_root(const struct tokens *t)
{
    return t->count ? &t->items[0] : NULL;
}

const struct token *tokens_first(const struct token *container)
{
    return container + 1;
}

const struct token *tokens_after(const struct tokens *t, const struct token *item)
{
    return &t->items[item->next];
}

const struct token *tokens_get(const struct tokens *t, const struct token *object, const char *key)
{
    const struct token *item;

    if (!token_is(object, TOKEN_OBJECT))
        return NULL;
    item = tokens_first(object);
    for (uint32_t i = 0; i < object->count; i++) {
        if (slice_is(item->text, key))
            return item + 1;
        item = tokens_after(t, item + 1);
    }
    return NULL;
}
