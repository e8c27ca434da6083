/* SPDX-License-Identifier: MIT
 *
 * fuzz_webhook.c: any bytes as the body of a webhook. For libFuzzer (clang -fsanitize=fuzzer).
 */
#include "core/webhook.h"

#include "base/json.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t size)
{
    assert(memchr(text, '\0', size));
    for (; *text; text++)
        assert((unsigned char)*text >= ' ' && *text != 0x7f);
}

/* What holds for every fact, whatever the bytes are. */
static void on_fact(void *context, const struct webhook_fact *fact)
{
    (*(uint64_t *)context)++;
    assert(fact->status > WEBHOOK_NONE && fact->status < WEBHOOK_STATUS_COUNT);
    assert(fact->wamid[0] && fact->at_ms >= 0);
    assert(fact->status == WEBHOOK_UNDELIVERED || (fact->code == 0 && !fact->title[0]));
    check_text(fact->wamid, sizeof(fact->wamid));
    check_text(fact->recipient, sizeof(fact->recipient));
    check_text(fact->opaque, sizeof(fact->opaque));
    check_text(fact->title, sizeof(fact->title));
    check_text(fact->details, sizeof(fact->details));
    check_text(fact->phone_id, WEBHOOK_ID_MAX);
    check_text(fact->waba_id, WEBHOOK_ID_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t told = 0;
    struct webhook_reader r = {.on_fact = on_fact, .context = &told};
    struct err e = {.code = EXIT_DONE};
    struct json *strict;
    bool ok = webhook_read(&r, (const char *)data, size, &e);

    assert(r.counts.facts == told);
    assert(ok || (told == 0 && e.code == EXIT_BAD_DATA));
    /* What the strict reader takes, this one takes. */
    strict = json_parse((const char *)data, size, WEBHOOK_BODY_MAX, &e);
    assert(!strict || json_type(strict) != JSON_OBJECT || ok);
    json_free(strict);
    return 0;
}
