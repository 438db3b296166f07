/* SPDX-License-Identifier: GPL-2.0-or-later */
/* walk_judge.c - what the packets say about length and damage. */
#include "av/walk.h"

#include "base/text.h"

#include <libavutil/avstring.h>
#include <stdlib.h>
#include <string.h>

enum {
    NEAR_US = 150 * 1000,    /* priming, padding and rounding of headers */
    TAIL_US = 400 * 1000,    /* more than that is missing media */
    EXACT_US = 2 * 1000,     /* the same where samples are counted: FLAC */
    NOISE_BYTES = 16 * 1024, /* tags of some kind, below */
    INSIDE_BYTES = 256,      /* padding */
};

static bool is_media(const AVStream *st)
{
    return st->codecpar->codec_type == AVMEDIA_TYPE_VIDEO ||
           st->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
}

/* Whether time 0 is the beginning of the film even when the first packet is later. */
static bool from_zero(const AVFormatContext *s)
{
    return av_strstart(s->iformat->name, "mov,", NULL) ||
           av_strstart(s->iformat->name, "matroska,", NULL);
}

int64_t mt_walk_origin(const struct mt_in *in)
{
    return from_zero(in->format) || in->format->start_time == AV_NOPTS_VALUE
               ? 0
               : in->format->start_time;
}

/* Whether a claimed duration is the file's own word rather than the library's guess. */
static bool is_claim(const AVFormatContext *s)
{
    return s->duration_estimation_method != AVFMT_DURATION_FROM_BITRATE;
}

static int64_t measured(const struct mt_walk *w)
{
    int64_t start = INT64_MAX, end = INT64_MIN;

    for (unsigned i = 0; i < w->n; i++) {
        const struct mt_walked *s = &w->streams[i];
        const AVStream *st = w->in->format->streams[i];
        if (!is_media(st) || (st->disposition & AV_DISPOSITION_ATTACHED_PIC) ||
            s->end_us == AV_NOPTS_VALUE)
            continue;
        int64_t last =
            w->indexed && s->listed_end_us != AV_NOPTS_VALUE && s->listed_end_us > s->end_us
                ? s->listed_end_us
                : s->end_us;
        start = s->first_us < start ? s->first_us : start;
        end = last > end ? last : end;
    }
    if (end < start)
        return AV_NOPTS_VALUE;
    if (from_zero(w->in->format) && start >= 0)
        start = 0;
    return end - start;
}

/* Bare video streams have no timestamps, only a rate. */
static int64_t by_rate(const struct mt_walk *w)
{
    AVStream *st = w->in->video;
    AVRational rate = st ? av_guess_frame_rate(w->in->format, st, NULL) : (AVRational){0, 1};

    if (!st || !w->complete || rate.num <= 0 || rate.den <= 0 || w->in->image)
        return AV_NOPTS_VALUE;
    return av_rescale(w->streams[st->index].packets, (int64_t)AV_TIME_BASE * rate.den, rate.num);
}

/* Where the header counts samples, what it says is not about. */
static bool is_exact(const struct mt_walk *w)
{
    return strcmp(w->in->format->iformat->name, "flac") == 0;
}

int64_t mt_walk_duration(const struct mt_walk *w, const char **source)
{
    int64_t claim = w->in->format->duration, real = measured(w);

    *source = w->indexed ? "index" : "packets";
    if (real == AV_NOPTS_VALUE && claim == AV_NOPTS_VALUE)
        return by_rate(w);
    if (real == AV_NOPTS_VALUE || (!w->complete && claim != AV_NOPTS_VALUE && claim > real)) {
        *source = "claimed";
        return claim;
    }
    if (claim != AV_NOPTS_VALUE && is_claim(w->in->format) &&
        llabs(claim - real) <= (is_exact(w) ? EXACT_US : NEAR_US))
        return claim;
    return real;
}

int64_t mt_walk_stream_duration(const struct mt_walk *w, unsigned i)
{
    const struct mt_walked *s = &w->streams[i];
    const AVStream *st = w->in->format->streams[i];
    int64_t claim = st->duration == AV_NOPTS_VALUE
                        ? AV_NOPTS_VALUE
                        : av_rescale_q(st->duration, st->time_base, AV_TIME_BASE_Q);

    if (s->end_us == AV_NOPTS_VALUE || w->indexed || !w->complete)
        return claim;
    const char *source;
    int64_t real = s->end_us - s->first_us, all = mt_walk_duration(w, &source);
    if (all != AV_NOPTS_VALUE && real > all)
        real = all;
    if (claim != AV_NOPTS_VALUE && is_claim(w->in->format) && llabs(claim - real) <= NEAR_US)
        return claim;
    return real;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

bool mt_walk_is_vfr(const struct mt_walk *w)
{
    enum { TOLERANCE_US = 2000 };
    int64_t at[MT_WALK_SHOWN], steps[MT_WALK_SHOWN];
    int n = w->n_shown, odd = 0;

    if (n < 3)
        return false;
    memcpy(at, w->shown_us, sizeof(*at) * (size_t)n);
    qsort(at, (size_t)n, sizeof(*at), by_value);
    for (int i = 0; i + 1 < n; i++)
        steps[i] = at[i + 1] - at[i];
    qsort(steps, (size_t)(n - 1), sizeof(*steps), by_value);
    int64_t usual = steps[(n - 1) / 2];
    for (int i = 0; i + 1 < n; i++)
        odd += llabs(steps[i] - usual) > usual / 4 + TOLERANCE_US;
    return odd > 1 && odd * 50 > n;
}

static void judge_stream(const struct mt_walk *w, unsigned i, struct mt_issues *issues)
{
    const struct mt_walked *s = &w->streams[i];
    char at[MT_FIGURE], len[MT_FIGURE];
    int64_t zero = mt_walk_origin(w->in);
    int id = (int)i;

    if (s->outside > 0) {
        mt_issue(issues, "missing_packets", id,
                 "%lld of %lld packets lie beyond the end of the file", (long long)s->outside,
                 (long long)s->listed);
        issues->truncated = true;
    }
    if (s->zeros > 0)
        mt_issue_at(issues, "missing_packets", id, s->zeros_us[0] - zero, s->zeros_us[1] - zero,
                    "%lld of %lld packets are nothing but zeros", (long long)s->zeros,
                    (long long)s->packets);
    if (s->inside > INSIDE_BYTES)
        mt_issue(issues, "corrupt_packets", id, "%lld bytes between the frames are no %s",
                 (long long)s->inside,
                 avcodec_get_name(w->in->format->streams[i]->codecpar->codec_id));
    else if (s->noise > NOISE_BYTES)
        mt_issue(issues, "trailing_bytes", id, "%lld bytes that are no %s", (long long)s->noise,
                 avcodec_get_name(w->in->format->streams[i]->codecpar->codec_id));
    if (s->corrupt > 0)
        mt_issue_at(issues, "corrupt_packets", id, s->corrupt_us[0] - zero, s->corrupt_us[1] - zero,
                    "%lld of %lld packets are incomplete or corrupt", (long long)s->corrupt,
                    (long long)s->packets);
    if (s->cut)
        mt_issue_truncated(issues, "the last packet of stream %u is cut off", i);
    if (w->in->format->streams[i] == w->in->audio && s->gap_us > MT_WALK_GAP_US)
        mt_issue_at(issues, "gap", id, s->gap_at_us - zero, s->gap_at_us + s->gap_us - zero,
                    "no sound for %s at %s", mt_show_duration(s->gap_us, len),
                    mt_show_duration(s->gap_at_us, at));
    else if (llabs(s->gap_us) > MT_WALK_JUMP_US)
        mt_issue(issues, "gap", id, "the timestamps jump by %s%s at %s", s->gap_us < 0 ? "-" : "",
                 mt_show_duration(llabs(s->gap_us), len), mt_show_duration(s->gap_at_us, at));
}

/* A claim counts only where the structure does not show by itself that nothing is missing. */
static void judge_claim(const struct mt_walk *w, struct mt_issues *issues)
{
    int64_t claim = w->in->format->duration, real = measured(w);
    int64_t tolerance = is_exact(w) ? EXACT_US : TAIL_US;
    char a[MT_FIGURE], b[MT_FIGURE];

    if (!w->complete || w->indexed || w->in->image || claim == AV_NOPTS_VALUE ||
        real == AV_NOPTS_VALUE || (issues->whole && !issues->truncated) ||
        !is_claim(w->in->format) || claim - real <= tolerance)
        return;
    mt_issue_at(issues, "missing_tail", -1, real, claim,
                "the headers tell of %s, the packets end at %s", mt_show_duration(claim, a),
                mt_show_duration(real, b));
    issues->truncated = true;
}

/* Of these the demuxers complain about nothing but damage; what they pass over is lost. */
static void judge_complaints(const struct mt_walk *w, struct mt_issues *issues)
{
    const char *name = w->in->format->iformat->name;

    if (w->complaints > 0 && !issues->truncated &&
        (av_strstart(name, "matroska,", NULL) || strcmp(name, "asf") == 0))
        mt_issue(issues, "corrupt_packets", -1, "parts of the file are no %s: %s",
                 av_strstart(name, "asf", NULL) ? "ASF" : "Matroska", w->complaint);
}

void mt_walk_judge(const struct mt_walk *w, struct mt_issues *issues)
{
    for (unsigned i = 0; i < w->n; i++)
        if (is_media(w->in->format->streams[i]) &&
            !(w->in->format->streams[i]->disposition & AV_DISPOSITION_ATTACHED_PIC))
            judge_stream(w, i, issues);
    judge_claim(w, issues);
    judge_complaints(w, issues);
    if (w->av < 0 && w->av != AVERROR_EOF && !issues->truncated) {
        char text[128];
        av_strerror(w->av, text, sizeof(text));
        mt_issue(issues, "corrupt_packets", -1, "reading stopped early: %s", text);
    }
}
