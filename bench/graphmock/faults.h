/* SPDX-License-Identifier: MIT
 *
 * faults.h: what goes wrong, and when.
 *
 * A fault is KIND[=ARG][,OPTION...][@WHEN...]: `close@p0.01`, `code=131026@to+919800000001`,
 * `html502@n10-20`, `brownout@t5s-25s`, `code=131000,accepted@every100@p0.5`. Every WHEN must hold;
 * without one it always happens. faults_help says them all.
 *
 * Model: faults befall sends only (a brown-out everything), numbered from 1 since the start or the
 * last reset. Of the faults that match a send the first one decides; slow, held, paused,
 * retry_after and keepalive_close only change the answer and come on top. Chance is a function of
 * seed, fault and number, so the same run has the same faults whatever the timing.
 * Lifetime: the texts are borrowed from argv.
 */
#ifndef GRAPHMOCK_FAULTS_H
#define GRAPHMOCK_FAULTS_H

#include "base/buf.h"
#include "base/err.h"
#include "slice.h"

#include <stdint.h>

enum { FAULTS_MAX = 64, FAULT_TO_SIZE = 24 };

enum fault_kind {
    FAULT_BROWNOUT, /* befalls all requests, not sends alone */
    /* not processed: Graph never saw the message */
    FAULT_CLOSE_UNREAD,
    FAULT_REFUSED,
    FAULT_HANG,
    /* seen, and (unless `accepted`) not accepted */
    FAULT_CODE,
    FAULT_HTML,
    FAULT_EMPTY,
    /* accepted, but the answer does not say so */
    FAULT_CLOSE,
    FAULT_CLOSE_REUSED,
    FAULT_CUT,
    FAULT_HANG_ACCEPTED,
    FAULT_RST,
    FAULT_NOID,
    FAULT_BIG,
    /* accepted and answered, the connection goes */
    FAULT_GOAWAY,
    FAULT_GOAWAY_ABRUPT,
    /* on top of others */
    FAULT_SLOW,
    FAULT_HELD,
    FAULT_PAUSED,
    FAULT_RETRY_AFTER,
    FAULT_KEEPALIVE_CLOSE,
};

struct fault_range {
    uint64_t from, to; /* 0, 0: any */
};

struct fault {
    const char *spec;
    enum fault_kind kind;
    int64_t arg;           /* code, status, milliseconds, seconds */
    int64_t status;        /* of FAULT_CODE; 0: the code's own */
    int64_t retry_after_s; /* -1: none */
    int64_t subcode;       /* of FAULT_CODE; 0: the code's own */
    bool transient;        /* "is_transient":true */
    bool accepted;         /* the message is accepted all the same */
    double chance;         /* of WHEN p */
    uint64_t every;        /* of WHEN every, 0: any */
    char to[FAULT_TO_SIZE];
    struct fault_range sends;
    struct fault_range tries;
    struct fault_range span_us; /* since the first request; `to` is not in it */
    uint64_t hits;
};

struct faults {
    uint64_t seed;
    size_t count;
    struct fault items[FAULTS_MAX];
};

/* The facts of one send that a WHEN can ask for. */
struct fault_facts {
    const char *to;      /* digits */
    uint64_t send;       /* number of the send, from 1 */
    uint64_t attempt;    /* number of times the same message came, from 1 */
    uint64_t nth;        /* number of the request on its connection, from 1 */
    uint64_t elapsed_us; /* since the first request */
};

struct fault_plan {
    const struct fault *main; /* what decides, or NULL */
    int64_t slow_us;
    int64_t retry_after_s; /* -1: none */
    bool held, paused, last;
};

bool faults_add(struct faults *f, const char *spec, struct err *e) MUST_CHECK;
void faults_plan(struct faults *f, const struct fault_facts *facts, struct fault_plan *out);
/* The brown-out that reigns at `elapsed_us`, or NULL. */
struct fault *faults_brownout(struct faults *f, uint64_t elapsed_us);
void faults_reset(struct faults *f);
/* Appends the manual of SPEC. */
void faults_help(struct buf *out);

#endif
