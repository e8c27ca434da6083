/* SPDX-License-Identifier: MIT */
#include "core/stream_names.h"

#include "base/buf.h"
#include "base/mem.h"

#include <string.h>

enum { NAME_MAX_BYTES = 4096 };

static char *join(const char *a, size_t a_len, const char *b)
{
    struct buf name = buf_new(NAME_MAX_BYTES);

    buf_add(&name, a, a_len);
    buf_adds(&name, b);
    return buf_take(&name);
}

char *stream_lane_name(const char *stream, enum stream_lane lane)
{
    return join(stream, strlen(stream), lane == LANE_HIGH ? ":high" : "");
}

char *stream_target_name(const char *stream, enum stream_target target)
{
    static const char *const ends[] = {
        [TARGET_RESULT] = ":result",
        [TARGET_STATUS] = ":status",
        [TARGET_DEAD] = ":dead",
    };
    const char *colon = strrchr(stream, ':');
    size_t prefix = colon ? (size_t)(colon - stream) : strlen(stream);

    return join(stream, prefix, ends[target]);
}

char *stream_taken_name(const char *consumer)
{
    return join(consumer, strlen(consumer), STREAM_TAKEN_END);
}

bool stream_is_name_of(const char *consumer, const char *name)
{
    size_t len = strlen(name);

    return strncmp(consumer, name, len) == 0 &&
           (!consumer[len] || strcmp(consumer + len, STREAM_TAKEN_END) == 0);
}

char *stream_lock_name(const struct stream_options *options)
{
    struct buf name = buf_new(NAME_MAX_BYTES);

    buf_addf(&name, "%s:lock:%s:%s", options->stream, options->group, options->phone_id);
    return buf_take(&name);
}
