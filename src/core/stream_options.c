/* SPDX-License-Identifier: MIT */
#include "core/stream_options.h"

#include "base/mem.h"

static const char **copy_names(const char *const *names, size_t count)
{
    const char **copy = mem_alloc((count + 1) * sizeof(*copy));

    for (size_t i = 0; i < count; i++)
        copy[i] = mem_strdup(names[i]);
    return copy;
}

void stream_options_copy(struct stream_options *out, const struct stream_options *o)
{
    *out = *o;
    out->stream = mem_strdup(o->stream);
    out->group = mem_strdup(o->group);
    out->consumer = mem_strdup(o->consumer);
    out->taken = o->taken ? mem_strdup(o->taken) : NULL;
    out->former = copy_names(o->former, o->former_count);
    out->owner = mem_strdup(o->owner);
    out->holder = mem_strdup(o->holder);
    out->phone_id = mem_strdup(o->phone_id);
}

static void free_text(const char *text)
{
    mem_free((void *)(uintptr_t)text);
}

void stream_options_free(struct stream_options *o)
{
    for (size_t i = 0; i < o->former_count; i++)
        free_text(o->former[i]);
    mem_free((void *)(uintptr_t)o->former);
    free_text(o->stream);
    free_text(o->group);
    free_text(o->consumer);
    free_text(o->taken);
    free_text(o->owner);
    free_text(o->holder);
    free_text(o->phone_id);
}
