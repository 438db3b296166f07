/* SPDX-License-Identifier: GPL-2.0-or-later */
/* schedule.c - see schedule.h. */
#include "queue/schedule.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { DAY = 86400, WEEK_DAYS = 7 };

static const char *const day_names[WEEK_DAYS] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static int fail(struct mt_err *err, const char *text)
{
    mt_fail(err, MT_ERR_USAGE, "'%.200s' is no schedule", text);
    return mt_hint(err, "22:00-06:00, or mon-fri 20:00-07:00; sat,sun 00:00-24:00 +02:00");
}

static void skip_blanks(const char **p)
{
    *p += strspn(*p, " \t");
}

/* A day's number, or -1. */
static int take_day(const char **p)
{
    for (int i = 0; i < WEEK_DAYS; i++)
        if (strncasecmp(*p, day_names[i], 3) == 0 && !isalpha((unsigned char)(*p)[3])) {
            *p += 3;
            return i;
        }
    return -1;
}

/* "mon", "mon-fri", and several of them with commas between. */
static int take_days(const char **p, unsigned *days)
{
    *days = 0;
    while (isalpha((unsigned char)**p)) {
        int from = take_day(p);
        int to = from;
        if (from < 0)
            return -1;
        if (**p == '-') {
            ++*p;
            if ((to = take_day(p)) < 0)
                return -1;
        }
        for (int d = from;; d = (d + 1) % WEEK_DAYS) {
            *days |= 1u << d;
            if (d == to)
                break;
        }
        skip_blanks(p);
        if (**p == ',') {
            ++*p;
            skip_blanks(p);
        }
    }
    if (*days == 0)
        *days = (1u << WEEK_DAYS) - 1;
    return 0;
}

/* "22:00" as seconds, up to 24:00; -1. */
static int take_time(const char **p)
{
    const char *s = *p;

    if (!isdigit((unsigned char)s[0]) || !isdigit((unsigned char)s[1]) || s[2] != ':' ||
        !isdigit((unsigned char)s[3]) || !isdigit((unsigned char)s[4]))
        return -1;
    int seconds = ((s[0] - '0') * 10 + s[1] - '0') * 3600 + ((s[3] - '0') * 10 + s[4] - '0') * 60;
    *p += 5;
    return s[3] > '5' || seconds > DAY ? -1 : seconds;
}

static int take_window(const char **p, struct mt_window *w)
{
    if (take_days(p, &w->days) < 0)
        return -1;
    skip_blanks(p);
    w->from_s = take_time(p);
    if (w->from_s < 0 || w->from_s == DAY || **p != '-')
        return -1;
    ++*p;
    w->to_s = take_time(p);
    if (w->to_s < 0 || w->to_s == w->from_s)
        return -1;
    if (w->to_s < w->from_s)
        w->to_s += DAY;
    skip_blanks(p);
    return 0;
}

/* "Z", "+02:00"; 0 if there is none. */
static int take_offset(const char **p, int *offset_s)
{
    int sign = **p == '-' ? -1 : 1;

    *offset_s = 0;
    if (**p == 'Z') {
        ++*p;
    } else if (**p == '+' || **p == '-') {
        ++*p;
        int seconds = take_time(p);
        if (seconds < 0 || seconds > 14 * 3600)
            return -1;
        *offset_s = sign * seconds;
    }
    skip_blanks(p);
    return 0;
}

int mt_schedule_parse(const char *text, struct mt_schedule *s, struct mt_err *err)
{
    const char *p = text;

    *s = (struct mt_schedule){.n = 0};
    if (strlen(text) > MT_SCHEDULE_TEXT)
        return fail(err, text);
    do {
        if (s->n == MT_SCHEDULE_MAX)
            return fail(err, text);
        skip_blanks(&p);
        if (take_window(&p, &s->windows[s->n++]) < 0)
            return fail(err, text);
    } while (*p == ';' || *p == ',' ? (++p, true) : false);
    return take_offset(&p, &s->offset_s) < 0 || *p ? fail(err, text) : 0;
}

int64_t mt_schedule_next(const struct mt_schedule *s, int64_t now_us)
{
    const int64_t second = 1000000;
    int64_t local_us = now_us + s->offset_s * second;
    int64_t today = local_us / (DAY * second) - (local_us % (DAY * second) < 0);
    int64_t best = INT64_MAX;

    /* A window of yesterday may be open still; the next one is at most a week away. */
    for (int64_t day = today - 1; day <= today + WEEK_DAYS; day++) {
        unsigned weekday = (unsigned)(((day + 3) % WEEK_DAYS + WEEK_DAYS) % WEEK_DAYS);
        for (int i = 0; i < s->n; i++) {
            const struct mt_window *w = &s->windows[i];
            int64_t from = (day * DAY + w->from_s) * second;
            int64_t to = (day * DAY + w->to_s) * second;
            if (!(w->days & 1u << weekday) || to <= local_us)
                continue;
            if (from <= local_us)
                return now_us;
            if (from < best)
                best = from;
        }
    }
    return best == INT64_MAX ? now_us : best - s->offset_s * second;
}
