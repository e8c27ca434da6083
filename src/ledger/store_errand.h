/* SPDX-License-Identifier: MIT
 *
 * store_errand.h: how errands get to the worker. For the ledger's own files.
 */
#ifndef LEDGER_STORE_ERRAND_H
#define LEDGER_STORE_ERRAND_H

#include "ledger/ledger_errand.h"

typedef bool (*errand_work_fn)(struct store *s, struct ledger_errand *errand, struct err *e);

/* Queues the errand; ledger.c. */
void ledger_run_errand(struct ledger *l, struct ledger_errand *errand, errand_work_fn work);

#endif
