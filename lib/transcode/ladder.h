/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ladder.h - which renditions a source gets. */
#ifndef MT_TRANSCODE_LADDER_H
#define MT_TRANSCODE_LADDER_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { MT_RUNGS_MAX = 16 };

/* One rung: what is made, and what it may cost. */
struct mt_rung {
    char name[24];       /* "720p", "900p" of a source, "audio", "audio-128k" */
    bool audio_only;     /* no picture, whatever the source has */
    int height_px;       /* of the shorter side; 0: the source's own, until mt_ladder_fit() */
    bool upscale;        /* may be larger than the source */
    char format[8];      /* of the file: "mp4", "webm", "mp3" ... */
    char video_codec[8]; /* "h264", "hevc", "vp9", "av1", "copy"; "" if audio_only */
    char audio_codec[8]; /* "aac", "opus", "mp3", "flac", "vorbis", "alac", "pcm", "copy" */
    int64_t video_bps;   /* average; 0: constant quality */
    int64_t max_bps;     /* peak rate of the picture (VBV); 0: none */
    int crf;             /* of the codec's own scale; -1: the program's for the codec */
    int64_t audio_bps;   /* of a stereo track; 0: lossless */
    double max_fps;      /* pictures a second at most; 0: as many as there are */
    double fps;          /* exactly so many, each lasting as long; 0: as in the source */
    bool constant;       /* every picture lasts as long, whatever the source's do */
    char bitrate[16];    /* as asked for ("5M"), for names; or "" */
};

struct mt_ladder {
    struct mt_rung rungs[MT_RUNGS_MAX];
    int n;
    bool automatic;                /* mt_ladder_fit() is to choose the rungs */
    struct mt_rung automatic_rung; /* what they have in common */
};

/* What holds for rungs that say nothing else. Zeros and NULL: h264 and aac in mp4, by quality. */
struct mt_rung_defaults {
    const char *format, *video_codec, *audio_codec;
    const char *bitrate; /* "5M": average of the picture */
    int crf;             /* -1: the program's for the codec */
    int64_t audio_bps;   /* 0: by the height */
    bool upscale, constant;
    double max_fps, fps;
};

/* "30", "29.97", "30000/1001": from 1 to 240. MT_ERR_USAGE names what. */
int mt_ladder_fps(const char *what, const char *text, double *fps, struct mt_err *err) MT_MUST_USE;

/*
 * Reads a list such as "1080p:5M,720p:crf=23,audio:128k", in any order, each
 * "auto" (from the size and picture rate of the source; see mt_ladder_fit()),
 * "source" (its own size), "audio" (no picture) or 16p to 4320p. After colons: a rate ("5M",
 * "2500k": the average; the peak is half as much again), "crf=N", "max=RATE" (the peak),
 * "fps=N", a format or codecs ("webm", "hevc", "opus").
 *
 * Without any the peak rates are the specification's (1080p 5000k, 720p 2500k, 480p 1000k, 360p
 * 600k); others lie on the line through their neighbours by number of pixels.
 * Codec and format must go together: webm alone chooses VP9 and Opus. MT_ERR_USAGE.
 */
int mt_ladder_parse(struct mt_ladder *ladder, const char *text,
                    const struct mt_rung_defaults *defaults, struct mt_err *err) MT_MUST_USE;

/*
 * The same from the specification's JSON, an array of {"quality": "1080p", "format": "mp4",
 * "bitrate": "5000k"}, or an object that holds it as "output_formats", as a request to transcode
 * does. Further members: "codec", "audio_codec", "audio_bitrate", "max_bitrate" (strings),
 * "crf", "fps", "max_fps" (numbers). MT_ERR_USAGE names entry and member.
 */
int mt_ladder_json(struct mt_ladder *ladder, const json_t *formats,
                   const struct mt_rung_defaults *defaults, struct mt_err *err) MT_MUST_USE;

/* What a source is like. */
struct mt_shape {
    int w, h;    /* as displayed; 0: no moving picture */
    double fps;  /* 0: not known */
    int64_t bps; /* that H.264 as good as it would take, about; 0: not known */
};

/*
 * Fits the ladder to a source. Rungs above it are left out, since nothing is enlarged without
 * being told to; if none is left, one rung of the source's own size takes their place. dropped gets
 * a {"quality", "reason"} for each that went. Highest first, sound last. A source without
 * pictures has rungs of sound only: if none was asked for, one takes the place of all others, in
 * m4a unless they are of a format for sound.
 *
 * "auto" becomes the source's own size and what lies below it of 2160p, 1440p (of sources of at
 * least that), 1080p, 720p, 480p, 360p and, of small sources, 240p, the next lower at most 0.8 of
 * it. Of more than 30 pictures a second, peak rates are higher by the square root of the ratio, and
 * rungs below 720p have at most 30. Of a source that takes no more than half of what the lowest
 * rung may, there is only the first, unless a rate is named: who can play the lowest can play that.
 */
void mt_ladder_fit(struct mt_ladder *ladder, const struct mt_shape *shape, json_t *dropped);

/* All that decides what comes out, for the recipe. New. */
json_t *mt_rung_settings(const struct mt_rung *rung);

/* "high_res", "low_res", "audio_only": as variant_type. */
const char *mt_rung_type(const struct mt_rung *rung);

/* Words for completions; each ends with NULL. Any other number of lines will do too. */
extern const char *const mt_qualities[];
extern const char *const mt_formats[];
extern const char *const mt_video_codecs[];
extern const char *const mt_audio_codecs[];

#endif
