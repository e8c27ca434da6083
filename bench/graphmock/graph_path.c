/* SPDX-License-Identifier: MIT */
#include "graph_path.h"

#include "base/text.h"

enum { VERSION_OLDEST = 1, VERSION_NEWEST = 26, NUMBER_SIZE = 24 };

static bool is_version(struct slice s)
{
    return s.len >= 4 && s.at[0] == 'v' && s.at[1] >= '0' && s.at[1] <= '9' &&
           memchr(s.at, '.', s.len);
}

void graph_path_read(struct graph_path *out, struct slice target)
{
    struct slice path = slice_cut(&target, '?');
    struct slice first;

    *out = (struct graph_path){.version = slice_of("", 0), .query = target};
    (void)slice_cut(&path, '/'); /* what stands before the first slash: nothing */
    first = slice_cut(&path, '/');
    if (is_version(first)) {
        out->version = first;
        first = slice_cut(&path, '/');
    }
    out->node = first;
    out->edge = slice_cut(&path, '/');
    out->rest = path;
}

bool graph_version_is_known(struct slice version)
{
    struct slice minor = slice_after(version, 1);
    struct slice major = slice_cut(&minor, '.');
    int number = 0;

    if (major.len < 1 || major.len > 2 || !slice_is_digits(major) || !slice_is_digits(minor))
        return false;
    for (size_t i = 0; i < major.len; i++)
        number = number * 10 + (major.at[i] - '0');
    return number >= VERSION_OLDEST && number <= VERSION_NEWEST;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void decode(struct slice s, char *out, size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < s.len && len + 1 < size; i++) {
        bool escaped = s.at[i] == '%' && i + 2 < s.len && hex_value(s.at[i + 1]) >= 0 &&
                       hex_value(s.at[i + 2]) >= 0;

        out[len++] =
            escaped ? (char)(hex_value(s.at[i + 1]) * 16 + hex_value(s.at[i + 2])) : s.at[i];
        i += escaped ? 2 : 0;
    }
    out[len] = '\0';
}

bool graph_query_get(struct slice query, const char *key, char *out, size_t size)
{
    while (query.len > 0) {
        struct slice value = slice_cut(&query, '&');
        struct slice name = slice_cut(&value, '=');

        if (slice_is(name, key)) {
            decode(value, out, size);
            return true;
        }
    }
    return false;
}

uint64_t graph_query_number(struct slice query, const char *key, uint64_t fallback)
{
    char text[NUMBER_SIZE];
    int64_t number;

    if (!graph_query_get(query, key, text, sizeof(text)) ||
        !text_to_int(text, 0, INT64_MAX, &number))
        return fallback;
    return (uint64_t)number;
}
