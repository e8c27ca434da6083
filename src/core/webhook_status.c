/* SPDX-License-Identifier: MIT */
#include "core/webhook_status.h"

#include <string.h>

enum webhook_status webhook_status_merge(enum webhook_status known, enum webhook_status told)
{
    return told > known ? told : known;
}

const char *webhook_status_name(enum webhook_status status)
{
    switch (status) {
    case WEBHOOK_SENT:
        return "sent";
    case WEBHOOK_UNDELIVERED:
        return "undelivered";
    case WEBHOOK_DELIVERED:
        return "delivered";
    case WEBHOOK_READ:
        return "read";
    case WEBHOOK_NONE:
        break;
    }
    return "";
}

bool webhook_status_parse(const char *word, size_t len, enum webhook_status *out)
{
    static const struct {
        const char *word;
        enum webhook_status status;
    } words[] = {{"sent", WEBHOOK_SENT},
                 {"delivered", WEBHOOK_DELIVERED},
                 {"read", WEBHOOK_READ},
                 {"played", WEBHOOK_READ},
                 {"failed", WEBHOOK_UNDELIVERED}};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (strlen(words[i].word) != len || memcmp(words[i].word, word, len) != 0)
            continue;
        *out = words[i].status;
        return true;
    }
    return false;
}
