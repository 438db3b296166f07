/* SPDX-License-Identifier: GPL-2.0-or-later */
/* thumbs_scenes.c - where a film's scenes begin. */
#include "av/thumbs_scenes.h"

#include "av/film.h"
#include "base/mem.h"

#include <libswscale/swscale.h>
#include <stdlib.h>
#include <string.h>

enum { W = 64, H = 36 };

static const double changed = 0.3; /* share of the pixels */

struct scan {
    struct mt_in in;
    struct mt_film film;
    AVCodecContext *decoder;
    struct SwsContext *sws;
    AVPacket *packet;
    AVFrame *frame;
    int last[MT_SCENE_BINS]; /* how many pixels have each colour */
    bool any;
    int most;
    struct mt_scenes *found;
};

static void keep(struct scan *s, int64_t us)
{
    struct mt_scenes *f = s->found;

    if (f->n == s->most) {
        f->more = true;
        return;
    }
    if ((f->n & (f->n - 1)) == 0)
        f->times_us = mt_realloc(f->times_us, f->n ? (size_t)f->n * 2 : 1, sizeof *f->times_us);
    f->times_us[f->n++] = us < 0 ? 0 : us;
}

int mt_scene_colours(struct SwsContext **sws, const AVFrame *f, int bins[MT_SCENE_BINS])
{
    uint8_t rgb[W * H * 3 + 64];
    uint8_t *planes[4] = {rgb};
    int strides[4] = {W * 3};

    *sws = sws_getCachedContext(*sws, f->width, f->height, (enum AVPixelFormat)f->format, W, H,
                                AV_PIX_FMT_RGB24, SWS_AREA, NULL, NULL, NULL);
    if (!*sws || sws_scale(*sws, (const uint8_t *const *)f->data, f->linesize, 0, f->height, planes,
                           strides) <= 0)
        return AVERROR(EINVAL);
    memset(bins, 0, MT_SCENE_BINS * sizeof *bins);
    for (int i = 0; i < W * H; i++)
        bins[(rgb[3 * i] >> 6) << 4 | (rgb[3 * i + 1] >> 6) << 2 | rgb[3 * i + 2] >> 6]++;
    return 0;
}

double mt_scene_distance(const int a[MT_SCENE_BINS], const int b[MT_SCENE_BINS])
{
    int differ = 0;

    for (int i = 0; i < MT_SCENE_BINS; i++)
        differ += abs(a[i] - b[i]);
    return (double)differ / (2 * W * H);
}

static void judge(struct scan *s)
{
    /*
     * libavformat forgets to count MP4's composition offsets over the samples it leaves out, so
     * this may be off by some frames; who looks there finds the key frame.
     */
    int64_t us = mt_film_time(&s->film, s->in.video, s->frame->best_effort_timestamp);
    int bins[MT_SCENE_BINS];

    if (us == AV_NOPTS_VALUE || mt_frame_damaged(s->frame) ||
        mt_scene_colours(&s->sws, s->frame, bins) < 0)
        return;
    if (!s->any || mt_scene_distance(bins, s->last) > changed)
        keep(s, us);
    s->any = true;
    memcpy(s->last, bins, sizeof s->last);
}

/* packet NULL: what the decoder still holds. */
static void decode(struct scan *s, const AVPacket *packet)
{
    if (avcodec_send_packet(s->decoder, packet) < 0)
        return;
    while (avcodec_receive_frame(s->decoder, s->frame) >= 0) {
        judge(s);
        av_frame_unref(s->frame);
    }
}

static int run(struct scan *s, struct mt_err *err)
{
    int ret = 0;

    while (ret == 0 && !s->found->more && av_read_frame(s->in.format, s->packet) >= 0) {
        if (s->packet->stream_index == s->in.video->index && s->packet->flags & AV_PKT_FLAG_KEY) {
            int64_t us = mt_film_time(&s->film, s->in.video, s->packet->pts);

            ret = mt_in_tell(&s->in, us == AV_NOPTS_VALUE ? 0 : us, s->film.last_us, err);
            decode(s, s->packet);
        }
        av_packet_unref(s->packet);
    }
    decode(s, NULL);
    return ret;
}

static int open_scan(struct scan *s, int fd, const struct mt_av_limits *limits,
                     const struct mt_av_progress *progress, struct mt_err *err)
{
    if (mt_in_open(&s->in, fd, limits, err) != 0)
        return -1;
    s->packet = av_packet_alloc();
    s->frame = av_frame_alloc();
    if (!s->packet || !s->frame)
        return mt_av_fail(err, AVERROR(ENOMEM), "cannot decode");
    if (!s->in.video)
        return mt_fail(err, MT_ERR_NOT_APPLICABLE, "there is no moving picture in it");
    for (unsigned i = 0; i < s->in.format->nb_streams; i++)
        s->in.format->streams[i]->discard =
            s->in.format->streams[i] == s->in.video ? AVDISCARD_NONKEY : AVDISCARD_ALL;
    mt_in_set_progress(&s->in, progress);
    mt_film_look(&s->film, &s->in, s->in.video);
    if (mt_in_decoder(&s->decoder, &s->in, s->in.video, 0, err) != 0)
        return -1;
    s->decoder->skip_frame = AVDISCARD_NONKEY;
    s->decoder->skip_loop_filter = AVDISCARD_ALL;
    return 0;
}

int mt_scenes_find(struct mt_scenes *scenes, int fd, int most, const struct mt_av_limits *limits,
                   const struct mt_av_progress *progress, struct mt_err *err)
{
    struct scan s = {.most = most, .found = scenes};
    int ret;

    *scenes = (struct mt_scenes){0};
    ret = open_scan(&s, fd, limits, progress, err);
    if (ret == 0)
        ret = run(&s, err);
    if (ret == 0 && scenes->n == 0)
        keep(&s, 0);
    av_packet_free(&s.packet);
    av_frame_free(&s.frame);
    avcodec_free_context(&s.decoder);
    sws_freeContext(s.sws);
    mt_in_close(&s.in);
    if (ret != 0) {
        free(scenes->times_us);
        *scenes = (struct mt_scenes){0};
    }
    return ret;
}
