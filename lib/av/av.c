/* SPDX-License-Identifier: GPL-2.0-or-later */
/* av.c - versions, default limits, and the libraries' log. */
#include "av/av.h"

#include "av/logged.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#include <libavcodec/avcodec.h>
#include <libavfilter/avfilter.h>
#include <libavformat/avformat.h>
#include <libavutil/log.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_KEPT = 8 };

const struct mt_av_limits mt_av_default_limits = {
    .pixels = MT_LIMIT_PIXELS,
    .side_px = MT_LIMIT_SIDE_PX,
    .streams = MT_LIMIT_STREAMS,
    .duration_us = MT_LIMIT_DURATION_US,
    .frames = MT_LIMIT_FRAMES,
};

/* The libraries log from any of their threads. */
static struct {
    pthread_mutex_t lock;
    int64_t errors;
    int64_t lines; /* ever put into line[] */
    int64_t taken; /* of them, reported */
    char line[LINES_KEPT][MT_LOGGED_LINE];
    char last[MT_LOGGED_LINE];
    char oversize[MT_LOGGED_LINE];
    bool protected_essence;
    bool too_many_streams;
    bool aloud; /* in a worker: stderr is what its parent quotes when it dies */
} logged = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Said at the level of errors, but not about picture or sound. */
static bool harmless(const char *line)
{
    static const char *const patterns[] = {"EXIF",        "Exif", "TIFF header",
                                           "ICC profile", "iCCP", "deprecated pixel format"};

    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
        if (strstr(line, patterns[i]))
            return true;
    return false;
}

static void notice(const char *line)
{
    const char *size = strstr(line, "Picture size ");
    unsigned w, h;

    if (size && strstr(size, "exceeds specified max pixel count") &&
        sscanf(size, "Picture size %ux%u", &w, &h) == 2)
        snprintf(logged.oversize, sizeof(logged.oversize), "%ux%u", w, h);
    if (strstr(line, "DRM protected") || strstr(line, "ncrypted file"))
        logged.protected_essence = true;
    if (strstr(line, "max_streams"))
        logged.too_many_streams = true;
}

static void keep(const char *line)
{
    char *clean = mt_text_printable(line, MT_LOGGED_LINE - 1);
    char *slot = logged.line[logged.lines % LINES_KEPT];

    snprintf(slot, MT_LOGGED_LINE, "%s", clean);
    memcpy(logged.last, slot, sizeof(logged.last));
    free(clean);
    logged.lines++;
    logged.errors++;
}

/* "[mov,mp4 @ 0x55...] text": the address would make equal messages differ. */
static const char *without_prefix(const char *line)
{
    const char *end = line[0] == '[' && strstr(line, " @ 0x") ? strstr(line, "] ") : NULL;

    return end ? without_prefix(end + 2) : line;
}

static void capture(void *ctx, int level, const char *fmt, va_list ap)
{
    char text[512];
    int prefix = 1;

    if (level > AV_LOG_WARNING)
        return;
    av_log_format_line2(ctx, level, fmt, ap, text, sizeof(text), &prefix);
    const char *line = without_prefix(text);
    text[strcspn(text, "\r\n")] = '\0';
    if (!line[0])
        return;
    pthread_mutex_lock(&logged.lock);
    notice(line);
    if (level <= AV_LOG_ERROR && !harmless(line)) {
        keep(line);
        if (logged.aloud)
            fprintf(stderr, "%s\n", logged.last);
    }
    pthread_mutex_unlock(&logged.lock);
}

void mt_av_log_aloud(void)
{
    logged.aloud = true;
}

void mt_av_log_capture(void)
{
    av_log_set_level(AV_LOG_WARNING);
    av_log_set_callback(capture);
}

int64_t mt_av_log_take(json_t **lines)
{
    pthread_mutex_lock(&logged.lock);
    int64_t first = logged.lines - LINES_KEPT, n = logged.errors;
    json_t *all = logged.lines > logged.taken ? json_array() : NULL;

    for (int64_t i = first > logged.taken ? first : logged.taken; i < logged.lines; i++)
        json_array_append_new(all, json_string(logged.line[i % LINES_KEPT]));
    logged.taken = logged.lines;
    logged.errors = 0;
    pthread_mutex_unlock(&logged.lock);
    if (lines)
        *lines = all;
    else
        json_decref(all);
    return n;
}

void mt_logged_last(char out[MT_LOGGED_LINE])
{
    pthread_mutex_lock(&logged.lock);
    memcpy(out, logged.last, MT_LOGGED_LINE);
    pthread_mutex_unlock(&logged.lock);
}

int mt_logged_words(struct mt_err *err)
{
    char words[LINES_KEPT * (MT_LOGGED_LINE + 2)] = "";
    size_t used = 0;

    pthread_mutex_lock(&logged.lock);
    int64_t i = logged.lines > LINES_KEPT ? logged.lines - LINES_KEPT : 0;
    for (; i < logged.lines; i++)
        used += (size_t)snprintf(words + used, sizeof(words) - used, "%s%s", used ? "; " : "",
                                 logged.line[i % LINES_KEPT]);
    pthread_mutex_unlock(&logged.lock);
    return mt_fail_words(err, words);
}

int64_t mt_logged_count(void)
{
    pthread_mutex_lock(&logged.lock);
    int64_t n = logged.lines;
    pthread_mutex_unlock(&logged.lock);
    return n;
}

void mt_logged_mark(void)
{
    pthread_mutex_lock(&logged.lock);
    logged.last[0] = logged.oversize[0] = '\0';
    logged.protected_essence = logged.too_many_streams = false;
    pthread_mutex_unlock(&logged.lock);
}

bool mt_logged_oversize(char out[MT_LOGGED_LINE])
{
    pthread_mutex_lock(&logged.lock);
    memcpy(out, logged.oversize, MT_LOGGED_LINE);
    pthread_mutex_unlock(&logged.lock);
    return out[0] != '\0';
}

bool mt_logged_protected(void)
{
    pthread_mutex_lock(&logged.lock);
    bool is = logged.protected_essence;
    pthread_mutex_unlock(&logged.lock);
    return is;
}

bool mt_logged_too_many_streams(void)
{
    pthread_mutex_lock(&logged.lock);
    bool are = logged.too_many_streams;
    pthread_mutex_unlock(&logged.lock);
    return are;
}

static json_t *version_of(unsigned v)
{
    char text[48];

    snprintf(text, sizeof(text), "%u.%u.%u", v >> 16, v >> 8 & 0xFF, v & 0xFF);
    return json_string(text);
}

json_t *mt_av_versions(void)
{
    json_t *all = json_object();

    json_object_set_new(all, "ffmpeg", json_string(av_version_info()));
    json_object_set_new(all, "libavutil", version_of(avutil_version()));
    json_object_set_new(all, "libavcodec", version_of(avcodec_version()));
    json_object_set_new(all, "libavformat", version_of(avformat_version()));
    json_object_set_new(all, "libavfilter", version_of(avfilter_version()));
    json_object_set_new(all, "libswscale", version_of(swscale_version()));
    json_object_set_new(all, "libswresample", version_of(swresample_version()));
    return all;
}
