/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sound_parts.h - what encoding sound is put together from. Private to lib/av.
 *
 * A tap decodes a stream and lays it on the film's line without holes. A chain makes of that one
 * form of sound: rate, channels, filters, gain. Writers encode what a chain gives. Voices
 * that differ in codec or rate only share a chain, those of one stream a tap.
 */
#ifndef MT_AV_SOUND_PARTS_H
#define MT_AV_SOUND_PARTS_H

#include "av/measure_parts.h"
#include "av/mux_parts.h"
#include "av/sound.h"
#include "av/transcode_parts.h"

#include <libavutil/audio_fifo.h>

/* ---- codecs (sound_codecs.c) ---- */

struct mt_sound_codec {
    const char *name;    /* "vorbis" */
    const char *encoder; /* "libvorbis" */
    int channels;        /* at most */
    bool lossless;
    enum AVSampleFormat format, deep; /* of samples; of more than 16 bits */
};

const struct mt_sound_codec *mt_sound_codec_find(const char *name);

/* ---- a chain (sound_chain.c) ---- */

/* What comes out of a chain: equal for voices that share it. */
struct mt_tone {
    int stream; /* index in the source */
    int rate, channels;
    enum AVSampleFormat format;
    enum mt_av_denoise denoise;
    bool speech;
    double loudness_lufs, ceiling_dbtp;
};

struct mt_sound_chain {
    struct mt_tone tone;
    AVFilterGraph *graph;
    AVFilterContext *source, *sink;
    int in_rate, in_format;
    AVChannelLayout in_layout, out_layout;
    double gain_db;
    struct mt_listener listener; /* of the sound before the gain */
    bool listening;
    json_t *heard; /* the loudness before the gain */
    double missed_lu;
};

/* What a voice of such a stream asks of its chain. */
void mt_tone_choose(struct mt_tone *tone, const struct mt_av_voice *voice, const AVStream *stream);
bool mt_tone_equal(const struct mt_tone *a, const struct mt_tone *b);

/* Gives a frame (which stays as it is) or NULL, the end; opens or reopens the graph as need be.
 * take is called with each frame that comes out, also those from before a reopening. */
typedef int mt_tone_fn(void *ctx, const AVFrame *frame, struct mt_err *err);
int mt_sound_chain_give(struct mt_sound_chain *chain, const AVFrame *frame, mt_tone_fn *take,
                        void *ctx, struct mt_err *err) MT_MUST_USE;
void mt_sound_chain_forget(struct mt_sound_chain *chain); /* frees the graph */
void mt_sound_chain_free(struct mt_sound_chain *chain);

/* ---- a writer (sound_writer.c) ---- */

struct mt_sound_writer {
    const struct mt_av_voice *voice;
    const struct mt_sound_codec *codec;
    const struct mt_format *format;
    AVCodecContext *encoder;
    AVAudioFifo *fifo;
    AVFrame *frame;
    AVPacket *packet;
    struct mt_sink sink;
    int64_t samples, bytes; /* given to the encoder; taken from it */
    bool drop_lead;
};

int mt_writer_open(struct mt_sound_writer *writer, const struct mt_av_voice *voice,
                   const struct mt_sound_chain *chain, const struct mt_in *source,
                   int64_t origin_us, struct mt_err *err) MT_MUST_USE;
int mt_writer_take(struct mt_sound_writer *writer, const AVFrame *frame,
                   struct mt_err *err) MT_MUST_USE;
int mt_writer_finish(struct mt_sound_writer *writer, struct mt_err *err) MT_MUST_USE;
void mt_writer_close(struct mt_sound_writer *writer);

/* ---- a tap (sound_tap.c) ---- */

struct mt_tap {
    AVStream *stream;
    AVCodecContext *decoder;
    struct mt_stamps stamps;
    AVFrame *frame;
    int rate;                 /* of the line */
    int64_t next;             /* where sound goes on, in 1/rate from the film's begin */
    int64_t samples, silence; /* decoded; put in */
    int64_t errors;
    bool begun;
};

int mt_tap_open(struct mt_tap *tap, const struct mt_in *in, AVStream *stream,
                struct mt_err *err) MT_MUST_USE;

/*
 * Decodes the packet (NULL: the end) and gives the sound on its line, without holes, to take.
 * *origin_us, if INT64_MIN, becomes where the first frame is.
 */
int mt_tap_decode(struct mt_tap *tap, const AVPacket *packet, int64_t *origin_us, int64_t limit_us,
                  mt_tone_fn *take, void *ctx, struct mt_err *err) MT_MUST_USE;
void mt_tap_close(struct mt_tap *tap);

/* ---- what was written (sound_check.c) ---- */

struct mt_sound_found {
    int64_t samples, errors;
    json_t *loudness; /* NULL if not asked for */
};

/* Decodes all of it; tell (may be NULL) is asked now and then whether to go on. */
int mt_sound_check(int fd, bool loudness, const struct mt_av_progress *progress,
                   struct mt_sound_found *found, struct mt_err *err) MT_MUST_USE;

#endif
