/* SPDX-License-Identifier: MIT
 *
 * phone.h: E.164 numbers.
 */
#ifndef CORE_PHONE_H
#define CORE_PHONE_H

#include "base/attr.h"

#include <stdbool.h>

enum {
    PHONE_DIGITS_MIN = 8,
    PHONE_DIGITS_MAX = 15, /* ITU-T E.164 */
    PHONE_SIZE = 1 + PHONE_DIGITS_MAX + 1,
    PHONE_MASKED_SIZE = 32,
};

/* Normalises `len` bytes into '+' and digits. ASCII spaces, dots, dashes and brackets, () and [],
 * are taken out wherever they are; all else is refused. On failure `why` (a string constant that
 * goes on a sentence: "has letters") says what is wrong. */
bool phone_parse(const char *text, size_t len, char out[PHONE_SIZE], const char **why) MUST_CHECK;

/* "+919812345621" -> "+9198******21": what logs and tables show. What is too short to hide anything
 * is hidden whole. */
void phone_mask(const char *phone, char out[PHONE_MASKED_SIZE]);

#endif
