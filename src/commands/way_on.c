/* SPDX-License-Identifier: MIT */
#include "commands/way_on.h"

#include <stdio.h>

static const char *of_daemon(enum halt_kind kind)
{
    return kind == HALT_TOKEN ? " Then reload the daemon: `systemctl reload tidings`, or SIGHUP."
                              : " Then `tidings resume`; if settings were changed, restart the "
                                "daemon.";
}

static bool needs_mending(enum halt_kind kind)
{
    return kind == HALT_TOKEN || kind == HALT_ACCOUNT || kind == HALT_SENDER ||
           kind == HALT_TEMPLATE;
}

static const char *way_on(const struct halt *halt, bool is_daemon)
{
    if (!needs_mending(halt->kind))
        return ""; /* their hints say it */
    if (halt->until_us != INT64_MAX)
        return " It goes on by itself.";
    return is_daemon ? of_daemon(halt->kind) : " Then run the same command again.";
}

const char *way_on_text(const struct halt *halt, bool is_daemon, char memory[WAY_ON_SIZE])
{
    (void)snprintf(memory, WAY_ON_SIZE, "%s%s", halt->hint, way_on(halt, is_daemon)); /* it fits */
    return memory;
}
