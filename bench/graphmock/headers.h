/* SPDX-License-Identifier: MIT
 *
 * headers.h: the headers that Graph sends with every answer, the same each time. HEADER(name,
 * value) makes of each whatever the protocol needs.
 */
#ifndef GRAPHMOCK_HEADERS_H
#define GRAPHMOCK_HEADERS_H

#define CONSTANT_HEADERS(HEADER)                                            \
    HEADER("access-control-allow-origin", "*")                              \
    HEADER("cache-control", "private, no-cache, no-store, must-revalidate") \
    HEADER("expires", "Sat, 01 Jan 2000 00:00:00 GMT")                      \
    HEADER("pragma", "no-cache")                                            \
    HEADER("strict-transport-security", "max-age=15552000; preload")        \
    HEADER("vary", "Origin, Accept-Encoding")                               \
    HEADER("x-fb-rev", "1030115623")

#endif
