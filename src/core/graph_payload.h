/* SPDX-License-Identifier: MIT
 *
 * graph_payload.h: a message -> the JSON body of POST /{phone_id}/messages (graph-api 2.1, 2.3).
 */
#ifndef CORE_GRAPH_PAYLOAD_H
#define CORE_GRAPH_PAYLOAD_H

#include "base/buf.h"
#include "core/message.h"

enum { GRAPH_PAYLOAD_MAX = 65536 };

/* Appends the body to `out`. `opaque` becomes biz_opaque_callback_data. The content was validated
 * when the message was made, so this cannot fail but for `out`'s cap (see buf_ok), and the largest
 * message needs less than GRAPH_PAYLOAD_MAX. Content damaged in the ledger gives a body that Graph
 * refuses, nothing worse. */
void graph_payload_write(struct buf *out, const struct message *m, const char *opaque);

#endif
