/* SPDX-License-Identifier: MIT
 *
 * graphmock: a mock of Meta's Graph API, as far as a sender of WhatsApp template messages sees it:
 * the send endpoint and the read-only calls around it, over HTTP/1.1 and HTTP/2, with TLS, latency,
 * limits, and faults on order (faults.h). For demos, tests and benchmarks, without a network.
 */
#include "options.h"
#include "server.h"

#include <stdio.h>

static int fail(const struct err *e)
{
    fprintf(stderr, "graphmock: %s\n", e->text);
    return (int)e->code;
}

static int help(void)
{
    struct buf text = buf_new(64 * 1024);

    options_help(&text);
    (void)fputs(buf_text(&text), stdout); /* if nobody reads it, nobody needs it */
    buf_free(&text);
    return EXIT_DONE;
}

int main(int argc, char **argv)
{
    struct options options;
    struct scenario scenario = {.count = 0};
    struct flag_input input = {.argc = argc - 1, .argv = argv + 1};
    struct err e = {.code = EXIT_DONE};
    int code;

    if (!options_parse(&options, &scenario, &input, &e))
        code = fail(&e);
    else if (options.help)
        code = help();
    else
        code = server_run(&options, &e) ? EXIT_DONE : fail(&e);
    scenario_free(&scenario);
    return code;
}
