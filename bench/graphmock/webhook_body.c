/* SPDX-License-Identifier: MIT */
#include "webhook_body.h"

#include "answers.h"
#include "base/text.h"
#include "refusal.h"

#include <inttypes.h>

static const char *const names[] = {[STATUS_SENT] = "sent",
                                    [STATUS_DELIVERED] = "delivered",
                                    [STATUS_READ] = "read",
                                    [STATUS_FAILED] = "failed"};

static void open_change(struct buf *out, const struct status_facts *f)
{
    buf_addf(out,
             "{\"value\":{\"messaging_product\":\"whatsapp\",\"metadata\":{\"display_phone_number\""
             ":\"%s\",\"phone_number_id\":\"%s\"},\"statuses\":[",
             f->sender, f->phone_id);
}

static void close_change(struct buf *out)
{
    buf_adds(out, "]},\"field\":\"messages\"}");
}

static void open_entry(struct buf *out, const struct status_facts *f)
{
    buf_addf(out, "{\"id\":\"%s\",\"changes\":[", f->waba_id);
    open_change(out, f);
}

/* The brackets in front of a status. */
static void begin(struct webhook_body *b, const struct status_facts *f, enum spread spread)
{
    struct buf *out = &b->json;

    if (b->statuses == 0) {
        buf_adds(out, "{\"object\":\"whatsapp_business_account\",\"entry\":[");
        open_entry(out, f);
    } else if (spread == SPREAD_ENTRY) {
        close_change(out);
        buf_adds(out, "]},");
        open_entry(out, f);
    } else if (spread == SPREAD_CHANGE || strcmp(b->phone_id, f->phone_id) != 0) {
        close_change(out);
        buf_addc(out, ',');
        open_change(out, f);
    } else {
        buf_addc(out, ',');
    }
    text_copy(b->phone_id, sizeof(b->phone_id), f->phone_id, strlen(f->phone_id));
}

static void put_price(struct buf *out, const struct status_facts *f)
{
    if (f->status == STATUS_SENT)
        buf_addf(out,
                 ",\"conversation\":{\"id\":\"%016" PRIx64 "\",\"expiration_timestamp\":\"%" PRId64
                 "\",\"origin\":{\"type\":\"utility\"}}",
                 f->number, f->stamp_s + 86400);
    buf_adds(out, ",\"pricing\":{\"billable\":true,\"pricing_model\":\"PMP\",\"category\":"
                  "\"utility\",\"type\":\"regular\"}");
}

static void put_error(struct buf *out, int64_t code)
{
    struct refusal r;

    refuse_plainly(&r, code);
    buf_addf(out, ",\"errors\":[{\"code\":%" PRId64 ",\"title\":", code);
    answer_string(out, refusal_title(code));
    buf_adds(out, ",\"message\":");
    answer_string(out, refusal_title(code));
    buf_adds(out, ",\"error_data\":{\"details\":");
    answer_string(out, r.details[0] ? r.details : refusal_title(code));
    buf_adds(out, "},\"href\":\"https:\\/\\/developers.facebook.com\\/docs\\/whatsapp\\/cloud-api\\"
                  "/support\\/error-codes\\/\"}]");
}

void webhook_body_add(struct webhook_body *b, const struct status_facts *f, enum spread spread)
{
    char wamid[ANSWER_WAMID_SIZE];
    struct buf *out = &b->json;

    begin(b, f, spread);
    answer_wamid(f->digits, f->number, wamid);
    buf_adds(out, "{\"id\":");
    answer_string(out, wamid);
    buf_addf(out, ",\"status\":\"%s\",\"timestamp\":\"%" PRId64 "\",\"recipient_id\":\"%s\"",
             names[f->status], f->stamp_s, f->digits);
    if (f->opaque.len > 0) {
        buf_adds(out, ",\"biz_opaque_callback_data\":\"");
        buf_add(out, f->opaque.at, f->opaque.len);
        buf_addc(out, '"');
    }
    if (f->status == STATUS_FAILED)
        put_error(out, f->code);
    else if (f->status != STATUS_READ)
        put_price(out, f);
    buf_addc(out, '}');
    b->statuses++;
}

void webhook_body_end(struct webhook_body *b)
{
    close_change(&b->json);
    buf_adds(&b->json, "]}]}");
}
