/* SPDX-License-Identifier: MIT
 *
 * halt.h: what is stopped now, and why.
 *
 * Model: a halt names what it stops: everything (token, account, network, operator, the kill
 * switch), one sender, or one template in one language. It is raised by an answer or by the
 * operator and stays until it is cleared. A message goes out only when no halt covers it.
 * The same kind and subject is one halt: raised again it takes the facts and the end of the one
 * that lasts longer. Memory is bounded: at most HALT_NARROW_MAX senders and templates; one more
 * widens to everything, so there is always room for one halt of each kind that covers everything.
 */
#ifndef CORE_HALT_H
#define CORE_HALT_H

#include "base/attr.h"
#include "core/message.h"

#include <stdbool.h>
#include <stdint.h>

enum halt_kind {
    HALT_NONE,
    HALT_TOKEN,    /* the token is refused: exit 77 */
    HALT_ACCOUNT,  /* app or business account: exit 5 */
    HALT_SENDER,   /* one phone_id */
    HALT_TEMPLATE, /* one template and language */
    HALT_NETWORK,  /* nothing can be reached; probes go out */
    HALT_OPERATOR, /* paused */
    HALT_DISABLED, /* the kill switch */
    HALT_WINDOW,   /* outside the hours or before the start */
};
enum { HALT_KIND_COUNT = HALT_WINDOW + 1 }; /* for arrays indexed by kind */

enum { HALT_MAX = 64, HALT_NARROW_MAX = 56, HALT_WHAT_MAX = 160, HALT_TEXT_MAX = 320 };

struct halt {
    enum halt_kind kind;
    uint64_t subject;         /* hash of what it covers (halt_subject); 0: everything */
    int code;                 /* Graph's code, 0 when none */
    int64_t since_ms;         /* wall clock */
    int64_t until_us;         /* monotonic: ends by itself; INT64_MAX: does not */
    char what[HALT_WHAT_MAX]; /* "template results_update (en_US)" */
    char hint[HALT_TEXT_MAX]; /* what the operator should do */
};

struct halts {
    struct halt items[HALT_MAX];
    unsigned count;
};

const char *halt_name(enum halt_kind kind);
/* A hold that somebody wants: it is no trouble, and ends when they say so. */
bool halt_is_wanted(enum halt_kind kind);
/* The subject of a halt of this kind that would cover `m`: a hash of its sender, or of its template
 * and language; 0 for the kinds that cover everything. */
uint64_t halt_subject(enum halt_kind kind, const struct message *m);
/* Raises it; the same kind and subject again is one halt. True when it is new. */
bool halt_raise(struct halts *h, const struct halt *halt);
void halt_clear(struct halts *h, enum halt_kind kind);
/* Drops those whose time is over. */
void halt_expire(struct halts *h, int64_t now_us);
/* The first halt that covers `m`, or NULL. */
const struct halt *halt_covers(const struct halts *h, const struct message *m);
/* The first halt that covers everything, or NULL. */
const struct halt *halt_of_all(const struct halts *h);

#endif
