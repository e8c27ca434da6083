/* SPDX-License-Identifier: MIT */
#include "course.h"

static bool chance(double share, struct random *random)
{
    return random_to_unit(random_next(random)) < share;
}

/* What truly happens, reported as it does. */
static size_t live(const struct status_rules *rules, struct report steps[COURSE_STEPS],
                   struct random *random)
{
    steps[0].status = STATUS_SENT;
    if (chance(rules->failed, random)) {
        steps[1].status = STATUS_FAILED;
        return 2;
    }
    if (!chance(rules->delivered, random))
        return 1;
    steps[1].status = STATUS_DELIVERED;
    if (!chance(rules->read, random))
        return 2;
    steps[2].status = STATUS_READ;
    return 3;
}

static void put_times(struct report *steps, size_t count, const struct latency *delay,
                      struct random *random)
{
    for (size_t i = 0; i < count; i++) {
        int64_t before = i ? steps[i - 1].stamp_us : steps[0].stamp_us;

        steps[i].stamp_us = steps[i].at_us = before + latency_draw_us(delay, random);
    }
}

/* The last first; each as long after the end as it was before it. */
static void reverse(struct report *steps, size_t count)
{
    int64_t end = steps[count - 1].stamp_us;

    for (size_t i = 0; i < count; i++)
        steps[i].at_us = end + (end - steps[i].stamp_us);
}

static void insert(struct course *course, const struct report *report)
{
    size_t i = course->count++;

    for (; i > 0 && course->reports[i - 1].at_us > report->at_us; i--)
        course->reports[i] = course->reports[i - 1];
    course->reports[i] = *report;
}

static void tell(struct course *course, struct report step, const struct status_rules *rules,
                 struct random *random)
{
    if (chance(rules->lost, random)) {
        course->lost++;
        return;
    }
    if (chance(rules->late, random))
        step.at_us += rules->late_ms * 1000;
    if (chance(rules->no_opaque, random))
        step.opaque = OPAQUE_MISSING;
    else if (chance(rules->cut_opaque, random))
        step.opaque = OPAQUE_CUT;
    insert(course, &step);
    if (chance(rules->duplicated, random))
        insert(course, &step);
}

struct course course_draw(const struct status_rules *rules, const struct latency *delay,
                          const struct course_times *times, struct random *random)
{
    struct report steps[COURSE_STEPS] = {{.stamp_us = times->answered_us}};
    struct course course = {.count = 0};
    size_t count = live(rules, steps, random);

    put_times(steps, count, delay, random);
    if (chance(rules->early, random))
        steps[0].stamp_us = steps[0].at_us = times->arrived_us;
    else if (chance(rules->reordered, random))
        reverse(steps, count);
    for (size_t i = 0; i < count; i++)
        tell(&course, steps[i], rules, random);
    return course;
}
