/* SPDX-License-Identifier: MIT */
#include "refusal.h"

#include <stdarg.h>
#include <stdio.h>

enum { SUBCODE_EXPIRED = 463, SUBCODE_THROUGHPUT = 2494055 };

struct known_code {
    int64_t code;
    int status;
    const char *title;
    const char *details; /* what the code says when nobody knows better; NULL: nothing */
};

static const struct known_code known_codes[] = {
    {0, 401, "AuthException", NULL},
    {1, 400, "API Unknown", NULL},
    {2, 503, "API Service", "Service temporarily unavailable."},
    {3, 500, "API Method", "Application does not have the capability to make this API call."},
    {4, 400, "Application request limit reached", "Too many calls by this app."},
    {10, 403, "Application does not have permission for this action", NULL},
    {17, 400, "User request limit reached", NULL},
    {32, 400, "Page request limit reached", NULL},
    {33, 400, "Parameter value is not valid", "The business phone number has been deleted."},
    {100, 400, "Invalid parameter", NULL},
    {102, 401, "Session key invalid or no longer valid", NULL},
    {104, 400, "An access token is required to request this resource.", NULL},
    {190, 401, "Invalid OAuth access token", NULL},
    {200, 403, "Permissions error", NULL},
    {341, 400, "Application limit reached", NULL},
    {368, 403, "Temporarily blocked for policies violations",
     "The WhatsApp Business Account has been restricted or disabled."},
    {506, 400, "Duplicate Post", NULL},
    {613, 400, "Calls to this api have exceeded the rate limit.", NULL},
    {803, 404, "Some of the aliases you requested do not exist", NULL},
    {2500, 400, "Unknown path components", NULL},
    {80007, 400, "Rate limit issues", "The WhatsApp Business Account has reached its rate limit."},
    {130403, 400, "User is blocked", "The business has blocked this user."},
    {130429, 400, "Rate limit hit", "Cloud API message throughput has been reached."},
    {130472, 400, "User's number is part of an experiment",
     "Failed to send message because this user's phone number is part of an experiment"},
    {130497, 403, "Business account is restricted from messaging users in this country.", NULL},
    {131000, 500, "Something went wrong", "Message failed to send due to an unknown error."},
    {131005, 403, "Access denied", "Permission is either not granted or has been removed."},
    {131008, 400, "Required parameter is missing", "A required parameter is missing."},
    {131009, 400, "Parameter value is not valid", "One or more parameter values are invalid."},
    {131016, 500, "Service unavailable", "A service is temporarily unavailable."},
    {131021, 400, "Recipient cannot be sender", "Sender and recipient phone number is the same."},
    {131026, 400, "Message undeliverable", "Message Undeliverable."},
    {131030, 400, "Recipient phone number not in allowed list",
     "Recipient phone number not in allowed list: Add recipient phone number to recipient list "
     "and try again."},
    {131031, 403, "Account has been locked", "Business Account has been locked."},
    {131037, 400,
     "WhatsApp provided number needs display name approval before message can be sent.", NULL},
    {131042, 400, "Business eligibility payment issue",
     "Message failed to send because there were one or more errors related to your payment "
     "method."},
    {131045, 500, "Incorrect certificate",
     "Message failed to send due to a phone number "
     "registration error."},
    {131047, 400, "Re-engagement message",
     "Message failed to send because more than 24 hours have passed since the customer last "
     "replied to this number."},
    {131048, 400, "Spam rate limit hit",
     "Message failed to send because there are restrictions on how many messages can be sent from "
     "this phone number."},
    {131049, 400, "This message was not delivered to maintain healthy ecosystem engagement.",
     "In order to maintain a healthy ecosystem engagement, the message failed to be delivered."},
    {131050, 400, "Unable to deliver the message.",
     "This recipient has chosen to stop receiving marketing messages on WhatsApp from your "
     "business."},
    {131051, 400, "Unsupported message type", "Message type is currently not supported."},
    {131053, 400, "Media upload error", "Unable to upload the media used in the message."},
    {131056, 400, "(Business Account, Consumer Account) pair rate limit hit",
     "Too many messages sent from the sender phone number to the same recipient phone number in a "
     "short period of time."},
    {131057, 500, "Account in maintenance mode", "Business Account is in maintenance mode."},
    {131064, 400, "Messaging is limited", "Template messages are limited for a time."},
    {132000, 400, "Number of parameters does not match the expected number of params", NULL},
    {132001, 404, "Template name does not exist in the translation", NULL},
    {132005, 400, "Translated text too long", NULL},
    {132007, 400, "Template Format Character Policy Violated", NULL},
    {132008, 400, "Template Parameter Value Invalid", NULL},
    {132012, 400, "Parameter format does not match format in the created template", NULL},
    {132015, 400, "Template is paused", "Template is paused due to low quality."},
    {132016, 400, "Template is disabled", "Template has been paused too many times."},
    {132018, 400,
     "Param text cannot have new-line/tab characters or more than 4 consecutive "
     "spaces",
     NULL},
    {132068, 400, "Flow is blocked", "Flow is in blocked state."},
    {132069, 400, "Flow is throttled", "Flow is in throttled state."},
    {133004, 503, "Server temporarily unavailable", "Server is temporarily unavailable."},
    {133010, 400, "Phone number not registered", "The account is not registered."},
    {134011, 400, "WhatsApp Payments terms of service has not been accepted", NULL},
    {134100, 400, "Only marketing messages supported", NULL},
    {134101, 400, "Template syncing in progress", NULL},
    {134102, 500, "Template unavailable for use", NULL},
    {135000, 400, "Generic user error",
     "Message failed to send because of an unknown error with "
     "your request parameters."},
    {139200, 400, "Direct send is blocked", NULL},
    {2494100, 400, "Number in maintenance mode", NULL},
};

static const struct known_code *find(int64_t code)
{
    static const struct known_code unknown = {0, 400, "Unknown error", NULL};

    for (size_t i = 0; i < ARRAY_SIZE(known_codes); i++)
        if (known_codes[i].code == code)
            return &known_codes[i];
    return &unknown;
}

static void start(struct refusal *r, int64_t code)
{
    r->code = code;
    r->subcode = code == CODE_THROUGHPUT ? SUBCODE_THROUGHPUT : 0;
    r->status = find(code)->status;
    r->transient = false;
    r->is_method = false;
    r->details[0] = '\0';
}

bool refuse(struct refusal *r, int64_t code, const char *details, ...)
{
    va_list args;

    start(r, code);
    (void)snprintf(r->message, sizeof(r->message), "(#%lld) %s", (long long)code,
                   find(code)->title);
    va_start(args, details);
    (void)vsnprintf(r->details, sizeof(r->details), details, args); /* cutting it is harmless */
    va_end(args);
    return false;
}

bool refuse_prose(struct refusal *r, int64_t code, const char *message, ...)
{
    va_list args;

    start(r, code);
    va_start(args, message);
    (void)vsnprintf(r->message, sizeof(r->message), message, args); /* cutting it is harmless */
    va_end(args);
    return false;
}

void refuse_plainly(struct refusal *r, int64_t code)
{
    const char *details = find(code)->details;

    if (code == CODE_OAUTH) {
        (void)refuse_prose(r, code,
                           "Error validating access token: Session has expired on Monday, "
                           "23-Nov-26 22:00:00 PST.");
        r->subcode = SUBCODE_EXPIRED;
        return;
    }
    (void)refuse(r, code, "%s", details ? details : "");
}

const char *refusal_title(int64_t code)
{
    return find(code)->title;
}

bool refusal_is_throttle(int64_t code)
{
    static const int64_t throttles[] = {4, 17, 32, 341, 613, 80007, 130429, 131048, 131056};

    for (size_t i = 0; i < ARRAY_SIZE(throttles); i++)
        if (throttles[i] == code)
            return true;
    return false;
}
