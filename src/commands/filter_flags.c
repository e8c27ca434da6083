/* SPDX-License-Identifier: MIT */
#include "commands/filter_flags.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/phone.h"

#include <stdio.h>
#include <string.h>

static bool read_states(const char *list, unsigned *out, struct err *e)
{
    char *copy = mem_strdup(list);
    char *rest = copy;
    char *word;
    bool ok = true;

    *out = 0;
    while (ok && (word = strsep(&rest, ","))) {
        enum state s;

        ok = state_parse(word, &s);
        if (ok)
            *out |= 1u << s;
        else
            (void)err_set(
                e, EXIT_USAGE,
                "--state: '%.40s' is no state (waiting, sending, accepted, failed, unknown, "
                "skipped)",
                word);
    }
    mem_free(copy);
    return ok;
}

/* "90s", "15m", "2h", "3d": so long ago. */
static bool read_age(const char *text, int64_t *out)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    size_t len = strlen(text);
    char number[24];
    int64_t amount;

    if (len < 2 || len > sizeof(number))
        return false;
    text_copy(number, sizeof(number), text, len - 1);
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (units[i].unit == text[len - 1] && text_to_int(number, 0, 1000000, &amount)) {
            *out = clock_wall_ms() - amount * units[i].ms;
            return true;
        }
    }
    return false;
}

static bool read_time(const char *flag, const char *text, int64_t *out, struct err *e)
{
    if (!text || read_age(text, out) || text_to_time_ms(text, strlen(text), out))
        return true;
    return err_set(
        e, EXIT_USAGE,
        "%s: '%.40s' is no time (2026-04-02T09:30:00Z, Unix seconds, or an age such as 2h)", flag,
        text);
}

static bool read_code(const char *text, int *out, struct err *e)
{
    int64_t code;

    if (!text)
        return true;
    if (!text_to_int(text, 1, INT32_MAX, &code))
        return err_set(e, EXIT_USAGE, "--code: '%.40s' is no error code (a whole number from 1 on)",
                       text);
    *out = (int)code;
    return true;
}

static bool read_number(const char *text, char *number, const char **out, struct err *e)
{
    const char *why;

    if (!text)
        return true;
    if (!phone_parse(text, strlen(text), number, &why))
        return err_set(e, EXIT_USAGE, "--to: '%.40s' %s (E.164 with '+', 8 to 15 digits)", text,
                       why);
    *out = number;
    return true;
}

/* An empty value is most likely a variable that is not set: it must not mean all messages. */
static bool check_given(const char *flag, const char *value, struct err *e)
{
    return !value || *value ||
           err_set(e, EXIT_USAGE, "%s: '' is not allowed (left out, it does not filter)", flag);
}

static bool check_all_given(const struct filter_flags *f, struct err *e)
{
    return check_given("--class", f->class_id, e) && check_given("--test", f->test_num, e) &&
           check_given("--broadcast", f->broadcast, e) && check_given("--id", f->id, e);
}

static bool check_span(const struct ledger_filter *f, struct err *e)
{
    return !f->since_ms || !f->until_ms || f->since_ms < f->until_ms ||
           err_set(e, EXIT_USAGE, "--until is not after --since: no message is between them");
}

bool filter_flags_read(const struct filter_flags *flags, char *number, struct ledger_filter *out,
                       struct err *e)
{
    *out = (struct ledger_filter){
        .class_id = flags->class_id,
        .test_num = flags->test_num,
        .broadcast = flags->broadcast,
        .id = flags->id,
    };
    return check_all_given(flags, e) &&
           (!flags->state || read_states(flags->state, &out->states, e)) &&
           read_code(flags->code, &out->code, e) && read_number(flags->to, number, &out->to, e) &&
           read_time("--since", flags->since, &out->since_ms, e) &&
           read_time("--until", flags->until, &out->until_ms, e) && check_span(out, e);
}

bool filter_is_empty(const struct ledger_filter *f)
{
    return !f->class_id && !f->test_num && !f->broadcast && !f->to && !f->id && !f->states &&
           !f->code && !f->since_ms && !f->until_ms;
}

bool filter_flags_given(const struct filter_flags *flags)
{
    return flags->class_id || flags->test_num || flags->broadcast || flags->to || flags->id ||
           flags->state || flags->code || flags->since || flags->until;
}

static void add_subject(struct buf *out, const char *flag, const char *value)
{
    if (value)
        buf_addf(out, " %s %.60s", flag, value);
}

static bool has_nobody(const struct ledger_filter *subject, const char *ledger_path)
{
    struct ledger_reader *reader;
    uint64_t counts[STATE_COUNT] = {0}, sum = 0;
    struct err e;
    bool ok;

    if (!ledger_reader_open(ledger_path, &reader, &e))
        return false; /* then that was said */
    ok = ledger_count(reader, subject, counts, &e);
    ledger_reader_close(reader);
    for (size_t s = 0; s < STATE_COUNT; s++)
        sum += counts[s];
    return ok && !sum;
}

void filter_say_if_nobody(const struct ledger_filter *filter, const char *ledger_path)
{
    const struct ledger_filter subject = {
        .class_id = filter->class_id,
        .test_num = filter->test_num,
        .broadcast = filter->broadcast,
        .to = filter->to,
        .id = filter->id,
    };
    struct buf flags = buf_new(1024);

    add_subject(&flags, "--class", filter->class_id);
    add_subject(&flags, "--test", filter->test_num);
    add_subject(&flags, "--broadcast", filter->broadcast);
    add_subject(&flags, "--to", filter->to);
    add_subject(&flags, "--id", filter->id);
    if (flags.len && has_nobody(&subject, ledger_path))
        fprintf(stderr, "tidings: no message on record in %s fits%s\n", ledger_path,
                buf_text(&flags));
    buf_free(&flags);
}
