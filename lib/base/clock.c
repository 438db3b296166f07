/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clock.c - see clock.h. */
#include "base/clock.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t mt_now_us(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t mt_mono_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

char *mt_time_text(int64_t us, char out[MT_TIME_TEXT])
{
    static const int64_t first = -62167219200000000, last = 253402300799999999;
    int64_t t = us < first ? first : us > last ? last : us;
    int64_t part = (t % 1000000 + 1000000) % 1000000;
    time_t s = (time_t)((t - part) / 1000000);
    struct tm tm;
    char day[MT_TIME_TEXT];

    gmtime_r(&s, &tm);
    strftime(day, sizeof day, "-%m-%dT%H:%M:%S", &tm);
    snprintf(out, MT_TIME_TEXT, "%04u%.16s.%03uZ", (unsigned)(tm.tm_year + 1900) % 10000, day,
             (unsigned)(part / 1000));
    return out;
}

/* Reads the digits where pattern has '0'; other characters must be equal. Returns what follows. */
static const char *fields(const char *p, const char *pattern, int out[])
{
    int n = -1;

    for (char before = ' '; *pattern; before = *pattern++, p++) {
        if (*pattern != '0') {
            if (*p != *pattern)
                return NULL;
            continue;
        }
        if (!isdigit((unsigned char)*p))
            return NULL;
        if (before != '0')
            out[++n] = 0;
        out[n] = out[n] * 10 + (*p - '0');
    }
    return p;
}

static bool is_date(int year, int month, int day)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month >= 1 && month <= 12 && day >= 1 &&
           day <= days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* ".123456" into microseconds; *p moves behind it. */
static bool fraction(const char **p, int64_t *us)
{
    *us = 0;
    if (**p != '.')
        return true;
    if (!isdigit((unsigned char)*++*p))
        return false;
    for (int64_t unit = 100000; isdigit((unsigned char)**p); ++*p, unit /= 10)
        *us += (**p - '0') * unit;
    return true;
}

/* "Z" or "+hh:mm" up to the end, in seconds east of Greenwich. */
static bool zone(const char *p, int64_t *offset)
{
    int f[2];

    *offset = 0;
    if (strcmp(p, "Z") == 0 || strcmp(p, "z") == 0)
        return true;
    const char *end = *p == '+' || *p == '-' ? fields(p + 1, "00:00", f) : NULL;
    if (!end || *end || f[0] > 23 || f[1] > 59)
        return false;
    *offset = (f[0] * 60 + f[1]) * 60LL * (*p == '-' ? -1 : 1);
    return true;
}

int mt_time_parse(const char *text, int64_t *us, struct mt_err *err)
{
    int d[3] = {0}, t[3] = {0};
    int64_t frac, offset;

    const char *p = fields(text, "0000-00-00", d);
    p = p && *p && strchr("Tt ", *p) ? fields(p + 1, "00:00:00", t) : NULL;
    /* 60: a leap second, which counts as the first of the next minute */
    if (!p || !is_date(d[0], d[1], d[2]) || t[0] > 23 || t[1] > 59 || t[2] > 60 ||
        !fraction(&p, &frac))
        return mt_fail(err, MT_ERR_USAGE, "'%s' is not an RFC 3339 time", text);
    if (!zone(p, &offset))
        return mt_fail(err, MT_ERR_USAGE, "'%s' has no time zone (Z or +hh:mm)", text);
    struct tm tm = {.tm_year = d[0] - 1900,
                    .tm_mon = d[1] - 1,
                    .tm_mday = d[2],
                    .tm_hour = t[0],
                    .tm_min = t[1],
                    .tm_sec = t[2]};
    *us = ((int64_t)timegm(&tm) - offset) * 1000000 + frac;
    return 0;
}

char *mt_uuid(char out[MT_UUID_TEXT])
{
    unsigned char b[16];
    size_t got = 0;

    while (got < sizeof b) {
        ssize_t n = getrandom(b + got, sizeof b - got, 0);
        if (n < 0 && errno != EINTR)
            abort();
        got += n > 0 ? (size_t)n : 0;
    }
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    char *p = out;
    for (int i = 0; i < 16; i++)
        p += sprintf(p, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", b[i]);
    return out;
}

bool mt_uuid_valid(const char *text)
{
    if (strlen(text) != 36)
        return false;
    for (int i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return true;
}
