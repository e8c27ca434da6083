/* SPDX-License-Identifier: MIT
 *
 * config_value.h: one value of the configuration: from its text into the settings.
 */
#ifndef BASE_CONFIG_VALUE_H
#define BASE_CONFIG_VALUE_H

#include "base/config.h"

/* Puts `text` where `key` says. NULL, or the reason why not: then nothing was changed. The memory
 * of a text that was there before is freed. */
const char *config_value_set(const struct config_key *key, const char *text,
                             void *settings) MUST_CHECK;

#endif
