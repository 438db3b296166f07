/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe.c - what a media file is made of. */
#include "av/probe.h"

#include "av/describe.h"
#include "av/ends.h"
#include "av/logged.h"
#include "av/still_heif.h"
#include "av/thorough.h"
#include "base/text.h"
#include "json/json.h"

#include <libavutil/avstring.h>
#include <string.h>

/*
 * Whether the type that libmagic saw contradicts the demuxer: it names a kind of media
 * of which this demuxer is not one of the readers. Unknown and general types do not count.
 */
static bool contradicts(const char *mime, const char *demuxer)
{
    static const struct {
        const char *mime, *demuxers;
    } readers[] = {
        {"image/jpeg", "jpeg_pipe"},
        {"image/png", "png_pipe,apng"},
        {"image/gif", "gif"},
        {"image/webp", "webp_pipe"},
        {"video/x-matroska", "matroska"},
        {"video/webm", "matroska"},
        {"audio/flac", "flac,ogg"},
        {"text/", ""},
        {"application/pdf", ""},
        {"application/zip", ""},
    };

    for (size_t i = 0; mime && i < sizeof(readers) / sizeof(readers[0]); i++)
        if (strncmp(mime, readers[i].mime, strlen(readers[i].mime)) == 0)
            return av_match_list(demuxer, readers[i].demuxers, ',') <= 0;
    return false;
}

static void judge_streams(const struct mt_in *in, struct mt_issues *issues)
{
    for (unsigned i = 0; i < in->format->nb_streams; i++) {
        const AVCodecParameters *par = in->format->streams[i]->codecpar;
        bool media = par->codec_type == AVMEDIA_TYPE_VIDEO || par->codec_type == AVMEDIA_TYPE_AUDIO;
        if (media && !mt_in_codec(par->codec_id))
            mt_issue(issues, "unknown_codec", (int)i, "this %s stream (%s) cannot be decoded here",
                     av_get_media_type_string(par->codec_type),
                     par->codec_id ? avcodec_get_name(par->codec_id) : "no codec is named");
    }
    if (mt_in_refused_opens(in) > 0)
        mt_issue(issues, "reference", -1, "the file refers to %lld other files; none was opened",
                 (long long)mt_in_refused_opens(in));
}

/*
 * Whether the file says where it ends, so that a missing end shows. Live Matroska has a size
 * nowhere, but may have a duration.
 */
static bool length_declared(const struct mt_in *in, const struct mt_issues *issues)
{
    return issues->declared ||
           (av_strstart(in->format->iformat->name, "matroska,", NULL) &&
            in->format->duration != AV_NOPTS_VALUE &&
            in->format->duration_estimation_method == AVFMT_DURATION_FROM_STREAM);
}

/* How much earlier the film ends than it says; 0 if that is not known. */
static int64_t missing_us(const struct mt_walk *w, const struct mt_issues *issues)
{
    const char *source;
    int64_t claim = w->in->format->duration, real = mt_walk_duration(w, &source);

    if (!issues->truncated || claim == AV_NOPTS_VALUE || real == AV_NOPTS_VALUE || claim < real)
        return 0;
    return claim - real;
}

static int64_t holes_us(const struct mt_walk *w)
{
    return w->in->audio ? w->streams[w->in->audio->index].hole_us : 0;
}

/* lost: microseconds that did not decode. */
static json_t *damage(const struct mt_walk *w, const struct mt_issues *issues, bool thorough,
                      int64_t lost)
{
    int64_t missing = missing_us(w, issues);
    json_t *o = json_object();
    bool any = json_array_size(issues->list) > 0;

    json_object_set_new(o, "state", json_string(any ? "degraded" : "ok"));
    json_object_set_new(o, "checked",
                        json_pack("{s:s, s:b}", "decoded", thorough ? "all" : "sample",
                                  "length_declared", length_declared(w->in, issues)));
    if (any)
        json_object_set(o, "issues", issues->list);
    if (missing > 0)
        json_object_set_new(o, "missing", mt_json_real((double)missing / 1e6, 3));
    lost += missing + holes_us(w);
    if (lost > 0)
        json_object_set_new(o, "lost_s", mt_json_real((double)lost / 1e6, 3));
    return o;
}

/* Limits that headers did not reach, but the packets do. */
static int check_walked(const struct mt_walk *w, const struct mt_av_limits *limits,
                        struct mt_err *err)
{
    const char *source;
    int64_t us = mt_walk_duration(w, &source);
    char got[MT_FIGURE], most[MT_FIGURE];

    if (w->in->video && limits->frames > 0 &&
        w->streams[w->in->video->index].packets > limits->frames)
        return mt_fail(err, MT_ERR_LIMIT, "%lld frames, more than %lld",
                       (long long)w->streams[w->in->video->index].packets,
                       (long long)limits->frames);
    if (us != AV_NOPTS_VALUE && limits->duration_us > 0 && us > limits->duration_us)
        return mt_fail(err, MT_ERR_LIMIT, "lasts %s, longer than %s", mt_show_duration(us, got),
                       mt_show_duration(limits->duration_us, most));
    return 0;
}

static json_t *probe_opened(struct mt_in *in, int fd, const struct mt_av_probe *how,
                            struct mt_issues *issues, struct mt_err *err)
{
    bool all = how->thorough && !strstr(in->format->iformat->name, "_pipe");
    struct mt_walk walk = {0};
    struct mt_sample sample = {0};
    json_t *result = NULL;
    int64_t lost = 0;

    mt_ends_check(issues, in->format->iformat->name, fd, in->size);
    if (mt_sample_open(&sample, in, err) < 0)
        goto out;
    if (mt_walk(&walk, in, mt_sample_take, &sample, err) < 0 ||
        check_walked(&walk, how->limits, err) < 0)
        goto out;
    mt_walk_judge(&walk, issues);
    sample.silent = all;
    if (mt_sample_finish(&sample, &walk, issues, err) < 0)
        goto out;
    judge_streams(in, issues);
    if (all && mt_thorough(fd, how->limits, how->progress, issues, &lost, err) < 0)
        goto out;
    result = mt_describe_file(in, &walk, &sample);
    json_object_set_new(result, "damage", damage(&walk, issues, how->thorough, lost));
out:
    mt_walk_free(&walk);
    mt_sample_close(&sample);
    return result;
}

/* A picture that only its items tell of; NULL leaves why the demuxer could not read it. */
static json_t *probe_heif(int fd, const struct mt_av_probe *how, struct mt_err *err)
{
    struct mt_issues issues;
    struct mt_still still;
    struct mt_err why;
    json_t *result = NULL;

    mt_issues_init(&issues);
    int ret = mt_still_heif(&still, fd, how->limits, &issues, &why);
    if (ret == 1) {
        mt_ends_check(&issues, "mov,", fd, still.in.size);
        result = mt_describe_file(&still.in, &still.walk, &still.sample);
        json_object_set_new(result, "damage", damage(&still.walk, &issues, true, 0));
        mt_still_free(&still);
    } else if (ret < 0) {
        *err = why;
    }
    mt_issues_free(&issues);
    return result;
}

json_t *mt_av_probe(int fd, const struct mt_av_probe *how, struct mt_err *err)
{
    struct mt_in in;
    struct mt_issues issues;
    json_t *result = NULL;

    mt_av_log_take(NULL);
    if (mt_in_open(&in, fd, how->limits, err) < 0)
        return err->code == MT_ERR_UNSUPPORTED_CODEC ? probe_heif(fd, how, err) : NULL;
    mt_issues_init(&issues);
    if (contradicts(how->claimed_type, in.format->iformat->name))
        mt_fail(err, MT_ERR_UNSUPPORTED_TYPE,
                "the content is ambiguous: it looks like '%s', but also like %s", how->claimed_type,
                in.format->iformat->name);
    else
        result = probe_opened(&in, fd, how, &issues, err);
    bool still = in.image && av_strstart(in.format->iformat->name, "mov,", NULL);
    mt_issues_free(&issues);
    mt_in_close(&in);
    return !result && still && err->code == MT_ERR_DAMAGED ? probe_heif(fd, how, err) : result;
}
