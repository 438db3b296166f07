/* SPDX-License-Identifier: GPL-2.0-or-later */
/* waveform.c - see waveform.h. */
#include "av/waveform.h"

#include "av/film.h"
#include "av/peaks.h"
#include "av/thumbs_encode.h"
#include "base/buf.h"

#include <stdio.h>

enum { TEXT_MAX = 128 << 20, SECOND = 1000000 };

struct work {
    const struct mt_av_waveform *spec;
    struct mt_in in;
    struct mt_film film;
    AVCodecContext *decoder;
    AVPacket *packet;
    AVFrame *frame;
    struct mt_peaks peaks;
    int64_t errors, each, points; /* of JSON: own points in one of it, and how many */
};

static int check_spec(const struct mt_av_waveform *s, struct mt_err *err)
{
    if (s->points < 1 || s->points > 1000)
        return mt_fail(err, MT_ERR_USAGE, "%d points a second, not 1 to 1000", s->points);
    if (s->width < 16 || s->width > 16384 || s->height < 16 || s->height > 4096)
        return mt_fail(err, MT_ERR_USAGE,
                       "a waveform of %dx%d pixels; at least 16x16, at most 16384x4096", s->width,
                       s->height);
    return 0;
}

static int open_work(struct work *w, int fd, struct mt_err *err)
{
    if (mt_in_open(&w->in, fd, &w->spec->limits, err) < 0)
        return -1;
    mt_in_set_progress(&w->in, &w->spec->progress);
    mt_film_look(&w->film, &w->in, w->in.video);
    if (!w->in.audio)
        return mt_fail(err, MT_ERR_NOT_APPLICABLE, "there is no sound in it");
    w->packet = av_packet_alloc();
    w->frame = av_frame_alloc();
    if (!w->packet || !w->frame)
        return mt_av_fail(err, AVERROR(ENOMEM), "cannot make a waveform");
    for (unsigned i = 0; i < w->in.format->nb_streams; i++)
        if (w->in.format->streams[i] != w->in.audio)
            w->in.format->streams[i]->discard = AVDISCARD_ALL;
    return mt_in_decoder(&w->decoder, &w->in, w->in.audio, 0, err);
}

/* The sample that the frame begins with; -1 where it says no time, or one beyond the film. */
static int64_t place_of(const struct work *w)
{
    int64_t us = mt_film_time(&w->film, w->in.audio, w->frame->best_effort_timestamp);

    if (us == AV_NOPTS_VALUE || us < 0 || us > w->film.duration_us)
        return -1;
    return av_rescale(us, w->frame->sample_rate, SECOND);
}

/* Decodes one packet; NULL: the end of the sound. */
static int decode(struct work *w, const AVPacket *packet, struct mt_err *err)
{
    int av = avcodec_send_packet(w->decoder, packet);

    if (av < 0 && av != AVERROR_EOF)
        w->errors++;
    while ((av = avcodec_receive_frame(w->decoder, w->frame)) >= 0) {
        if (mt_peaks_add(&w->peaks, w->frame, place_of(w), err) < 0)
            return -1;
        av_frame_unref(w->frame);
    }
    if (av != AVERROR(EAGAIN) && av != AVERROR_EOF)
        w->errors++;
    return 0;
}

static int listen(struct work *w, struct mt_err *err)
{
    int av;

    while ((av = av_read_frame(w->in.format, w->packet)) >= 0) {
        int ret = w->packet->stream_index == w->in.audio->index ? decode(w, w->packet, err) : 0;
        av_packet_unref(w->packet);
        int64_t done = w->peaks.rate ? av_rescale(w->peaks.samples, SECOND, w->peaks.rate) : 0;
        if (ret < 0 || mt_in_tell(&w->in, done, w->film.duration_us, err) < 0)
            return -1;
    }
    if (av == AVERROR_EXIT)
        return mt_av_fail(err, av, "cannot read the sound");
    if (av != AVERROR_EOF)
        w->errors++;
    if (decode(w, NULL, err) < 0 || mt_peaks_end(&w->peaks, err) < 0)
        return -1;
    if (w->peaks.samples == 0)
        return mt_fail(err, MT_ERR_DAMAGED, "none of the sound can be decoded");
    return 0;
}

static int emit_text(const struct work *w, enum mt_av_wave_format format, struct mt_buf *text,
                     struct mt_err *err)
{
    bool picture = format != MT_AV_WAVE_JSON;
    struct mt_av_wave wave = {.format = format,
                              .width = picture ? w->spec->width : 0,
                              .height = picture ? w->spec->height : 0,
                              .data = text->data,
                              .size = text->len};

    return w->spec->emit(w->spec->ctx, &wave, err);
}

/* 16 bits to 8, as audiowaveform does: towards minus infinity. */
static int eight(int16_t v)
{
    return v >= 0 ? v / 256 : -((-v + 255) / 256);
}

static void choose_points(struct work *w)
{
    const struct mt_peaks *p = &w->peaks;
    int64_t wanted = p->rate / w->spec->points;

    w->each = (wanted + p->block / 2) / p->block;
    if (w->each < 1)
        w->each = 1;
    while ((p->n + w->each - 1) / w->each > MT_AV_WAVE_POINTS)
        w->each++;
    w->points = (p->n + w->each - 1) / w->each;
}

static int write_json(struct work *w, struct mt_err *err)
{
    const struct mt_peaks *p = &w->peaks;
    const char *comma = "";
    struct mt_buf text;
    int ret;

    mt_buf_init(&text, TEXT_MAX);
    ret = mt_buf_printf(&text, err,
                        "{\"version\":2,\"channels\":%d,\"sample_rate\":%d,"
                        "\"samples_per_pixel\":%lld,\"bits\":8,\"length\":%lld,\"data\":[",
                        p->lanes, p->rate, (long long)(w->each * p->block), (long long)w->points);
    for (int64_t i = 0; i < w->points && ret == 0; i++)
        for (int k = 0; k < p->lanes && ret == 0; k++, comma = ",") {
            struct mt_extremes e = mt_peaks_over(p, k, i * w->each, (i + 1) * w->each);
            ret = mt_buf_printf(&text, err, "%s%d,%d", comma, eight(e.low), eight(e.high));
        }
    if (ret == 0)
        ret = mt_buf_printf(&text, err, "]}\n");
    if (ret == 0)
        ret = emit_text(w, MT_AV_WAVE_JSON, &text, err);
    mt_buf_free(&text);
    return ret;
}

/* The rows that a column of a lane covers, top .. bottom - 1; at least one. */
static void column(const struct work *w, int lane, int x, int *top, int *bottom)
{
    const struct mt_peaks *p = &w->peaks;
    int64_t from = x * p->n / w->spec->width, to = (x + 1) * p->n / w->spec->width;
    struct mt_extremes e = mt_peaks_over(p, lane, from, to > from ? to : from + 1);
    int height = w->spec->height / p->lanes, middle = lane * height + height / 2;

    *top = middle - e.high * (height / 2) / 32768;
    *bottom = middle - e.low * (height / 2) / 32768;
    if (*bottom <= *top)
        *bottom = *top + 1;
}

static int write_background(const struct work *w, struct mt_buf *text, struct mt_err *err)
{
    if (w->spec->background < 0)
        return 0;
    return mt_buf_printf(text, err, "<rect width=\"%d\" height=\"%d\" fill=\"#%06x\"/>\n",
                         w->spec->width, w->spec->height, (unsigned)w->spec->background);
}

/* One outline: along the tops and back along the bottoms. */
static int write_lane(const struct work *w, struct mt_buf *text, int lane, struct mt_err *err)
{
    int width = w->spec->width, top, bottom;
    int ret = mt_buf_printf(text, err, "<path d=\"M");

    for (int x = 0; x < width && ret == 0; x++) {
        column(w, lane, x, &top, &bottom);
        ret = mt_buf_printf(text, err, "%d,%dH%d", x, top, x + 1);
        if (ret == 0 && x < width - 1)
            ret = mt_buf_printf(text, err, "L");
    }
    for (int x = width - 1; x >= 0 && ret == 0; x--) {
        column(w, lane, x, &top, &bottom);
        ret = mt_buf_printf(text, err, "L%d,%dH%d", x + 1, bottom, x);
    }
    return ret < 0 ? -1 : mt_buf_printf(text, err, "Z\"/>\n");
}

static int write_svg(const struct work *w, struct mt_err *err)
{
    const struct mt_av_waveform *s = w->spec;
    struct mt_buf text;
    int ret;

    mt_buf_init(&text, TEXT_MAX);
    ret = mt_buf_printf(&text, err,
                        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                        "viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" fill=\"#%06x\">\n",
                        s->width, s->height, s->width, s->height, (unsigned)s->colour);
    if (ret == 0)
        ret = write_background(w, &text, err);
    for (int k = 0; k < w->peaks.lanes && ret == 0; k++)
        ret = write_lane(w, &text, k, err);
    if (ret == 0)
        ret = mt_buf_printf(&text, err, "</svg>\n");
    if (ret == 0)
        ret = emit_text(w, MT_AV_WAVE_SVG, &text, err);
    mt_buf_free(&text);
    return ret;
}

static void paint(AVFrame *f, int x, int y, uint32_t colour, uint8_t alpha)
{
    uint8_t *p = f->data[0] + (ptrdiff_t)y * f->linesize[0] + 4 * (ptrdiff_t)x;

    p[0] = (uint8_t)(colour >> 16);
    p[1] = (uint8_t)(colour >> 8);
    p[2] = (uint8_t)colour;
    p[3] = alpha;
}

static void draw(const struct work *w, AVFrame *f)
{
    const struct mt_av_waveform *s = w->spec;
    uint32_t back = s->background < 0 ? s->colour : (uint32_t)s->background;
    int top, bottom;

    for (int y = 0; y < f->height; y++)
        for (int x = 0; x < f->width; x++)
            paint(f, x, y, back, s->background < 0 ? 0 : 255);
    for (int k = 0; k < w->peaks.lanes; k++)
        for (int x = 0; x < f->width; x++) {
            column(w, k, x, &top, &bottom);
            for (int y = top < 0 ? 0 : top; y < bottom && y < f->height; y++)
                paint(f, x, y, s->colour, 255);
        }
}

static int write_png(const struct work *w, struct mt_err *err)
{
    AVFrame *f = av_frame_alloc();
    AVPacket *packet = av_packet_alloc();
    int ret = -1;

    if (f) {
        f->format = AV_PIX_FMT_RGBA;
        f->width = w->spec->width;
        f->height = w->spec->height;
    }
    if (!f || !packet || av_frame_get_buffer(f, 0) < 0) {
        mt_av_fail(err, AVERROR(ENOMEM), "cannot draw a waveform");
        goto out;
    }
    draw(w, f);
    if (mt_encode(packet, f, MT_AV_PNG, 100, err) < 0)
        goto out;
    struct mt_av_wave wave = {.format = MT_AV_WAVE_PNG,
                              .width = f->width,
                              .height = f->height,
                              .data = packet->data,
                              .size = (size_t)packet->size};
    ret = w->spec->emit(w->spec->ctx, &wave, err);
out:
    av_packet_free(&packet);
    av_frame_free(&f);
    return ret;
}

static int write_all(struct work *w, struct mt_err *err)
{
    const bool *wanted = w->spec->formats;

    choose_points(w);
    if (wanted[MT_AV_WAVE_JSON] && write_json(w, err) < 0)
        return -1;
    if (wanted[MT_AV_WAVE_PNG] && write_png(w, err) < 0)
        return -1;
    return wanted[MT_AV_WAVE_SVG] ? write_svg(w, err) : 0;
}

static json_t *report_of(const struct work *w)
{
    const struct mt_peaks *p = &w->peaks;
    json_t *notes = json_array();
    char text[120];

    if (w->errors > 0) {
        snprintf(text, sizeof text,
                 "%lld parts of the sound do not decode; the waveform lacks them",
                 (long long)w->errors);
        json_array_append_new(notes, json_string(text));
    }
    if (p->split && p->channels > p->lanes)
        json_array_append_new(notes, json_string("the waveform shows the first 8 channels"));
    return json_pack("{s:f, s:i, s:I, s:I, s:I, s:o}", "duration",
                     (double)p->samples / (double)p->rate, "channels", p->lanes, "points",
                     (json_int_t)w->points, "samples_per_pixel", (json_int_t)(w->each * p->block),
                     "errors", (json_int_t)w->errors, "notes", notes);
}

json_t *mt_av_waveform(int fd, const struct mt_av_waveform *spec, struct mt_err *err)
{
    struct work w = {.spec = spec};
    json_t *report = NULL;

    if (check_spec(spec, err) < 0)
        return NULL;
    mt_peaks_init(&w.peaks, spec->split);
    if (open_work(&w, fd, err) == 0 && listen(&w, err) == 0 && write_all(&w, err) == 0)
        report = report_of(&w);
    mt_peaks_free(&w.peaks);
    avcodec_free_context(&w.decoder);
    av_packet_free(&w.packet);
    av_frame_free(&w.frame);
    mt_in_close(&w.in);
    return report;
}
