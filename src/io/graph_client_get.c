/* SPDX-License-Identifier: MIT
 *
 * graph_client_get.c: one blocking question to Graph, for `check`.
 */
#include "io/graph_client.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/graph_client_answer.h"
#include "io/graph_client_setup.h"

#include <assert.h>
#include <string.h>

enum { LOCATION_MAX = 4096 };

static int64_t date_ms(CURL *easy)
{
    struct curl_header *date;
    time_t seconds;

    if (curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &date) != CURLHE_OK)
        return 0;
    seconds = curl_getdate(date->value, NULL);
    return seconds < 0 ? 0 : (int64_t)seconds * 1000;
}

static CURLcode ask(CURL *easy, const char *location)
{
    CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, location);

    return code == CURLE_OK ? curl_easy_perform(easy) : code;
}

static void describe(CURL *easy, const struct client_answer *answer, struct graph_get *out)
{
    long status = 0;

    if (curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK)
        out->http_status = (int)status;
    out->date_ms = date_ms(easy);
    memcpy(out->api_version, answer->api_version, sizeof(out->api_version));
}

static bool was_written(CURL *easy)
{
    long size = 0;

    return curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &size) == CURLE_OK && size > 0;
}

static void get(struct client_setup *setup, const char *location, struct buf *body,
                struct graph_get *out)
{
    struct client_answer answer = {.body = *body};
    char detail[CURL_ERROR_SIZE] = "";
    char text[ANSWER_SENTENCE_MAX];
    CURL *easy = client_setup_easy(setup);
    CURLcode code;

    client_answer_attach(&answer, easy);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail); /* only for the sentence */
    code = ask(easy, location);
    *body = answer.body;
    if (code == CURLE_OK) {
        describe(easy, &answer, out);
    } else {
        struct client_failure f = {code, was_written(easy), setup->peer,
                                   answer.refused ? answer.refused : detail};

        client_failure_text(&f, easy, text);
        text_copy(out->error, sizeof(out->error), text, strlen(text));
    }
    curl_easy_cleanup(easy);
}

void graph_client_get(const struct graph_client_options *options, const char *path_and_query,
                      struct buf *body, struct graph_get *out)
{
    struct buf location = buf_new(LOCATION_MAX);
    struct client_setup setup;
    struct err e;

    *out = (struct graph_get){0};
    if (!client_setup_open(&setup, options, &e)) {
        text_copy(out->error, sizeof(out->error), e.text, strlen(e.text));
        return;
    }
    buf_addf(&location, "%s/%s", setup.base, path_and_query);
    get(&setup, buf_text(&location), body, out);
    buf_free(&location);
    client_setup_close(&setup);
}
