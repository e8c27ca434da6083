/* SPDX-License-Identifier: MIT */
#include "io/graph_client_answer.h"

#include "base/text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { USUAL_BODY = 4096 }; /* Graph's errors are below 2 KB */

/* ---- What comes in. */

/* Less than `len` returned ends the transfer. */
static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct client_answer *a = context;
    size_t len = size * count;
    size_t room = a->body.max - a->body.len;

    buf_add(&a->body, bytes, len < room ? len : room);
    if (len <= room)
        return len;
    a->refused = "the answer is too long";
    return 0;
}

static void read_version(struct client_answer *a, const char *line, size_t len)
{
    static const char name[] = "facebook-api-version:";
    size_t name_len = sizeof(name) - 1;

    if (len <= name_len || strncasecmp(line, name, name_len) != 0)
        return;
    line += name_len;
    len -= name_len;
    while (len && (*line == ' ' || *line == '\t')) {
        line++;
        len--;
    }
    while (len && (unsigned char)line[len - 1] <= ' ')
        len--;
    text_copy(a->api_version, sizeof(a->api_version), line, len);
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    struct client_answer *a = context;
    size_t len = size * count;

    a->header_bytes += len;
    if (a->header_bytes > ANSWER_HEADERS_MAX) {
        a->refused = "the answer's headers are too long";
        return 0;
    }
    if (len && (*line == 'f' || *line == 'F'))
        read_version(a, line, len);
    return len;
}

static void must(CURLcode code)
{
    assert(code == CURLE_OK);
}

void client_answer_attach(struct client_answer *a, CURL *easy)
{
    must(curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body));
    must(curl_easy_setopt(easy, CURLOPT_WRITEDATA, a));
    must(curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header));
    must(curl_easy_setopt(easy, CURLOPT_HEADERDATA, a));
}

void client_answer_clear(struct client_answer *a)
{
    if (a->body.cap > USUAL_BODY)
        buf_free(&a->body);
    else
        buf_clear(&a->body);
    a->header_bytes = 0;
    a->refused = NULL;
    a->api_version[0] = '\0';
}

/* ---- What did not. */

struct phrase {
    CURLcode code;
    const char *text; /* the peer follows */
};

static const struct phrase phrases[] = {
    {CURLE_COULDNT_RESOLVE_HOST, "resolve the name of"},
    {CURLE_COULDNT_CONNECT, "connect to"},
    {CURLE_SSL_CONNECT_ERROR, "TLS with"},
    {CURLE_PEER_FAILED_VERIFICATION, "TLS with"},
    {CURLE_SSL_CACERT_BADFILE, "TLS with"},
    {CURLE_SSL_CIPHER, "TLS with"},
    {CURLE_SEND_ERROR, "send to"},
    {CURLE_RECV_ERROR, "read the answer of"},
    {CURLE_PARTIAL_FILE, "no whole answer from"},
    {CURLE_GOT_NOTHING, "no answer from"},
    {CURLE_WRITE_ERROR, "read the answer of"},
    {CURLE_HTTP2, "HTTP/2 with"},
    {CURLE_HTTP2_STREAM, "HTTP/2 with"},
};

static const char *phrase_of(const struct client_failure *f)
{
    if (f->code == CURLE_OPERATION_TIMEDOUT)
        return f->wired ? "no answer in time from" : "connect in time to";
    if (f->code == CURLE_ABORTED_BY_CALLBACK && f->wired)
        return "the connection was lost before an answer of";
    for (size_t i = 0; i < ARRAY_SIZE(phrases); i++) {
        if (phrases[i].code == f->code)
            return phrases[i].text;
    }
    return "exchange with";
}

static const char *reason_of(const struct client_failure *f, CURL *easy)
{
    long system_error = 0;

    if (f->code == CURLE_ABORTED_BY_CALLBACK)
        return "the request was written and is not repeated";
    if (f->code == CURLE_COULDNT_CONNECT) {
        must(curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &system_error));
        if (system_error)
            return strerror((int)system_error);
    }
    return *f->detail ? f->detail : curl_easy_strerror(f->code);
}

void client_failure_text(const struct client_failure *f, CURL *easy, char out[ANSWER_SENTENCE_MAX])
{
    (void)snprintf(out, ANSWER_SENTENCE_MAX, "%s %s: %s", phrase_of(f), f->peer,
                   reason_of(f, easy)); /* cut, it still helps */
}
