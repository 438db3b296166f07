/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * segment.h - a film in pieces: planned once, encoded apart, joined without a seam.
 *
 * The plan says where a film is cut: at the first picture at or after some of the multiples
 * of 2 s of its time line, where an encoder that makes one piece of it has a key frame as well.
 * Whoever encodes a segment opens the source for itself, decodes from an access point before
 * the cut, drops what lies before (filters that need a history get a few pictures more), and
 * stops at the next cut; so segments can be made in any order, by several processes, on several
 * machines, and each picture is in exactly one of them. What is made is fragmented MP4, one
 * fragment for each GOP, which mt_av_mux() joins.
 *
 * All segments of a source are alike in what depends on the film as a whole: the look of the
 * pictures, the time line and the encoders' settings come from the plan.
 */
#ifndef MT_AV_SEGMENT_H
#define MT_AV_SEGMENT_H

#include "av/mux.h"
#include "av/transcode.h"
#include "typeset/typeset.h"

#include <stdbool.h>

/*
 * Reads all packets of the source and decodes its first picture. The plan depends on the source
 * alone, and may be stored and sent. A new reference:
 *
 * {"version": 1, "source_base": [n, d], "base": [n, d] (seconds per tick of what is decoded and of
 * what is encoded), "rate": [n, d], "constant_rate", "origin_us" (where the film begins on the
 * source's clock), "duration_us", "frames" (as packets promise), "interlaced", "sound", "language":
 * null or as the container has it, "jumps", "look": {...}, "undivided": null or why there is only
 * one segment, "segments": [{"start" (base, from the film's begin), "frames", "first", "end",
 * "lead", "access" (source_base: pictures from first to before end belong to it; filters want those
 * from lead on; decoding begins with the packet of DTS access), "hash", "bytes" (of the source,
 * about)}]}. lead and access are absent when decoding begins with the file, all but start and
 * frames when there is only one segment; the last end is null.
 *
 * Errors as mt_av_transcode().
 */
json_t *mt_av_plan(int fd, const struct mt_av_limits *limits, const struct mt_av_progress *progress,
                   struct mt_err *err);

/* The size of a rendition of the planned film. */
void mt_av_plan_size(const json_t *plan, const struct mt_av_rendition *rendition, int *w, int *h);

/* A run of segments, encoded by one process from one decode. */
struct mt_av_segments {
    const json_t *plan;
    const struct mt_av_rendition *renditions; /* what is made is appended to each one's fd */
    int n;
    const char *preset;
    int threads; /* of each encoder and of the decoder; 0: as many as there are processors */
    int first;   /* the segment to begin with */
    /*
     * Begin to decode farther back, and take what comes then for what there is. Without it the
     * pictures of the first segment must be those of the plan.
     */
    bool wider;
    const struct mt_typeset_text *burn; /* is written into the pictures; NULL: nothing */
    bool score;  /* compare each encoded picture with what the encoder was given */
    bool common; /* also, enlarged, with what that of the largest rendition was given */
    struct mt_av_limits limits;
    struct mt_av_progress progress; /* told film time encoded since the beginning of the run */

    /* Asked before each segment, in order: a bit for each rendition to make, 0 ends the run. */
    unsigned (*claim)(void *ctx, int segment);

    /*
     * A segment is finished: {"segment", "frames", "errors", "messages", "end_us" (where what was
     * decoded ends, from the film's begin), "missing", "backwards", "renditions": [{"rendition"
     * (index), "offset", "size" (where in the file it lies), "frames", "video_bytes", "score":
     * null or {"sum" (of the pictures' SSIM), "worst": [{"time_s", "value"}], "common" (the sum at
     * the size of the largest, if that was asked for)}}]}; lent. It is
     * written, not yet durable.
     */
    int (*done)(void *ctx, const json_t *report, struct mt_err *err);
    void *ctx;
};

/*
 * Runs until claim() gives 0 or the film ends. MT_ERR_VERIFY: the pictures are not those of
 * the plan (try wider), or what was encoded does not decode to what went in.
 * Otherwise as mt_av_transcode().
 */
int mt_av_segments_encode(int fd, const struct mt_av_segments *spec,
                          struct mt_err *err) MT_MUST_USE;

/* What quality costs in a film. */
struct mt_av_quality {
    const json_t *plan;
    const struct mt_av_rendition *renditions; /* their crf is where the search begins; fd unused */
    int n;
    const char *preset;
    int threads; /* of each encoder and of the decoder */
    const struct mt_typeset_text *burn;
    double target;  /* SSIM that is wanted, below 1; 0: only try what the renditions say */
    int scratch_fd; /* a file whose content is of no interest to anybody */
    struct mt_av_limits limits;
    struct mt_av_progress progress;
};

/*
 * Encodes up to four segments spread over the film, all renditions at once, and finds for
 * each the highest CRF that meets the target, in three trials. Pictures are compared at the
 * rendition's own size, and at that of the largest, to tell renditions apart: the target is meant
 * at the own size. The report, new: {"target", "segments": [...], "sampled_s" (film in one trial),
 * "took_s_per_s" (seconds for one of film), "common_resolution", "renditions": [{"name", "crf",
 * "ssim", "ssim_common" (null where the picture rate is its own), "video_bps", "met", "trials":
 * [{"crf", "ssim", "video_bps"}]}]}. Errors as mt_av_segments_encode().
 */
json_t *mt_av_quality_find(int fd, const struct mt_av_quality *spec, struct mt_err *err);

/* The sound of a film, encoded in one piece for each bit rate. */
struct mt_av_sound_spec {
    int64_t origin_us; /* where the film begins on the source's clock */
    const int64_t *bps;
    const int *fds; /* new, empty files: an MP4 of AAC-LC each, with times of the film */
    int n;
    struct mt_av_limits limits;
    struct mt_av_progress progress;
};

/*
 * Sound is mono or stereo of 44.1 or 48 kHz. The report, new: {"samples" (decoded, per channel),
 * "end_us" (from the film's begin), "errors", "messages", "encoded" (samples per channel)}.
 * MT_ERR_NOT_APPLICABLE when none decodes.
 */
json_t *mt_av_sound_encode(int fd, const struct mt_av_sound_spec *spec, struct mt_err *err);

/* Where a segment of a rendition lies. */
struct mt_av_piece {
    int fd;
    int64_t offset, size; /* size 0: the segment has no pictures */
    int64_t frames;
};

/* The parts of one rendition. */
struct mt_av_join {
    const json_t *plan;
    const struct mt_av_piece *pieces; /* one for each segment of the plan, in order */
    int sound_fd;                     /* from mt_av_sound_encode(); -1: none */
    const struct mt_av_track *others; /* of sound and text, behind the pictures, if there are any */
    int n_others;
    const struct mt_av_rendition *rendition; /* which it is; NULL: one with the source's times */
    const char *format;                      /* as struct mt_av_mux has it; NULL: "mp4" */
    int source_fd;                           /* whose titles, rights and chapters are kept */
    int fd;                                  /* a new, empty file: the rendition comes here */
    struct mt_av_limits limits;
    struct mt_av_progress progress;
};

/*
 * Joins them, by mt_av_mux(). The report, new: {"frames", "duration" (s), "video_bps",
 * "audio_bps" (of all sound together), "size_bytes", "tracks" (as mt_av_mux() has them), "peak_bps"
 * (of the pictures; absent without one)}.
 */
json_t *mt_av_segments_join(const struct mt_av_join *join, struct mt_err *err);

#endif
