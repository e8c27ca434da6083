/* SPDX-License-Identifier: MIT
 *
 * fuzz_message.c: whatever fields say, they become a message whose payload is JSON, or a reason
 * that is one printable line. libFuzzer's: clang -fsanitize=fuzzer,address,undefined -Isrc
 * tests/fuzz/fuzz_message.c src/core/... src/base/...
 *
 * Input: a byte of options, then fields: a byte that picks the name, a byte of length, the value.
 */
#include "base/json.h"
#include "base/utf8.h"
#include "core/graph_payload.h"
#include "core/message.h"
#include "core/opaque_id.h"

#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 32, OPTION_NAMED = 1, OPTION_FROM_SOURCE = 2, OPTION_JSON = 0x80 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {
    "to",
    "id",
    "template",
    "lang",
    "params",
    "components",
    "header",
    "class_id",
    "test_num",
    "broadcast",
    "sender",
    "not_before",
    "expires_at",
    "ref",
    "educator_name",
    "test_name",
    "p1",
    "p2",
    "p3",
    "p64",
    "p65",
    "url_button_0",
    "url_button_9",
    "url_button_x",
    "quick_reply_0",
    "quick_reply_1",
    "quick_reply_9",
    "something",
};

static const char *const positional[] = {"educator_name", "test_name"};
static const char *const named[] = {"who=educator_name", "test=test_name"};

/* What must hold, holds, or the fuzzer hears of it. */
static void require(bool holds)
{
    if (!holds)
        abort();
}

static size_t read_fields(const uint8_t *data, size_t size, struct field fields[FIELDS_MAX])
{
    size_t count = 0;

    while (count < FIELDS_MAX && size >= 2) {
        size_t len = data[1] < size - 2 ? data[1] : size - 2;

        fields[count++] = (struct field){
            .name = names[(data[0] & ~OPTION_JSON) % ARRAY_SIZE(names)],
            .value = (const char *)data + 2,
            .len = len,
            .is_json = (data[0] & OPTION_JSON) != 0,
        };
        data += 2 + len;
        size -= 2 + len;
    }
    return count;
}

static void check_reason(const struct reject *why)
{
    size_t len = strnlen(why->text, sizeof(why->text));

    require(len > 0 && len < sizeof(why->text) && utf8_is_valid(why->text, len));
    for (size_t i = 0; i < len; i++)
        require((unsigned char)why->text[i] >= ' ' && why->text[i] != 0x7F);
}

static void check_payload(const struct message *m)
{
    struct opaque_id id = {.ledger = 7, .message_hash = m->id_hash, .attempt = 1};
    struct opaque_id back;
    struct buf out = buf_new(GRAPH_PAYLOAD_MAX);
    char opaque[OPAQUE_ID_SIZE];
    struct json *root;

    opaque_id_write(&id, opaque);
    require(opaque_id_parse(opaque, &back) && back.message_hash == m->id_hash);
    graph_payload_write(&out, m, opaque);
    require(buf_ok(&out));
    root = json_parse(out.data, out.len, GRAPH_PAYLOAD_MAX, NULL);
    require(root != NULL);
    json_free(root);
    buf_free(&out);
}

/* Canonical content, given as `params` or `components`, is its own canonical form. */
static void check_canonical(const struct message *m, const struct message_context *context)
{
    static const char start[] = "{\"components\":";
    bool whole = strncmp(m->content, start, sizeof(start) - 1) == 0;
    size_t cut = whole ? sizeof(start) - 1 : 0;
    struct field fields[] = {
        {"to", m->to, strlen(m->to), false},
        {whole ? "components" : "params", m->content + cut, strlen(m->content) - cut - whole, true},
        {"template", m->template_name, strlen(m->template_name), false},
        {"lang", m->lang, strlen(m->lang), false},
    };
    struct reject why;
    struct message *again;

    if (!whole && m->content[0] != '[')
        return;
    again = message_from_fields(fields, ARRAY_SIZE(fields), context, &why);
    require(again && again->content_hash == m->content_hash);
    require(strcmp(again->content, m->content) == 0);
    message_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct message_defaults defaults = {.template_name = "results_update",
                                        .lang = "en_US",
                                        .sender = "100000000000001",
                                        .broadcast = "fuzz",
                                        .param_count = 2};
    struct message_context context = {.defaults = &defaults, .source_id = "1-0"};
    struct field fields[FIELDS_MAX];
    struct reject why = {{0}};
    struct message *m;
    size_t count;

    if (size == 0)
        return 0;
    defaults.params = data[0] & OPTION_NAMED ? named : positional;
    context.id_rule = data[0] & OPTION_FROM_SOURCE ? ID_FROM_SOURCE : ID_FROM_CONTENT;
    count = read_fields(data + 1, size - 1, fields);
    m = message_from_fields(fields, count, &context, &why);
    if (!m) {
        check_reason(&why);
        return 0;
    }
    check_payload(m);
    check_canonical(m, &context);
    message_free(m);
    return 0;
}
