/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * schedule.h - windows of time in which work may start.
 *
 * "22:00-06:00", "mon-fri 20:00-07:00, sat,sun 00:00-24:00", "22:00-06:00 +02:00":
 * windows separated by semicolons or commas; each has days (none: every day; a
 * window that passes midnight belongs to the day on which it begins), a span of
 * the day, and at the very end of the text an offset from UTC in which all of it is
 * meant. Work that has started in its window may go on behind its end.
 */
#ifndef MT_QUEUE_SCHEDULE_H
#define MT_QUEUE_SCHEDULE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { MT_SCHEDULE_MAX = 16, MT_SCHEDULE_TEXT = 400 };

struct mt_schedule {
    int n;
    struct mt_window {
        unsigned days;    /* bit 0 is Monday */
        int from_s, to_s; /* seconds of the day; to_s may be above 86400 */
    } windows[MT_SCHEDULE_MAX];
    int offset_s; /* east of UTC */
};

/* MT_ERR_USAGE with what is wrong and an example. */
int mt_schedule_parse(const char *text, struct mt_schedule *schedule,
                      struct mt_err *err) MT_MUST_USE;

/* When work may start, at or after now_us (microseconds since 1970): now_us if a window is open. */
int64_t mt_schedule_next(const struct mt_schedule *schedule, int64_t now_us);

#endif
