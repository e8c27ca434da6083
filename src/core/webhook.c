/* SPDX-License-Identifier: MIT */
#include "core/webhook.h"

#include "base/json_pull.h"

#include <limits.h>
#include <string.h>

enum { SECOND_MS = 1000, STATUS_WORD_SIZE = 32 };

/* Where we are in the body. */
struct place {
    struct webhook_reader *reader;
    struct webhook_fact fact;
    char waba_id[WEBHOOK_ID_MAX];
    char phone_id[WEBHOOK_ID_MAX];
};

/* Members come in any order, so an object is gone through for what stands beside the lists first. A
 * table says where each member goes; what is no plain value stays a place to come back to. */
struct wanted {
    const char *key;
    char *out;              /* a plain value is copied there, or NULL */
    size_t size;            /* of `out`; what does not fit is "" */
    struct json_pull *pull; /* the cursor in front of the value is copied there, or NULL */
};

static void take(const struct wanted *w, struct json_pull *p)
{
    struct json_pull_text text;

    if (w->pull)
        *w->pull = *p;
    if (!w->out) {
        json_pull_skip(p);
        return;
    }
    w->out[0] = '\0';
    if (json_pull_read(p, &text) && !json_pull_copy(&text, w->out, w->size))
        w->out[0] = '\0';
}

/* Goes through the object at hand. False when it is none. */
static bool gather(struct json_pull *p, const struct wanted *wanted, size_t count)
{
    struct json_pull_text key;

    if (!json_pull_open(p, '{')) {
        json_pull_skip(p);
        return false;
    }
    while (json_pull_member(p, &key)) {
        size_t i = 0;

        while (i < count && !json_pull_is(&key, wanted[i].key))
            i++;
        if (i < count)
            take(&wanted[i], p);
        else
            json_pull_skip(p);
    }
    return true;
}

/* ---- A status. */

/* A plain text, cut to fit; as it was when there is none. */
static void put_text(struct json_pull p, char *out, size_t size)
{
    struct json_pull_text text;

    if (p.at && json_pull_read(&p, &text) && text.quoted && text.len > 0)
        (void)json_pull_copy(&text, out, size); /* cutting it is harmless */
}

static int64_t read_int(struct json_pull p)
{
    struct json_pull_text text;
    int64_t value;

    if (!p.at || !json_pull_read(&p, &text) || !json_pull_int(&text, &value))
        return 0;
    return value;
}

/* error_data is {"details": "..."}, or (seen) a text. */
static void read_details(struct json_pull data, struct webhook_fact *fact)
{
    struct json_pull details = {0};
    const struct wanted wanted[] = {{.key = "details", .pull = &details}};
    struct json_pull copy = data;

    if (data.at && gather(&copy, wanted, ARRAY_SIZE(wanted)))
        put_text(details, fact->details, sizeof(fact->details));
    else
        put_text(data, fact->details, sizeof(fact->details));
}

/* The first of the errors says it. */
static void read_errors(struct json_pull p, struct webhook_fact *fact)
{
    struct json_pull code = {0}, title = {0}, message = {0}, data = {0};
    const struct wanted wanted[] = {{.key = "code", .pull = &code},
                                    {.key = "title", .pull = &title},
                                    {.key = "message", .pull = &message},
                                    {.key = "error_data", .pull = &data}};
    int64_t number;

    if (!p.at || !json_pull_open(&p, '[') || !json_pull_element(&p) ||
        !gather(&p, wanted, ARRAY_SIZE(wanted)))
        return;
    number = read_int(code);
    fact->code = number > INT_MIN && number <= INT_MAX ? (int)number : 0;
    put_text(message, fact->title, sizeof(fact->title));
    put_text(title, fact->title, sizeof(fact->title));
    read_details(data, fact);
}

static bool is_printable(const char *text)
{
    const char *at = text;

    while (*at > ' ' && *at <= '~')
        at++;
    return *at == '\0' && at > text;
}

static int64_t to_ms(int64_t seconds)
{
    return seconds > 0 && seconds < INT64_MAX / SECOND_MS ? seconds * SECOND_MS : 0;
}

static void tell(struct place *at, struct json_pull time, struct json_pull errors)
{
    struct webhook_fact *fact = &at->fact;

    fact->at_ms = to_ms(read_int(time));
    fact->code = 0;
    fact->title[0] = fact->details[0] = '\0';
    if (fact->status == WEBHOOK_UNDELIVERED)
        read_errors(errors, fact);
    at->reader->counts.facts++;
    at->reader->on_fact(at->reader->context, fact);
}

static void read_status(struct place *at, struct json_pull *p)
{
    struct webhook_fact *fact = &at->fact;
    char word[STATUS_WORD_SIZE] = "";
    struct json_pull time = {0}, errors = {0};
    const struct wanted wanted[] = {
        {.key = "id", .out = fact->wamid, .size = sizeof(fact->wamid)},
        {.key = "status", .out = word, .size = sizeof(word)},
        {.key = "recipient_id", .out = fact->recipient, .size = sizeof(fact->recipient)},
        {.key = "biz_opaque_callback_data", .out = fact->opaque, .size = sizeof(fact->opaque)},
        {.key = "timestamp", .pull = &time},
        {.key = "errors", .pull = &errors}};

    fact->wamid[0] = fact->recipient[0] = fact->opaque[0] = '\0';
    if (gather(p, wanted, ARRAY_SIZE(wanted)) && is_printable(fact->wamid) &&
        webhook_status_parse(word, strlen(word), &fact->status))
        tell(at, time, errors);
    else
        at->reader->counts.passed_over++;
}

/* ---- What it stands in. */

/* Calls `visit` for each element of the array at `p`; false when there is none. */
static bool each(struct place *at, struct json_pull p,
                 void (*visit)(struct place *, struct json_pull *))
{
    if (!p.at || !json_pull_open(&p, '['))
        return false;
    while (json_pull_element(&p))
        visit(at, &p);
    return true;
}

static bool read_value(struct place *at, struct json_pull value)
{
    struct json_pull statuses = {0}, metadata = {0};
    const struct wanted of_value[] = {{.key = "statuses", .pull = &statuses},
                                      {.key = "metadata", .pull = &metadata}};
    const struct wanted of_metadata[] = {
        {.key = "phone_number_id", .out = at->phone_id, .size = sizeof(at->phone_id)}};

    at->phone_id[0] = '\0';
    if (!value.at || !gather(&value, of_value, ARRAY_SIZE(of_value)))
        return false;
    if (metadata.at)
        (void)gather(&metadata, of_metadata, ARRAY_SIZE(of_metadata)); /* none: "" */
    return each(at, statuses, read_status);
}

static void read_change(struct place *at, struct json_pull *p)
{
    char field[32] = "messages";
    struct json_pull value = {0};
    const struct wanted wanted[] = {{.key = "field", .out = field, .size = sizeof(field)},
                                    {.key = "value", .pull = &value}};

    if (!gather(p, wanted, ARRAY_SIZE(wanted)) || strcmp(field, "messages") != 0 ||
        !read_value(at, value))
        at->reader->counts.other++;
}

static void read_entry(struct place *at, struct json_pull *p)
{
    struct json_pull changes = {0};
    const struct wanted wanted[] = {{.key = "id", .out = at->waba_id, .size = sizeof(at->waba_id)},
                                    {.key = "changes", .pull = &changes}};

    at->waba_id[0] = '\0';
    if (!gather(p, wanted, ARRAY_SIZE(wanted)) || !each(at, changes, read_change))
        at->reader->counts.other++;
}

bool webhook_read(struct webhook_reader *r, const char *body, size_t len, struct err *e)
{
    struct place at = {.reader = r};
    struct json_pull p = {body, body + len}, entries = {0};
    const struct wanted wanted[] = {{.key = "entry", .pull = &entries}};

    if (len > WEBHOOK_BODY_MAX)
        return err_set(e, EXIT_BAD_DATA, "a webhook of %zu bytes; at most %d are taken", len,
                       WEBHOOK_BODY_MAX);
    if (!json_pull_whole(body, len) || !gather(&p, wanted, ARRAY_SIZE(wanted)))
        return err_set(e, EXIT_BAD_DATA, "a webhook of %zu bytes that is no JSON object", len);
    at.fact.phone_id = at.phone_id;
    at.fact.waba_id = at.waba_id;
    if (!each(&at, entries, read_entry))
        r->counts.other++;
    return true;
}
