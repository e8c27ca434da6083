/* SPDX-License-Identifier: MIT */
#include "core/redis_rights.h"

#include "base/mem.h"
#include "core/resp.h"
#include "core/stream_names.h"

#include <string.h>

enum { WORDS_MAX = 10 };

enum probe_key { KEY_HIGH, KEY_NORMAL, KEY_RESULT, KEY_STATUS, KEY_DEAD, KEY_LOCK, KEY_NONE };

/* Stand for the key and the group; NONSENSE is no number and no id. */
#define KEY      "%K"
#define GROUP    "%G"
#define NONSENSE "?"

enum probe_worth {
    VITAL, /* without it no message can be sent and settled */
    SPARE, /* without it there are fewer facts, no claims, and nothing is trimmed */
};

struct probe {
    const char *name; /* as ACL SETUSER has it */
    enum probe_worth worth;
    enum probe_key key;
    const char *words[WORDS_MAX + 1]; /* ends with NULL */
};

/* What redis_commands.c writes. KEY_NONE: the lock's name with more behind it. The last is not
 * asked without redis.trim. */
static const struct probe probes[] = {
    {"xgroup|create", VITAL, KEY_HIGH, {"XGROUP", "CREATE", KEY, GROUP, NONSENSE}},
    {"xgroup|create", VITAL, KEY_NORMAL, {"XGROUP", "CREATE", KEY, GROUP, NONSENSE}},
    {"xreadgroup",
     VITAL,
     KEY_HIGH,
     {"XREADGROUP", "GROUP", GROUP, "?", "COUNT", NONSENSE, "STREAMS", KEY, ">"}},
    {"xreadgroup",
     VITAL,
     KEY_NORMAL,
     {"XREADGROUP", "GROUP", GROUP, "?", "COUNT", NONSENSE, "STREAMS", KEY, ">"}},
    {"xack", VITAL, KEY_NORMAL, {"XACK", KEY, GROUP, NONSENSE}},
    {"xclaim", SPARE, KEY_NORMAL, {"XCLAIM", KEY, GROUP, "?", NONSENSE, "0-1"}},
    {"xpending", SPARE, KEY_NORMAL, {"XPENDING", KEY, GROUP}},
    {"xrange", VITAL, KEY_NORMAL, {"XRANGE", KEY, "0-1", "0-1"}},
    {"xinfo|groups", SPARE, KEY_NORMAL, {"XINFO", "GROUPS", KEY}},
    {"xinfo|stream", SPARE, KEY_NORMAL, {"XINFO", "STREAM", KEY}},
    {"xadd", VITAL, KEY_RESULT, {"XADD", KEY, NONSENSE, "name", "value"}},
    {"xadd", VITAL, KEY_STATUS, {"XADD", KEY, NONSENSE, "name", "value"}},
    {"xadd", VITAL, KEY_DEAD, {"XADD", KEY, NONSENSE, "name", "value"}},
    {"eval", VITAL, KEY_LOCK, {"EVAL", "return ''", "1", KEY}},
    {"get", VITAL, KEY_LOCK, {"GET", KEY}},
    {"set", VITAL, KEY_LOCK, {"SET", KEY, "value", NONSENSE}},
    {"pexpire", VITAL, KEY_LOCK, {"PEXPIRE", KEY, NONSENSE}},
    {"del", SPARE, KEY_NONE, {"DEL", KEY}},
    {"xtrim", SPARE, KEY_NORMAL, {"XTRIM", KEY, "MINID", NONSENSE}},
};
enum { PROBES = ARRAY_SIZE(probes) };

static char *nobodys_key(const struct stream_options *o)
{
    char *lock = stream_lock_name(o);
    struct buf name = buf_new(strlen(lock) + sizeof(":check"));

    buf_addf(&name, "%s:check", lock);
    mem_free(lock);
    return buf_take(&name);
}

/* The caller's: mem_free. */
static char *key_name(const struct stream_options *o, enum probe_key key)
{
    switch (key) {
    case KEY_HIGH:
        return stream_lane_name(o->stream, LANE_HIGH);
    case KEY_NORMAL:
        return stream_lane_name(o->stream, LANE_NORMAL);
    case KEY_RESULT:
        return stream_target_name(o->stream, TARGET_RESULT);
    case KEY_STATUS:
        return stream_target_name(o->stream, TARGET_STATUS);
    case KEY_DEAD:
        return stream_target_name(o->stream, TARGET_DEAD);
    case KEY_LOCK:
        return stream_lock_name(o);
    case KEY_NONE:
        break;
    }
    return nobodys_key(o);
}

static void put_probe(const struct stream_options *o, const struct probe *p, struct buf *out)
{
    char *key = key_name(o, p->key);
    size_t count = 0;

    while (p->words[count])
        count++;
    resp_array(out, count);
    for (size_t i = 0; i < count; i++) {
        const char *word = p->words[i];

        if (strcmp(word, KEY) == 0)
            word = key;
        else if (strcmp(word, GROUP) == 0)
            word = o->group;
        resp_text(out, word);
    }
    mem_free(key);
}

unsigned redis_rights_ask(const struct stream_options *options, struct buf *out)
{
    unsigned count = options->trim ? PROBES : PROBES - 1;

    for (unsigned i = 0; i < count; i++)
        put_probe(options, &probes[i], out);
    return count;
}

bool redis_rights_take(const struct stream_options *options, unsigned i, const char *error,
                       struct buf *missing)
{
    const struct probe *p = &probes[i];
    bool is_of_key = strstr(error, " key") != NULL; /* "... no permissions to access a key" */

    if (strncmp(error, "NOPERM", 6) != 0 && strncmp(error, "ERR unknown", 11) != 0)
        return false;
    if (!is_of_key && i > 0 && strcmp(p->name, probes[i - 1].name) == 0 && missing->len)
        return p->worth == VITAL; /* said with the key before */
    buf_adds(missing, missing->len ? ", " : "");
    buf_adds(missing, p->name);
    if (is_of_key) {
        char *key = key_name(options, p->key);

        buf_addf(missing, " (%s)", key);
        mem_free(key);
    }
    return p->worth == VITAL;
}
