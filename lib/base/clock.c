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
    time_t s = (time_t)(us / 1000000);
    struct tm tm;
    char day[24];

    gmtime_r(&s, &tm);
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, MT_TIME_TEXT, "%s.%03dZ", day, (int)(us / 1000 % 1000));
    return out;
}

int mt_time_parse(const char *text, int64_t *us, struct mt_err *err)
{
    struct tm tm = {0};
    char sign = '+';
    int oh = 0, om = 0, used = 0;
    int64_t frac = 0;

    if (sscanf(text, "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
               &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &used) != 6 ||
        used == 0)
        return mt_fail(err, MT_ERR_USAGE, "'%s' is not an RFC 3339 time", text);
    const char *p = text + used;
    if (*p == '.') {
        int64_t unit = 100000;
        for (p++; isdigit((unsigned char)*p); p++, unit /= 10)
            frac += (*p - '0') * unit;
    }
    bool zulu = strcmp(p, "Z") == 0 || strcmp(p, "z") == 0;
    if (!zulu && sscanf(p, "%1[+-]%2d:%2d", &sign, &oh, &om) != 3)
        return mt_fail(err, MT_ERR_USAGE, "'%s' has no time zone (Z or +hh:mm)", text);
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    int64_t offset = (oh * 60 + om) * 60LL * (sign == '-' ? -1 : 1);
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
