/* SPDX-License-Identifier: MIT */
#include "io/graph_client_setup.h"

#include "base/buf.h"
#include "base/mem.h"
#include "io/ca_file.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum {
    URL_MAX = 2048,
    /* A few kilobytes hold an answer of Graph with its headers. */
    RECEIVE_BUFFER = 2048,
    SEND_BUFFER = 16384, /* the least that libcurl takes */
    /* Load balancers commonly close what was idle for 60 s; a request must not meet that. */
    MAX_IDLE_S = 50,
};

struct long_option {
    CURLoption option;
    long value;
};

static const struct long_option long_options[] = {
    {CURLOPT_NOSIGNAL, 1},
    {CURLOPT_FOLLOWLOCATION, 0},
    {CURLOPT_NETRC, CURL_NETRC_IGNORED},
    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_SSL_VERIFYPEER, 1},
    {CURLOPT_SSL_VERIFYHOST, 2},
    {CURLOPT_BUFFERSIZE, RECEIVE_BUFFER},
    {CURLOPT_UPLOAD_BUFFERSIZE, SEND_BUFFER},
    {CURLOPT_MAXAGE_CONN, MAX_IDLE_S},
    /* A slow resolver is not waited for when its transfer is over: the loop would stand still. */
    {CURLOPT_QUICK_EXIT, 1},
};

static void must(CURLcode code)
{
    assert(code == CURLE_OK);
}

/* ---- The header lines. */

/* Locked and left out of core dumps as far as the system lets us: the token's first home is
 * checked and reported by secret/. */
static char *locked_new(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)mem_check(memory == MAP_FAILED ? NULL : memory);
    (void)mlock(memory, size);
    (void)madvise(memory, size, MADV_DONTDUMP);
    return memory;
}

static void locked_free(char *memory, size_t size)
{
    explicit_bzero(memory, size);
    (void)munmap(memory, size);
}

/* (Nothing against "Expect: 100-continue": libcurl sends it for bodies above 1 MB only. The agent
 * is a line of ours because libcurl formats one of its own twice for each request.) */
static void set_headers(struct client_setup *s, const char *token, size_t token_len)
{
    static const char prefix[] = "Authorization: Bearer ";

    s->locked_size = sizeof(prefix) + token_len;
    s->authorization = locked_new(s->locked_size);
    memcpy(s->authorization, prefix, sizeof(prefix) - 1);
    memcpy(s->authorization + sizeof(prefix) - 1, token, token_len);
    s->headers[0] = (struct curl_slist){s->authorization, &s->headers[1]};
    s->headers[1] = (struct curl_slist){s->content_type, &s->headers[2]};
    s->headers[2] = (struct curl_slist){s->user_agent, NULL};
    memcpy(s->content_type, CONTENT_TYPE, sizeof(CONTENT_TYPE));
    memcpy(s->user_agent, USER_AGENT, sizeof(USER_AGENT));
}

/* ---- Where Graph is. */

static bool read_url(struct client_setup *s, CURLU *url, bool http2, struct err *e)
{
    char *scheme = NULL, *host = NULL, *port = NULL;
    bool ok = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
              curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;

    if (!ok)
        (void)err_set(e, EXIT_CONFIG, "whatsapp.api_base: it has no host");
    else
        (void)snprintf(s->peer, sizeof(s->peer), "%s:%s", host, port); /* cut, it still helps */
    s->multiplexes = ok && http2 && strcmp(scheme, "https") == 0;
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    return ok;
}

static char *join_base(const char *api_base, const char *api_version)
{
    struct buf base = buf_new(URL_MAX);
    size_t len = strlen(api_base);

    while (len && api_base[len - 1] == '/')
        len--;
    buf_add(&base, api_base, len);
    buf_addf(&base, "/%s", api_version);
    return buf_take(&base);
}

static bool set_base(struct client_setup *s, const struct graph_client_options *o, struct err *e)
{
    CURLU *url = mem_check(curl_url());
    bool ok = strlen(o->api_base) + strlen(o->api_version) < URL_MAX &&
              curl_url_set(url, CURLUPART_URL, o->api_base, 0) == CURLUE_OK;

    if (ok)
        ok = read_url(s, url, o->http2, e);
    else
        (void)err_set(e, EXIT_CONFIG, "whatsapp.api_base: '%.200s' is not a URL", o->api_base);
    curl_url_cleanup(url);
    s->base = join_base(o->api_base, o->api_version);
    return ok;
}

bool client_setup_open(struct client_setup *s, const struct graph_client_options *options,
                       struct err *e)
{
    *s = (struct client_setup){
        .timeout_ms = (long)options->timeout_ms,
        .connect_timeout_ms = (long)options->connect_timeout_ms,
    };
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, mem_raw, mem_free, mem_realloc, mem_strdup,
                             mem_array) != CURLE_OK)
        return err_set(e, EXIT_BUG, "libcurl cannot be set up");
    set_headers(s, options->token, options->token_len);
    if (options->ca_file && *options->ca_file)
        s->ca_file = mem_strdup(options->ca_file);
    if (set_base(s, options, e) && ca_file_check(s->ca_file, e))
        return true;
    client_setup_close(s);
    return false;
}

void client_setup_close(struct client_setup *s)
{
    locked_free(s->authorization, s->locked_size);
    mem_free(s->base);
    mem_free(s->ca_file);
    curl_global_cleanup();
}

/* ---- A handle. */

/* No CAPATH: with one, libcurl would read all authorities again for every connection. (It sets
 * SSL_MODE_RELEASE_BUFFERS by itself, which keeps 34 KB off a connection at rest.) */
static void set_tls(const struct client_setup *s, CURL *easy)
{
    must(curl_easy_setopt(easy, CURLOPT_CAPATH, NULL));
    if (s->ca_file)
        must(curl_easy_setopt(easy, CURLOPT_CAINFO, s->ca_file));
}

CURL *client_setup_easy(struct client_setup *s)
{
    CURL *easy = mem_check(curl_easy_init());

    for (size_t i = 0; i < ARRAY_SIZE(long_options); i++)
        must(curl_easy_setopt(easy, long_options[i].option, long_options[i].value));
    must(curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, s->timeout_ms));
    must(curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, s->connect_timeout_ms));
    must(curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https"));
    must(curl_easy_setopt(easy, CURLOPT_PROXY, ""));    /* nor does it look into the environment, */
    must(curl_easy_setopt(easy, CURLOPT_NOPROXY, "*")); /* at each request, with these */
    must(curl_easy_setopt(easy, CURLOPT_HTTPHEADER, s->headers));
    must(curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                          s->multiplexes ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    must(curl_easy_setopt(easy, CURLOPT_PIPEWAIT, s->multiplexes ? 1L : 0L));
    set_tls(s, easy);
    return easy;
}
