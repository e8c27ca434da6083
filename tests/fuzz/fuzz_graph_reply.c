/* SPDX-License-Identifier: MIT
 *
 * fuzz_graph_reply.c: any bytes as an answer of Graph's. For libFuzzer (clang -fsanitize=fuzzer).
 * The first byte chooses status and transport, the rest is the body.
 */
#include "core/graph_reply.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t size)
{
    assert(memchr(text, '\0', size));
    for (; *text; text++)
        assert((unsigned char)*text >= ' ' && *text != 0x7f);
}

/* What holds for every answer, whatever its bytes are. */
static void check(const struct exchange *x, const struct graph_reply *reply)
{
    struct judgement j = graph_reply_judge(x, reply);

    check_text(reply->wamid, sizeof(reply->wamid));
    check_text(reply->title, sizeof(reply->title));
    check_text(reply->details, sizeof(reply->details));
    check_text(reply->trace, sizeof(reply->trace));
    assert((reply->kind == REPLY_ACCEPTED) == (reply->wamid[0] != '\0'));
    assert((j.verdict == VERDICT_ACCEPTED) == (reply->kind == REPLY_ACCEPTED));
    assert((j.verdict == VERDICT_REFUSED) == (j.rule != NULL));
    assert(j.verdict != VERDICT_NOT_SENT || !x->wired);
    assert(j.verdict != VERDICT_REFUSED || j.action != ACTION_UNKNOWN);
    if (j.verdict == VERDICT_REFUSED && reply->kind != REPLY_ERROR)
        assert(x->wired && x->complete && x->http_status == 429);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {0, 200, 400, 404, 429, 500, 503, 302};
    struct exchange x = {.error = "", .retry_after_ms = -1};
    struct graph_reply reply;

    if (size == 0)
        return 0;
    x.wired = data[0] & 1;
    x.complete = data[0] & 2;
    x.http_status = statuses[(data[0] >> 2) % ARRAY_SIZE(statuses)];
    x.body = (const char *)(data + 1);
    x.body_len = size - 1;
    graph_reply_read(&x, &reply);
    check(&x, &reply);
    return 0;
}
