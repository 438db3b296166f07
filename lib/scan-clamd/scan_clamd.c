/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scan_clamd.c - see scan_clamd.h. */
#include "scan-clamd/scan_clamd.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "scan-clamd/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* The engine counts a file's bytes in an int and keeps two numbers for itself. */
#define ENGINE_MAX (INT64_C(2147483645))
#define WHOLE_MAX (INT64_C(100) << 20) /* upstream's default limit of a file */

enum { SECOND_US = 1000 * 1000, QUESTION_US = 10 * SECOND_US, SLOW_US = 100 * SECOND_US };

struct clamd {
    char *path;
};

static bool detect(const struct mt_scan_config *config, char *rest, size_t size)
{
    static const char *const places[] = {"/run/clamav/clamd.ctl", "/var/run/clamav/clamd.ctl"};
    char reply[MT_CLAMD_REPLY];
    struct mt_err err;

    (void)config;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct mt_watch watch = {.until = mt_mono_us() + SECOND_US / 2};
        if (mt_clamd_ask(places[i], "zPING", -1, &watch, reply, &err) == 0 &&
            strcmp(reply, "PONG") == 0) {
            snprintf(rest, size, "%s", places[i]);
            return true;
        }
    }
    return false;
}

static int open_clamd(void *priv, const char *rest, const struct mt_scan_config *config,
                      struct mt_err *err)
{
    struct clamd *c = priv;

    (void)config;
    if (rest[0] != '/')
        return mt_fail(err, MT_ERR_CONFIG, "clamd: takes the path of a socket, not '%s'", rest);
    c->path = mt_strdup(rest);
    return 0;
}

static void close_clamd(void *priv)
{
    struct clamd *c = priv;

    free(c->path);
}

/* "Mon Nov 10 09:21:43 2026", the local time at which the daily signatures were made. */
static int64_t age_of(const char *date)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char month[4];
    struct tm tm = {.tm_isdst = -1};

    if (sscanf(date, "%*3s %3s %d %d:%d:%d %d", month, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
               &tm.tm_sec, &tm.tm_year) != 6)
        return -1;
    const char *found = strstr(months, month);
    if (!found)
        return -1;
    tm.tm_mon = (int)(found - months) / 3;
    tm.tm_year -= 1900;
    time_t made = mktime(&tm);
    int64_t now = mt_now_us() / 1000000;
    return made == (time_t)-1 ? -1 : now > made ? now - made : 0;
}

/* "ClamAV 1.4.6/27801/Mon Nov 10 ...", or "ClamAV 1.4.6" without official signatures. */
static int ask_version(const struct clamd *c, const struct mt_scan_request *request,
                       struct mt_scan_result *result, struct mt_err *err)
{
    struct mt_watch watch = {.request = request, .until = mt_mono_us() + QUESTION_US};
    char reply[MT_CLAMD_REPLY];

    if (mt_clamd_ask(c->path, "zVERSION", -1, &watch, reply, err) < 0)
        return -1;
    char *number = strchr(reply, '/');
    char *date = number ? strchr(number + 1, '/') : NULL;
    if (date) {
        *date++ = '\0';
        result->database_age_s = age_of(date);
    }
    char *shown = mt_text_printable(reply, sizeof result->engine - 1);
    snprintf(result->engine, sizeof result->engine, "%s", shown);
    free(shown);
    if (mt_str_starts(reply, "ClamAV "))
        return 0;
    result->engine[0] = '\0';
    return mt_fail(err, MT_ERR_FAILED, "'%s' does not speak as clamd does", c->path);
}

/* Whether the daemon says so when a file is over its limits; see scan_clamd.h. */
static int ask_candour(const struct clamd *c, const struct mt_scan_request *request, bool *tells,
                       struct mt_err *err)
{
    struct mt_watch watch = {.request = request, .until = mt_mono_us() + QUESTION_US};
    char reply[MT_CLAMD_REPLY];
    int fd = memfd_create("over-limit", MFD_CLOEXEC);
    int ret = -1;

    if (fd < 0 || ftruncate(fd, ENGINE_MAX + 1) < 0)
        mt_fail_errno(err, "cannot make a file to try clamd with");
    else
        ret = mt_clamd_ask(c->path, "zFILDES", fd, &watch, reply, err);
    mt_fd_close(&fd);
    *tells = ret == 0 && strstr(reply, "Heuristics.Limits.Exceeded") != NULL;
    return ret;
}

static bool over_size(const char *reply)
{
    return strstr(reply, "Limits.Exceeded.MaxFileSize") ||
           strstr(reply, "Limits.Exceeded.MaxScanSize");
}

/*
 * Hands the file over. 1: the verdict stands; 0: windows are to follow, since
 * the daemon refuses the whole or is not believed about it.
 */
static int scan_whole(const struct clamd *c, const struct mt_scan_request *request,
                      const struct mt_watch *watch, bool tells, struct mt_scan_result *result,
                      struct mt_err *err)
{
    char reply[MT_CLAMD_REPLY];
    int64_t began = mt_mono_us();

    if (mt_clamd_ask(c->path, "zFILDES", request->fd, watch, reply, err) < 0)
        return -1;
    if ((tells && over_size(reply)) || mt_str_starts(reply, "UNKNOWN COMMAND"))
        return 0; /* the latter from builds that cannot be handed descriptors */
    if (!mt_clamd_judge(reply, result))
        return 1;
    if (!tells && request->size > MT_CLAMD_WINDOW)
        return 0;
    if (!tells && mt_mono_us() - began > SLOW_US) {
        mt_scan_incomplete(result, "clamd took so long that it may have met its limit of time");
        return 1;
    }
    result->verdict = MT_SCAN_CLEAN;
    result->bytes_scanned = request->size;
    if (request->progress)
        request->progress(request->ctx, request->size);
    return 1;
}

static int scan(void *priv, const struct mt_scan_request *request, struct mt_scan_result *result,
                struct mt_err *err)
{
    struct clamd *c = priv;
    struct mt_watch watch = {.request = request, .until = mt_mono_us() + request->wall_us};
    bool packed = mt_scan_is_archive(request->fd, request->size);
    bool tells;
    int done = 0;

    if (ask_version(c, request, result, err) < 0 || ask_candour(c, request, &tells, err) < 0) {
        result->unreachable = err->code == MT_ERR_BUSY || err->code == MT_ERR_TIMEOUT;
        return -1;
    }
    if (request->size == 0) {
        result->verdict = MT_SCAN_CLEAN;
        return 0;
    }
    if (request->size <= (tells ? ENGINE_MAX : WHOLE_MAX))
        done = scan_whole(c, request, &watch, tells, result, err);
    if (done < 0)
        return -1;
    if (packed && (done == 0 || (!tells && result->verdict == MT_SCAN_CLEAN))) {
        mt_scan_incomplete(result, "the file holds packed members, and clamd %s",
                           tells ? "does not take it as a whole"
                                 : "does not tell when it skips some (AlertExceedsMax)");
        return 0;
    }
    return done ? 0 : mt_clamd_stream(c->path, request, &watch, result, err);
}

const struct mt_scan_driver mt_scan_clamd = {
    .scheme = "clamd",
    .help = "a running clamd: clamd:/run/clamav/clamd.ctl",
    .priv_size = sizeof(struct clamd),
    .detect = detect,
    .open = open_clamd,
    .close = close_clamd,
    .scan = scan,
};
