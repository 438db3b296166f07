/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sound.c - the sound of a source, decoded once for all that is made of it. */
#include "av/sound_session.h"

#include "base/mem.h"
#include "json/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_ERRORS_MAX = 16 };

/* ---- where frames go ---- */

static int write_voice(struct mt_sound_session *s, struct mt_sound_voice *v, const AVFrame *frame,
                       struct mt_err *err)
{
    if (!v->open) {
        if (mt_writer_open(&v->writer, v->spec, &s->chains[v->chain], &s->in, s->origin_us, err) <
            0)
            return -1;
        v->open = true;
    }
    return mt_writer_take(&v->writer, frame, err);
}

static int take_tone(void *ctx, const AVFrame *frame, struct mt_err *err)
{
    struct mt_sound_session *s = ctx;

    if (s->listening)
        return mt_listener_hear(&s->chains[s->chain].listener, frame, AV_NOPTS_VALUE, err);
    for (int i = 0; i < s->spec->n; i++)
        if (s->voices[i].chain == s->chain && !s->voices[i].done &&
            write_voice(s, &s->voices[i], frame, err) < 0)
            return mt_fail_in(err, "%s", s->voices[i].spec->codec);
    return 0;
}

/* Whether the chain has something to do in this pass. */
static bool is_wanted(const struct mt_sound_session *s, int chain)
{
    if (s->listening)
        return s->chains[chain].listening;
    for (int i = 0; i < s->spec->n; i++)
        if (s->voices[i].chain == chain && !s->voices[i].done)
            return true;
    return false;
}

static int take_sound(void *ctx, const AVFrame *frame, struct mt_err *err)
{
    struct mt_sound_session *s = ctx;

    for (s->chain = 0; s->chain < s->n_chains; s->chain++)
        if (s->chains[s->chain].tone.stream == s->taps[s->tap].stream->index &&
            is_wanted(s, s->chain) &&
            mt_sound_chain_give(&s->chains[s->chain], frame, take_tone, s, err) < 0)
            return -1;
    return 0;
}

/* ---- reading ---- */

static int tell(struct mt_sound_session *s, const AVPacket *packet, struct mt_err *err)
{
    int64_t length = FFMAX(s->in.format->duration, 0), at = 0;
    int passes = 1;

    for (int i = 0; i < s->n_chains; i++)
        if (s->chains[i].tone.loudness_lufs != 0)
            passes = 2;
    if (packet->pts != AV_NOPTS_VALUE)
        at = av_rescale_q(packet->pts, s->in.format->streams[packet->stream_index]->time_base,
                          AV_TIME_BASE_Q);
    at = FFMIN(FFMAX(at, 0), length);
    return mt_in_tell(&s->in, FFMIN(s->pass, passes - 1) * length + at, passes * length, err);
}

/* Leaps of the time line show in the pictures too. */
static void note_pictures(struct mt_sound_session *s, const AVPacket *packet)
{
    AVPacket *copy;

    if (!s->in.video || packet->stream_index != s->in.video->index)
        return;
    copy = av_packet_alloc();
    for (int i = 0; copy && i < s->n_taps; i++) {
        copy->pts = packet->pts;
        copy->dts = packet->dts;
        copy->duration = packet->duration;
        mt_stamps_fix(&s->taps[i].stamps, 0, copy, s->in.video->time_base);
    }
    av_packet_free(&copy);
}

static int feed(struct mt_sound_session *s, AVPacket *packet, struct mt_err *err)
{
    int64_t limit = s->spec->limits.duration_us;

    note_pictures(s, packet);
    for (s->tap = 0; s->tap < s->n_taps; s->tap++) {
        struct mt_tap *tap = &s->taps[s->tap];

        if (packet->stream_index != tap->stream->index)
            continue;
        mt_stamps_fix(&tap->stamps, 1, packet, tap->stream->time_base);
        if (mt_tap_decode(tap, packet, &s->origin_us, limit, take_sound, s, err) < 0)
            return mt_fail_at(err, tap->stream->index,
                              tap->rate ? av_rescale(tap->next, AV_TIME_BASE, tap->rate) : 0);
    }
    return tell(s, packet, err);
}

static int stopped_reading(struct mt_sound_session *s, int ret, struct mt_err *err)
{
    if (ret == AVERROR_EXIT)
        return mt_fail(err, MT_ERR_CANCELLED, "stopped on request");
    if (mt_in_read_failed(&s->in) || ret == AVERROR(ENOMEM))
        return mt_av_fail(err, ret, "reading the source");
    if (ret != AVERROR_EOF) {
        s->errors++;
        json_array_append_new(s->notes, json_string("the file cannot be read to its end"));
    }
    return 0;
}

static int read_all(struct mt_sound_session *s, struct mt_err *err)
{
    AVPacket *packet = av_packet_alloc();
    int errors = 0, ret = packet ? 0 : AVERROR(ENOMEM), fed = 0;

    while (fed == 0 && ret >= 0) {
        ret = av_read_frame(s->in.format, packet);
        if ((ret == AVERROR(EAGAIN) || ret == AVERROR_INVALIDDATA) && ++errors < READ_ERRORS_MAX) {
            s->errors += ret == AVERROR_INVALIDDATA;
            ret = 0;
            continue;
        }
        if (ret < 0)
            break;
        errors = 0;
        fed = feed(s, packet, err);
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    return fed < 0 ? -1 : stopped_reading(s, ret, err);
}

static int flush(struct mt_sound_session *s, struct mt_err *err)
{
    int64_t limit = s->spec->limits.duration_us;

    for (s->tap = 0; s->tap < s->n_taps; s->tap++)
        if (mt_tap_decode(&s->taps[s->tap], NULL, &s->origin_us, limit, take_sound, s, err) < 0)
            return -1;
    for (s->chain = 0; s->chain < s->n_chains; s->chain++)
        if (is_wanted(s, s->chain) &&
            mt_sound_chain_give(&s->chains[s->chain], NULL, take_tone, s, err) < 0)
            return -1;
    return 0;
}

/* ---- a pass over the source ---- */

static AVStream *stream_of(const struct mt_sound_session *s, const struct mt_av_voice *voice)
{
    if (voice->stream < 0)
        return s->in.audio;
    if (voice->stream >= (int)s->in.format->nb_streams)
        return NULL;
    return s->in.format->streams[voice->stream];
}

static int open_tap(struct mt_sound_session *s, AVStream *stream, struct mt_err *err)
{
    for (int i = 0; i < s->n_taps; i++)
        if (s->taps[i].stream == stream)
            return 0;
    if (mt_tap_open(&s->taps[s->n_taps], &s->in, stream, err) < 0) {
        mt_tap_close(&s->taps[s->n_taps]);
        s->taps[s->n_taps] = (struct mt_tap){0};
        if (err->code != MT_ERR_UNSUPPORTED_CODEC || s->spec->n == 1)
            return -1;
        /* The other tracks are no worse for it. */
        s->errors++;
        json_array_append_new(s->notes, mt_json_text(err->msg));
        return 0;
    }
    s->n_taps++;
    return 0;
}

static int open_taps(struct mt_sound_session *s, struct mt_err *err)
{
    for (int i = 0; i < s->spec->n; i++) {
        AVStream *stream = stream_of(s, &s->spec->voices[i]);

        if (!stream || stream->codecpar->codec_type != AVMEDIA_TYPE_AUDIO)
            return mt_fail(err, MT_ERR_NOT_APPLICABLE, "there is no such sound in it");
        if (open_tap(s, stream, err) < 0)
            return -1;
    }
    for (unsigned i = 0; i < s->in.format->nb_streams; i++)
        s->in.format->streams[i]->discard = AVDISCARD_ALL;
    if (s->in.video)
        s->in.video->discard = AVDISCARD_DEFAULT;
    for (int i = 0; i < s->n_taps; i++)
        s->taps[i].stream->discard = AVDISCARD_DEFAULT;
    return 0;
}

/* Voices that want the same sound share what makes it. */
static int assign_chain(struct mt_sound_session *s, const struct mt_av_voice *voice)
{
    struct mt_tone tone;
    int i = 0;

    mt_tone_choose(&tone, voice, stream_of(s, voice));
    while (i < s->n_chains && !mt_tone_equal(&s->chains[i].tone, &tone))
        i++;
    if (i == s->n_chains) {
        s->chains[i].tone = tone;
        s->n_chains++;
    }
    return i;
}

static void close_pass(struct mt_sound_session *s)
{
    for (int i = 0; i < s->n_taps; i++) {
        s->errors += s->taps[i].errors;
        s->samples = FFMAX(s->samples, s->taps[i].samples);
        mt_tap_close(&s->taps[i]);
    }
    memset(s->taps, 0, sizeof s->taps);
    s->n_taps = 0;
    for (int i = 0; i < s->n_chains; i++)
        mt_sound_chain_forget(&s->chains[i]);
    mt_in_close(&s->in);
}

static int run_pass(struct mt_sound_session *s, int fd, struct mt_err *err)
{
    int ret = -1;

    s->errors = 0;
    s->origin_us = s->spec->origin_us;
    json_array_clear(s->notes);
    if (mt_in_open(&s->in, fd, &s->spec->limits, err) < 0)
        return -1;
    mt_in_set_progress(&s->in, &s->spec->progress);
    if (open_taps(s, err) < 0)
        goto out;
    for (int i = 0; s->pass == 0 && i < s->spec->n; i++)
        s->voices[i].chain = assign_chain(s, &s->spec->voices[i]);
    for (int i = 0; i < s->n_chains && s->pass == 0; i++) {
        struct mt_av_measure measure = {.what = MT_AV_LOUDNESS};

        s->chains[i].listening = s->chains[i].tone.loudness_lufs != 0;
        if (s->chains[i].listening)
            mt_listener_init(&s->chains[i].listener, &measure);
        s->listening = s->listening || s->chains[i].listening;
    }
    if (read_all(s, err) == 0 && flush(s, err) == 0)
        ret = 0;
out:
    for (int i = 0; i < s->n_taps; i++)
        for (int k = 0; k < s->spec->n; k++)
            if (stream_of(s, &s->spec->voices[k]) == s->taps[i].stream && s->taps[i].rate > 0)
                s->voices[k].silence =
                    av_rescale(s->taps[i].silence, AV_TIME_BASE, s->taps[i].rate);
    close_pass(s);
    s->pass++;
    return ret;
}

/* ---- loudness ---- */

static int listen(struct mt_sound_session *s, int fd, struct mt_err *err)
{
    if (run_pass(s, fd, err) < 0)
        return -1;
    for (int i = 0; i < s->n_chains; i++) {
        struct mt_sound_chain *chain = &s->chains[i];

        if (!chain->listening)
            continue;
        if (mt_listener_end(&chain->listener, err) < 0)
            return -1;
        chain->heard = mt_listener_loudness(&chain->listener);
        mt_sound_gain(chain);
    }
    s->listening = false;
    return 0;
}

/* ---- encoding and checking ---- */

/* Lossy codecs may leave some of their last frame. */
static int compare(const struct mt_sound_voice *v, struct mt_err *err)
{
    bool lossless = mt_sound_codec_find(v->spec->codec)->lossless;
    int64_t more = v->found.samples - v->samples;
    int64_t slack = lossless ? 0 : 4096;

    if (v->found.errors > 0)
        return mt_fail(err, MT_ERR_VERIFY, "%s: %lld decoding errors in what was written",
                       v->spec->codec, (long long)v->found.errors);
    if (more < (lossless ? 0 : -64) || more > slack)
        return mt_fail(err, MT_ERR_VERIFY, "%s: %lld samples written, %lld found", v->spec->codec,
                       (long long)v->samples, (long long)v->found.samples);
    return 0;
}

static int finish_voice(struct mt_sound_session *s, struct mt_sound_voice *v, struct mt_err *err)
{
    bool loudness = s->chains[v->chain].tone.loudness_lufs != 0;

    if (!v->open) {
        v->done = v->absent = true;
        return 0;
    }
    if (mt_writer_finish(&v->writer, err) < 0)
        return -1;
    v->samples = v->writer.samples;
    v->bytes = v->writer.bytes;
    v->rate = v->writer.encoder->sample_rate;
    v->open = false;
    mt_writer_close(&v->writer);
    json_decref(v->found.loudness);
    if (mt_sound_check(v->spec->fd, loudness, &s->spec->progress, &v->found, err) < 0)
        return -1;
    v->done = true;
    return compare(v, err);
}

static int encode(struct mt_sound_session *s, int fd, struct mt_err *err)
{
    for (int i = 0; i < s->spec->n; i++)
        if (!s->voices[i].done && ftruncate(s->spec->voices[i].fd, 0) < 0)
            return mt_fail_errno(err, "cannot write the sound");
    if (run_pass(s, fd, err) < 0)
        return -1;
    for (int i = 0; i < s->spec->n; i++)
        if (!s->voices[i].done && finish_voice(s, &s->voices[i], err) < 0)
            return -1;
    for (int i = 0; i < s->spec->n; i++)
        if (!s->voices[i].absent)
            return 0;
    return mt_fail(err, MT_ERR_DAMAGED, "no sound decodes");
}

static bool measures(const struct mt_av_sound *spec)
{
    for (int i = 0; i < spec->n; i++)
        if (spec->voices[i].loudness_lufs != 0)
            return true;
    return false;
}

static int run(struct mt_sound_session *s, int fd, struct mt_err *err)
{
    for (int i = 0; i < s->spec->n; i++) {
        const struct mt_av_voice *v = &s->spec->voices[i];

        s->voices[i].spec = v;
        if (!mt_sound_codec_find(v->codec) || !mt_format_find(v->format))
            return mt_fail(err, MT_ERR_BUG, "sound of '%s' in '%s'", v->codec, v->format);
    }
    if (measures(s->spec) && listen(s, fd, err) < 0)
        return -1;
    if (encode(s, fd, err) < 0)
        return -1;
    return mt_sound_too_loud(s) ? encode(s, fd, err) : 0;
}

json_t *mt_av_sound(int fd, const struct mt_av_sound *spec, struct mt_err *err)
{
    struct mt_sound_session *s;
    json_t *result = NULL;

    if (spec->n < 1 || spec->n > MT_AV_VOICES_MAX) {
        mt_fail(err, MT_ERR_BUG, "%d voices", spec->n);
        return NULL;
    }
    s = mt_alloc(sizeof *s);
    s->spec = spec;
    s->notes = json_array();
    s->voices = mt_alloc((size_t)spec->n * sizeof *s->voices);
    if (run(s, fd, err) == 0)
        result = mt_sound_report(s);
    for (int i = 0; i < spec->n; i++) {
        if (s->voices[i].open)
            mt_writer_close(&s->voices[i].writer);
        json_decref(s->voices[i].found.loudness);
    }
    for (int i = 0; i < s->n_chains; i++)
        mt_sound_chain_free(&s->chains[i]);
    json_decref(s->notes);
    free(s->voices);
    free(s);
    return result;
}
