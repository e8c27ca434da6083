/* SPDX-License-Identifier: MIT
 *
 * options.h: the flags of graphmock.
 */
#ifndef GRAPHMOCK_OPTIONS_H
#define GRAPHMOCK_OPTIONS_H

#include "base/flags.h"
#include "scenario.h"

#include <stdint.h>

struct options {
    const char *listen; /* HOST:PORT */
    const char *tls_dir;
    const char *pair; /* NULL: off; "", "debt", "gcra" */
    const char *latency;
    const char *token;            /* NULL: any */
    const char *waba_id;          /* NULL: any */
    struct flag_values phone_ids; /* none: any */
    const char *sender;           /* display number, digits */
    const char *webhook;          /* URL; NULL: none are sent */
    const char *app_secret;       /* FILE */
    const char *webhook_delay;    /* between one status and the next */
    const char *scenario;         /* FILE */
    struct flag_values statuses;
    struct flag_values faults;
    struct flag_values templates;
    uint64_t rate; /* 0: no limit */
    uint64_t seed;
    uint64_t throttle_status; /* 0: each code's own */
    uint64_t max_requests;    /* on a connection; 0: no limit */
    uint64_t max_streams;
    bool plain;
    bool forget;
    bool with_parent;
    bool help;
};

/* Fills `o`, defaults and all. Texts are borrowed from argv, and from `file`, which keeps what the
 * scenario says. */
bool options_parse(struct options *o, struct scenario *file, const struct flag_input *input,
                   struct err *e) MUST_CHECK;
/* What --help prints. */
void options_help(struct buf *out);

#endif
