/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

int64_t clock_mono_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail with a clock that exists */
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_wall_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t); /* cannot fail with a clock that exists */
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct date {
    int year, month, day;
};

/* Days since 1970 -> a date of the Gregorian calendar. Counted in years that begin in March, so
 * that the leap day is the last one (H. Hinnant, "chrono-compatible low-level date algorithms",
 * civil_from_days). Ten times cheaper than gmtime_r, which every log line would pay. */
static struct date date_of_days(int64_t days)
{
    int64_t shifted = days + 719468; /* since 1 March of the year 0 */
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int day_of_era = (int)(shifted - era * 146097);
    int year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int march_month = (5 * day_of_year + 2) / 153;
    int month = march_month < 10 ? march_month + 3 : march_month - 9;

    return (struct date){
        .year = (int)(era * 400) + year_of_era + (month <= 2 ? 1 : 0),
        .month = month,
        .day = day_of_year - (153 * march_month + 2) / 5 + 1,
    };
}

/* `digits` decimal digits of `value`, and the character that follows them. */
static char *put(char *out, int value, int digits, char after)
{
    for (int i = digits - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    out[digits] = after;
    return out + digits + 1;
}

void clock_text(int64_t wall_ms, char out[CLOCK_TEXT_SIZE])
{
    const int64_t ms_of_day = 86400000;
    int64_t days = (wall_ms >= 0 ? wall_ms : wall_ms - (ms_of_day - 1)) / ms_of_day;
    int ms = (int)(wall_ms - days * ms_of_day);
    struct date date = date_of_days(days);

    out = put(out, date.year, 4, '-');
    out = put(out, date.month, 2, '-');
    out = put(out, date.day, 2, 'T');
    out = put(out, ms / 3600000, 2, ':');
    out = put(out, ms / 60000 % 60, 2, ':');
    out = put(out, ms / 1000 % 60, 2, '.');
    out = put(out, ms % 1000, 3, 'Z');
    *out = '\0';
}

void clock_local(int64_t wall_ms, char out[CLOCK_TEXT_SIZE])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm t = {0};

    (void)localtime_r(&seconds, &t); /* fails only past the year 2^31 */
    if (!strftime(out, CLOCK_TEXT_SIZE, "%Y-%m-%d %H:%M:%S %z", &t))
        out[0] = '\0';
}

static struct tm local_of(int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm t = {0};

    (void)localtime_r(&seconds, &t); /* fails only past the year 2^31 */
    return t;
}

void clock_time_of_day(int64_t wall_ms, int64_t now_ms, char out[CLOCK_TEXT_SIZE])
{
    struct tm t = local_of(wall_ms), now = local_of(now_ms);
    bool is_today = t.tm_yday == now.tm_yday && t.tm_year == now.tm_year;

    (void)strftime(out, CLOCK_TEXT_SIZE, is_today ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &t);
}
