/* SPDX-License-Identifier: MIT */
#include "sim_world_internal.h"

enum { LONGEST_US = 60000000, LONGEST_STALL_US = 40000000 };

static bool happens(struct world *w, unsigned of_million)
{
    return sim_random_below(&w->random, 1000000) < of_million;
}

static int64_t draw_us(struct world *w, int64_t longest_us)
{
    int64_t most_us = world_chance(w, 5000) ? longest_us : longest_us / 50;

    return (int64_t)sim_random_below(&w->random, (uint64_t)most_us);
}

static void change(struct world *w)
{
    static const enum fault faults[] = {FAULT_OUTAGE, FAULT_BROWN_OUT, FAULT_MAINTENANCE,
                                        FAULT_GOAWAY};
    static const enum weather weathers[] = {WEATHER_OUTAGE, WEATHER_BROWN_OUT, WEATHER_MAINTENANCE};
    unsigned drawn = (unsigned)sim_random_below(&w->random, ARRAY_SIZE(faults));

    world_count(w, faults[drawn]);
    if (faults[drawn] == FAULT_GOAWAY) {
        wire_lose_connections(w);
        return;
    }
    w->weather = weathers[drawn];
    world_schedule(w, &w->weather_event, EVENT_WEATHER_ENDS, draw_us(w, LONGEST_US));
}

void weather_on_end(struct world *w)
{
    w->weather = WEATHER_FINE;
}

static void hold(struct world *w)
{
    world_count(w, FAULT_HOLD);
    w->is_held = true;
    engine_hold(w->engine, HALT_OPERATOR, "the operator said so", world_now(w));
    world_schedule(w, &w->hold_event, EVENT_HOLD_ENDS, draw_us(w, LONGEST_US));
}

void weather_step(struct world *w)
{
    const struct sim_faults *f = &w->config.faults;

    if (w->weather == WEATHER_FINE && happens(w, f->weather))
        change(w);
    if (!w->is_held && !w->is_stopping && happens(w, f->holds))
        hold(w);
    if (!w->must_stop && happens(w, f->stops)) {
        world_count(w, FAULT_STOP);
        w->must_stop = true;
    }
    if (f->redis && happens(w, f->redis))
        link_misfortune(w);
    if (happens(w, f->stalls)) {
        world_count(w, FAULT_STALL);
        w->now_us += draw_us(w, LONGEST_STALL_US);
    }
}
