/* SPDX-License-Identifier: GPL-2.0-or-later */
/* teaser_encode.c - the pictures of a preview or trailer: each excerpt is a segment. */
#include "av/segment_parts.h"
#include "av/teaser_stretch.h"

#include "base/mem.h"
#include "json/json.h"

#include <stdlib.h>
#include <unistd.h>

enum { LANES = 2, FPS_MOST = 30, ENCODING = 900, CHOSEN = 400 /* thousandths of the work */ };

static const char preset[] = "veryfast";

struct mt_reel {
    struct mt_teaser *t;
    struct mt_stretch stretch;
    struct mt_look look;
    struct mt_pictures pictures;
    struct mt_av_rendition renditions[MT_AV_CLIPS];
    struct mt_lane lanes[LANES];
    enum mt_av_clip clips[MT_AV_CLIPS]; /* of lanes; the last one may be WebP */
    int n, n_lanes;
    struct mt_lane_film film;
    json_t *plan, *segments;
    AVRational source_base, base;
    struct mt_webp webp;
    AVFrame *frame; /* for WebP */
    struct mt_av_piece pieces[LANES][MT_AV_EXCERPTS_MAX];
    double ssim[LANES];
    int64_t compared[LANES], frames[LANES];
    int64_t at; /* where the next excerpt goes, in source_base */
    int done;   /* excerpts */
};

static json_t *ratio(AVRational q)
{
    return json_pack("[i, i]", q.num, q.den);
}

/* ---- what is made ---- */

static struct mt_av_rendition rendition(const struct mt_av_teaser *spec, enum mt_av_clip clip,
                                        int scratch)
{
    const char *codec = clip == MT_AV_CLIP_WEBM ? "vp9" : "h264";

    return (struct mt_av_rendition){.name = mt_av_clip_name(clip),
                                    .height_px = spec->side_px,
                                    .codec = codec,
                                    .crf = mt_av_default_crf(codec) + (spec->sound ? 0 : 3),
                                    .max_bps = spec->sound ? 4000000 : 1000000,
                                    .max_fps = FPS_MOST,
                                    .fd = scratch};
}

static void list_clips(struct mt_reel *r)
{
    const struct mt_av_teaser *spec = r->t->spec;

    for (int clip = 0; clip < MT_AV_CLIPS; clip++) {
        if (spec->fds[clip] < 0)
            continue;
        r->renditions[r->n] = rendition(spec, (enum mt_av_clip)clip, spec->scratch[r->n]);
        r->clips[r->n++] = (enum mt_av_clip)clip;
    }
    r->n_lanes = r->n > 0 && r->clips[r->n - 1] == MT_AV_CLIP_WEBP ? r->n - 1 : r->n;
}

static int open_lanes(struct mt_reel *r, struct mt_err *err)
{
    for (int i = 0; i < r->n_lanes; i++) {
        r->lanes[i].rendition = &r->renditions[i];
        r->lanes[i].frame = av_frame_alloc();
        r->lanes[i].kept = av_frame_alloc();
        if (!r->lanes[i].frame || !r->lanes[i].kept)
            return mt_av_fail(err, AVERROR(ENOMEM), "encoding");
    }
    r->frame = av_frame_alloc();
    r->film = (struct mt_lane_film){.plan = r->plan,
                                    .look = &r->look,
                                    .base = r->base,
                                    .preset = preset,
                                    .score = true,
                                    .packet = av_packet_alloc()};
    if (!r->frame || !r->film.packet)
        return mt_av_fail(err, AVERROR(ENOMEM), "encoding");
    return 0;
}

static int open_reel(struct mt_reel *r, struct mt_err *err)
{
    const struct mt_in *in = &r->stretch.feed.in;

    if (mt_stretch_open(&r->stretch, r->t, false, err) < 0)
        return -1;
    list_clips(r);
    r->source_base = in->video->time_base;
    r->base = mt_honest_base(r->source_base);
    r->segments = json_array();
    r->plan =
        json_pack("{s:o, s:o, s:b, s:O}", "base", ratio(r->base), "rate", ratio(mt_honest_rate(in)),
                  "constant_rate", mt_rate_is_constant(in), "segments", r->segments);
    return open_lanes(r, err);
}

/* ---- an excerpt ---- */

/* What comes out of the filters goes into the encoders. */
static int pump(struct mt_reel *r, struct mt_err *err)
{
    for (int i = 0; i < r->n; i++) {
        AVFrame *frame = i < r->n_lanes ? r->lanes[i].frame : r->frame;
        int got;

        while ((got = mt_pictures_receive(&r->pictures, i, frame, r->base, err)) > 0) {
            int64_t us = av_rescale_q(frame->pts, r->base, AV_TIME_BASE_Q);
            int ret = i < r->n_lanes ? mt_lane_send(&r->lanes[i], err)
                                     : mt_webp_take(&r->webp, frame, us, err);

            av_frame_unref(frame);
            if (ret < 0)
                return mt_fail_in(err, "%s", mt_av_clip_name(r->clips[i]));
        }
        if (got < 0)
            return -1;
    }
    return 0;
}

static int drain(struct mt_reel *r, struct mt_err *err)
{
    int ret = 0;

    if (r->pictures.graph)
        ret = mt_pictures_send(&r->pictures, NULL, err) < 0 ? -1 : pump(r, err);
    mt_pictures_close(&r->pictures);
    return ret;
}

/* With the first picture of all it is clear what they will look like. */
static int begin_excerpt(struct mt_reel *r, struct mt_err *err)
{
    int64_t start = av_rescale_q(r->at, r->source_base, r->base);
    const json_t *segment;

    if (r->look.n == 0) {
        mt_look_choose(&r->look, r->stretch.feed.in.video, r->stretch.frame);
        mt_look_fit(&r->look, r->renditions, r->n);
        if (r->n_lanes < r->n && mt_webp_open(&r->webp, r->look.sizes[r->n_lanes].w,
                                              r->look.sizes[r->n_lanes].h, err) < 0)
            return -1;
    }
    json_array_append_new(r->segments, json_pack("{s:I}", "start", (json_int_t)start));
    segment = json_array_get(r->segments, (size_t)r->done);
    for (int i = 0; i < r->n_lanes; i++)
        if (mt_lane_open(&r->lanes[i], &r->film, r->look.sizes[i], segment, err) < 0)
            return mt_fail_in(err, "%s", mt_av_clip_name(r->clips[i]));
    return 0;
}

static int take_frame(struct mt_reel *r, struct mt_err *err)
{
    AVFrame *frame = r->stretch.frame;

    if (!mt_pictures_fit(&r->pictures, frame) &&
        (drain(r, err) < 0 ||
         mt_pictures_open(&r->pictures, &r->look, frame, r->source_base, err) < 0))
        return -1;
    return mt_pictures_send(&r->pictures, frame, err) < 0 ? -1 : pump(r, err);
}

static int finish_lane(struct mt_reel *r, int i, int64_t end, struct mt_err *err)
{
    struct mt_lane *lane = &r->lanes[i];

    if (mt_lane_finish(lane, end, 1, err) < 0)
        return mt_fail_in(err, "%s", mt_av_clip_name(r->clips[i]));
    r->ssim[i] += lane->score.own.sum;
    r->compared[i] += lane->score.own.frames;
    r->frames[i] += lane->video.frames;
    r->pieces[i][r->done] = (struct mt_av_piece){.fd = lane->rendition->fd,
                                                 .offset = lane->file.offset,
                                                 .size = lane->file.pos - lane->file.offset,
                                                 .frames = lane->video.frames};
    mt_lane_close(lane);
    return 0;
}

/* first, end: of its pictures, in source_base. */
static int finish_excerpt(struct mt_reel *r, struct mt_excerpt *e, int64_t first, int64_t end,
                          struct mt_err *err)
{
    int64_t next = r->at + end - first;

    if (drain(r, err) < 0)
        return -1;
    for (int i = 0; i < r->n_lanes; i++)
        if (finish_lane(r, i, av_rescale_q(next, r->source_base, r->base), err) < 0)
            return -1;
    e->from_us = mt_stretch_us(&r->stretch, first);
    e->to_us = mt_stretch_us(&r->stretch, end);
    e->at_us = av_rescale_q(r->at, r->source_base, AV_TIME_BASE_Q);
    e->length_us = av_rescale_q(next, r->source_base, AV_TIME_BASE_Q) - e->at_us;
    r->at = next;
    r->t->list[r->done++] = *e;
    return 0;
}

static int encode_excerpt(struct mt_reel *r, struct mt_excerpt *e, struct mt_err *err)
{
    struct mt_stretch *s = &r->stretch;
    int64_t first = AV_NOPTS_VALUE, end = 0;
    int got;

    if (mt_stretch_begin(s, e->from_us, e->to_us, err) < 0)
        return -1;
    while ((got = mt_stretch_next(s, err)) > 0) {
        if (first == AV_NOPTS_VALUE) {
            first = s->frame->pts;
            if (begin_excerpt(r, err) < 0)
                return -1;
        }
        end = FFMIN(s->frame->pts + mt_stretch_duration(s), s->to);
        s->frame->pts += r->at - first;
        if (take_frame(r, err) < 0)
            return -1;
    }
    if (got < 0)
        return -1;
    return first == AV_NOPTS_VALUE ? 0 : finish_excerpt(r, e, first, end, err);
}

/* Excerpts of which nothing decodes now are left out. */
static int encode_all(struct mt_reel *r, struct mt_err *err)
{
    struct mt_teaser *t = r->t;
    int n = t->n;

    for (int i = 0; i < n; i++) {
        struct mt_excerpt e = t->list[i];

        if (mt_teaser_tell(t, CHOSEN + (ENCODING - CHOSEN) * i / n, err) < 0 ||
            encode_excerpt(r, &e, err) < 0)
            return -1;
    }
    t->n = r->done;
    t->errors += mt_stretch_errors(&r->stretch);
    return t->n > 0 ? 0 : mt_fail(err, MT_ERR_DAMAGED, "no picture in it can be decoded");
}

int mt_reel_make(struct mt_reel **out, struct mt_teaser *t, struct mt_err *err)
{
    struct mt_reel *r = *out = mt_alloc(sizeof *r);

    r->t = t;
    return open_reel(r, err) < 0 ? -1 : encode_all(r, err);
}

/* ---- files ---- */

static int join(struct mt_reel *r, int i, int sound, struct mt_err *err)
{
    const struct mt_av_teaser *spec = r->t->spec;
    struct mt_av_join job = {.plan = r->plan,
                             .pieces = r->pieces[i],
                             .sound_fd = sound,
                             .rendition = &r->renditions[i],
                             .format = mt_av_clip_name(r->clips[i]),
                             .source_fd = -1,
                             .fd = spec->fds[r->clips[i]],
                             .limits = spec->limits,
                             .progress = spec->progress};
    json_t *report = mt_av_segments_join(&job, err);

    if (!report)
        return mt_fail_in(err, "%s", mt_av_clip_name(r->clips[i]));
    if (r->compared[i] != r->frames[i])
        return mt_fail(err, MT_ERR_VERIFY, "%lld pictures were encoded, %lld compared",
                       (long long)r->frames[i], (long long)r->compared[i]);
    json_object_del(report, "tracks");
    json_object_set_new(report, "clip", json_string(mt_av_clip_name(r->clips[i])));
    json_object_set_new(report, "width", json_integer(r->look.sizes[i].w));
    json_object_set_new(report, "height", json_integer(r->look.sizes[i].h));
    json_object_set_new(report, "score",
                        mt_json_real(r->ssim[i] / (double)FFMAX(r->compared[i], 1), 4));
    json_array_append_new(r->t->clips, report);
    return 0;
}

static int finish_webp(struct mt_reel *r, struct mt_err *err)
{
    int64_t length = av_rescale_q(r->at, r->source_base, AV_TIME_BASE_Q);
    int fd = r->t->spec->fds[MT_AV_CLIP_WEBP];
    int64_t size;

    if (mt_webp_finish(&r->webp, fd, length, err) < 0)
        return mt_fail_in(err, "webp");
    size = lseek(fd, 0, SEEK_END);
    json_array_append_new(
        r->t->clips,
        json_pack("{s:s, s:i, s:i, s:I, s:o, s:I, s:i, s:I, s:n}", "clip", "webp", "width",
                  r->look.sizes[r->n_lanes].w, "height", r->look.sizes[r->n_lanes].h, "frames",
                  (json_int_t)r->webp.frames, "duration", mt_json_real((double)length / 1e6, 3),
                  "video_bps", (json_int_t)((double)size * 8e6 / (double)length), "audio_bps", 0,
                  "size_bytes", (json_int_t)size, "score"));
    return 0;
}

int mt_reel_join(struct mt_reel *r, const int sounds[MT_AV_CLIPS], struct mt_err *err)
{
    for (int i = 0; i < r->n_lanes; i++)
        if (join(r, i, sounds[r->clips[i]], err) < 0)
            return -1;
    return r->n_lanes < r->n ? finish_webp(r, err) : 0;
}

void mt_reel_free(struct mt_reel **reel)
{
    struct mt_reel *r = *reel;

    if (!r)
        return;
    for (int i = 0; i < r->n_lanes; i++) {
        if (r->lanes[i].kept)
            mt_lane_close(&r->lanes[i]);
        av_frame_free(&r->lanes[i].frame);
        av_frame_free(&r->lanes[i].kept);
    }
    av_frame_free(&r->frame);
    av_packet_free(&r->film.packet);
    mt_pictures_close(&r->pictures);
    mt_webp_close(&r->webp);
    mt_stretch_close(&r->stretch);
    json_decref(r->plan);
    json_decref(r->segments);
    free(r);
    *reel = NULL;
}
