/* SPDX-License-Identifier: MIT
 *
 * json_scan.h: is this text exactly one JSON value, by RFC 8259? What json.c asks before it lets
 * json-c build the value: json-c, even told to be strict, takes single quotes, NaN, raw newlines in
 * strings and comments, cuts keys at \u0000, saturates big integers, and of a key that comes twice
 * drops the first.
 */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>

struct json_scan {
    size_t members;     /* of all objects together; with duplicates */
    size_t at;          /* where it stopped */
    const char *reason; /* why, when it is not JSON */
};

/* Refused besides what is no JSON: nesting deeper than `depth_max`, \u0000, whole numbers that do
 * not fit in 64 bits with sign, other numbers that are not finite. UTF-8 is for the caller to
 * check. */
bool json_scan(const char *text, size_t len, int depth_max, struct json_scan *result) MUST_CHECK;

#endif
