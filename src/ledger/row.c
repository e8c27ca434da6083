/* SPDX-License-Identifier: MIT */
#include "ledger/row.h"

#include "base/text.h"
#include "ledger/pack.h"

#include <string.h>

struct texts {
    char id[MESSAGE_ID_MAX + 1];
    char to[PHONE_SIZE];
    char template_name[MESSAGE_TEMPLATE_MAX + 1];
    char lang[MESSAGE_LABEL_MAX + 1];
    char sender[MESSAGE_LABEL_MAX + 1];
    char broadcast[MESSAGE_LABEL_MAX + 1];
};

static bool copy_word(sqlite3_stmt *query, struct words *words, int at, char *out, struct err *e)
{
    size_t size = at == 3 ? MESSAGE_TEMPLATE_MAX + 1 : MESSAGE_LABEL_MAX + 1;
    const char *text;

    if (!words_text(words, sqlite3_column_int64(query, at), &text, e))
        return false;
    text_copy(out, size, text, strlen(text));
    return true;
}

bool row_message(sqlite3_stmt *query, struct words *words, struct message **out, struct err *e)
{
    struct texts t;

    if (!copy_word(query, words, 3, t.template_name, e) || !copy_word(query, words, 4, t.lang, e) ||
        !copy_word(query, words, 5, t.sender, e) ||
        !copy_word(query, words, ROW_BROADCAST, t.broadcast, e))
        return false;
    pack_column_id(query, 1, t.id);
    pack_column_phone(query, 2, t.to);
    *out = message_restore(&(struct message){
        .id = t.id,
        .to = t.to,
        .template_name = t.template_name,
        .lang = t.lang,
        .sender = t.sender,
        .broadcast = t.broadcast,
        .content = db_text(query, 7),
        .class_id = db_text(query, 8),
        .test_num = db_text(query, 9),
        .ref = db_text(query, 10),
        .not_before_ms = sqlite3_column_int64(query, 11),
        .expires_at_ms = sqlite3_column_int64(query, 12),
    });
    return true;
}
