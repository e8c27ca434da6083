/* SPDX-License-Identifier: MIT */
#include "core/stream_id.h"

/* Digits from `*at` on, which moves behind them. */
static bool take_number(const char *text, size_t len, size_t *at, uint64_t *out)
{
    size_t start = *at;
    uint64_t value = 0;

    for (; *at < len && text[*at] >= '0' && text[*at] <= '9'; (*at)++) {
        unsigned digit = (unsigned)(text[*at] - '0');

        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return *at > start;
}

bool stream_id_parse(const char *text, size_t len, struct stream_id *out)
{
    size_t at = 0;

    if (!take_number(text, len, &at, &out->ms) || at == len || text[at] != '-')
        return false;
    at++;
    return take_number(text, len, &at, &out->seq) && at == len;
}

static char *put_number(char *at, uint64_t value)
{
    char digits[20];
    int count = 0;

    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (count)
        *at++ = digits[--count];
    return at;
}

const char *stream_id_text(struct stream_id id, char out[STREAM_ID_SIZE])
{
    char *at = put_number(out, id.ms);

    *at++ = '-';
    *put_number(at, id.seq) = '\0';
    return out;
}

int stream_id_compare(struct stream_id a, struct stream_id b)
{
    if (a.ms != b.ms)
        return a.ms < b.ms ? -1 : 1;
    if (a.seq != b.seq)
        return a.seq < b.seq ? -1 : 1;
    return 0;
}

struct stream_id stream_id_before(struct stream_id id)
{
    if (id.seq > 0)
        id.seq--;
    else if (id.ms > 0)
        id = (struct stream_id){.ms = id.ms - 1, .seq = UINT64_MAX};
    return id;
}

struct stream_id stream_id_next(struct stream_id id)
{
    if (id.seq < UINT64_MAX)
        id.seq++;
    else if (id.ms < UINT64_MAX)
        id = (struct stream_id){.ms = id.ms + 1};
    return id;
}
