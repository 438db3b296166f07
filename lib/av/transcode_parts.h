/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * transcode_parts.h - what a transcoder is put together from. Private to lib/av.
 *
 * Time flows through the parts like this: mt_stamps repairs the packets' times,
 * mt_clock the frames'; the session subtracts where the film begins, so that
 * encoders and files live on one line that starts at 0 and the distance between
 * picture and sound is the source's.
 */
#ifndef MT_AV_TRANSCODE_PARTS_H
#define MT_AV_TRANSCODE_PARTS_H

#include "av/frame.h"
#include "av/input.h"
#include "av/light.h"
#include "av/transcode.h"

#include <jansson.h>
#include <libavfilter/avfilter.h>
#include <stdbool.h>

enum { MT_GOP_S = 2 }; /* seconds between key frames */

/* As mt_av_fail() where encoders and filters refuse: that is no damage of the source. -1. */
int mt_refused(struct mt_err *err, int av, const char *what);

/* ---- times of packets and frames (transcode_stamps.c) ---- */

/*
 * Jumps of the time line of a whole file: recordings joined byte by byte start over,
 * transport streams may leap. More than 1 s backwards, or more than 10 s forwards where
 * the format permits leaps, is taken out, of all streams by the same amount.
 */
struct mt_stamps {
    bool leaps;        /* the format allows its clock to leap */
    int64_t offset_us; /* what the stream that leapt last adds to its times */
    int64_t jumps;     /* taken out so far */
    struct mt_stamp {
        bool known;
        int64_t last_us, length_us; /* of the packet seen last */
        int64_t offset_us;          /* added to this stream's times */
    } stream[2];
};

/* Repairs the packet, the which-th (0, 1) of the streams that are followed. */
void mt_stamps_fix(struct mt_stamps *stamps, int which, AVPacket *packet, AVRational base);

/* Makes the times of decoded frames rise strictly; none is dropped. */
struct mt_clock {
    int64_t last; /* AV_NOPTS_VALUE before the first frame */
    int64_t step; /* usual distance */
    int64_t missing, backwards;
};

void mt_clock_init(struct mt_clock *clock, int64_t step);

/* When the next frame, which says it is shown at pts (or AV_NOPTS_VALUE), is shown. */
int64_t mt_clock_next(struct mt_clock *clock, int64_t pts);

/* Gives the frame the time it is shown at. */
void mt_clock_stamp(struct mt_clock *clock, AVFrame *frame);

/*
 * Where the film in fd begins whose first picture or sound is at first_us: earlier, where an edit
 * list says that nothing is shown at first.
 */
int64_t mt_film_origin(const struct mt_in *in, int fd, int64_t first_us);

/* The picture rate to plan with: what the stream claims if that can be true, else 30. */
AVRational mt_honest_rate(const struct mt_in *in);

/* Whether every picture lasts as long as that, as far as the container knows. */
bool mt_rate_is_constant(const struct mt_in *in);

/* The time base of the encoded pictures: the source's unless it is beyond reason. */
AVRational mt_honest_base(AVRational base);

/* ---- pictures (transcode_look.c, transcode_pictures.c) ---- */

enum { MT_LANES_MAX = 16 }; /* renditions of one source at a time */

struct mt_size {
    int w, h;
};

/* How all renditions of a film look: decided at its first frame, kept to its last. */
struct mt_look {
    int rotation, mirrored; /* as mt_in_rotation() */
    struct mt_size display; /* of the source, upright, square pixels */
    double aspect;          /* of the first frame as it lies, by its own account */
    int n;
    struct mt_size sizes[MT_LANES_MAX]; /* upright */
    enum AVColorPrimaries primaries;
    enum AVColorTransferCharacteristic transfer;
    enum AVColorSpace matrix; /* the range is always limited */
    struct mt_deep {          /* what it would be in 10 bits, with HDR kept */
        int depth;            /* bits of the source */
        enum AVColorPrimaries primaries;
        enum AVColorTransferCharacteristic transfer;
        enum AVColorSpace matrix;
        struct mt_light light;
    } deep;
    bool ten_bit;          /* that is how it is */
    struct mt_light light; /* of what is encoded */
};

/* The look of the film whose first frame is given; no renditions yet. */
void mt_look_choose(struct mt_look *look, AVStream *stream, AVFrame *frame);

/* The sizes of the renditions, and their depth: ten bits if the source and all codecs have them. */
void mt_look_fit(struct mt_look *look, const struct mt_av_rendition *renditions, int n);

/* The same without the renditions, as a plan keeps it. New. */
json_t *mt_look_to_json(const struct mt_look *look);
void mt_look_from_json(struct mt_look *look, const json_t *value);

/* What tells one kind of decoded frame from another: when it changes, the graph does. */
struct mt_kind {
    int w, h, format;
    double aspect; /* of the picture, by the frame's own account of its pixels */
    bool interlaced;
    enum AVColorSpace matrix;
    enum AVColorRange range;
    enum AVColorTransferCharacteristic transfer;
    enum AVColorPrimaries primaries;
};

struct mt_kind mt_frame_kind(const AVFrame *frame);

/*
 * The filter description that turns such frames into the look's renditions: one
 * input [in], outputs [o0] [o1] ... All are yuv420p (yuv420p10le for a look of ten bits), limited
 * range, square pixels. Frames of another shape than the first are shown whole, between black
 * bars. Freed with av_freep(). MT_ERR_UNAVAILABLE when HDR cannot be mapped here.
 */
int mt_pictures_describe(char **text, const struct mt_look *look, const struct mt_kind *kind,
                         struct mt_err *err) MT_MUST_USE;

/* The graph: decoded frames in, frames of every rendition out. Zero it before use. */
struct mt_pictures {
    AVFilterGraph *graph;
    AVFilterContext *source;
    AVFilterContext *sinks[MT_LANES_MAX];
    struct mt_kind kind;
    int n;
};

/* Whether the graph as it stands takes the frame; if not, drain it and open it anew. */
bool mt_pictures_fit(const struct mt_pictures *pictures, const AVFrame *frame);

/* Opens, or reopens, for frames like this one with times in base. */
int mt_pictures_open(struct mt_pictures *pictures, const struct mt_look *look, const AVFrame *frame,
                     AVRational base, struct mt_err *err) MT_MUST_USE;

/* Gives a frame (emptied) or, with NULL, the end. */
int mt_pictures_send(struct mt_pictures *pictures, AVFrame *frame, struct mt_err *err) MT_MUST_USE;

/* 1 and the next frame of a rendition with its time in base, 0 if there is none yet, -1. */
int mt_pictures_receive(struct mt_pictures *pictures, int rendition, AVFrame *frame,
                        AVRational base, struct mt_err *err) MT_MUST_USE;

void mt_pictures_close(struct mt_pictures *pictures);

/* ---- encoding pictures (transcode_video.c) ---- */

struct mt_video {
    AVCodecContext *codec;
    const char *name;      /* of the encoder, for messages */
    AVFrame *held;         /* until the next shows how long it lasts */
    int64_t next_key;      /* from this time on the next frame is a key frame */
    int64_t last_duration; /* of the frame sent last */
    int64_t frames;
    struct mt_shown { /* durations of frames under way in the encoder */
        int64_t pts, duration;
    } * shown;
    int shown_at;
};

struct mt_video_setup;

/* One kind of encoder. */
struct mt_encoder {
    const char *codec;   /* "h264" */
    const char *library; /* "libx264" */
    const char *name;    /* for messages: "H.264" */
    int crf, crf_max;    /* the usual constant quality, and the least, of its own scale */
    bool deep;           /* keeps 10 bits and HDR */
    /* How constant quality gets a ceiling: by a buffer model, also of averages; by one that
     * averages do not have; by naming a rate. */
    enum mt_cap { MT_CAP_CRF, MT_CAP_VBV, MT_CAP_RATE } cap;
    void (*tell)(AVDictionary **options, const struct mt_video_setup *setup);
};

/* The encoder of a codec; NULL stands for "h264". NULL if there is none. */
const struct mt_encoder *mt_encoder_of(const char *codec);

/* MT_ERR_USAGE for a codec (NULL) or preset that is not known, MT_ERR_UNAVAILABLE. */
int mt_encoder_check(const struct mt_encoder *encoder, const char *preset,
                     struct mt_err *err) MT_MUST_USE;

struct mt_video_setup {
    const struct mt_av_rendition *rendition;
    double share; /* of an average rate that this part of the film gets; 0, 1: all of it */
    struct mt_size size;
    const struct mt_look *look;
    AVRational base, rate;
    bool constant_rate; /* rate is not an average but what every picture lasts */
    const char *preset;
    int threads;
};

/*
 * How full that buffer is when a segment begins. Encoders take half as where they try to be in the
 * long run, so that they leave it to the next segment as they found it. A full one would be spent
 * anew by each segment: a film that is hard all through came to 20 % more than its peak rate.
 */
#define MT_BUFFER_AT_FIRST 0.5

/* The peak rate of a rendition's pictures of that size, bits per second; 0: none. */
int64_t mt_video_ceiling(const struct mt_av_rendition *rendition, struct mt_size size);

/*
 * An encoder of the rendition's codec: closed GOPs that begin at the first frame at or after each
 * multiple of MT_GOP_S seconds and nowhere else (no scene-cut key frames: the GOPs of
 * all renditions, and of segments encoded apart, are the same). Times are of the
 * output. MT_ERR_UNAVAILABLE without libx264.
 */
int mt_video_open(struct mt_video *video, const struct mt_video_setup *setup,
                  struct mt_err *err) MT_MUST_USE;

/* Gives a frame (emptied) or, with NULL, the end, when the last one held lasts last_duration. */
int mt_video_send(struct mt_video *video, AVFrame *frame, int64_t last_duration,
                  struct mt_err *err) MT_MUST_USE;

/* 1 and a packet with its duration, 0 if there is none yet or no more, -1. */
int mt_video_receive(struct mt_video *video, AVPacket *packet, struct mt_err *err) MT_MUST_USE;

void mt_video_close(struct mt_video *video);

/* ---- tags (transcode_tags.c) ---- */

/* Copies what may be published: titles and rights, the sound's language, chapters. */
int mt_tags_copy(AVFormatContext *to, const struct mt_in *source, int64_t origin_us) MT_MUST_USE;

#endif
