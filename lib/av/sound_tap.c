/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sound_tap.c - a stream of sound on the film's line, without holes. */
#include "av/sound_parts.h"

#include <libavutil/samplefmt.h>

enum {
    SILENCE_SAMPLES = 8192, /* put in at a time */
    SLACK = 10,             /* a tenth of a second is no hole */
    DECODE_ERRORS_MAX = 1000,
};

int mt_tap_open(struct mt_tap *tap, const struct mt_in *in, AVStream *stream, struct mt_err *err)
{
    *tap = (struct mt_tap){.stream = stream};
    tap->stamps.leaps = in->format->iformat->flags & AVFMT_TS_DISCONT;
    tap->frame = av_frame_alloc();
    if (!tap->frame)
        return mt_av_fail(err, AVERROR(ENOMEM), "sound");
    return mt_in_decoder(&tap->decoder, in, stream, 1, err);
}

/* Where the frame belongs, in 1/rate from the film's begin; next if nobody knows. */
static int64_t place(const struct mt_tap *tap, int64_t origin_us)
{
    AVRational base = tap->stream->time_base, sample = {1, tap->rate};
    int64_t pts = tap->frame->best_effort_timestamp;

    if (pts == AV_NOPTS_VALUE)
        return tap->next;
    return av_rescale_q(pts, base, sample) - av_rescale_q(origin_us, AV_TIME_BASE_Q, sample);
}

/* The line goes on in samples of another rate. */
static void set_rate(struct mt_tap *tap)
{
    if (tap->rate > 0)
        tap->next = av_rescale(tap->next, tap->frame->sample_rate, tap->rate);
    tap->rate = tap->frame->sample_rate;
}

/* n samples of silence, laid out as the frame is. */
static int put_silence(struct mt_tap *tap, int64_t n, mt_tone_fn *take, void *ctx,
                       struct mt_err *err)
{
    AVFrame *quiet = av_frame_alloc();
    int ret = quiet ? 0 : AVERROR(ENOMEM), taken = 0;

    if (ret >= 0) {
        quiet->nb_samples = SILENCE_SAMPLES;
        quiet->format = tap->frame->format;
        quiet->sample_rate = tap->rate;
        ret = av_channel_layout_copy(&quiet->ch_layout, &tap->frame->ch_layout);
    }
    if (ret >= 0)
        ret = av_frame_get_buffer(quiet, 0);
    if (ret >= 0)
        ret = av_samples_set_silence(quiet->extended_data, 0, SILENCE_SAMPLES,
                                     quiet->ch_layout.nb_channels, quiet->format);
    while (ret >= 0 && n > 0 && taken == 0) {
        quiet->nb_samples = (int)FFMIN(n, SILENCE_SAMPLES);
        quiet->pts = tap->next;
        taken = take(ctx, quiet, err);
        tap->next += quiet->nb_samples;
        tap->silence += quiet->nb_samples;
        n -= quiet->nb_samples;
    }
    av_frame_free(&quiet);
    return ret < 0 ? mt_av_fail(err, ret, "sound") : taken;
}

/* Takes the first n samples off the frame; false if nothing is left. */
static bool cut(AVFrame *frame, int64_t n)
{
    int size = av_get_bytes_per_sample(frame->format);
    int planes = av_sample_fmt_is_planar(frame->format) ? frame->ch_layout.nb_channels : 1;

    if (n >= frame->nb_samples)
        return false;
    if (planes == 1)
        size *= frame->ch_layout.nb_channels;
    for (int i = 0; i < planes; i++)
        frame->extended_data[i] += n * size;
    for (int i = 0; frame->extended_data != frame->data && i < FFMIN(planes, AV_NUM_DATA_POINTERS);
         i++)
        frame->data[i] = frame->extended_data[i];
    frame->nb_samples -= (int)n;
    return true;
}

static int put(struct mt_tap *tap, int64_t origin_us, int64_t limit_us, mt_tone_fn *take, void *ctx,
               struct mt_err *err)
{
    int64_t at, off;
    int ret;

    if (tap->frame->sample_rate != tap->rate)
        set_rate(tap);
    at = place(tap, origin_us);
    off = at - tap->next;
    if (limit_us > 0 && at / tap->rate > limit_us / AV_TIME_BASE)
        return mt_fail(err, MT_ERR_LIMIT, "the sound is longer than %lld s",
                       (long long)(limit_us / AV_TIME_BASE));
    tap->samples += tap->frame->nb_samples;
    /* The begin is met exactly; later a little is only the container's rounding. */
    if ((!tap->begun && off > 0) || off > tap->rate / SLACK) {
        if (put_silence(tap, off, take, ctx, err) < 0)
            return -1;
    } else if (((!tap->begun && off < 0) || off < -tap->rate / SLACK) && !cut(tap->frame, -off)) {
        return 0;
    }
    tap->begun = true;
    tap->frame->pts = tap->next;
    tap->next += tap->frame->nb_samples;
    ret = take(ctx, tap->frame, err);
    return ret;
}

static int64_t origin_of(const struct mt_tap *tap, int64_t *origin_us)
{
    int64_t pts = tap->frame->best_effort_timestamp;

    if (*origin_us == INT64_MIN)
        *origin_us =
            pts == AV_NOPTS_VALUE ? 0 : av_rescale_q(pts, tap->stream->time_base, AV_TIME_BASE_Q);
    return *origin_us;
}

int mt_tap_decode(struct mt_tap *tap, const AVPacket *packet, int64_t *origin_us, int64_t limit_us,
                  mt_tone_fn *take, void *ctx, struct mt_err *err)
{
    int ret = avcodec_send_packet(tap->decoder, packet), taken = 0;

    if (ret < 0 && ret != AVERROR_EOF)
        tap->errors++;
    for (int row = 0; row < DECODE_ERRORS_MAX && taken == 0;) {
        ret = avcodec_receive_frame(tap->decoder, tap->frame);
        if (ret == AVERROR(EAGAIN) || ret == AVERROR_EOF)
            return 0;
        if (ret == AVERROR(ENOMEM))
            return mt_av_fail(err, ret, "decoding");
        if (ret < 0) {
            tap->errors++;
            row++;
            continue;
        }
        if (tap->frame->nb_samples > 0 && tap->frame->sample_rate > 0)
            taken = put(tap, origin_of(tap, origin_us), limit_us, take, ctx, err);
        av_frame_unref(tap->frame);
    }
    return taken;
}

void mt_tap_close(struct mt_tap *tap)
{
    avcodec_free_context(&tap->decoder);
    av_frame_free(&tap->frame);
}
