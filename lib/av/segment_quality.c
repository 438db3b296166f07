/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * segment_quality.c - what quality costs in this film, found out from a few of its segments.
 *
 * The logarithm of what SSIM lacks to 1 is nearly a straight line over CRF. So two trials give a
 * line, the line gives the CRF for the quality that is wanted, and a third trial there
 * corrects it. All renditions are tried at once, from one decode.
 */
#include "av/segment.h"

#include "base/clock.h"
#include "base/mem.h"
#include "json/json.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { SAMPLES = 4, TRIALS = 3, FIRST_STEP = 6, RENDITIONS_MAX = 16 };

struct tried {
    double crf, ssim, common, bps; /* common: 0 if there is none */
};

struct finding {
    int fd;
    const struct mt_av_quality *spec;
    struct mt_av_rendition renditions[RENDITIONS_MAX];
    int samples[SAMPLES], n_samples, sample; /* segments; the one being encoded */
    double film_s;                           /* in one trial */
    double sum[RENDITIONS_MAX], common[RENDITIONS_MAX];
    int64_t frames[RENDITIONS_MAX], bytes[RENDITIONS_MAX];
    struct tried tried[RENDITIONS_MAX][TRIALS];
    int n_tried;
    int64_t took_us;
};

static double seconds_of(const struct finding *f, int segment)
{
    const json_t *segments = json_object_get(f->spec->plan, "segments");
    const json_t *base = json_object_get(f->spec->plan, "base");
    double tick = (double)json_integer_value(json_array_get(base, 0)) /
                  (double)json_integer_value(json_array_get(base, 1));
    double end = mt_json_num(f->spec->plan, "duration_us", 0) / 1e6;
    int64_t start = mt_json_int(json_array_get(segments, (size_t)segment), "start", 0);

    if ((size_t)segment + 1 < json_array_size(segments))
        end = (double)mt_json_int(json_array_get(segments, (size_t)segment + 1), "start", 0) * tick;
    return end - (double)start * tick;
}

/* Spread over the film; the very beginning and end, which are often black, only if it is short. */
static void choose_samples(struct finding *f)
{
    int n = (int)json_array_size(json_object_get(f->spec->plan, "segments"));

    f->n_samples = n < SAMPLES ? n : SAMPLES;
    for (int i = 0; i < f->n_samples; i++) {
        f->samples[i] = (2 * i + 1) * n / (2 * f->n_samples);
        f->film_s += seconds_of(f, f->samples[i]);
    }
}

static unsigned claim(void *ctx, int segment)
{
    const struct finding *f = ctx;

    return segment == f->sample ? (1U << f->spec->n) - 1 : 0;
}

static int done(void *ctx, const json_t *report, struct mt_err *err)
{
    struct finding *f = ctx;
    json_t *lane;
    size_t i;

    (void)err;
    json_array_foreach(json_object_get(report, "renditions"), i, lane)
    {
        f->sum[i] += mt_json_num(lane, "score.sum", 0);
        f->common[i] += mt_json_num(lane, "score.common", 0);
        f->frames[i] += mt_json_int(lane, "frames", 0);
        f->bytes[i] += mt_json_int(lane, "video_bytes", 0);
    }
    return 0;
}

static int encode_sample(struct finding *f, int sample, struct mt_err *err)
{
    struct mt_av_segments spec = {.plan = f->spec->plan,
                                  .renditions = f->renditions,
                                  .n = f->spec->n,
                                  .preset = f->spec->preset,
                                  .threads = f->spec->threads,
                                  .first = sample,
                                  .wider = true,
                                  .burn = f->spec->burn,
                                  .score = true,
                                  .common = true,
                                  .limits = f->spec->limits,
                                  .progress = f->spec->progress,
                                  .claim = claim,
                                  .done = done,
                                  .ctx = f};

    f->sample = sample;
    if (ftruncate(f->spec->scratch_fd, 0) < 0)
        return mt_fail_errno(err, "cannot make room for samples");
    return mt_av_segments_encode(f->fd, &spec, err);
}

/* One trial of all renditions, at the CRF that each has now. */
static int try_all(struct finding *f, struct mt_err *err)
{
    int64_t from = mt_mono_us();

    for (int i = 0; i < f->spec->n; i++)
        f->sum[i] = f->common[i] = 0, f->frames[i] = f->bytes[i] = 0;
    for (int i = 0; i < f->n_samples; i++)
        if (encode_sample(f, f->samples[i], err) < 0)
            return -1;
    for (int i = 0; i < f->spec->n; i++) {
        double frames = (double)f->frames[i];

        f->tried[i][f->n_tried] = (struct tried){
            .crf = f->renditions[i].crf,
            .ssim = frames > 0 ? f->sum[i] / frames : 0,
            .common = frames > 0 ? f->common[i] / frames : 0,
            .bps = f->film_s > 0 ? (double)f->bytes[i] * 8 / f->film_s : 0,
        };
    }
    f->n_tried++;
    f->took_us += mt_mono_us() - from;
    return 0;
}

static double lack(double ssim)
{
    return log(fmax(1 - ssim, 1e-6));
}

/* Where the line through the last two trials meets the target. */
static int next_crf(const struct finding *f, int i)
{
    const struct tried *a = &f->tried[i][f->n_tried - 1], *b = a;
    double slope = 0.11; /* per CRF; what most films have */
    int most = mt_av_most_crf(f->renditions[i].codec);
    double crf;

    if (f->n_tried > 1 && f->tried[i][f->n_tried - 2].crf != a->crf) {
        b = &f->tried[i][f->n_tried - 2];
        slope = fmax((lack(a->ssim) - lack(b->ssim)) / (a->crf - b->crf), 0.02);
    }
    crf = a->crf + (lack(f->spec->target) - lack(a->ssim)) / slope;
    crf = fmin(fmax(crf, 1), most);
    if (f->n_tried == 1)
        crf = fmin(fmax(crf, a->crf - 2 * FIRST_STEP), a->crf + 2 * FIRST_STEP);
    return (int)floor(crf);
}

/* The highest CRF tried that meets the target; if none does, the one that came nearest. */
static const struct tried *best_of(const struct finding *f, int i)
{
    const struct tried *best = &f->tried[i][0];

    for (int k = 1; k < f->n_tried; k++) {
        const struct tried *t = &f->tried[i][k];
        bool meets = t->ssim >= f->spec->target, met = best->ssim >= f->spec->target;

        if (meets ? !met || t->crf > best->crf : !met && t->ssim > best->ssim)
            best = t;
    }
    return best;
}

static json_t *report_one(const struct finding *f, int i)
{
    const struct tried *best = best_of(f, i);
    json_t *trials = json_array();

    for (int k = 0; k < f->n_tried; k++)
        json_array_append_new(trials, json_pack("{s:i, s:o, s:I}", "crf", (int)f->tried[i][k].crf,
                                                "ssim", mt_json_real(f->tried[i][k].ssim, 5),
                                                "video_bps", (json_int_t)f->tried[i][k].bps));
    return json_pack("{s:s, s:i, s:o, s:o, s:I, s:o, s:b}", "name", f->renditions[i].name, "crf",
                     (int)best->crf, "ssim", mt_json_real(best->ssim, 5), "ssim_common",
                     best->common > 0 ? mt_json_real(best->common, 5) : json_null(), "video_bps",
                     (json_int_t)best->bps, "trials", trials, "met",
                     f->spec->target <= 0 || best->ssim >= f->spec->target);
}

static json_t *report(const struct finding *f)
{
    json_t *samples = json_array(), *all = json_array();
    int w, h, most_w = 0, most_h = 0;

    for (int i = 0; i < f->spec->n; i++) {
        mt_av_plan_size(f->spec->plan, &f->renditions[i], &w, &h);
        if (h > most_h)
            most_w = w, most_h = h;
    }
    for (int i = 0; i < f->n_samples; i++)
        json_array_append_new(samples, json_integer(f->samples[i]));
    for (int i = 0; i < f->spec->n; i++)
        json_array_append_new(all, report_one(f, i));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "target",
                     f->spec->target > 0 ? json_real(f->spec->target) : json_null(), "segments",
                     samples, "sampled_s", mt_json_real(f->film_s, 3), "took_s_per_s",
                     mt_json_real(f->film_s > 0 && f->n_tried > 0
                                      ? (double)f->took_us / 1e6 / f->film_s / f->n_tried
                                      : 0,
                                  3),
                     "common_resolution", json_sprintf("%dx%d", most_w, most_h), "renditions", all);
}

json_t *mt_av_quality_find(int fd, const struct mt_av_quality *spec, struct mt_err *err)
{
    struct finding *f = mt_alloc(sizeof *f);
    json_t *result = NULL;
    int trials = spec->target > 0 ? TRIALS : 1;

    f->fd = fd;
    f->spec = spec;
    for (int i = 0; i < spec->n && i < RENDITIONS_MAX; i++) {
        f->renditions[i] = spec->renditions[i];
        f->renditions[i].fd = spec->scratch_fd;
    }
    choose_samples(f);
    while (f->n_tried < trials) {
        for (int i = 0; i < spec->n && f->n_tried > 0; i++)
            f->renditions[i].crf = next_crf(f, i);
        if (try_all(f, err) < 0)
            goto out;
    }
    result = report(f);
out:
    free(f);
    return result;
}
