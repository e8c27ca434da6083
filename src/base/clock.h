/* SPDX-License-Identifier: MIT
 *
 * clock.h: the two clocks. Pacing and deadlines use the monotonic one; records and due times the
 * wall clock.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t clock_mono_us(void);
int64_t clock_wall_ms(void); /* Unix milliseconds */

enum { CLOCK_TEXT_SIZE = 32 };
/* RFC 3339, UTC, milliseconds: 2026-04-02T09:30:00.125Z */
void clock_text(int64_t wall_ms, char out[CLOCK_TEXT_SIZE]);
/* Local date and time, and how far that is from UTC: 2026-04-02 15:00:00 +0530 */
void clock_local(int64_t wall_ms, char out[CLOCK_TEXT_SIZE]);
/* Local time of day, HH:MM:SS; where that is another day than now's, behind its date. */
void clock_time_of_day(int64_t wall_ms, int64_t now_ms, char out[CLOCK_TEXT_SIZE]);

#endif
