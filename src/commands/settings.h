/* SPDX-License-Identifier: MIT
 *
 * settings.h: every key of the configuration, in one table (settings_table.c). Help, `check`, the
 * sample file conf/tidings.conf and the manual come from it or are tested against it.
 */
#ifndef COMMANDS_SETTINGS_H
#define COMMANDS_SETTINGS_H

#include "base/config.h"
#include "base/log.h"

enum { HTTP_VERSION_1_1, HTTP_VERSION_2 }; /* settings.http_version */
enum { AMBIGUOUS_HOLD, AMBIGUOUS_RESEND }; /* settings.retry_ambiguous */

struct settings {
    bool enabled;
    char *phone_id;
    char *waba_id;
    char *api_version;
    char *api_base;
    char *ca_file;
    char *token_file;
    char *token_key_file;
    char *template_name;
    char *template_lang;
    char *template_params; /* comma-separated column names */
    double rate;           /* a second; 0: unlimited */
    int64_t guard_percent;
    int http_version;
    int64_t timeout_ms;
    int64_t connect_timeout_ms;
    int64_t max_in_flight;
    int64_t unreachable_after_s;
    int64_t max_attempts;
    int64_t retry_base_ms;
    int64_t retry_max_ms;
    int retry_ambiguous;
    char *ledger_path; /* "" until settings_load fills the default in */
    int64_t intent_ahead_ms;
    char *redis_url; /* "": none */
    char *redis_stream;
    char *redis_group;
    char *redis_consumer; /* "": the ledger's */
    bool redis_trim;
    int64_t redis_result_maxlen;
    bool redis_claim;
    int64_t redis_claim_idle_ms;
    char *admin_listen;   /* ADDRESS:PORT or "off" */
    char *webhook_listen; /* the same */
    char *webhook_app_secret_file;
    char *webhook_verify_token_file;
    char *control_socket; /* "" until settings_load fills the default in */
    int log_level;        /* enum log_level */
    int log_format;       /* enum log_format */
    char *log_file;
    bool log_full_numbers;
    char *file; /* the file that was read, "" for none */
};

extern const struct config_table settings_table;

struct settings_sources {
    const char *file; /* --config, or NULL: look in the usual places */
    const char *const *sets;
    size_t set_count;
};

/* Reads file, environment and --set. On failure every error is on standard error, a line each, and
 * false is returned (EXIT_CONFIG). Free with settings_free in both cases. */
bool settings_load(struct settings *s, const struct settings_sources *sources) MUST_CHECK;
void settings_free(struct settings *s);

/* Whether `flag` may have this value of `key` ("log.level"), which is a key of the table:
 * EXIT_USAGE, with what is allowed. */
bool settings_check_flag(const char *flag, const char *key, const char *value,
                         struct err *e) MUST_CHECK;

/* A reload: keys that a running process cannot change keep in `fresh` the values of `now`, and take
 * theirs in exchange; the names of those that differ go to `changed`, with ", " between. */
void settings_keep_fixed(struct settings *fresh, struct settings *now, struct buf *changed);

/* What sending needs and the table cannot demand: phone_id. EXIT_CONFIG. */
bool settings_can_send(const struct settings *s, struct err *e) MUST_CHECK;

/* "a, b c" -> {"a","b c"}; empty ones are left out. Returned: free with mem_free (one block). */
const char **settings_split_list(const char *list, size_t *count);

#endif
