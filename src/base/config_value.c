/* SPDX-License-Identifier: MIT */
#include "base/config_value.h"

#include "base/mem.h"
#include "base/text.h"

#include <string.h>
#include <strings.h>

static void *place_of(const struct config_key *key, void *settings)
{
    return (char *)settings + key->offset;
}

static bool none_is_allowed(const struct config_key *key)
{
    return !key->fallback || !*key->fallback;
}

static const char *set_text(const struct config_key *key, const char *text, void *settings)
{
    char **place = place_of(key, settings);

    if (key->check && (*text || !none_is_allowed(key))) {
        const char *reason = key->check(text);

        if (reason)
            return reason;
    }
    mem_free(*place);
    *place = mem_strdup(text);
    return NULL;
}

static const char *set_bool(const struct config_key *key, const char *text, void *settings)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {
        {"true", true},   {"yes", true}, {"on", true},   {"1", true},
        {"false", false}, {"no", false}, {"off", false}, {"0", false},
    };
    bool *place = place_of(key, settings);

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (strcasecmp(text, words[i].word) == 0) {
            *place = words[i].value;
            return NULL;
        }
    }
    return "is neither true nor false";
}

static const char *set_int(const struct config_key *key, const char *text, void *settings)
{
    int64_t *place = place_of(key, settings);
    int64_t value;

    if (!text_to_int(text, INT64_MIN, INT64_MAX, &value))
        return "is not a whole number";
    if ((double)value < key->min || (double)value > key->max)
        return "is out of range";
    *place = value;
    return NULL;
}

static const char *set_rate(const struct config_key *key, const char *text, void *settings)
{
    double *place = place_of(key, settings);
    double value;

    if (strcasecmp(text, "unlimited") == 0) {
        *place = 0;
        return NULL;
    }
    if (!text_to_double(text, -1e300, 1e300, &value))
        return "is not a number";
    if (value < key->min || value > key->max)
        return "is out of range";
    *place = value;
    return NULL;
}

static const char *set_choice(const struct config_key *key, const char *text, void *settings)
{
    int *place = place_of(key, settings);
    size_t len = strlen(text);
    const char *choice = key->choices;

    for (int i = 0; len > 0; i++) {
        size_t choice_len = strcspn(choice, "|");

        if (choice_len == len && strncasecmp(choice, text, len) == 0) {
            *place = i;
            return NULL;
        }
        if (choice[choice_len] == '\0')
            break;
        choice += choice_len + 1;
    }
    return "is none of the choices";
}

const char *config_value_set(const struct config_key *key, const char *text, void *settings)
{
    static const char *(*const setters[])(const struct config_key *, const char *, void *) = {
        [CONFIG_TEXT] = set_text, [CONFIG_BOOL] = set_bool,     [CONFIG_INT] = set_int,
        [CONFIG_RATE] = set_rate, [CONFIG_CHOICE] = set_choice,
    };

    return setters[key->type](key, text, settings);
}
