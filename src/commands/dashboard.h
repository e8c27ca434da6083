/* SPDX-License-Identifier: MIT
 *
 * dashboard.h: the page at `/` of the admin port: dashboard.html, which CMake turns into C
 * (deps/TidingsEmbed.cmake). It asks /api/status each second and needs nothing from elsewhere.
 */
#ifndef COMMANDS_DASHBOARD_H
#define COMMANDS_DASHBOARD_H

#include <stddef.h>

extern const unsigned char dashboard_html[];
extern const size_t dashboard_html_len;

#define DASHBOARD_CONTENT_TYPE "text/html; charset=utf-8"

/* The page's Content-Security-Policy: its own script and style, questions to its own server. */
#define DASHBOARD_POLICY                                                                       \
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "              \
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors " \
    "'none'"

#endif
