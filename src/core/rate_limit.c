/* SPDX-License-Identifier: MIT */
#include "core/rate_limit.h"

#include "base/mem.h"

#include <assert.h>
#include <limits.h>
#include <math.h>

enum {
    SECOND_US = 1000000,
    STEP_US = 500,                /* what the window's memory tells apart */
    LAP_MORE_US = 1000,           /* than the window: a step, and half a millisecond of lateness */
    LAP_SLACK_US = 1000,          /* more lateness, where the guard pays for it */
    WINDOW_STEPS = 4096,          /* more than fit in the longest window, 2 s; a power of two */
    RECOVERY_US = 10 * SECOND_US, /* from a cut back to full */
    FLOOR_PER_SECOND = 1,         /* no cut goes below */
};

static const double TICKS_HELD = 2.5; /* what the bucket holds */
static const double CUT_TO = 0.7;     /* of the pace before the throttle */
static const double RAMP_FROM = 0.1;  /* of full pace */
static const double HAIR = 1e-6;      /* sums of fractions end up that much below a whole number */

/* Messages that reached the wire within one step of time. */
struct step {
    int64_t number; /* time / STEP_US */
    unsigned count;
};

struct rate_limit {
    struct rate_limit_options options;
    double rate;    /* full pace, a second: less the guard; unlimited: the peak while cut, else 0 */
    unsigned limit; /* of the window; UINT_MAX: none */
    int64_t window_us; /* a second, and what the guard adds */
    double lot;        /* grants a tick, at full pace */
    double held_max;   /* grants that the bucket can hold */
    int64_t tick_ns;   /* in whole nanoseconds the grid does not drift */

    double held;         /* grants in the bucket */
    int64_t filled_ns;   /* the last tick that was put in */
    unsigned granted;    /* taken, neither wired nor returned */
    bool has_begun;      /* a grant was taken */
    int64_t begin_us;    /* when: there the ramp begins */
    double cut;          /* pace after the last cut, as a part of full; 1: none */
    int64_t cut_us;      /* when that was */
    int64_t throttle_us; /* the last throttle: there the recovery begins */

    struct step steps[WINDOW_STEPS]; /* a queue, oldest first */
    unsigned first;                  /* index of the oldest */
    unsigned used;                   /* steps in the queue */
    unsigned wired;                  /* messages in the queue */
};

/* ---- The window. */

static struct step *step_at(struct rate_limit *r, unsigned place)
{
    return &r->steps[(r->first + place) % WINDOW_STEPS];
}

static int64_t step_end_us(const struct step *s)
{
    return (s->number + 1) * STEP_US;
}

/* From when on all of the step is out of the window. */
static int64_t step_out_us(struct rate_limit *r, unsigned place)
{
    return step_end_us(step_at(r, place)) + r->window_us;
}

static void forget_old(struct rate_limit *r, int64_t now_us)
{
    while (r->used > 0 && step_out_us(r, 0) <= now_us) {
        r->wired -= step_at(r, 0)->count;
        r->first = (r->first + 1) % WINDOW_STEPS;
        r->used--;
    }
}

static void remember(struct rate_limit *r, int64_t now_us)
{
    int64_t number = now_us / STEP_US;

    forget_old(r, now_us);
    if (r->used == 0 || step_at(r, r->used - 1)->number < number) {
        assert(r->used < WINDOW_STEPS);
        *step_at(r, r->used++) = (struct step){.number = number};
    }
    step_at(r, r->used - 1)->count++;
    r->wired++;
}

static unsigned room(const struct rate_limit *r)
{
    unsigned taken = r->wired + r->granted;

    return taken < r->limit ? r->limit - taken : 0;
}

/* When the window has room again by the passing of time alone. */
static int64_t room_us(struct rate_limit *r, int64_t now_us)
{
    unsigned freed = 0;

    if (room(r) > 0)
        return now_us;
    for (unsigned i = 0; i < r->used; i++) {
        freed += step_at(r, i)->count;
        if (r->wired + r->granted - freed < r->limit)
            return step_out_us(r, i);
    }
    return INT64_MAX;
}

static unsigned in_last_second(struct rate_limit *r, int64_t now_us)
{
    unsigned count = r->wired;

    for (unsigned i = 0; i < r->used && step_end_us(step_at(r, i)) + SECOND_US <= now_us; i++)
        count -= step_at(r, i)->count;
    return count;
}

/* ---- The pace. */

static bool is_unlimited(const struct rate_limit *r)
{
    return r->rate <= 0;
}

/* On the straight line from `from` to 1, `passed_us` into its length. */
static double climb(double from, int64_t passed_us, int64_t length_us)
{
    if (passed_us >= length_us)
        return 1;
    return from + (1 - from) * (double)(passed_us > 0 ? passed_us : 0) / (double)length_us;
}

static double cut_part(const struct rate_limit *r, int64_t now_us)
{
    return r->cut < 1 ? climb(r->cut, now_us - r->throttle_us, RECOVERY_US) : 1;
}

/* The present pace as a part of the full one. */
static double part(const struct rate_limit *r, int64_t now_us)
{
    int64_t ramped_us = r->has_begun ? now_us - r->begin_us : 0;

    return cut_part(r, now_us) * climb(RAMP_FROM, ramped_us, r->options.ramp_us);
}

static unsigned whole_messages(double rate)
{
    double down = floor(rate + HAIR);

    return (unsigned)(rate - down <= rate / 100 ? down : ceil(rate));
}

/* Lots and ticks from the rate: a lap is a window's messages, in whole ticks. */
static void set_pace(struct rate_limit *r, unsigned lap, int64_t now_us)
{
    double slack_us = fmin(r->options.guard_percent, 1) * (double)LAP_SLACK_US;
    double least_us = (double)(r->window_us + LAP_MORE_US) + slack_us;
    double lap_us = fmax(lap / r->rate * (double)SECOND_US, least_us);
    double ticks = fmin(floor((double)r->window_us / (double)r->options.tick_us), lap);

    r->tick_ns = (int64_t)(lap_us * 1000 / ticks);
    r->lot = lap / ticks;
    r->held_max = fmax(r->rate * (double)r->options.tick_us / (double)SECOND_US * TICKS_HELD, 1);
    r->held = fmin(r->held, r->held_max);
    r->filled_ns = now_us * 1000;
}

static double held_after(const struct rate_limit *r, int64_t ticks, int64_t at_us)
{
    return fmin(r->held + (double)ticks * r->lot * part(r, at_us), r->held_max);
}

static void fill(struct rate_limit *r, int64_t now_us)
{
    int64_t ticks = (now_us * 1000 - r->filled_ns) / r->tick_ns;

    if (ticks <= 0)
        return;
    r->held = held_after(r, ticks, now_us);
    r->filled_ns += ticks * r->tick_ns;
}

/* A cut that has healed is none; an unlimited sender's bounds go with it. */
static void heal(struct rate_limit *r, int64_t now_us)
{
    if (now_us - r->throttle_us < RECOVERY_US)
        return;
    r->cut = 1;
    if (r->options.per_second <= 0)
        r->rate = 0;
}

/* Brings everything that time alone changes to the present. */
static void catch_up(struct rate_limit *r, int64_t now_us)
{
    forget_old(r, now_us);
    heal(r, now_us);
    if (!is_unlimited(r))
        fill(r, now_us);
}

/* The first tick that brings a whole grant. The pace climbs by itself and `fill` takes all ticks of
 * a stretch at the pace of its end: so does this, and is never late. */
static int64_t next_tick_us(const struct rate_limit *r)
{
    for (int64_t ticks = 1;; ticks++) {
        int64_t at_us = (r->filled_ns + ticks * r->tick_ns + 999) / 1000;

        if (held_after(r, ticks, at_us) + HAIR >= 1)
            return at_us;
    }
}

/* ---- What the caller sees. */

static int64_t within(int64_t value, int64_t least, int64_t most)
{
    if (value < least)
        return least;
    return value < most ? value : most;
}

int64_t rate_limit_window_us(const struct rate_limit_options *options)
{
    return (int64_t)((double)SECOND_US / (1 - options->guard_percent / 100));
}

struct rate_limit *rate_limit_new(const struct rate_limit_options *options, int64_t now_us)
{
    struct rate_limit *r = MEM_NEW(struct rate_limit);

    r->cut = 1;
    r->held = 1;
    rate_limit_configure(r, options, now_us);
    return r;
}

void rate_limit_free(struct rate_limit *r)
{
    mem_free(r);
}

void rate_limit_configure(struct rate_limit *r, const struct rate_limit_options *options,
                          int64_t now_us)
{
    r->options = *options;
    r->options.tick_us = within(options->tick_us, STEP_US, SECOND_US);
    r->rate = options->per_second * (1 - options->guard_percent / 100);
    r->limit = UINT_MAX;
    r->window_us = SECOND_US;
    if (is_unlimited(r)) {
        r->cut = 1;
        return;
    }
    r->limit = whole_messages(options->per_second);
    r->window_us = rate_limit_window_us(options);
    set_pace(r, r->limit, now_us);
}

unsigned rate_limit_available(struct rate_limit *r, int64_t now_us)
{
    unsigned held;

    catch_up(r, now_us);
    if (is_unlimited(r))
        return UINT_MAX;
    held = (unsigned)(r->held + HAIR);
    return held < room(r) ? held : room(r);
}

void rate_limit_take(struct rate_limit *r, int64_t now_us)
{
    assert(is_unlimited(r) || (r->held + HAIR >= 1 && room(r) > 0));
    if (!r->has_begun) {
        r->has_begun = true;
        r->begin_us = now_us;
    }
    r->granted++;
    r->held = fmax(r->held - 1, 0);
}

void rate_limit_wired(struct rate_limit *r, int64_t now_us)
{
    assert(r->granted > 0);
    r->granted--;
    remember(r, now_us);
}

void rate_limit_returned(struct rate_limit *r, int64_t now_us)
{
    assert(r->granted > 0);
    catch_up(r, now_us);
    r->granted--;
    if (!is_unlimited(r))
        r->held = fmin(r->held + 1, r->held_max);
}

/* What an unlimited sender sent in the last second was too much: that is full pace now. */
static void bound(struct rate_limit *r, int64_t now_us)
{
    r->rate = r->wired > FLOOR_PER_SECOND ? r->wired : FLOOR_PER_SECOND;
    set_pace(r, (unsigned)r->rate, now_us);
}

void rate_limit_throttled(struct rate_limit *r, int64_t now_us)
{
    double present;

    catch_up(r, now_us);
    if (is_unlimited(r))
        bound(r, now_us);
    present = cut_part(r, now_us);
    if (r->cut >= 1 || now_us - r->cut_us >= SECOND_US) {
        r->cut = fmin(fmax(present * CUT_TO, (double)FLOOR_PER_SECOND / r->rate), 1);
        r->cut_us = now_us;
    }
    r->throttle_us = now_us;
}

int64_t rate_limit_next_us(struct rate_limit *r, int64_t now_us)
{
    int64_t tick_us = now_us;
    int64_t free_us;

    if (rate_limit_available(r, now_us) > 0)
        return now_us;
    if (r->held + HAIR < 1)
        tick_us = next_tick_us(r);
    free_us = room_us(r, now_us);
    return tick_us > free_us ? tick_us : free_us;
}

double rate_limit_allowed(struct rate_limit *r, int64_t now_us)
{
    catch_up(r, now_us);
    return r->rate * part(r, now_us);
}

unsigned rate_limit_actual(struct rate_limit *r, int64_t now_us)
{
    forget_old(r, now_us);
    return in_last_second(r, now_us);
}
