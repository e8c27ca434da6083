/* SPDX-License-Identifier: MIT */
#include "commands/handover_client.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "commands/handover.h"
#include "io/control.h"
#include "io/control_client.h"

#include <string.h>
#include <sys/stat.h>

enum {
    BATCH_BYTES = 512 << 10,   /* half of CONTROL_LINE_MAX: one message more fits always */
    QUESTION_MAX = 128 << 10,  /* of any other question */
    ANSWER_TIMEOUT_MS = 60000, /* a disk that is slow */
    HASH_SIZE = 32,
};

struct handover {
    struct control_client *client;
    bool has_confirmed; /* the daemon, something that we handed over */
    struct handover_counts counts;
    struct known_rows *known; /* NULL: nobody wants them */
    struct buf batch;         /* the question that gathers */
    struct json_writer writer;
    struct message *messages[HANDOVER_MESSAGES_MAX]; /* that are in it */
    size_t count;
};

/* ---- Asking. */

static bool fail_refused(const struct json *answer, struct err *e)
{
    const char *why = json_string(json_get(answer, "error"), NULL);
    int64_t code;

    if (!json_int(json_get(answer, "code"), &code) || code <= 0 || code > UINT8_MAX)
        code = EXIT_BUG;
    return err_set(e, (enum exit_code)code, "%s",
                   why ? why : "the daemon refused without a reason");
}

static bool fail_midway(struct err *e)
{
    e->code = EXIT_WORK_LEFT;
    return err_wrap(e, "what the daemon had confirmed is on record, the same command goes on; why");
}

/* An end of the daemon, or its drain, leaves work behind where something was handed over before. */
static void judge(const struct handover *h, struct err *e)
{
    if (e->code == EXIT_UNREACHABLE || (e->code == EXIT_TRY_LATER && h->has_confirmed))
        (void)fail_midway(e); /* the error is told */
}

/* The answer; NULL where there is none, or it is a refusal. */
static struct json *ask(struct handover *h, const char *question, struct err *e)
{
    struct buf text = buf_new((size_t)CONTROL_ANSWER_MAX + 1);
    struct json *answer = NULL;
    bool ok = false;

    if (control_call(h->client, question, &text, ANSWER_TIMEOUT_MS, e)) {
        answer = json_parse(text.data, text.len, CONTROL_ANSWER_MAX, e);
        if (answer && (!json_bool(json_get(answer, "ok"), &ok) || !ok))
            (void)fail_refused(answer, e); /* the error is told */
    }
    buf_free(&text);
    if (ok)
        return answer;
    judge(h, e);
    json_free(answer);
    return NULL;
}

struct json *handover_status(struct handover *h, struct err *e)
{
    return ask(h, "{\"op\":\"status\"}", e);
}

bool handover_wait(struct handover *h, int64_t ms)
{
    struct err e;

    return control_wait_end(h->client, ms, &e);
}

/* ---- Finding it. */

static bool is_same_file(const char *a, const char *b)
{
    struct stat left, right;

    return stat(a, &left) == 0 && stat(b, &right) == 0 && left.st_dev == right.st_dev &&
           left.st_ino == right.st_ino;
}

/* A daemon, and of this ledger. */
static bool is_ours(struct handover *h, const struct settings *s)
{
    struct err e;
    struct json *status = handover_status(h, &e);
    const char *kind = json_string(json_get(status, "kind"), NULL);
    const char *path = json_string(json_get(json_get(status, "ledger"), "path"), NULL);
    bool ours = kind && path && strcmp(kind, "daemon") == 0 && is_same_file(path, s->ledger_path);

    json_free(status);
    return ours;
}

struct handover *handover_find(const struct settings *s)
{
    struct control_client *client;
    struct handover *h;
    struct err e;

    if (!control_connect(s->control_socket, &client, &e))
        return NULL;
    h = MEM_NEW(struct handover);
    h->client = client;
    h->batch = buf_new(CONTROL_LINE_MAX);
    if (is_ours(h, s))
        return h;
    handover_close(h);
    return NULL;
}

static void forget_batch(struct handover *h)
{
    for (size_t i = 0; i < h->count; i++)
        message_free(h->messages[i]);
    h->count = 0;
    buf_clear(&h->batch);
}

void handover_close(struct handover *h)
{
    forget_batch(h);
    buf_free(&h->batch);
    control_disconnect(h->client);
    mem_free(h);
}

/* ---- Messages. */

static void warn_reused(const struct message *m)
{
    log_line(LOG_WARN, "⚠ Id used again with other content: not sent", LOG_STR("id", m->id),
             LOG_STR("reason", "id_reused"));
}

/* The letters are daemon_control.c's. */
static void count_letter(struct handover *h, char letter, const struct message *m)
{
    bool known = letter == 'k' || letter == 'o', reused = letter == 'r';

    h->counts.taken += letter == 'n';
    h->counts.known += known;
    h->counts.reused += reused;
    if (reused)
        warn_reused(m);
    if (h->known && (known || reused))
        known_rows_add(h->known, m, reused ? ADMISSION_REUSED : ADMISSION_KNOWN, letter == 'o');
}

static bool count_letters(struct handover *h, const struct json *answer, struct err *e)
{
    size_t len = 0;
    const char *letters = json_string(json_get(answer, "admissions"), &len);

    if (!letters || len != h->count)
        return err_set(e, EXIT_BUG, "the daemon's answer does not say what became of the messages");
    h->has_confirmed = true;
    for (size_t i = 0; i < len; i++)
        count_letter(h, letters[i], h->messages[i]);
    return true;
}

void handover_tell_known(struct handover *h, struct known_rows *known)
{
    h->known = known;
}

bool handover_flush(struct handover *h, struct err *e)
{
    struct json *answer;
    bool ok;

    if (!h->count)
        return true;
    json_end(&h->writer, ']');
    json_end(&h->writer, '}');
    answer = ask(h, buf_text(&h->batch), e);
    ok = answer && count_letters(h, answer, e);
    json_free(answer);
    forget_batch(h);
    return ok;
}

static void begin_batch(struct handover *h)
{
    h->writer = (struct json_writer){.out = &h->batch};
    json_begin(&h->writer, NULL, '{');
    json_put_string(&h->writer, "op", "take_in");
    json_begin(&h->writer, "messages", '[');
}

bool handover_give(struct handover *h, struct message *m, struct err *e)
{
    if (!h->count)
        begin_batch(h);
    handover_write_message(&h->writer, m);
    h->messages[h->count++] = m;
    return (h->count < HANDOVER_MESSAGES_MAX && h->batch.len < BATCH_BYTES) || handover_flush(h, e);
}

struct handover_counts handover_counts(const struct handover *h)
{
    return h->counts;
}

/* ---- Numbers. */

/* Writes the question's members before its numbers. */
struct numbers_question {
    const char *op;
    unsigned states; /* 0: none */
    enum state to;   /* 0: none */
    const char *result;
};

static void write_question(struct buf *out, const struct numbers_question *q,
                           const uint64_t *numbers, size_t count)
{
    struct json_writer w = {.out = out};

    json_begin(&w, NULL, '{');
    json_put_string(&w, "op", q->op);
    if (q->to)
        json_put_string(&w, "to", state_name(q->to));
    json_begin(&w, "states", '[');
    for (enum state s = STATE_WAITING; s <= STATE_SKIPPED; s++) {
        if (q->states & 1U << s)
            json_put_string(&w, NULL, state_name(s));
    }
    json_end(&w, ']');
    json_begin(&w, "numbers", '[');
    for (size_t i = 0; i < count; i++)
        json_put_int(&w, NULL, (int64_t)numbers[i]);
    json_end(&w, ']');
    json_end(&w, '}');
}

static bool ask_some(struct handover *h, const struct buf *question, const char *result,
                     uint64_t *sum, struct err *e)
{
    struct json *answer = ask(h, buf_text(question), e);
    int64_t count = 0;
    bool ok = answer != NULL;

    if (ok && !json_int(json_get(answer, result), &count))
        ok = err_set(e, EXIT_BUG, "the daemon's answer does not say how many were %s", result);
    *sum += (uint64_t)count;
    h->has_confirmed |= ok;
    json_free(answer);
    return ok;
}

static bool ask_numbers(struct handover *h, const struct numbers_question *q,
                        const struct handover_numbers *numbers, uint64_t *sum, struct err *e)
{
    struct buf question = buf_new(QUESTION_MAX);
    bool ok = true;

    for (size_t at = 0; ok && at < numbers->count; at += HANDOVER_NUMBERS_MAX) {
        size_t left = numbers->count - at;

        buf_clear(&question);
        write_question(&question, q, numbers->items + at,
                       left < HANDOVER_NUMBERS_MAX ? left : HANDOVER_NUMBERS_MAX);
        ok = ask_some(h, &question, q->result, sum, e);
    }
    buf_free(&question);
    return ok;
}

bool handover_open_again(struct handover *h, const struct handover_numbers *numbers,
                         uint64_t *opened, struct err *e)
{
    const struct numbers_question q = {
        .op = "open_again", .states = numbers->states, .result = "opened"};

    return ask_numbers(h, &q, numbers, opened, e);
}

bool handover_settle(struct handover *h, const struct handover_numbers *numbers, enum state to,
                     uint64_t *settled, struct err *e)
{
    const struct numbers_question q = {.op = "settle", .to = to, .result = "settled"};

    return ask_numbers(h, &q, numbers, settled, e);
}

/* ---- A broadcast on record. */

static void put_hash(struct json_writer *w, const char *key, const unsigned char *hash)
{
    char hex[2 * HASH_SIZE + 1];

    hex_encode(hash, HASH_SIZE, hex);
    json_put_string(w, key, hex);
}

static bool ask_plainly(struct handover *h, const struct buf *question, struct err *e)
{
    struct json *answer = ask(h, buf_text(question), e);

    json_free(answer);
    h->has_confirmed |= answer != NULL;
    return answer != NULL;
}

bool handover_put_broadcast(struct handover *h, const char *name, const unsigned char *file_hash,
                            const unsigned char *plan_hash, struct err *e)
{
    struct buf question = buf_new(QUESTION_MAX);
    struct json_writer w = {.out = &question};
    bool ok;

    json_begin(&w, NULL, '{');
    json_put_string(&w, "op", "broadcast");
    json_put_string(&w, "broadcast", name);
    put_hash(&w, "file_hash", file_hash);
    put_hash(&w, "plan_hash", plan_hash);
    json_end(&w, '}');
    ok = ask_plainly(h, &question, e);
    buf_free(&question);
    return ok;
}

bool handover_complete_broadcast(struct handover *h, const char *name, struct err *e)
{
    struct buf question = buf_new(QUESTION_MAX);
    struct json_writer w = {.out = &question};
    bool ok;

    json_begin(&w, NULL, '{');
    json_put_string(&w, "op", "broadcast");
    json_put_string(&w, "broadcast", name);
    json_put_string(&w, "state", "complete");
    json_end(&w, '}');
    ok = ask_plainly(h, &question, e);
    buf_free(&question);
    return ok;
}
