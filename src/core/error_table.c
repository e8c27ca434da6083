/* SPDX-License-Identifier: MIT
 *
 * error_table.c: the rows of error_policy.h, in ascending order of code, then of subcode. Where
 * Meta lists a code for webhooks only, the row says what a send would do that met it all the same.
 */
#include "core/error_policy.h"

static const struct error_rule table[] = {
    {0, 0, ACTION_HALT_TOKEN, "The app user cannot be authenticated",
     "The token has expired or was revoked: make a new one in Meta Business Settings, and "
     "seal it with `tidings token seal`."},
    {1, 0, ACTION_RETRY_ONCE, "Invalid request or possible server error",
     "If every message meets it, compare template and parameters in WhatsApp Manager; if "
     "only some do, send those again with `tidings retry`."},
    {2, 0, ACTION_RETRY, "Temporary downtime or overload at Meta",
     "Wait: upgrades take up to five minutes; look at metastatus.com if it lasts, and send "
     "again with `tidings retry` what failed."},
    {3, 0, ACTION_HALT_ACCOUNT, "The app lacks a capability or permission",
     "Give the app the permission whatsapp_business_messaging in the App Dashboard."},
    {4, 0, ACTION_SLOW_SENDER, "The app's call limit is reached",
     "Nothing to do now; if it goes on, find out in the App Dashboard what else calls Graph "
     "with this app, or lower rate.messages_per_second."},
    {10, 0, ACTION_HALT_TOKEN, "Permission not granted or removed",
     "Give the token's system user whatsapp_business_messaging and access to this account, "
     "make a new token, seal it with `tidings token seal`."},
    {17, 0, ACTION_SLOW_SENDER, "The user's call limit is reached",
     "Nothing to do now; if it goes on, use a token of a system user that nothing else uses."},
    {32, 0, ACTION_SLOW_SENDER, "The page's call limit is reached",
     "Nothing to do now; if it goes on, find out what else uses this token."},
    {33, 0, ACTION_HALT_SENDER, "The sender's phone number was deleted or is missing",
     "Compare whatsapp.phone_id (or the column `sender`) with the phone number id in "
     "WhatsApp Manager."},
    {100, 0, ACTION_FAIL, "Invalid parameter",
     "Read the details: they name the parameter; compare the template's parameters in "
     "WhatsApp Manager with what the file fills in."},
    {100, 33, ACTION_HALT_SENDER, "The phone_id does not exist or the token may not see it",
     "Compare whatsapp.phone_id (or the column `sender`) with WhatsApp Manager, and give the"
     " token's system user access to that account."},
    {102, 0, ACTION_HALT_TOKEN, "The API session is invalid",
     "Make a new token in Meta Business Settings and seal it with `tidings token seal`."},
    {104, 0, ACTION_HALT_TOKEN, "No access token in the request",
     "See with `tidings check` which token is used, and seal it again with `tidings token "
     "seal`."},
    {190, 0, ACTION_HALT_TOKEN, "The access token is expired or invalid",
     "Make a new token (of a system user, so that it does not expire), and seal it with "
     "`tidings token seal`."},
    {190, 458, ACTION_HALT_TOKEN, "The app is no longer installed for the token's user",
     "Add the app to the system user again in Meta Business Settings, make a new token, seal"
     " it with `tidings token seal`."},
    {190, 459, ACTION_HALT_TOKEN, "The token's user must pass a checkpoint at Meta",
     "Log in at facebook.com as the user whose token it is and do what is asked there; "
     "better, use a system user's token."},
    {190, 460, ACTION_HALT_TOKEN, "The token's user changed the password",
     "Make a new token and seal it with `tidings token seal`; a system user's token does not"
     " end this way."},
    {190, 463, ACTION_HALT_TOKEN, "The access token has expired",
     "Make a new token (of a system user, so that it does not expire), and seal it with "
     "`tidings token seal`."},
    {190, 464, ACTION_HALT_TOKEN, "The token's user is not confirmed",
     "Confirm the user whose token it is at facebook.com, or use a system user's token."},
    {190, 467, ACTION_HALT_TOKEN, "The access token is invalid: logged out or revoked",
     "Make a new token and seal it with `tidings token seal`."},
    {200, 0, ACTION_HALT_TOKEN, "A permission is missing",
     "Give the token's system user whatsapp_business_messaging and access to this account, "
     "make a new token, seal it with `tidings token seal`."},
    {341, 0, ACTION_SLOW_SENDER, "The app is limited for a while",
     "Nothing to do now; if it goes on, find out in the App Dashboard what else calls Graph "
     "with this app."},
    {368, 0, ACTION_HALT_ACCOUNT, "The account is restricted for a policy violation",
     "Read the violation in WhatsApp Manager under Account quality, and appeal or wait for "
     "its end."},
    {506, 0, ACTION_FAIL, "Duplicate post",
     "See with `tidings log --id` whether the message was accepted before; if not, send it "
     "again with `tidings retry`."},
    {613, 0, ACTION_SLOW_SENDER, "A custom call limit is reached",
     "Nothing to do now; if it goes on, lower rate.messages_per_second."},
    {803, 0, ACTION_HALT_SENDER, "The phone_id does not exist",
     "Compare whatsapp.phone_id (or the column `sender`) with the phone number id in "
     "WhatsApp Manager."},
    {2500, 0, ACTION_HALT_ACCOUNT, "Unknown path, or no user token",
     "Compare whatsapp.api_version (like v22.0), whatsapp.api_base and whatsapp.phone_id with "
     "Meta's documentation."},
    {80007, 0, ACTION_SLOW_SENDER, "The business account's call limit is reached",
     "Nothing to do for sends; stop other programs that poll templates or numbers of this "
     "account."},
    {130403, 0, ACTION_FAIL_SUPPRESS, "Your business has blocked this recipient",
     "Unblock the recipient in WhatsApp Manager, or take the number off your list."},
    {130429, 0, ACTION_SLOW_SENDER, "The sender's throughput limit is reached",
     "Compare rate.messages_per_second with the throughput that `tidings check` shows (80 or"
     " 1,000): incoming messages and other programs count too."},
    {130472, 0, ACTION_FAIL, "The recipient is part of a marketing experiment of Meta's",
     "Nothing can be done for this message: reach the recipient another way."},
    {130497, 0, ACTION_FAIL, "The account may not message this country",
     "Take recipients of that country out, or apply for it with Meta Business Support."},
    {130501, 0, ACTION_FAIL, "This message type is not supported for groups",
     "Put the phone number of a person in the column `to`."},
    {131000, 0, ACTION_UNKNOWN, "Something went wrong at Meta",
     "Nobody knows whether it was sent, so it is not sent again by itself: see `tidings log "
     "--state unknown` and ask a few recipients before you decide."},
    {131005, 0, ACTION_HALT_TOKEN, "Access denied: a permission is missing",
     "Give the token's system user whatsapp_business_messaging and access to this account, "
     "make a new token, seal it with `tidings token seal`."},
    {131008, 0, ACTION_FAIL, "A required parameter is missing",
     "Read the details and fill what the template asks for: see its parameters in WhatsApp "
     "Manager."},
    {131009, 0, ACTION_FAIL, "A parameter's value is invalid",
     "Read the details: they name the parameter; mend the value in the file and run it "
     "again."},
    {131016, 0, ACTION_RETRY, "The service is overloaded or unavailable",
     "Wait; look at metastatus.com if it lasts, and send again with `tidings retry` what "
     "failed."},
    {131021, 0, ACTION_FAIL, "Recipient and sender are the same number",
     "Take your own number off the list."},
    {131026, 0, ACTION_FAIL, "The message is undeliverable",
     "Check the number: it may not be on WhatsApp, have a very old app, not have accepted "
     "the terms, or have blocked you; Meta does not say which."},
    {131030, 0, ACTION_FAIL, "The recipient is not on the test number's list",
     "Add the recipient to the test number's list in the App Dashboard, or send from a real "
     "number."},
    {131031, 0, ACTION_HALT_ACCOUNT, "The account is locked or disabled",
     "Read why in WhatsApp Manager under Account quality and appeal there."},
    {131036, 0, ACTION_FAIL, "The recipient's device could not decrypt the message",
     "Send it again; if it goes on, check the number's storage settings with Meta."},
    {131037, 0, ACTION_HALT_SENDER, "The number's display name is not approved",
     "Have the display name approved in WhatsApp Manager, or send from another number."},
    {131042, 0, ACTION_HALT_ACCOUNT, "There is a problem with the payment method",
     "Mend payment method, credit line, currency and time zone in Meta Business Suite under "
     "Billing."},
    {131044, 0, ACTION_NOT_FOR_SENDS, "There is a problem with the payment of calls",
     "It concerns WhatsApp calls, not messages; mend the payment method in Meta Business "
     "Suite under Billing."},
    {131045, 0, ACTION_HALT_SENDER, "The number's registration has an error",
     "Register the number again in WhatsApp Manager."},
    {131047, 0, ACTION_FAIL, "More than 24 hours since the recipient wrote",
     "Only a template can be sent now: check that this message is one and is approved."},
    {131048, 0, ACTION_HALT_SENDER, "The number is restricted: too many blocks or reports",
     "Stop for some hours, see the number's quality in WhatsApp Manager, and send only to "
     "people who asked for it."},
    {131049, 0, ACTION_DEFER, "Meta did not deliver it, to keep engagement healthy",
     "Send it again after a day or more, not sooner: the recipient has had enough marketing "
     "messages for now."},
    {131050, 0, ACTION_FAIL_SUPPRESS, "The recipient stopped your marketing messages",
     "Take the recipient off marketing lists until they opt in again."},
    {131051, 0, ACTION_FAIL, "The message type is not supported",
     "Mend the column `components`: it asks for something that this account cannot send."},
    {131052, 0, ACTION_NOT_FOR_SENDS, "A recipient's media could not be downloaded",
     "It concerns incoming messages; ask the person to send the media another way."},
    {131053, 0, ACTION_FAIL, "The message's media could not be fetched",
     "Open the media link from outside: it must be public, of an allowed type, and within "
     "the size limit."},
    {131055, 0, ACTION_FAIL, "Only marketing templates are allowed here",
     "Use a template of the category MARKETING, or the ordinary messages endpoint."},
    {131056, 0, ACTION_SLOW_PAIR, "Too many messages to this recipient in a short time",
     "Nothing to do: it is sent later; if it is frequent, another program sends to the same "
     "people."},
    {131057, 0, ACTION_HOLD_SENDER, "The number is in maintenance, often a throughput upgrade",
     "Nothing to do: it takes about a minute."},
    {131059, 0, ACTION_NOT_FOR_SENDS, "The cursor of a template list is invalid",
     "Start the listing again from its first page."},
    {131062, 0, ACTION_FAIL, "This kind of template needs a phone number",
     "Put a phone number in the column `to`."},
    {131063, 0, ACTION_HALT_TEMPLATE, "Marketing is switched off on Cloud API for this account",
     "Switch it on in WhatsApp Manager, or use a utility template."},
    {131064, 0, ACTION_HALT_ACCOUNT, "Messaging is limited: a template's category is wrong",
     "Mend the categories of your templates in WhatsApp Manager; then the limit ends by "
     "itself."},
    {132000, 0, ACTION_FAIL_MISMATCH, "The number of parameters does not match the template",
     "Compare template.params (or --param) with the template in WhatsApp Manager, mend it, "
     "and send what failed with `tidings retry`."},
    {132001, 0, ACTION_HALT_TEMPLATE,
     "The template does not exist in this language, or is not approved",
     "Compare the template's name and language with WhatsApp Manager (en and en_US differ)."},
    {132005, 0, ACTION_FAIL, "The filled text is too long",
     "Shorten the parameters of this message."},
    {132007, 0, ACTION_HALT_TEMPLATE, "The template's content violates a policy",
     "Read the reason in WhatsApp Manager, mend the template or use another one."},
    {132008, 0, ACTION_FAIL, "A parameter's value is invalid",
     "Read the details: they name the parameter; mend the value in the file and run it "
     "again."},
    {132012, 0, ACTION_FAIL_MISMATCH, "A parameter's format does not match the template",
     "Compare header, body and buttons of the template in WhatsApp Manager with what the "
     "file fills in (text, image, link), mend it, and send what failed with `tidings retry`."},
    {132015, 0, ACTION_HALT_TEMPLATE, "The template is paused for low quality",
     "Wait three to six hours or unpause it in WhatsApp Manager; better mend it first."},
    {132016, 0, ACTION_HALT_TEMPLATE, "The template is disabled for good",
     "Use another template: this one was paused too often and does not come back."},
    {132018, 0, ACTION_FAIL, "A parameter is not valid for the template",
     "Read the details; take newlines, tabs and rows of more than four spaces out of the "
     "parameters."},
    {132068, 0, ACTION_HALT_TEMPLATE, "The template's Flow is blocked",
     "Mend the Flow in WhatsApp Manager."},
    {132069, 0, ACTION_HALT_TEMPLATE, "The template's Flow is throttled",
     "Mend the Flow in WhatsApp Manager: only ten messages an hour go out with it until "
     "then."},
    {133000, 0, ACTION_NOT_FOR_SENDS, "An earlier deregistration failed",
     "Deregister the number again in WhatsApp Manager, then register it."},
    {133001, 0, ACTION_NOT_FOR_SENDS, "The number's registration has an error",
     "Mend the number's registration in WhatsApp Manager."},
    {133002, 0, ACTION_NOT_FOR_SENDS, "The number's registration has an error",
     "Mend the number's registration in WhatsApp Manager."},
    {133003, 0, ACTION_NOT_FOR_SENDS, "The number's registration has an error",
     "Mend the number's registration in WhatsApp Manager."},
    {133004, 0, ACTION_RETRY, "The server is temporarily unavailable",
     "Wait; look at metastatus.com if it lasts, and send again with `tidings retry` what "
     "failed."},
    {133005, 0, ACTION_NOT_FOR_SENDS, "The two-step PIN is wrong",
     "Set the PIN anew in WhatsApp Manager and register the number with it."},
    {133006, 0, ACTION_NOT_FOR_SENDS, "The number must be verified first",
     "Verify the number in WhatsApp Manager, then register it."},
    {133007, 0, ACTION_NOT_FOR_SENDS, "The number's registration has an error",
     "Mend the number's registration in WhatsApp Manager."},
    {133008, 0, ACTION_NOT_FOR_SENDS, "Too many guesses of the two-step PIN",
     "Wait as long as the details say, then register the number with the right PIN."},
    {133009, 0, ACTION_NOT_FOR_SENDS, "The two-step PIN came too fast",
     "Wait as long as the details say, then register the number with the right PIN."},
    {133010, 0, ACTION_HALT_SENDER, "The sender's number is not registered",
     "Register the number for Cloud API in WhatsApp Manager."},
    {133011, 0, ACTION_NOT_FOR_SENDS, "The number's registration has an error",
     "Mend the number's registration in WhatsApp Manager."},
    {133012, 0, ACTION_NOT_FOR_SENDS, "The number's registration has an error",
     "Mend the number's registration in WhatsApp Manager."},
    {133013, 0, ACTION_NOT_FOR_SENDS, "The number's registration has an error",
     "Mend the number's registration in WhatsApp Manager."},
    {133014, 0, ACTION_NOT_FOR_SENDS, "The number's registration has an error",
     "Mend the number's registration in WhatsApp Manager."},
    {133015, 0, ACTION_NOT_FOR_SENDS, "The number is just being deleted",
     "Wait five minutes, then register the number again."},
    {133016, 0, ACTION_NOT_FOR_SENDS, "Registered and deregistered too often",
     "Wait: a number may be registered and deregistered ten times in 72 hours."},
    {134011, 0, ACTION_HALT_ACCOUNT, "The terms of WhatsApp Payments are not accepted",
     "Accept the terms in WhatsApp Manager."},
    {134100, 0, ACTION_FAIL, "Only marketing templates are allowed here",
     "Use a template of the category MARKETING, or the ordinary messages endpoint."},
    {134101, 0, ACTION_HOLD_TEMPLATE, "The template is still syncing",
     "Nothing to do: it takes up to ten minutes."},
    {134102, 0, ACTION_HALT_TEMPLATE, "The template cannot be used here",
     "See its status and category in WhatsApp Manager, or use another template."},
    {134103, 0, ACTION_HALT_TEMPLATE, "The template cannot be used here",
     "See its status and category in WhatsApp Manager, or use another template."},
    {135000, 0, ACTION_RETRY_ONCE, "Unknown error with the request's parameters",
     "Compare the template's parameters in WhatsApp Manager with what the file fills in."},
    {137000, 0, ACTION_FAIL, "The recipient's identity key has changed",
     "Make sure that it is still the same person, then send it again."},
    {139200, 0, ACTION_FAIL, "Sending directly to this recipient is blocked",
     "Take the recipient off the list, or ask Meta Business Support."},
    {141002, 0, ACTION_HALT_TEMPLATE, "The template is not approved",
     "Have the template approved in WhatsApp Manager."},
    {200005, 0, ACTION_NOT_FOR_SENDS, "Template insights are not available",
     "Switch template insights on in WhatsApp Manager; sends do not need them."},
    {200006, 0, ACTION_NOT_FOR_SENDS, "Template insights are not available",
     "Switch template insights on in WhatsApp Manager; sends do not need them."},
    {200007, 0, ACTION_NOT_FOR_SENDS, "Template insights are not available",
     "Switch template insights on in WhatsApp Manager; sends do not need them."},
    {1752041, 0, ACTION_NOT_FOR_SENDS, "Marketing messages were applied for twice",
     "Wait for the first application's answer."},
    {2388019, 0, ACTION_NOT_FOR_SENDS, "The account has too many templates",
     "Delete templates that nobody uses in WhatsApp Manager."},
    {2388039, 0, ACTION_NOT_FOR_SENDS, "The template's status cannot be changed",
     "See the template's status in WhatsApp Manager."},
    {2388040, 0, ACTION_NOT_FOR_SENDS, "A field of the template is too long",
     "Shorten the template in WhatsApp Manager."},
    {2388047, 0, ACTION_NOT_FOR_SENDS, "The template's header has a wrong format",
     "Mend the template's header in WhatsApp Manager."},
    {2388072, 0, ACTION_NOT_FOR_SENDS, "The template's body has a wrong format",
     "Mend the template's body in WhatsApp Manager."},
    {2388073, 0, ACTION_NOT_FOR_SENDS, "The template's footer has a wrong format",
     "Mend the template's footer in WhatsApp Manager."},
    {2388293, 0, ACTION_NOT_FOR_SENDS, "The template has too many variables for its length",
     "Use fewer variables or more text in WhatsApp Manager."},
    {2388299, 0, ACTION_NOT_FOR_SENDS, "A variable begins or ends the template",
     "Put text before the first and after the last variable in WhatsApp Manager."},
    {2494100, 0, ACTION_HOLD_SENDER, "The number is in maintenance",
     "Nothing to do: it takes some minutes."},
    {2593107, 0, ACTION_NOT_FOR_SENDS, "Synchronisation was asked for too often",
     "Wait a day, then ask for the synchronisation again."},
    {2593108, 0, ACTION_NOT_FOR_SENDS, "Synchronisation was asked for too late",
     "Connect the number again in WhatsApp Manager, then ask within 24 hours."},
};

const struct error_rule *error_policy_table(size_t *count)
{
    *count = ARRAY_SIZE(table);
    return table;
}
